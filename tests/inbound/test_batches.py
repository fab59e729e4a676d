"""Texts of one phone that are handled in one batch: each meets the person as the one before left her."""

import asyncio

from bot.message import Inbound
from bot.server import Server
from bot.text.numbers import sender
from models.sql import execute
from tests.world.people import PEOPLE, Phones


async def all_at_once(mwanga: Server, name: str, *texts: str) -> list[str]:
    """What this phone reads when all of its texts wait already when the first one is handled."""
    phones = Phones(mwanga)
    written = sender(PEOPLE[name], "TZ")
    messages = [Inbound("africastalking", f"m{n}", written, text) for n, text in enumerate(texts)]
    await asyncio.gather(*(mwanga.inbox.record(message) for message in messages))
    await phones.handled()
    return [text for receiver, text in await phones.news() if receiver == name]


async def test_texts_that_wait_together_are_answered_in_the_language_that_the_first_one_asks_for(
    mwanga: Server,
) -> None:
    answers = await all_at_once(mwanga, "Asha", "LANG sw", "CASH")
    assert answers[0].startswith("Tayari") and answers[1].startswith("Unashika TZS 0")


async def test_a_locked_agent_does_nothing_that_waited_behind_the_lock(mwanga: Server) -> None:
    answers = await all_at_once(mwanga, "Asha", "LOCK 0700000001 482915", "FIX SHS0283 no power")
    assert answers[0].startswith("LOCKED.") and answers[1].startswith("You are locked. Nothing was done.")
    assert await execute(mwanga.database.client, "SELECT 1 FROM ticket") == []
