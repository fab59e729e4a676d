"""What is measured. Each figure stands for one round; the caller takes rounds in turns and their medians."""

import asyncio
import json
import shutil
import sqlite3
import tempfile
import time
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from bot.runtime import Database
from models.money.ledger import AccountKind, Posting, post
from tests.bench.load import Times, dials, sms, texts
from tests.bench.servers import Server, ceiling, mwanga, sql
from tests.emulators.daraja import Emulator

CALLERS = 64
BATCH = 64  # as many as one worker takes from the inbox
BARE_LEDGER = """PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
  CREATE TABLE entry (id INTEGER PRIMARY KEY, key TEXT UNIQUE, at REAL);
  CREATE TABLE account (id INTEGER PRIMARY KEY, balance INT);
  CREATE TABLE line (id INTEGER PRIMARY KEY, entry INT, account INT, amount INT, UNIQUE (entry, account));
  CREATE INDEX line_account ON line (account, id);
  INSERT INTO account WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT i, 0 FROM n;
"""
PIN = "482915"
# Answered from an index of what waits: it is asked many times, also of a database of millions.
ALL_HANDLED = "SELECT COUNT(*) = 0 FROM inbox WHERE state = 'new'"


async def reached(database: Path, question: str, wanted: int, within: float = 60.0) -> None:
    """Wait until a count in the database is reached."""
    until = time.perf_counter() + within
    while int(str(sql(database, question)[0][0])) < wanted:
        if time.perf_counter() > until:
            raise TimeoutError(question)
        await asyncio.sleep(0.005)


def strangers(count: int, round_: int) -> list[dict[str, str]]:
    return [sms(f"+25579{n % 500:07d}", f"hello {round_} {n}") for n in range(count)]


async def accept(database: Path, folder: Path, messages: int, rounds: int) -> dict[str, list[float]]:
    """Callbacks of strangers who were told already, against a bare durable writer and against nothing stored."""
    figures: dict[str, list[float]] = {"mwanga": [], "durable": [], "null": []}
    with tempfile.TemporaryDirectory(dir=folder) as bare:  # the bare writer begins with an empty file each time
        async with (
            mwanga(database) as ours,
            ceiling("durable", f"{bare}/bare.db") as durable,
            ceiling("null") as null,
        ):
            servers = {"mwanga": ours, "durable": durable, "null": null}
            await texts(ours.port, strangers(500, -1), CALLERS)  # each stranger gets the one line of today
            await reached(database, ALL_HANDLED, 1)
            for round_ in range(rounds):
                for name, server in servers.items():
                    figures[name].append((await texts(server.port, strangers(messages, round_), CALLERS)).per_second())
                    # What was accepted is also handled; the next server is not measured against that work.
                    await reached(database, ALL_HANDLED, 1)
    return figures


async def tokens(database: Path, messages: int, rounds: int) -> list[float]:
    """TOKEN commands a second, from the first callback to the last reply in the outbox."""
    figures = []
    async with mwanga(database) as ours:
        for _ in range(rounds):
            before = int(str(sql(database, "SELECT MAX(id) FROM outbox")[0][0] or 0))
            started = time.perf_counter()
            await texts(ours.port, [sms(f"+25572{n % 1000:07d}", "TOKEN") for n in range(messages)], CALLERS)
            await reached(database, f"SELECT COUNT(*) FROM outbox WHERE id > {before}", messages)
            figures.append(messages / (time.perf_counter() - started))
    return figures


async def sales(database: Path, rounds: int) -> list[float]:
    """Whole sales a second: a hundred agents quote, then confirm; each round on other devices."""
    figures = []
    async with mwanga(database) as ours:
        for round_ in range(rounds):
            started = time.perf_counter()
            for text in ("BUY SHD{device:06d} {amount}", f"1 {PIN}"):
                before = int(str(sql(database, "SELECT MAX(id) FROM inbox")[0][0] or 0))
                amount = 50 * (100 + int(time.time()) % 1_000 + round_)
                await texts(
                    ours.port,
                    [sms(f"+25573{n:07d}", text.format(device=n * 9 + round_ % 9, amount=amount)) for n in range(100)],
                    32,
                )
                await reached(database, f"SELECT COUNT(*) FROM inbox WHERE state <> 'new' AND id > {before}", 100)
            figures.append(100 / (time.perf_counter() - started))
    return figures


async def purchases(database: Path, customers: int, rounds: int) -> list[float]:
    """Whole purchases by phone a second: customers text BUY, their phones ring, each pays, the token is in the outbox;
    each round other customers, whose provider answers at once."""
    figures = []
    async with Emulator() as daraja, mwanga(database, MWANGA_DARAJA_URL=daraja.url) as ours:
        for round_ in range(rounds):
            phones = [f"+25572{round_ * customers + n:07d}" for n in range(customers)]
            before = int(str(sql(database, "SELECT COALESCE(MAX(id), 0) FROM token")[0][0]))
            started = time.perf_counter()
            paying = asyncio.create_task(_pay(daraja, len(daraja.pushes), customers))
            await texts(ours.port, [sms(phone, "BUY 2000") for phone in phones], 32)
            await paying
            await reached(database, f"SELECT COUNT(*) FROM token WHERE id > {before}", customers)
            figures.append(customers / (time.perf_counter() - started))
    return figures


async def _pay(daraja: Emulator, first: int, pushes: int) -> None:
    """Everybody types the PIN as soon as the phone rings."""
    for number in range(first, first + pushes):
        await daraja.pay((await daraja.wait_for(number + 1))[number])


