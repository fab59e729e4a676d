"""PostgreSQL goes away and comes back: the same task goes on, with a connection that lives."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Thread

import asyncpg
import pytest

from bot.runtime import Database, DatabaseAway
from bot.runtime.database import SILENT_MS

DROP = """SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()"""

LOCK = "SELECT pg_advisory_xact_lock(1)"
SILENT = "idle_in_transaction_session_timeout"


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def drop_connections(url: str) -> None:
    """End all connections while the loop stands still: whoever uses one next is the first to notice."""

    async def drop() -> None:
        connection = await asyncpg.connect(url.removesuffix("&maxsize=6"))
        await connection.execute(DROP)
        await connection.close()

    thread = Thread(target=lambda: asyncio.run(drop()))
    thread.start()
    thread.join()


async def one(database: Database) -> int:
    async with database.work() as db:
        return int((await db.execute_query_dict("SELECT 1 AS one"))[0]["one"])


async def soon(database: Database) -> int:
    """As the server does: again, while the connections that are gone come to light one by one."""
    for _ in range(20):
        with suppress(DatabaseAway):
            return await one(database)
    return await one(database)


async def all_at_once(database: Database) -> None:
    """As many units of work as there are connections, each with one of its own."""
    together = asyncio.Barrier(6)

    async def each() -> None:
        async with database.work():
            await together.wait()

    async with asyncio.timeout(60):
        await asyncio.gather(*(each() for _ in range(6)))


@pytest.mark.parametrize("when", ["before it begins", "before it is committed", "before it is undone"])
async def test_a_task_whose_connection_was_dropped_works_on(when: str, empty_url: str) -> None:
    async with Database(empty_url) as database:
        for _ in range(8):
            if when == "before it begins":
                drop_connections(empty_url)
            with pytest.raises(DatabaseAway):
                async with database.work() as db:
                    await db.execute_query("SELECT 1")
                    if when != "before it begins":
                        drop_connections(empty_url)
                    if when == "before it is undone":
                        raise ConnectionResetError
            assert await soon(database) == 1
        await all_at_once(database)  # none is kept by what failed


def lock(url: str) -> None:
    """Wait for what another one holds, while the loop stands still."""

    async def wait() -> None:
        connection = await asyncpg.connect(url.removesuffix("&maxsize=6"))
        try:
            await connection.execute(LOCK, timeout=60)
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, wait()).result()


async def test_what_a_server_holds_that_hangs_is_free_again_for_the_others(empty_url: str) -> None:
    """Its machine was cut off, or stands still: nobody closes its connections, and its locks would stay for hours."""
    others = list[str]()
    async with Database(empty_url) as database:
        with pytest.raises(DatabaseAway):
            async with database.work() as db:
                [usual] = await db.execute_query_dict(f"SHOW {SILENT}")
                assert usual == {SILENT: f"{SILENT_MS // 1_000}s"}
                await db.execute_query(LOCK)
                await db.execute_query(f"SET LOCAL {SILENT} = 500")  # from here on it says nothing
                lock(empty_url)
                others.append("have it")
                await db.execute_query(LOCK)  # it goes on where it stood still
        assert others, "who waited in vain would look like a database that is away"
        assert await soon(database) == 1
