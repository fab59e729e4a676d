"""What is measured. Each figure stands for one round; the caller takes rounds in turns and their medians."""

import asyncio
import json
import sqlite3
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from bot.runtime import Database
from models.money.ledger import AccountKind, Posting, post
from tests.bench.databases import reached, sql
from tests.bench.load import Caller, Times, dial, dials, sms, texts
from tests.bench.servers import PIN, Server, ceiling, mwanga
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
# Answered from an index of what waits: it is asked many times, also of a database of millions.
ALL_HANDLED = "SELECT COUNT(*) = 0 FROM inbox WHERE state = 'new'"


def strangers(count: int, round_: int, first: int = 0) -> list[dict[str, str]]:
    return [sms(f"+25579{(first + n) % 500:07d}", f"hello {round_} {n}") for n in range(count)]


async def accept(database: str, folder: Path, messages: int, rounds: int) -> dict[str, list[float]]:
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


async def tokens(database: str, folder: Path, messages: int, rounds: int) -> dict[str, list[float]]:
    """TOKEN commands a second, from the first callback to the last reply in the outbox, against bare statements."""
    figures: dict[str, list[float]] = {"mwanga": [], "bare": []}
    with tempfile.TemporaryDirectory(dir=folder) as apart:
        async with mwanga(database) as ours, ceiling("token", f"{apart}/bare.db") as bare:
            for _ in range(rounds):
                before = int(sql(database, "SELECT MAX(id) FROM outbox")[0][0] or 0)
                started = time.perf_counter()
                await texts(ours.port, _token_commands(messages), CALLERS)
                await reached(database, f"SELECT COUNT(*) FROM outbox WHERE id > {before}", messages)
                figures["mwanga"].append(messages / (time.perf_counter() - started))
                figures["bare"].append((await texts(bare.port, _token_commands(messages), CALLERS)).per_second())
    return figures


def _token_commands(count: int, first: int = 0) -> list[dict[str, str]]:
    return [sms(f"+25572{(first + n) % 1000:07d}", "TOKEN") for n in range(count)]


async def sales(database: str, rounds: int) -> list[float]:
    """Whole sales a second: a hundred agents quote, then confirm; each round on other devices."""
    figures = []
    async with mwanga(database) as ours:
        for round_ in range(rounds):
            started = time.perf_counter()
            for text in ("BUY SHD{device:06d} {amount}", f"1 {PIN}"):
                before = int(sql(database, "SELECT MAX(id) FROM inbox")[0][0] or 0)
                amount = 50 * (100 + int(time.time()) % 1_000 + round_)
                await texts(
                    ours.port,
                    [sms(f"+25573{n:07d}", text.format(device=n * 9 + round_ % 9, amount=amount)) for n in range(100)],
                    32,
                )
                await reached(database, f"SELECT COUNT(*) FROM inbox WHERE state <> 'new' AND id > {before}", 100)
            figures.append(100 / (time.perf_counter() - started))
    return figures


async def purchases(database: str, customers: int, rounds: int) -> list[float]:
    """Whole purchases by phone a second: customers text BUY, their phones ring, each pays, the token is in the outbox;
    each round other customers, whose provider answers at once."""
    figures = []
    async with Emulator() as daraja, mwanga(database, MWANGA_DARAJA_URL=daraja.url) as ours:
        for round_ in range(rounds):
            phones = [f"+25572{round_ * customers + n:07d}" for n in range(customers)]
            before = int(sql(database, "SELECT COALESCE(MAX(id), 0) FROM token")[0][0])
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


async def ledger(database: str, folder: Path, sales: int, rounds: int) -> dict[str, list[float]]:
    """Microseconds that a sale's two entries take, sixty-four sales to a commit as in a batch, against the same rows
    written into bare tables."""
    figures: dict[str, list[float]] = {"mwanga": [], "bare": []}
    with tempfile.TemporaryDirectory(dir=folder) as apart:
        async with Database(database) as opened:
            with closing(sqlite3.connect(f"{apart}/bare.db", isolation_level=None)) as bare:
                bare.executescript(BARE_LEDGER)
                for round_ in range(rounds):
                    figures["mwanga"].append(await _book(opened, sales, f"bench {time.time_ns()}"))
                    figures["bare"].append(_book_bare(bare, sales, round_))
    return figures


async def _book(opened: Database, sales: int, key: str) -> float:
    began = time.perf_counter()
    for first in range(0, sales, BATCH):
        async with opened.work():
            for n in range(first, min(first + BATCH, sales)):
                paid = [Posting(AccountKind.CASH, 1 + n % 100, 1000), Posting(AccountKind.DAYS, 0, -1000)]
                await post(f"{key} {n}", paid, actor="bench")
                earned = [
                    Posting(AccountKind.COMMISSION_COST, 0, 50),
                    Posting(AccountKind.COMMISSION, 1 + n % 100, -50),
                ]
                await post(f"{key} {n} commission", earned, actor="bench")
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


