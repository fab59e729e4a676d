"""How each gateway was by the hour: counted once a minute, by one server, and forgotten after some days."""

from collections.abc import AsyncIterator

import pytest
from tortoise.exceptions import IntegrityError

from bot.runtime import Database
from bot.runtime.housekeeping import Housekeeping, Purge
from bot.server import Server
from models.messages import beats
from models.messages.beats import DOWN, HOURS, PAUSED, UP, Beat
from models.sql import DAY_MS, HOUR_MS, MINUTE_MS, execute, now_ms

HOUR = 1_000_000 * HOUR_MS


async def note(database: Database, at: int, **states: str) -> None:
    async with database.work():
        await beats.note(states, at)


async def test_the_minutes_of_an_hour_are_counted_by_what_they_were(database: Database) -> None:
    for minute, state in enumerate([UP, UP, DOWN, PAUSED, UP]):
        await note(database, HOUR + minute * MINUTE_MS, shop=state)
    [beat] = [each for each in (await beats.read(HOUR + 10))["shop"] if each.state]
    assert beat == Beat(HOUR, up=3, down=1, paused=1) and beat.state == DOWN


async def test_a_minute_that_two_servers_see_counts_once(database: Database) -> None:
    await note(database, HOUR, shop=UP)
    await note(database, HOUR + 3_000, shop=DOWN)
    await note(database, HOUR + MINUTE_MS - 4_000, shop=UP)  # the next look, a bit early
    assert (await beats.read(HOUR))["shop"][-1] == Beat(HOUR, up=2)


async def test_a_day_has_24_hours_also_those_in_which_nobody_looked(database: Database) -> None:
    await note(database, HOUR - (HOURS - 1) * HOUR_MS, shop=DOWN)
    await note(database, HOUR - HOURS * HOUR_MS, shop=DOWN)
    await note(database, HOUR, other=UP)
    read = await beats.read(HOUR + 5)
    assert sorted(read) == ["other", "shop"] and {len(day) for day in read.values()} == {HOURS}
    assert [beat.state for beat in read["shop"]] == [DOWN] + [""] * (HOURS - 1)
    assert read["other"][-1] == Beat(HOUR, up=1)


async def test_an_hour_is_forgotten_after_some_days(database: Database) -> None:
    now = now_ms()
    for age in (9 * DAY_MS, 7 * DAY_MS, 0):
        await note(database, now - age, shop=UP)
    purge = Purge("beats", beats.FORGET, older_than_ms=beats.KEPT_MS)
    assert await Housekeeping(database, 365, [purge]).purge() == 1
    assert len(await execute(database.client, "SELECT 1 FROM gateway_beat")) == 2


@pytest.mark.parametrize("column", ["up", "down", "paused"])
async def test_no_hour_has_less_than_no_minute(database: Database, column: str) -> None:
    await note(database, HOUR, shop=UP)
    with pytest.raises(IntegrityError):
        await execute(database.client, f"UPDATE gateway_beat SET {column} = -1")


@pytest.fixture
async def looking(mwanga: Server) -> AsyncIterator[Server]:
    await mwanga.alerts.look()
    yield mwanga


async def test_whoever_looks_after_the_gateways_writes_it_down(looking: Server) -> None:
    """In the demo world the simulator alone carries messages."""
    for _second_look in range(2):
        read = await beats.read(now_ms())
        assert {name: sum(beat.up for beat in day) for name, day in read.items()} == {"simulator": 1}
        await looking.alerts.look()
