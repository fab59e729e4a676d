"""The benchmarks: one round of each, as figures with their names and aims."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from tests.bench import flood as floods
from tests.bench import measures
from tests.bench import pages as of_office
from tests.bench.cores import CORES
from tests.bench.databases import file_of, reached, sql
from tests.bench.load import Times
from tests.bench.report import Aim, Duration, Figure, Rate, Round, at_least, at_most
from tests.bench.servers import mwanga

DIALLED_MS = {64: 25, 512: 250}  # of so many callers at most one screen in a hundred takes longer
PAGES_MS = {"home": 150, "find": 100, "other page": 300}
NO_DEARER = at_most(1.05)  # times the work of one server: rounds of the same differ by more
# Five of so many answers are slower than p99. It differs between two rounds though nothing has changed: every other
# time by a tenth or more, with a hundred answers by a quarter (drawn at random, with a p99 of four times p50).
ENOUGH_FOR_P99 = 500


def _waited(what: str, times: Times, p50: Aim | None = None, p99: Aim | None = None) -> Round:
    """Rounds are compared by what is a duration."""
    judged = Duration if len(times.each) >= ENOUGH_FOR_P99 else Figure
    return {
        f"{what}: p50 (ms)": Duration(times.percentile(0.5) * 1000, 1, p50),
        f"{what}: p99 (ms)": judged(times.percentile(0.99) * 1000, 1, p99),
    }


async def accept(database: str, folder: Path, size: float) -> Round:
    rates = await measures.accept(database, folder, int(4000 * size))
    ours, durable, null = rates["mwanga"], rates["durable"], rates["null"]
    return {
        "SMS accepted a second": Rate(ours),
        "  by the bare durable writer": Figure(durable),
        "  by an app that stores nothing": Figure(null),
        "  against the bare durable writer": Figure(ours / durable, 2, at_least(0.65)),
        "  against an app that stores nothing": Figure(ours / null, 2),
    }


async def token(database: str, folder: Path, size: float) -> Round:
    rates = await measures.tokens(database, folder, int(3000 * size))
    return {
        "TOKEN commands a second, from callback to gateway": Rate(rates["mwanga"]),
        "  by bare statements and a raw client": Figure(rates["raw"]),
        "  against these": Figure(rates["mwanga"] / rates["raw"], 2, at_least(0.5)),
    }


async def sale(database: str, _folder: Path, _size: float) -> Round:
    aim = at_least(450 if file_of(database) else 250)
    return {"whole sales a second (two messages each)": Rate(await measures.sales(database), aim=aim)}


async def purchase(database: str, _folder: Path, size: float) -> Round:
    rate = await measures.purchases(database, max(int(100 * size), 5))
    return {"purchases by phone a second (push, callback, token)": Rate(rate)}


async def ledger(database: str, folder: Path, size: float) -> Round:
    took = await measures.ledger(database, folder, int(2000 * size))
    return {
        "the ledger of a sale, two entries (us)": Duration(took["mwanga"]),
        "  the same rows in bare tables (us)": Figure(took["bare"]),
        "  times as long as these": Figure(took["mwanga"] / took["bare"], 1),
    }


async def ussd(database: str, _folder: Path, size: float) -> Round:
    found: Round = {}
    for callers, times in (await measures.ussd(database, 6 * size)).items():
        aim = at_most(DIALLED_MS[callers]) if callers in DIALLED_MS else None
        found |= _waited(f"USSD turns, {callers} callers", times, p99=aim)
    return found


async def imports(database: str, folder: Path, size: float) -> Round:
    customers = int(100_000 * size)
    seconds, times = await measures.imports(database, folder, customers)
    return {
        f"import of {customers:,} customers (s)": Duration(seconds, 1, at_most(60 * size)),
        **_waited("  USSD turns beside it", times, p99=at_most(50)),
    }


async def servers(database: str, _folder: Path, size: float) -> Round:
    """Two servers need a database that both can ask. With half of the callers each their batches are half as large, so
    that a message costs more: what a second server brings is seen where each has as much to do as the one alone."""
    alone = await measures.servers(database, 1, 1.0, 10 * size)
    shares = {} if file_of(database) else {"each half of the callers": 0.5, "each as many callers": 1.0}
    aims = {"each as many callers": at_least(1.7)} if CORES.get() else {}
    two = {whose: await measures.servers(database, 2, share, 10 * size) for whose, share in shares.items()}
    found: Round = {}
    for what, one in alone.items():
        found[f"{what} a second, one server"] = Rate(one.rate)
        found[f"  {what}: its core for each (ms)"] = Figure(one.ms, 2)
        if one.database_ms:
            found[f"  {what}: PostgreSQL's core for each (ms)"] = Figure(one.database_ms, 2)
        for whose, figures in two.items():
            both, said = figures[what], f"  {what}, two servers, {whose}"
            found[f"{said}: times as many"] = Figure(both.rate / one.rate, 2, aims.get(whose))
            found[f"{said}: times the work"] = Figure(both.ms / one.ms, 2, NO_DEARER)
            found[f"{said}: times PostgreSQL's work"] = Figure(both.database_ms / one.database_ms, 2)
    return found


async def trip(database: str, _folder: Path, size: float) -> Round:
    return _waited("one message to its reply", await measures.trip(database, int(2000 * size)), p50=at_most(3))


async def send(database: str, _folder: Path, size: float) -> Round:
    return {
        f"sent a second, answered after {delay * 1000:.0f} ms": Rate(
            await measures.sending(database, int(5000 * size), delay), aim=at_least(1000)
        )
        for delay in (0.0, 0.15)
    }


async def flood(database: str, _folder: Path, size: float) -> Round:
    """Each round has its own calm time, before and after, since others may be at work on this machine."""
    flooded = await floods.flood(database, size)
    assert not flooded.lost
    found: Round = {}
    for what, waited in flooded.waited.items():
        for name, times in vars(waited).items():
            said, calm = f"{name.upper()} by others, {what}", vars(flooded.waited["calm"])[name]
            p50, p95 = times.percentile(0.5), times.percentile(0.95)
            found[f"{said}: p50 (ms)"] = Duration(p50 * 1000, 1)
            found[f"{said}: p95 (ms)"] = Figure(p95 * 1000, 1)
            if what != "calm":
                found[f"  {said}: p50 against calm"] = Figure(p50 / calm.percentile(0.5), 2, at_most(1.5))
                found[f"  {said}: p95 against calm"] = Figure(p95 / calm.percentile(0.95), 2, at_most(2))
    found["SMS accepted from the phone, none lost"] = Figure(flooded.accepted)
    found["reports taken from it, none lost"] = Figure(flooded.reported)
    return found


async def start(database: str, _folder: Path, _size: float) -> Round:
    seconds, worked, memory = await measures.start(database)
    return {
        "from the command to listening (s)": Duration(seconds, 2, at_most(1)),
        "  of which its loop was at work (s)": Figure(worked, 2),
        "resident after 1,000 commands (MiB)": Figure(memory, aim=at_most(130)),
    }


async def pages(database: str, _folder: Path, _size: float) -> Round:
    """The slowest of each kind, and each page that is over its goal."""

    async def ask(statement: str) -> list[tuple[object, ...]]:
        return sql(database, statement)

    async with mwanga(database) as ours:
        await reached(database, of_office.CHORES_DONE, 1, within=600)
        measured = await of_office.measure(ours, ask, 3)
    found: Round = {}
    for what, goal in PAGES_MS.items():
        some = sorted((each for each in measured if each.kind == what), key=lambda each: each.median_ms)
        found |= {
            f"{what}: how many": Figure(len(some)),
            f"  {what}: the one in the middle (ms)": Figure(median(each.median_ms for each in some)),
            f"  {what}: the slowest (ms)": Duration(some[-1].median_ms, aim=at_most(goal)),
            f"  {what}: the slowest at its worst (ms)": Figure(some[-1].worst_ms),
            f"  {what}: the most work of the loop (ms)": Figure(max(each.cpu for each in some) * 1000),
        }
        over = [each for each in some if each.median_ms > goal]
        found |= {f"  {each.path} (ms)": Figure(each.median_ms, aim=at_most(goal)) for each in over}
    return found


BENCHES: dict[str, Callable[[str, Path, float], Awaitable[Round]]] = {
    "accept": accept,
    "token": token,
    "sale": sale,
    "purchase": purchase,
    "ledger": ledger,
    "ussd": ussd,
    "import": imports,
    "servers": servers,
    "trip": trip,
    "send": send,
    "flood": flood,
    "start": start,
    "pages": pages,
}


async def one_round(name: str, database: str, folder: Path, size: float) -> Round:
    """Raises RuntimeError when nothing was measured."""
    found = await BENCHES[name](database, folder, size)
    measured = [each.value for each in found.values() if isinstance(each, Rate | Duration)]
    if not measured or min(measured) <= 0:
        raise RuntimeError(f"{name} measured nothing: {found}")
    return found