async def ussd(database: str, seconds: float) -> dict[int, Times]:
    """Turns of callers who think 0.2 s before each key."""
    async with mwanga(database) as ours:
        return {callers: await dials(ours.port, callers, seconds, 0.2) for callers in (1, 64, 512)}


async def imports(database: str, folder: Path, customers: int) -> tuple[float, Times]:
    """Seconds that `mwanga import customers` takes, and what a dialled turn takes meanwhile."""
    file, times = folder / f"customers {time.time_ns()}.csv", Times()
    file.write_text("name,surname,phone,mini_grid,village,language\n" + "".join(map(_row, range(customers))))
    async with mwanga(database) as ours, Caller(ours.port) as caller:
        began = time.perf_counter()
        importing = await ours.prompt("import", "customers", str(file))
        done = asyncio.create_task(importing.wait())
        while not done.done() or not times.each:
            await dial(caller, "+255720000001", ("Language", "Back", "Back", "Last tokens"), times, 0.05)
        times.whole = time.perf_counter() - began
    if done.result():
        raise RuntimeError(f"the import ended with {done.result()}; its stderr, above, says why")
    return times.whole, times


def _row(number: int) -> str:
    surname = "".join(chr(ord("a") + number // 20**place % 20) for place in range(6)).capitalize()
    return f"Halima,{surname},+25576{number:07d},Mtwara North,Village {number % 50},sw\n"


async def servers(database: str, count: int, share: float, seconds: float) -> dict[str, tuple[float, float]]:
    """With so many servers on one database: SMS accepted, TOKEN commands handled and turns dialled a second, and the
    milliseconds of their cores that each took. Each has this share of the callers of one that is alone, and phones of
    its own. Each has been at work before: what a server learns at first is not counted."""
    async with AsyncExitStack() as stack:
        ours = [await stack.enter_async_context(mwanga(database)) for _ in range(count)]
        texting, dialling = int(CALLERS * share), int(256 * share)

        async def cost(work: Callable[[Server, int], Awaitable[Times]]) -> tuple[float, float]:
            began, before = time.perf_counter(), sum(server.cpu_seconds() for server in ours)
            times = await asyncio.gather(*(work(server, number * 256) for number, server in enumerate(ours)))
            await reached(database, ALL_HANDLED, 1)
            done = sum(len(each.each) for each in times)
            used = sum(server.cpu_seconds() for server in ours) - before
            return done / (time.perf_counter() - began), used / done * 1000

        async def costs(messages: int, seconds: float) -> dict[str, tuple[float, float]]:
            return {
                "SMS of strangers": await cost(
                    lambda server, first: texts(server.port, strangers(messages, 0, first), texting)
                ),
                "TOKEN commands": await cost(
                    lambda server, first: texts(server.port, _token_commands(messages, first), texting)
                ),
                "USSD turns": await cost(lambda server, first: dials(server.port, dialling, seconds, 0.2, first)),
            }

        await costs(500, 1)
        return await costs(int(1000 * seconds * share), seconds)


async def trip(database: str, messages: int) -> Times:
    """One TOKEN at a time: from the callback to its reply at the gateway, which says when that came. Who asked it over
    and over whether it has come would keep it and a core busy meanwhile."""
    times = Times()
    async with (
        ceiling("gateway", "0") as gateway,
        mwanga(database, gateway.port) as ours,
        Caller(gateway.port) as waiting,
    ):
        for n in range(messages):
            phone, replies = f"+25572{n % 1000:07d}", n // 1000 + 1
            asked = time.time()
            await texts(ours.port, [sms(phone, "TOKEN")], 1)
            async with asyncio.timeout(60):  # a reply that was lost
                await waiting.request("GET", f"/reached?{urlencode({'receiver': phone, 'messages': replies})}")
            times.each.append(taken(gateway).last - asked)
    times.whole = sum(times.each)
    return times


async def sending(database: str, messages: int, delay: float) -> float:
    """Messages a second from a full outbox to a gateway that answers after so many seconds."""
    now = int(time.time() * 1000)
    sql(
        database,
        "INSERT INTO outbox (origin, phone, text, kind, priority, gateway, state, created_at, due_at, expires_at, "
        "claimed_by, claimed_at, tries, unknowns, external_id, error, parts, cost, sent_at, delivered_at) "
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {messages}) "
        f"SELECT 'send {now} ' || i, '+2557' || (20000000 + i), 'Code 123 456 789', 'token', 0, "
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


async def start(database: str, rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds from the command to listening, by the clock and of its work; and MiB resident after a thousand
    commands."""
    seconds, worked, memory = [], [], []
    for _ in range(rounds):
        async with mwanga(database) as ours:
            seconds.append(ours.started_in)
            worked.append(ours.cpu_seconds())
            await texts(ours.port, [sms(f"+25572{n % 1000:07d}", "TOKEN") for n in range(1000)], CALLERS)
            memory.append(ours.memory_mib())
    return seconds, worked, memory
