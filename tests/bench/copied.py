"""A database of SQLite's, row for row, in a PostgreSQL: the large one is made once, and measured on both."""

import csv
import io
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import asyncpg

from bot.runtime import Database

PORTION = 20_000  # rows that are sent at once
NULL = r"\N"  # an empty cell is an empty text
# Indexes beside those of keys: made once all rows are there, that takes less.
INDEXES = """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
  AND indexname NOT IN (SELECT conname FROM pg_constraint)"""
TABLES = """SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c
  JOIN information_schema.tables t USING (table_schema, table_name)
  WHERE table_schema = 'public' AND t.table_type = 'BASE TABLE' AND table_name <> 'tortoise_migrations'
  ORDER BY c.table_name, c.ordinal_position"""
COUNTS_ON = """SELECT setval(pg_get_serial_sequence('"{table}"', 'id'), (SELECT MAX(id) FROM "{table}"))"""


async def copy_over(file: Path, database: str) -> None:
    """All that the file has, in an empty PostgreSQL. Its triggers are not asked: what they keep is copied too."""
    async with Database(database) as opened:
        await opened.migrate()
    to = await asyncpg.connect(database, server_settings={"session_replication_role": "replica"})
    try:
        with closing(sqlite3.connect(file)) as rows:
            await _copy(rows, to)
        await to.execute("VACUUM ANALYZE")
        await to.execute("CHECKPOINT")  # so that its pages are not on their way to the disk while syncs are measured
    finally:
        await to.close()


async def _copy(rows: sqlite3.Connection, to: asyncpg.Connection) -> None:
    tables: dict[str, dict[str, str]] = {}
    for table, column, kind in await to.fetch(TABLES):
        tables.setdefault(table, {})[column] = kind
    indexes = await to.fetch(INDEXES)
    for name, _made in indexes:
        await to.execute(f'DROP INDEX "{name}"')
    await to.execute(f"TRUNCATE {', '.join(f'{chr(34)}{table}{chr(34)}' for table in tables)}")
    for table, columns in tables.items():
        await to.copy_to_table(
            table, source=_lines(rows, table, columns), columns=list(columns), format="csv", null=NULL
        )
        if "id" in columns:
            await to.execute(COUNTS_ON.format(table=table))
    for _name, made in indexes:
        await to.execute(made)


async def _lines(rows: sqlite3.Connection, table: str, columns: dict[str, str]) -> AsyncIterator[bytes]:
    """The rows of a table as PostgreSQL reads them."""
    cells = [
        f"COALESCE({f'hex({name})' if kind == 'bytea' else name}, '{NULL}')"
        for name, kind in ((f'"{name}"', kind) for name, kind in columns.items())
    ]
    asked = rows.execute(f'SELECT {", ".join(cells)} FROM "{table}"')
    while portion := asked.fetchmany(PORTION):
        written = io.StringIO()
        csv.writer(written).writerows(portion)
        yield written.getvalue().encode()
