"""Reading beside all work: who is cancelled in the midst of it, also more than once, leaves no broken connection."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from bot.runtime import Database
from bot.runtime.aside import read_aside

FOREVER = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) AS n FROM n"


async def test_who_is_cancelled_again_and_again_closes_nothing_that_is_in_use(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "one.db").close()
    begun = asyncio.Event()

    async def read() -> None:
        async with read_aside(f"sqlite://{tmp_path}/one.db") as ask:
            begun.set()
            await ask(FOREVER)

    for _ in range(20):
        begun.clear()
        reading = asyncio.create_task(read())
        await begun.wait()
        while not reading.done():
            await asyncio.sleep(0)
            reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading


async def test_what_is_asked_after_that_is_answered(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "one.db").close()
    async with read_aside(f"sqlite://{tmp_path}/one.db") as ask:
        assert await ask("SELECT 1 AS one") == [{"one": 1}]


@pytest.mark.parametrize("engine", ["postgres"])
async def test_one_long_statement_takes_one_core(database: Database) -> None:
    """Where there are two, its parallel workers would be what people wait for."""
    async with read_aside(database.url) as ask:
        [row] = await ask("SHOW max_parallel_workers_per_gather")
    assert row == {"max_parallel_workers_per_gather": "0"}
