"""What is measured. Each function is one round, on servers of its own; the caller takes more of them, and medians."""

import asyncio
import itertools
import json
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from bot.runtime import Database
from models.money.ledger import AccountKind, Posting, post
from tests.bench import bare
from tests.bench.cores import held
from tests.bench.databases import beside, postmaster, reached, sql
from tests.bench.load import Caller, Times, dial, dials, sms, texts
from tests.bench.processes import family, family_seconds
from tests.bench.servers import PIN, Server, ceiling, mwanga
from tests.emulators.daraja import Emulator

CALLERS = 64
BATCH = 64  # as many as one worker takes from the inbox
AGENTS, SELLING = 100, 32  # of the small database; callers by whom they sell
WARM = 500  # messages before those that count: what a server learns at first is not measured
# Answered from an index of what waits: it is asked many times, also of a database of millions.
ALL_HANDLED = "SELECT COUNT(*) = 0 FROM inbox WHERE state = 'new'"


_hellos, _sales = itertools.count(1), itertools.count(1)
_asked: Counter[str] = Counter()  # phones that were rung already, by database: they rest for a while


def strangers(count: int, first: int = 0) -> list[dict[str, str]]:
    return [sms(f"+25579{(first + n) % 500:07d}", f"hello {next(_hellos)}") for n in range(count)]


def _token_commands(count: int, first: int = 0) -> list[dict[str, str]]:
    return [sms(f"+25572{(first + n) % 1000:07d}", "TOKEN") for n in range(count)]


async def accept(database: str, folder: Path, messages: int) -> dict[str, float]:
    """Callbacks a second of strangers who were told already, against a bare durable writer and against nothing
    stored."""
    figures = {}
    with beside(database, folder) as empty:
        async with mwanga(database) as ours, ceiling("durable", empty) as durable, ceiling("null") as null:
            for name, server in {"mwanga": ours, "durable": durable, "null": null}.items():
                await texts(server.port, strangers(WARM), CALLERS)  # each stranger gets the one line of today
                await reached(database, ALL_HANDLED, 1)
                figures[name] = (await texts(server.port, strangers(messages), CALLERS)).per_second()
                # What was accepted is also handled; the next server is not measured against that work.
                await reached(database, ALL_HANDLED, 1)
    return figures


async def tokens(database: str, folder: Path, messages: int) -> dict[str, float]:
    """TOKEN commands a second, from the first callback until the gateway has the last reply, against bare statements
    and a raw client that bring the same replies to the same gateway."""
    figures = {}
    with beside(database, folder) as empty:
        async with (
            ceiling("gateway", "0") as gateway,
            mwanga(database, gateway.port) as ours,
            ceiling("token", empty, str(gateway.port)) as raw,
        ):
            for name, server in {"mwanga": ours, "raw": raw}.items():
                await _answered(server, gateway, WARM)
                figures[name] = messages / await _answered(server, gateway, messages)
    return figures


async def _answered(server: Server, gateway: Server, messages: int) -> float:
    """Seconds until so many TOKEN have their replies at the gateway."""
    wanted = taken(gateway).messages + messages
    async with Caller(gateway.port) as waiting, asyncio.timeout(180):  # a reply that was lost
        started = time.perf_counter()
        await texts(server.port, _token_commands(messages), CALLERS)
        await waiting.request("GET", f"/reached?messages={wanted}")
        return time.perf_counter() - started


async def sales(database: str) -> float:
    """Whole sales a second, by a hundred agents."""
    async with mwanga(database) as ours:
        await sell(database, ours, range(AGENTS), SELLING)
        with booked(database, 3 * AGENTS):
            started = time.perf_counter()
            for _ in range(3):
                await sell(database, ours, range(AGENTS), SELLING)
            took = time.perf_counter() - started
        return 3 * AGENTS / took


async def sell(database: str, server: Server, agents: range, callers: int) -> None:
    """One whole sale by each agent: all ask, then all say yes with their PINs. Each time it is another device, or
    another amount."""
    number = next(_sales)
    for text in (f"BUY SHD{{device:06d}} {5000 + 50 * (number % 1000)}", f"1 {PIN}"):
        messages = [sms(f"+25573{n:07d}", text.format(device=n * 9 + number % 9)) for n in agents]
        await texts(server.port, messages, callers)
        await reached(database, ALL_HANDLED, 1)


@contextmanager
def booked(database: str, wanted: int) -> Iterator[None]:
    """Raises RuntimeError unless so many sales were booked meanwhile: what is refused is refused fast."""
    last = int(sql(database, "SELECT COALESCE(MAX(id), 0) FROM sale")[0][0])
    yield
    found = int(sql(database, f"SELECT COUNT(*) FROM sale WHERE id > {last}")[0][0])
    if found != wanted:
        raise RuntimeError(f"{found} sales were booked, not {wanted}")


async def purchases(database: str, customers: int) -> float:
    """Whole purchases by phone a second: customers text BUY, their phones ring, each pays, the token is in the outbox;
    each round other customers, whose provider answers at once. Raises RuntimeError when no more are left."""
    first, _asked[database] = _asked[database], _asked[database] + customers
    if _asked[database] > 1000:
        raise RuntimeError("each of the thousand customers has bought: take fewer rounds, or a smaller size")
    async with Emulator() as daraja, mwanga(database, MWANGA_DARAJA_URL=daraja.url) as ours:
        before = int(sql(database, "SELECT COALESCE(MAX(id), 0) FROM token")[0][0])
        started = time.perf_counter()
        paying = asyncio.create_task(_pay(daraja, first, customers))
        await texts(ours.port, [sms(f"+25572{first + n:07d}", "BUY 2000") for n in range(customers)], 32)
        await paying
        await reached(database, f"SELECT COUNT(*) FROM token WHERE id > {before}", customers)
        return customers / (time.perf_counter() - started)