async def ledger(database: Path, folder: Path, sales: int, rounds: int) -> dict[str, list[float]]:
    """Microseconds that a sale's two entries take, sixty-four sales to a commit as in a batch, against the same rows
    written into bare tables."""
    figures: dict[str, list[float]] = {"mwanga": [], "bare": []}
    with tempfile.TemporaryDirectory(dir=folder) as apart:
        copy = shutil.copy(database, f"{apart}/ledger.db")
        async with Database(f"sqlite://{copy}") as opened:
            with closing(sqlite3.connect(f"{apart}/bare.db", isolation_level=None)) as bare:
                bare.executescript(BARE_LEDGER)
                for round_ in range(rounds):
                    figures["mwanga"].append(await _book(opened, sales, round_))
                    figures["bare"].append(_book_bare(bare, sales, round_))
    return figures


async def _book(opened: Database, sales: int, round_: int) -> float:
    began = time.perf_counter()
    for first in range(0, sales, BATCH):
        async with opened.work():
            for n in range(first, min(first + BATCH, sales)):
                paid = [Posting(AccountKind.CASH, 1 + n % 100, 1000), Posting(AccountKind.DAYS, 0, -1000)]
                await post(f"bench {round_} {n}", paid, actor="bench")
                earned = [
                    Posting(AccountKind.COMMISSION_COST, 0, 50),
                    Posting(AccountKind.COMMISSION, 1 + n % 100, -50),
                ]
                await post(f"bench {round_} {n} commission", earned, actor="bench")
    return (time.perf_counter() - began) / sales * 1e6


def _book_bare(bare: sqlite3.Connection, sales: int, round_: int) -> float:
    began = time.perf_counter()
    for first in range(0, sales, BATCH):
        bare.execute("BEGIN IMMEDIATE")
        for n in range(first, min(first + BATCH, sales)):
            for entry, accounts in ((f"bench {round_} {n}", (n % 100, 101)), (f"{round_} {n} c", (102, 200 + n % 100))):
                number = bare.execute("INSERT INTO entry (key, at) VALUES (?, ?)", (entry, time.time())).lastrowid
                for account, amount in zip(accounts, (1000, -1000), strict=True):
                    bare.execute(
                        "INSERT INTO line (entry, account, amount) VALUES (?, ?, ?)", (number, account, amount)
                    )
                    bare.execute("UPDATE account SET balance = balance + ? WHERE id = ?", (amount, account))
        bare.execute("COMMIT")
    return (time.perf_counter() - began) / sales * 1e6


async def ussd(database: Path, seconds: float) -> dict[int, Times]:
    """Turns of callers who think 0.2 s before each key."""
    async with mwanga(database) as ours:
        return {callers: await dials(ours.port, callers, seconds, 0.2) for callers in (1, 64, 512)}


async def trip(database: Path, messages: int) -> Times:
    """One TOKEN at a time: from the callback to its reply at the gateway."""
    times = Times()
    async with ceiling("gateway", "0") as gateway, mwanga(database, gateway.port) as ours:
        for n in range(messages):
            before = taken(gateway).messages
            asked = time.perf_counter()
            await texts(ours.port, [sms(f"+25572{n % 1000:07d}", "TOKEN")], 1)
            await all_taken(gateway, before + 1, every=0)
            times.each.append(time.perf_counter() - asked)
    times.whole = sum(times.each)
    return times


async def sending(database: Path, messages: int, delay: float) -> float:
    """Messages a second from a full outbox to a gateway that answers after so many seconds."""
    now = int(time.time() * 1000)
    sql(
        database,
        "INSERT INTO outbox (origin, phone, text, kind, priority, gateway, state, created_at, due_at, expires_at, "
        "claimed_by, claimed_at, tries, unknowns, external_id, error, parts, cost, sent_at, delivered_at) "
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {messages}) "
        f"SELECT 'send {now} ' || i, '+25572' || substr('0000000' || i, -7), 'Code 123 456 789', 'token', 0, "
        f"'africastalking', 'waiting', {now}, {now}, {now + 3_600_000}, '', 0, 0, 0, '', '', 1, '', 0, 0 FROM n",
    )
    async with ceiling("gateway", str(delay)) as gateway, mwanga(database, gateway.port):
        figures = await all_taken(gateway, messages, every=0.05)
    return (figures.messages - 1) / (figures.last - figures.first)


class Taken(NamedTuple):
    """How many messages a gateway took, and when the first and the last of them."""

    messages: int
    first: float
    last: float


def taken(gateway: Server) -> Taken:
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.port}/count") as answer:
        return Taken(**json.load(answer))


async def all_taken(gateway: Server, messages: int, every: float, within: float = 60.0) -> Taken:
    """Wait until a gateway has so many messages, looking every so many seconds. Raises TimeoutError: what is left
    would go out within the next measurement and count there."""
    until = time.perf_counter() + within
    while (figures := taken(gateway)).messages < messages:
        if time.perf_counter() > until:
            raise TimeoutError(f"{figures.messages} of {messages} messages came to the gateway in {within:.0f} s")
        await asyncio.sleep(every)
    return figures


async def start(database: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds from the command to listening, and MiB resident after a thousand commands."""
    seconds, memory = [], []
    for _ in range(rounds):
        async with mwanga(database) as ours:
            seconds.append(ours.started_in)
            await texts(ours.port, [sms(f"+25572{n % 1000:07d}", "TOKEN") for n in range(1000)], CALLERS)
            memory.append(ours.memory_mib())
    return seconds, memory
