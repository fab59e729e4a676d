"""The large database of the benches is as a server leaves one that it has served for a year: what measures it measures
no work that was put off."""

import sqlite3
from contextlib import closing

import pytest

from bot.app import PURGES
from bot.runtime import Database
from models.money.books import last_check
from models.sql import DAY_MS, HOUR_MS, execute, now_ms
from tests.bench.history import grow

KEPT_MS = 36_500 * DAY_MS  # how long the servers of the benches keep texts
LATER_MS = 20 * HOUR_MS  # it is kept for the day
pytestmark = pytest.mark.parametrize("engine", ["sqlite"])  # for PostgreSQL it is copied


async def test_nothing_waits_to_be_forgotten_or_added_up(demo_url: str) -> None:
    with closing(sqlite3.connect(demo_url.removeprefix("sqlite://"))) as connection:
        for _part in grow(connection, customers=300, messages=1_000):
            pass
    async with Database(demo_url) as database:
        for purge in PURGES:
            before = now_ms() - (purge.older_than_ms or KEPT_MS) + LATER_MS
            assert await execute(database.client, purge.statement, [before, 1]) == [], purge.name
        checked = await last_check()
    assert checked and checked.fault == "" and checked.at > now_ms() - DAY_MS
