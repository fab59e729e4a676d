"""What agents are told by the clock: once a day each, whoever asks how often, and not those who want nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from bot.app import assembled
from bot.config import load
from bot.server import Server
from models.money.ledger import AccountKind, Posting, post
from models.people import Agent
from models.sql import connection, execute
from tests.world.people import PEOPLE, Phones

DAY = datetime(2026, 11, 24, tzinfo=UTC)
YES = "1 482915"


def at(hours: float) -> datetime:
    """This time of the day in Mtwara, which is three hours ahead."""
    return DAY + timedelta(hours=hours - 3)


@asynccontextmanager
async def world(url: str, **settings: object) -> AsyncIterator[Server]:
    async with assembled(load(database=url, languages="en,sw,fr,pt,ha", **settings), serving=False) as mwanga:
        yield mwanga


async def told(mwanga: Server) -> list[tuple[str, str]]:
    """Whom the chores of now told what."""
    before = await execute(connection(), "SELECT COALESCE(MAX(id), 0) AS id FROM outbox")
    await mwanga.housekeeping.chores()
    new = "SELECT phone, text FROM outbox WHERE id > $1 AND origin LIKE '% agent %' ORDER BY id"
    rows = await execute(connection(), new, [before[0]["id"]])
    names = {number: name for name, number in PEOPLE.items()}
    return [(names[row["phone"]], row["text"]) for row in rows]


async def sell(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    await phones.text("Asha", YES)


async def test_an_agent_who_sold_is_told_of_the_day_once(demo_url: str) -> None:
    with time_machine.travel(at(10), tick=False) as clock:
        async with world(demo_url) as mwanga:
            await sell(mwanga)
            clock.move_to(at(18.9))
            assert await told(mwanga) == []
            clock.move_to(at(19))
            said = "24/11: 1 sold, TZS 8,000. Handed in 0. You hold 8,000 of 200,000. Commission due 800."
            assert await told(mwanga) == [("Asha", said)]
            assert await told(mwanga) == []
            clock.move_to(at(22.9))
        async with world(demo_url) as mwanga:  # after a start, and as another server
            assert await told(mwanga) == []
            clock.move_to(at(19 + 24))
            assert await told(mwanga) == []  # nothing was sold on that day


async def test_in_the_morning_agents_are_told_what_they_can_sell_for(demo_url: str) -> None:
    with time_machine.travel(at(10), tick=False) as clock:
        async with world(demo_url) as mwanga:
            await sell(mwanga)
            clock.move_to(at(24 + 6.9))
            assert await told(mwanga) == []
            clock.move_to(at(24 + 7))
            assert await told(mwanga) == [("Asha", "Good morning. You can sell for TZS 192,000 today.")]
            assert await told(mwanga) == []
            asha = await Agent.get(phone=PEOPLE["Asha"])
            async with mwanga.database.work():
                lines = [Posting(AccountKind.CASH, asha.id, 19_200_000), Posting(AccountKind.DAYS, 0, -19_200_000)]
                await post("more", lines, actor="test")
            clock.move_to(at(48 + 7))
            assert await told(mwanga) == [
                ("Asha", "Good morning. You hold TZS 200,000, your limit: hand in, then sell.")
            ]
            clock.move_to(at(24 * 9 + 7))
            assert await told(mwanga) == []  # idle for more than a week


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("why", ["stopped", "locked", "retired", "off", "too late"])
async def test_who_wants_none_or_sells_no_more_is_not_told(demo_url: str, why: str) -> None:
    settings = {"summary_hour": "", "morning_hour": ""} if why == "off" else {}
    with time_machine.travel(at(10), tick=False) as clock:
        async with world(demo_url, **settings) as mwanga:
            await sell(mwanga)
            if why == "stopped":
                await Phones(mwanga).text("Asha", "STOP")
            if why == "locked":
                await Phones(mwanga).text("Juma", "LOCK 0700000001 482915")
            if why == "retired":
                await Agent.filter(phone=PEOPLE["Asha"]).update(retired_at=at(12), locked_at=at(12))
            clock.move_to(at(23.5) if why == "too late" else at(20))
            assert await told(mwanga) == []
            clock.move_to(at(24 + 11.5) if why == "too late" else at(24 + 8))
            assert await told(mwanga) == []


async def test_two_servers_tell_an_agent_once(demo_url: str) -> None:
    with time_machine.travel(at(10), tick=False) as clock:
        async with world(demo_url) as one, world(demo_url) as other:
            await sell(one)
            clock.move_to(at(20))
            await one.housekeeping.chores()
            await other.housekeeping.chores()
            rows = await execute(connection(), "SELECT 1 FROM outbox WHERE origin LIKE 'summary %'")
            assert len(rows) == 1
