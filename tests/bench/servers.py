"""Servers in processes of their own, on databases small and large."""

import asyncio
import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from datetime import date
from functools import cache
from pathlib import Path

from filelock import FileLock

from bot.config import DEMO_KEY
from models.vault import Vault
from tests.bench.copied import copy_over
from tests.bench.databases import file_of, new_database, reached, sql, to_disk
from tests.bench.history import grow
from tests.bench.processes import cpu_seconds, loop_seconds
from tests.world.ports import free_port
from tests.world.reminded import NOBODY_TOLD

ROOT = Path(__file__).resolve().parent.parent.parent
LISTENS_S, STOPS_S = 300.0, 30.0  # more than any of them takes on a machine that does much else besides
# What a large database is made by: another one is made when any of it changed.
MADE_BY = ("models/migrations/*.py", "models/demo/*.py", "tests/bench/servers.py", "tests/bench/history.*")
PIN = "482915"  # of all agents
# Whether names are followed: an older program has none of that.
FOLLOWS_NAMES = {
    "sqlite": "SELECT COUNT(*) FROM sqlite_master WHERE name = 'name_change'",
    "postgres": "SELECT COUNT(*) FROM pg_tables WHERE tablename = 'name_change'",
}
CUSTOMERS, MESSAGES = 1_000_000, 5_000_000  # so many messages came in, and as many went out


class Server:
    """A process that says when it listens; stopped with SIGTERM. It shares our stderr, so what goes wrong is seen."""

    def __init__(self, *words: str, port: int, checkout: Path = ROOT, **settings: str) -> None:
        self.port, self._words, self._settings = port, words, settings
        self._checkout, self._python = checkout, python_of(checkout)
        self.started_in = 0.0

    async def __aenter__(self) -> "Server":
        began = time.perf_counter()
        self.process = await asyncio.create_subprocess_exec(
            self._python,
            "-m",
            *self._words,
            cwd=self._checkout,
            env=_with_bytecode() | self._settings,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            await self._listening()
        except BaseException:
            await self.__aexit__()
            raise
        self.started_in = time.perf_counter() - began
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):  # it may have ended by itself
            self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), STOPS_S)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def _listening(self) -> None:
        """Wait until it listens. Raises RuntimeError when it ended instead, or takes too long."""
        what = f"`python -m {' '.join(self._words)}`"
        assert self.process.stdout
        try:
            async with asyncio.timeout(LISTENS_S):
                while line := await self.process.stdout.readline():
                    if b"listens" in line:
                        return
                code = await self.process.wait()
        except TimeoutError:
            raise RuntimeError(f"{what} did not listen within {LISTENS_S:.0f} s") from None
        raise RuntimeError(f"{what} ended with {code} before it listened; its stderr, above, says why")

    async def prompt(self, *words: str) -> asyncio.subprocess.Process:
        """The same program, another command of it, beside this server."""
        return await asyncio.create_subprocess_exec(
            *(self._python, "-m", self._words[0], *words),
            cwd=self._checkout,
            env={**os.environ, **self._settings, "MWANGA_SECRET_KEY": DEMO_KEY, "MWANGA_LANGUAGES": "en,sw"},
            stdout=asyncio.subprocess.DEVNULL,
        )

    def cpu_seconds(self) -> float:
        """How long it has been at work, with what it does beside its loop, as comparing PINs."""
        return cpu_seconds(self.process.pid)

    def loop_seconds(self) -> float:
        """How long its loop, which also asks the embedded database, has been at work: no time that it waited for a core
        that others use, nor that of what is counted beside all work."""
        return loop_seconds(self.process.pid)

    def memory_mib(self) -> float:
        """Resident memory of the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _with_bytecode() -> dict[str, str]:
    """Our environment. An installed server has its bytecode; one that may not write it compiles all of itself anew at
    each start, which takes longer than all else."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def python_of(checkout: Path) -> str:
    """Another checkout has an interpreter of its own, with the packages that it wants."""
    return sys.executable if checkout == ROOT else str(checkout / ".venv/bin/python")


_program = ContextVar("the checkout whose program is measured", default=ROOT)


@contextmanager
def program_of(checkout: Path) -> Iterator[None]:
    """Whose servers are started meanwhile: those of this program, or of another checkout of it."""
    token = _program.set(checkout)
    try:
        yield
    finally:
        _program.reset(token)


