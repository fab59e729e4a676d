"""Whoever does the day's work, how often and at once: each reminder is said once, by the operator's own day."""

import asyncio
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from bot.app import assembled
from bot.config import load
from bot.server import Server
from models.messages.tables import Outbox
from models.money import Contract
from models.money.contracts import Instalment
from tests.world.reminding import AFTER, BEFORE

# Another process that does its chores once, at this moment.
CHORES = """
import asyncio, sys, time_machine
from bot.app import assembled
from bot.config import load

async def main():
    async with assembled(load(database=sys.argv[1]), serving=False) as mwanga:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await mwanga.housekeeping.chores()

with time_machine.travel(float(sys.argv[2])):
    asyncio.run(main())
"""
CONTRACTS = 40


async def texts() -> list[str]:
    return [row.text for row in await Outbox.filter(kind="reminder").order_by("id")]


async def sell_many() -> None:
    """The first contract again and again: each has two instalments that are overdue."""
    first = await Contract.get(id=1)
    terms = {name: getattr(first, name) for name in ("terms", "price", "down", "period", "day_price", "minimum")}
    who = {"appliance_id": first.appliance_id, "customer_id": first.customer_id, "agent_id": first.agent_id}
    for number in range(CONTRACTS):
        contract = await Contract.create(
            **terms,
            **who,
            key=f"many {number}",
            commission=0,
            sold_on=first.sold_on,
            created_at=first.created_at,
        )
        for week in (1, 2):
            due = first.sold_on + timedelta(weeks=week)
            await Instalment.create(contract=contract, number=week, due_on=due, amount=100)


async def test_the_work_is_done_twice_at_once(mwanga: Server) -> None:
    with time_machine.travel(BEFORE, tick=False):
        await asyncio.gather(*(mwanga.housekeeping.chores() for _several in range(3)))
        await mwanga.housekeeping.chores()
        assert len(await texts()) == 1


@pytest.mark.parametrize("engine", ["postgres"])  # SQLite's file is served by one process
async def test_two_processes_remind_once(mwanga: Server, demo_url: str) -> None:
    await sell_many()
    when = AFTER + timedelta(weeks=1)
    others = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", CHORES, demo_url, str(when.timestamp())),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _each in range(2)
    ]
    for other in others:
        assert other.stdout and await other.stdout.readline() == b"ready\n"
    await asyncio.gather(*(other.communicate(b"go\n") for other in others))
    said = Counter(text for text in await texts() if "is overdue since" in text)
    assert len(said) == CONTRACTS + 1
    assert set(said.values()) == {1}


@pytest.mark.parametrize(
    ("zone", "hour"),
    [("Africa/Dar_es_Salaam", 8), ("Pacific/Kiritimati", 8), ("Pacific/Kiritimati", 18), ("Pacific/Honolulu", 18)],
)
async def test_the_day_is_the_operators_own(zone: str, hour: int, demo_url: str) -> None:
    """Also where UTC has another date by then; what is due on 1 December is spoken of from 29 November."""
    here = datetime(2026, 11, 28, hour, tzinfo=ZoneInfo(zone))
    async with assembled(load(database=demo_url, timezone=zone), serving=False) as mwanga:
        with time_machine.travel(here, tick=False) as clock:
            await mwanga.housekeeping.chores()
            assert await texts() == []
            clock.move_to(here + timedelta(days=1))
            await mwanga.housekeeping.chores()
            (only,) = await texts()
            assert "is due on 1 Dec" in only


async def test_around_midnight_nothing_is_said_and_nothing_is_left_out(mwanga: Server) -> None:
    midnight = datetime(2026, 11, 28, 21, tzinfo=UTC)  # in Mtwara the 29th begins
    with time_machine.travel(midnight, tick=False) as clock:
        for minutes in (-1, 0, 1, 60):
            clock.move_to(midnight + timedelta(minutes=minutes))
            await mwanga.housekeeping.chores()
            assert await texts() == []
        for hours in range(2, 30):
            clock.move_to(midnight + timedelta(hours=hours))
            await mwanga.housekeeping.chores()
        assert len(await texts()) == 1
