"""Money on its way: what is held back of an account counts until it is used, released or over."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from tortoise.exceptions import IntegrityError

from bot.server import Server
from models.money.cash_limit import read_room
from models.money.ledger import AccountKind
from models.money.refusals import OverLimit
from models.money.reservations import Reservation, release, reserve, reserved, use
from models.people import Agent
from models.sql import DAY_MS, now_ms

LIMIT = 20_000_000  # Asha's


async def hold(mwanga: Server, key: str, amount: int, *, minutes: int = 60) -> None:
    async with mwanga.database.work():
        await reserve(key, AccountKind.CASH, 1, amount, now_ms() + minutes * 60_000)


async def end(mwanga: Server, verb: object, key: str) -> None:
    async with mwanga.database.work():
        await verb(key)  # type: ignore[operator]


async def test_what_is_held_back_leaves_less_room(mwanga: Server) -> None:
    """Open ones count, once by their key; what is used, released or over does not."""
    asha = await Agent.get(id=1)
    await hold(mwanga, "a", 5_000_000)
    await hold(mwanga, "a", 6_000_000)
    await hold(mwanga, "b", 1_000_000)
    await hold(mwanga, "short", 9_000_000, minutes=1)
    assert await reserved(AccountKind.CASH, 1) == 16_000_000
    assert await reserved(AccountKind.CASH, 2) == await reserved(AccountKind.WALLET, 1) == 0
    with pytest.raises(OverLimit):
        (await read_room(asha)).check(LIMIT - 16_000_000 + 1)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2)):
        room = await read_room(asha)
        room.check(LIMIT - 7_000_000)
        with pytest.raises(OverLimit):
            room.check(LIMIT - 7_000_000 + 1)
    await end(mwanga, release, "short")
    await end(mwanga, release, "b")
    await end(mwanga, use, "a")
    await end(mwanga, use, "a")
    await end(mwanga, release, "a")
    assert await reserved(AccountKind.CASH, 1) == 0
    assert {one.key: one.state for one in await Reservation.all()} == {
        "a": "used",
        "b": "released",
        "short": "released",
    }


async def test_what_was_used_is_not_held_back_again(mwanga: Server) -> None:
    await hold(mwanga, "a", 5)
    await end(mwanga, use, "a")
    with pytest.raises(IntegrityError):
        await hold(mwanga, "a", 5)
    with pytest.raises(IntegrityError):
        await hold(mwanga, "nothing", 0)


async def test_many_at_once_are_held_back_once(mwanga: Server) -> None:
    await asyncio.gather(*(hold(mwanga, "a", 5) for _ in range(5)))
    assert await reserved(AccountKind.CASH, 1) == 5


async def test_old_ones_are_forgotten(mwanga: Server) -> None:
    await hold(mwanga, "old", 5)
    async with mwanga.database.work():
        await reserve("new", AccountKind.CASH, 1, 7, now_ms() + 40 * DAY_MS)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=32)):
        await mwanga.housekeeping.purge()
    assert [one.key for one in await Reservation.all()] == ["new"]
