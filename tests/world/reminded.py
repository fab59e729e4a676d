"""What a server does of itself as soon as it starts depends on when a test runs: the demo world's instalments fall due
on fixed days, the books were never added up, and in the morning and in the evening agents are told of their day. Most
tests want none of it."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import asyncpg
from time_machine import escape_hatch

from bot.runtime.addresses import connect_arguments, is_embedded, sqlite_file
from models.money.books import KEPT

REMINDED = "UPDATE instalment SET reminded_before = $1, reminded_after = $1"
NOBODY_TOLD = {"summary_hour": "", "morning_hour": ""}  # settings with which no agent is told of the day
AT_ANY_HOUR = {**NOBODY_TOLD, "day_from": 0, "day_until": 24}  # reminders go out at night as well
ADDED_UP = "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"


async def leave_nothing_due(database: str) -> None:
    """Before a server in this process goes by the real clock. A test that sets the clock knows what is due."""
    if not escape_hatch.is_travelling():
        now = datetime.now(UTC)
        await _write(database, (REMINDED, now), (ADDED_UP, KEPT, f"{int(now.timestamp() * 1000)} "))


async def mark_reminded(database: str) -> None:
    """All that is due is as if its customer had been reminded of it."""
    await _write(database, (REMINDED, datetime.now(UTC)))


async def _write(database: str, *statements: tuple[object, ...]) -> None:
    """Each is a statement and its values. Nothing is written where there are no tables yet."""
    if is_embedded(database):
        if not sqlite_file(database).exists():
            return
        with closing(sqlite3.connect(sqlite_file(database))) as connection, connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'instalment'").fetchone():
                for statement, *values in statements:
                    written = [v.isoformat(sep=" ") if isinstance(v, datetime) else v for v in values]
                    connection.execute(str(statement).replace("$", "?"), written)
        return
    served = await asyncpg.connect(**connect_arguments(database))
    try:
        if await served.fetchval("SELECT to_regclass('instalment')"):
            for statement, *values in statements:
                await served.execute(str(statement), *values)
    finally:
        await served.close()
