"""Reading at length beside all work: what is asked sees the database as it was at the start, and holds nobody up."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

import asyncpg

from bot.runtime.addresses import connect_arguments, is_embedded, sqlite_file
from bot.runtime.over_asyncpg import miss_its_host

Ask = Callable[[str], Awaitable[list[dict[str, Any]]]]
STEPS = 10_000  # of SQLite's machine, less than a millisecond
# PostgreSQL would take up to three cores for one long statement, and from those who wait for an answer.
ONE_CORE = "SET LOCAL max_parallel_workers_per_gather = 0"


@asynccontextmanager
async def read_aside(url: str) -> AsyncIterator[Ask]:
    """Statements on a connection of their own, all in one transaction that only reads. The embedded database is read in
    a thread: the loop's own would answer nobody meanwhile. Whoever is cancelled stops at once."""
    async with _sqlite(url) if is_embedded(url) else _postgres(url) as ask:
        yield ask


@asynccontextmanager
async def _sqlite(url: str) -> AsyncIterator[Ask]:
    address = f"{sqlite_file(url).absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)) as opened:
        opened.row_factory = sqlite3.Row
        # Asked all the while: `interrupt` would not end a statement that its thread has yet to begin.
        given_up, in_use = threading.Event(), threading.Lock()
        opened.set_progress_handler(given_up.is_set, STEPS)

        def run(statement: str) -> list[dict[str, Any]]:
            with in_use:
                if given_up.is_set():
                    raise sqlite3.OperationalError("interrupted")
                return [dict(row) for row in opened.execute(statement)]

        async def ask(statement: str) -> list[dict[str, Any]]:
            running = asyncio.ensure_future(asyncio.to_thread(run, statement))
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                given_up.set()
                with suppress(sqlite3.Error):
                    await running
                raise

        opened.execute("BEGIN")
        try:
            yield ask
        finally:
            # Whoever is cancelled twice, as at the end of a loop, comes here while the thread is still in a statement:
            # SQLite dies of a connection that is closed under it.
            given_up.set()
            with in_use:
                opened.close()


@asynccontextmanager
async def _postgres(url: str) -> AsyncIterator[Ask]:
    opened = await asyncpg.connect(**connect_arguments(url))
    try:
        await miss_its_host(opened)
        async with opened.transaction(isolation="repeatable_read", readonly=True):
            await opened.execute(ONE_CORE)

            async def ask(statement: str) -> list[dict[str, Any]]:
                return [dict(row) for row in await opened.fetch(statement)]

            yield ask
    except BaseException:  # it may be in the midst of a statement
        opened.terminate()
        raise
    await opened.close()