async def _pay(daraja: Emulator, first: int, pushes: int) -> None:
    """Everybody types the PIN as soon as the phone rings. Each round has receipts of its own: with one of an earlier
    round it would be the same payment once more."""
    for number in range(pushes):
        await daraja.pay((await daraja.wait_for(number + 1))[number], f"UKT{first + number:07}")


async def ledger(database: str, folder: Path, sales: int) -> dict[str, float]:
    """Microseconds that a sale's two entries take, sixty-four sales to a commit as in a batch, against the same rows
    written into bare tables."""
    keys = [f"bench {time.time_ns()} {n}" for n in range(sales)]
    figures = {}
    with beside(database, folder) as empty:
        async with Database(database) as opened:
            figures["mwanga"] = await _us(keys, lambda some: _book(opened, some))
        books = bare.ledger(empty)
        await books.open(empty)
        figures["bare"] = await _us(keys, books.book)
        await books.close()
    return figures


async def _us(keys: Sequence[str], book: Callable[[Sequence[str]], Awaitable[None]]) -> float:
    """Microseconds for each, in portions like batches; the first portion does not count."""
    await book([f"first {key}" for key in keys[:BATCH]])
    began = time.perf_counter()
    for first in range(0, len(keys), BATCH):
        await book(keys[first : first + BATCH])
    return (time.perf_counter() - began) / len(keys) * 1e6


async def _book(opened: Database, keys: Sequence[str]) -> None:
    async with opened.work():
        for n, key in enumerate(keys):
            paid = [Posting(AccountKind.CASH, 1 + n % 100, 1000), Posting(AccountKind.DAYS, 0, -1000)]
            await post(f"{key} paid", paid, actor="bench")
            earned = [Posting(AccountKind.COMMISSION_COST, 0, 50), Posting(AccountKind.COMMISSION, 1 + n % 100, -50)]
            await post(f"{key} earned", earned, actor="bench")


async def ussd(database: str, seconds: float) -> dict[int, Times]:
    """Turns of callers who think 0.2 s before each key."""
    async with mwanga(database) as ours:
        return {callers: await dials(ours.port, callers, seconds, 0.2) for callers in (1, 64, 512)}


async def imports(database: str, folder: Path, customers: int) -> tuple[float, Times]:
    """Seconds that `mwanga import customers` takes, and what a dialled turn takes meanwhile; into a copy, so that the
    next who measures finds as many customers as we did."""
    with beside(database, folder, copied=True) as copy:
        file, times = folder / f"customers {time.time_ns()}.csv", Times()
        file.write_text("name,surname,phone,mini_grid,village,language\n" + "".join(map(_row, range(customers))))
        async with mwanga(copy) as ours, Caller(ours.port) as caller:
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


class Cost(NamedTuple):
    """How many a second, and the milliseconds of a core that each took of the servers and of PostgreSQL."""

    rate: float
    ms: float
    database_ms: float


async def servers(database: str, count: int, share: float, seconds: float) -> dict[str, Cost]:
    """With so many servers on one database: SMS accepted, TOKEN commands handled, whole sales, and turns dialled. Each
    server has this share of the callers of one that is alone, and phones of its own. Each has been at work before: what
    a server learns at first is not counted."""
    async with AsyncExitStack() as stack:
        ours = [await stack.enter_async_context(mwanga(database)) for _ in range(count)]
        texting, selling, dialling = int(CALLERS * share), int(SELLING * share), int(256 * share)
        agents, postgres = int(AGENTS / 2 * share), postmaster(database)
        stack.enter_context(held([each.process.pid for each in ours], family(postgres) if postgres else []))

        def worked() -> tuple[float, float]:
            return sum(server.cpu_seconds() for server in ours), family_seconds(postgres) if postgres else 0.0

        async def cost(work: Callable[[Server, int], Awaitable[int]]) -> Cost:
            began, before = time.perf_counter(), worked()
            done = sum(await asyncio.gather(*(work(server, number) for number, server in enumerate(ours))))
            await reached(database, ALL_HANDLED, 1)
            took, after = time.perf_counter() - began, worked()
            servers_ms, database_ms = ((now - then) / done * 1000 for then, now in zip(before, after, strict=True))
            return Cost(done / took, servers_ms, database_ms)

        async def costs(messages: int, rounds: int, seconds: float) -> dict[str, Cost]:
            async def accept(server: Server, number: int) -> int:
                return len((await texts(server.port, strangers(messages, number * 250), texting)).each)

            async def token(server: Server, number: int) -> int:
                return len((await texts(server.port, _token_commands(messages, number * 256), texting)).each)

            async def sale(server: Server, number: int) -> int:
                for _ in range(rounds):
                    await sell(database, server, range(number * agents, (number + 1) * agents), selling)
                return rounds * agents

            async def turn(server: Server, number: int) -> int:
                return len((await dials(server.port, dialling, seconds, 0.2, number * 256)).each)

            found = {"SMS of strangers": await cost(accept), "TOKEN commands": await cost(token)}
            with booked(database, count * rounds * agents):
                found["whole sales"] = await cost(sale)
            return found | {"USSD turns": await cost(turn)}

        await costs(WARM, 1, 1)
        return await costs(int(1000 * seconds * share), max(int(2 * seconds), 1), seconds)


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


async def start(database: str) -> tuple[float, float, float]:
    """Seconds from the command to listening, by the clock and of its loop's work; and MiB resident after a thousand
    commands."""
    async with mwanga(database) as ours:
        worked = ours.loop_seconds()
        await texts(ours.port, _token_commands(1000), CALLERS)
        return ours.started_in, worked, ours.memory_mib()
