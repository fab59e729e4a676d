"""Every talk from its beginning to its end, at the longest values, in every language, on both channels: each message
gets one reply of one part, and nobody else is told but by the talks that tell others. A new talk joins by itself."""

from collections.abc import AsyncIterator

import pytest

from bot.config import LANGUAGES
from bot.server import Server
from bot.talks.commands import Talk
from bot.talks.turn import Channel
from models.money.ledger import AccountKind, Posting, cash_held, post
from models.people.callers import Role
from models.people.tables import Agent, Customer
from tests.world.long_world import BIG, LONG_NAME, LONG_SERIAL, LONG_STOCK, longest_world
from tests.world.people import Phones
from tests.world.routes import Route, channels
from tests.world.walk import CALLERS, Walk, World, short

TELL_OTHERS = {"buy", "pay", "sell", "register", "fix", "problem", "note", "done", "fixed"}
GOOD = {
    "device": LONG_SERIAL,
    "amount": BIG,
    "find search": "wwwwww",
    "payable": LONG_SERIAL,
    "pay payable": "S1003",
    "name": LONG_NAME,
    "words": "W" * 120,
}
ONCE = {  # what can be given only once
    Channel.SMS: {"phone": "0713000111", "serial": "04123456792", "free device": LONG_STOCK},
    Channel.USSD: {"phone": "0713000222", "serial": "0600123456789", "free device": "EB100043"},
}


@pytest.mark.parametrize("engine", ["sqlite"])  # what is said does not depend on where it is stored
@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_talk_gives_one_short_reply_to_each_answer(mwanga: Server, language: str) -> None:
    await longest_world(mwanga, language)
    phones = Phones(mwanga)
    for one in mwanga.commands.talks:
        for role in sorted(one.roles):
            for channel in channels(one, role):
                async for walk in steps(phones, one, role, channel, language):
                    where = (one.name, role, channel, walk.question.name, walk.answer, walk.others)
                    assert walk.answer and short(walk.answer), where
                    assert all(short(message) for _name, message in walk.others), where
                    told = [name for name, _message in walk.others]
                    assert len(told) == len(set(told)), where
                    assert one.name in TELL_OTHERS or set(told) <= {walk.who}, where


async def steps(phones: Phones, one: Talk, role: Role, channel: Channel, language: str) -> AsyncIterator[Walk]:
    """The walk through a talk, at each of its answers; in a world with a new ticket, and as if no walk was before."""
    agents = await Agent.all()
    opened = dict(await phones.text("Juma", f"FIX {LONG_SERIAL} {'W' * 120}"))["Juma"]
    ticket = next(word for word in opened.replace(".", " ").split() if word[0] == "K" and word[1:].isdecimal())
    if one.name == "fixed":
        await phones.text("Juma", f"DONE {ticket}")
    good = {**GOOD, **ONCE[channel], "ticket": ticket}
    world = World(CALLERS, {}, good)
    walk = Walk(phones, Route(one.name, role), channel, world, "en" if role is Role.STRANGER else language)
    await walk.begin()
    yield walk
    while walk.open:
        await walk.say(walk.good_answer)
        yield walk
    for agent in agents:
        await agent.save()
    await Customer.all().update(language=language)
    held = await cash_held(1) - 80_000_000_00
    await post(
        f"{one.name} {role} {channel}", [Posting(AccountKind.CASH, 1, -held), Posting(AccountKind.REVENUE, 0, held)]
    )
