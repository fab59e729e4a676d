"""The demo world's instalments fall due on fixed days: nobody is reminded of them because a test runs on one."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import asyncpg
from time_machine import escape_hatch

from bot.runtime.addresses import connect_arguments, is_embedded, sqlite_file

REMINDED = "UPDATE instalment SET reminded_before = $1, reminded_after = $1"


async def remind_nobody(database: str) -> None:
    """Before a server in this process goes by the real clock. A test that sets the clock knows what is due."""
    if not escape_hatch.is_travelling():
        await mark_reminded(database)


async def mark_reminded(database: str) -> None:
    """All that is due is as if its customer had been reminded of it."""
    now = datetime.now(UTC)
    if is_embedded(database):
        if not sqlite_file(database).exists():
            return
        with closing(sqlite3.connect(sqlite_file(database))) as connection, connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'instalment'").fetchone():
                connection.execute(REMINDED.replace("$1", "?1"), [now.isoformat(sep=" ")])
        return
    served = await asyncpg.connect(**connect_arguments(database))
    try:
        if await served.fetchval("SELECT to_regclass('instalment')"):
            await served.execute(REMINDED, now)
    finally:
        await served.close()