def mwanga(database: str, gateway: int = 0, **more: str) -> Server:
    port = free_port()
    settings = {
        **more,
        "MWANGA_DATABASE": database,
        "MWANGA_PORT": str(port),
        "MWANGA_SENDER_CAP": "0",
        "MWANGA_LOG_LEVEL": "ERROR",
        "MWANGA_DEMO_CUSTOMERS": "1000",
        # Or the millions of past messages, which have the same times in each run, would be purged while we measure.
        "MWANGA_RETENTION_DAYS": "36500",
        **{f"MWANGA_{name.upper()}": value for name, value in NOBODY_TOLD.items()},  # in the evening a hundred would be
    }
    if gateway:
        settings["MWANGA_AFRICASTALKING_URL"] = f"http://127.0.0.1:{gateway}"
    checkout = _program.get()
    if checkout != ROOT:
        settings = {name: value for name, value in settings.items() if name in _settings_of(checkout)}
    return Server("bot", "demo", port=port, checkout=checkout, **settings)


@cache
def _settings_of(checkout: Path) -> frozenset[str]:
    """What another program may be told: an older one refuses settings that it does not know."""
    words = [python_of(checkout), "-c", "from bot.config import Config; print(*Config.model_fields)"]
    known = subprocess.run(words, cwd=checkout, check=True, stdout=subprocess.PIPE, text=True).stdout
    return frozenset(f"MWANGA_{name.upper()}" for name in known.split())


def ceiling(kind: str, *words: str) -> Server:
    port = free_port()
    return Server("tests.bench.ceilings", kind, str(port), *words, port=port)


async def small(folder: Path, engine: str = "sqlite", name: str = "small") -> str:
    """A thousand customers, who are found by their names by now, and a hundred agents who may hold any amount."""
    database = new_database(folder, engine, name)
    async with mwanga(database):
        if sql(database, FOLLOWS_NAMES[engine]) != [(0,)]:
            await reached(database, "SELECT NOT EXISTS (SELECT 1 FROM name_change)", 1)
    sql(database, "UPDATE agent SET cash_limit = 1000000000000")
    sql(
        database,
        "INSERT INTO agent (phone, name, language, mini_grid_id, pin_hash, wrong_pins, cash_limit, commission) "
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99) "
        "SELECT '+2557' || (30000000 + i), name, language, mini_grid_id, pin_hash, 0, cash_limit, "
        "commission FROM agent, n WHERE phone = '+255700000001'",
    )
    # Each with a hash of her own, as agents have: the same one for all would be compared once for a whole batch.
    vault = Vault(DEMO_KEY)
    own = " ".join(f"WHEN '+2557{30_000_000 + n}' THEN '{vault.hash_pin(PIN)}'" for n in range(100))
    sql(database, f"UPDATE agent SET pin_hash = CASE phone {own} ELSE pin_hash END")
    if engine == "postgres":
        sql(database, "ANALYZE")  # as it does by itself within a minute, and as the large one is
    return database


async def large(
    cache: Path, folder: Path, engine: str = "sqlite", customers: int = CUSTOMERS, messages: int = MESSAGES
) -> str:
    """A copy, in the folder, of a database with a million customers, ten million past messages and what else a year of
    a company leaves (tests/bench/history.sql), which is made once a day and kept. What is measured leaves messages,
    sales and gateways behind: on the kept database itself each run would find more of them than the one before, and
    messages that wait would go out within its measurements. For PostgreSQL it is copied row for row."""
    cache = cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / f"large-{_makers()}-{date.today()}-{customers}-{messages}.db"
    with FileLock(cache / "making.lock"):  # two runs at once make it once
        if not kept.exists():
            await _make(kept, customers, messages)
        if engine == "postgres":
            database = new_database(folder, engine, "large")
            await copy_over(kept, database)
            return database
        copy = folder / "large.db"
        shutil.copyfile(kept, copy)
    to_disk(copy)
    return f"sqlite://{copy}"


def _makers() -> str:
    """Differs when another database would be made: it would be an old one, which this server may not be able to use."""
    files = sorted(file for pattern in MADE_BY for file in ROOT.glob(pattern))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


async def _make(kept: Path, customers: int, messages: int) -> None:
    """Make it beside its place and move it there when it is whole and on the disk. Of one that was interrupted nothing
    but a folder is left, and the next run removes it; those that were made by other code go too."""
    making = kept.parent / "making"
    shutil.rmtree(making, ignore_errors=True)
    for old in kept.parent.glob("large-*.db"):
        old.unlink()
    making.mkdir()
    print(f"Making {kept}, once; this takes some minutes.", flush=True)
    try:
        made = file_of(await small(making))
        assert made
        with closing(sqlite3.connect(made)) as connection:
            for _part in grow(connection, customers, messages):
                await asyncio.sleep(0)
        to_disk(made)
        made.rename(kept)
    finally:
        shutil.rmtree(making, ignore_errors=True)
