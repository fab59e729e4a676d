"""Servers in processes of their own, on databases small and large."""

import asyncio
import os
import signal
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from bot.config import demo_world, load
from models.demo.world import PAYGO_KEYS
from models.vault import Vault
from tests.world.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent


class Server:
    """A process that says when it listens; stopped with SIGTERM."""

    def __init__(self, *words: str, port: int, **settings: str) -> None:
        self.port, self._words, self._settings = port, words, settings
        self.started_in = 0.0

    async def __aenter__(self) -> "Server":
        began = time.perf_counter()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *self._words,
            cwd=ROOT,
            env={**os.environ, **self._settings},
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout
        while line := await self.process.stdout.readline():
            if b"listens" in line:
                break
        self.started_in = time.perf_counter() - began
        return self

    async def __aexit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        await self.process.wait()

    def memory_mib(self) -> float:
        """Resident memory of the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def mwanga(database: Path, gateway: int = 0, **more: str) -> Server:
    port = free_port()
    settings = {
        **more,
        "MWANGA_DATABASE": f"sqlite://{database}",
        "MWANGA_PORT": str(port),
        "MWANGA_SENDER_CAP": "0",
        "MWANGA_LOG_LEVEL": "ERROR",
        "MWANGA_DEMO_CUSTOMERS": "1000",
    }
    if gateway:
        settings["MWANGA_AFRICASTALKING_URL"] = f"http://127.0.0.1:{gateway}"
    return Server("bot", "demo", port=port, **settings)


def ceiling(kind: str, argument: str = "-") -> Server:
    port = free_port()
    return Server("tests.bench.ceilings", kind, str(port), argument, port=port)


def sql(database: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(database, timeout=10)
    try:
        with connection:
            return connection.execute(statement).fetchall()
    finally:
        connection.close()


async def small(folder: Path) -> Path:
    """A thousand customers, a hundred agents who may hold any amount."""
    database = folder / "small.db"
    async with mwanga(database):
        pass
    sql(database, "UPDATE agent SET cash_limit = 1000000000000")
    sql(
        database,
        "INSERT INTO agent (phone, name, language, mini_grid_id, pin_hash, wrong_pins, cash_limit, commission) "
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99) "
        "SELECT '+25573' || substr('0000000' || i, -7), name, language, mini_grid_id, pin_hash, 0, cash_limit, "
        "commission FROM agent, n WHERE phone = '+255700000001'",
    )
    return database


async def large(cache: Path) -> Path:
    """A million customers and five million past messages, made once and kept."""
    database = cache / "large.db"
    if database.exists():
        return database
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        made = await small(Path(folder))
        connection = sqlite3.connect(made)
        connection.execute("PRAGMA synchronous=OFF")
        with connection:
            _grow(connection, 1_000_000, 2_500_000)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        made.rename(database)
    return database


def _grow(connection: sqlite3.Connection, customers: int, messages: int) -> None:
    vault = Vault(demo_world(load()).secret_key.get_secret_value())
    key = {"secret": PAYGO_KEYS[0], "starting_code": 123456789, "divider": 1}
    (plan,) = connection.execute("SELECT id FROM tariff WHERE unit = 'days' ORDER BY id LIMIT 1").fetchone()
    have, first = connection.execute("SELECT COUNT(*), MAX(id) FROM customer WHERE phone LIKE '+25572%'").fetchone()
    numbers = range(have, customers)
    connection.executemany(
        "INSERT INTO customer (id, name, surname, phone, language, mini_grid_id) VALUES (?, 'Mteja', ?, ?, 'en', 1)",
        ((first + 1 + n - have, f"N{n}", f"+25572{n:07d}") for n in numbers),
    )
    connection.executemany(
        "INSERT INTO device (serial, kind, issuer, sealed_key, count, customer_id, tariff_id) "
        "VALUES (?, 'shs', 'openpaygo', ?, 2, ?, ?)",
        (
            (serial := f"SHD{n:06d}", vault.seal_json(key, f"device {serial}"), first + 1 + n - have, plan)
            for n in numbers
        ),
    )
    series = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {messages}) "
    connection.execute(
        "INSERT INTO inbox (gateway, external_id, phone, sender_kind, recipient, network, text, received_at, state, "
        f"outcome, error) {series} SELECT 'africastalking', 'past ' || i, '+25572' || substr('0000000' || "
        "(i % 1000000), -7), 'number', '', '', 'TOKEN', 1700000000000 + i, 'done', 'done', '' FROM n"
    )
    connection.execute(
        "INSERT INTO outbox (origin, phone, text, kind, priority, gateway, state, created_at, due_at, expires_at, "
        "claimed_by, claimed_at, tries, unknowns, external_id, error, parts, cost, sent_at, delivered_at) "
        f"{series} SELECT 'past ' || i, '+25572' || substr('0000000' || (i % 1000000), -7), 'past', 'token', 0, "
        "'africastalking', 'delivered', 1700000000000 + i, 0, 0, '', 0, 1, 0, 'past ' || i, '', 1, '', 0, 0 FROM n"
    )
