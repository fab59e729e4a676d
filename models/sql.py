"""Plain SQL over the tortoise connection, for the few statements that run once per batch of messages.

Statements are written once with PostgreSQL's `$1`; SQLite gets `?1`. Times in the tables of the machinery
are milliseconds since 1970 (UTC), so that one statement compares them on both engines.
"""

import re
import time
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.connection import get_connection


def connection() -> BaseDBAsyncClient:
    """The current transaction's connection, or the database's own outside of one."""
    return get_connection("default")


def on_postgres() -> bool:
    return connection().capabilities.dialect == "postgres"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@lru_cache(maxsize=4096)
def marks(count: int, start: int = 1) -> str:
    """`$1,$2,…` for a list of values."""
    return ",".join(f"${n}" for n in range(start, start + count))


@lru_cache(maxsize=1024)
def row_marks(rows: int, columns: int) -> str:
    """`($1,$2),($3,$4),…` for a VALUES list."""
    return ",".join(f"({marks(columns, row * columns + 1)})" for row in range(rows))


@lru_cache(maxsize=1024)
def _for_sqlite(statement: str) -> str:
    return re.sub(r"\$(\d+)", r"?\1", statement)


def _for_engine(db: BaseDBAsyncClient, values: Sequence[Any]) -> list[Any]:
    """SQLite has no type for a moment: it is kept as tortoise writes it, which sorts as text."""
    if db.capabilities.dialect == "sqlite":
        return [value.isoformat(" ") if isinstance(value, datetime) else value for value in values]
    return list(values)


async def execute(db: BaseDBAsyncClient, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Run one statement and return its rows (those of RETURNING included)."""
    if db.capabilities.dialect == "sqlite":
        statement = _for_sqlite(statement)
    # not execute_query: on PostgreSQL it drops the rows of an UPDATE's RETURNING
    return await db.execute_query_dict(statement, _for_engine(db, values))


async def insert(table: str, **values: Any) -> int:
    """Add a row in the current transaction; its id."""
    statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks(len(values))}) RETURNING id"
    rows = await execute(connection(), statement, list(values.values()))
    return int(rows[0]["id"])


async def execute_many(db: BaseDBAsyncClient, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run one statement for each row, in one trip to the database."""
    if db.capabilities.dialect == "sqlite":
        statement = _for_sqlite(statement)
    if rows:
        await db.execute_many(statement, [_for_engine(db, row) for row in rows])


def cut(text: str, length: int) -> str:
    """Text from outside as a column of this length takes it: PostgreSQL would refuse the whole batch."""
    return text.replace("\0", "")[:length]


def day(value: date | str) -> date:
    """SQLite keeps a day as text."""
    return value if isinstance(value, date) and not isinstance(value, datetime) else date.fromisoformat(str(value)[:10])


def as_day(day: object) -> object:
    """A day as the engine keeps it: SQLite has text."""
    return day if on_postgres() else str(day)
