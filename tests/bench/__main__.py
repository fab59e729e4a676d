"""`make bench`, or `python -m tests.bench --only accept,token --large --cache DIR`."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from tests.bench import flood as floods
from tests.bench import measures
from tests.bench import pages as of_office
from tests.bench.databases import file_of, reached, sql
from tests.bench.report import command, line, machine, silent, with_aims, write
from tests.bench.servers import large, mwanga, small

QUICK = "each part once, small, in a minute or two: shows that all of it runs, and says nothing of speed"
FEW = 3_000  # customers, and messages each way, of a large database that is made quickly
KEEPS = "folder that keeps the large database, of more than a gigabyte, for the next run"
Figures = dict[str, float]
ONCE = ("purchase", "import")  # on one database: phones rest before they ring again, and who is known is not new
DIALLED_MS = {64: 25, 512: 250}  # of so many callers at most one screen in a hundred takes longer


def spread(figures: list[float]) -> str:
    return f"{median(figures):,.0f} [{min(figures):,.0f}-{max(figures):,.0f}]"


async def accept(database: str, folder: Path, rounds: int, size: float) -> Figures:
    figures = await measures.accept(database, folder, int(4000 * size), rounds)
    pairs = zip(figures["mwanga"], figures["durable"], figures["null"], strict=True)
    ratios = [(ours / durable, ours / null) for ours, durable, null in pairs]
    ceiling, nothing = median(r[0] for r in ratios), median(r[1] for r in ratios)
    for name, rates in figures.items():
        line(f"SMS accepted a second, {name}", spread(rates))
    low, high = min(r[0] for r in ratios), max(r[0] for r in ratios)
    between = f"{ceiling:.2f} [{low:.2f}-{high:.2f}]"
    line("  against the bare durable writer", between, "0.65 or better", ceiling >= 0.65)
    line("  against an app that stores nothing", f"{nothing:.2f}")
    return {"accept": median(figures["mwanga"])}


async def token(database: str, folder: Path, rounds: int, size: float) -> Figures:
    figures = await measures.tokens(database, folder, int(3000 * size), rounds)
    ratios = [ours / bare for ours, bare in zip(figures["mwanga"], figures["bare"], strict=True)]
    line("TOKEN commands handled a second", spread(figures["mwanga"]))
    line("  bare statements and a bare client", spread(figures["bare"]))
    between = f"{median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}]"
    line("  against these", between, "0.5 or better", median(ratios) >= 0.5)
    return {"token": median(figures["mwanga"])}


async def sale(database: str, _folder: Path, rounds: int, _size: float) -> Figures:
    rates, aim = await measures.sales(database, rounds * 3), 450 if file_of(database) else 250
    line("whole sales a second (two messages each)", spread(rates), f"{aim}", median(rates) >= aim)
    return {"sale": median(rates)}


async def purchase(database: str, _folder: Path, rounds: int, size: float) -> Figures:
    rates = await measures.purchases(database, max(int(100 * size), 5), rounds)
    line("purchases by phone a second (push, callback, token)", spread(rates))
    return {"purchase": median(rates)}


async def ledger(database: str, folder: Path, rounds: int, size: float) -> Figures:
    figures = await measures.ledger(database, folder, int(2000 * size), rounds)
    ratio = median(ours / bare for ours, bare in zip(figures["mwanga"], figures["bare"], strict=True))
    line("the ledger of a sale, two entries (us)", spread(figures["mwanga"]))
    line("  against the same rows in bare tables", f"{ratio:.1f} times of {spread(figures['bare'])}")
    return {"ledger": 1 / median(figures["mwanga"])}


async def ussd(database: str, _folder: Path, _rounds: int, size: float) -> Figures:
    found: Figures = {}
    for callers, times in (await measures.ussd(database, 6 * size)).items():
        p50, p99 = times.percentile(0.5) * 1000, times.percentile(0.99) * 1000
        what, figure = f"USSD turns, {callers} callers: p50, p99 (ms)", f"{p50:.1f}, {p99:.1f}"
        line(what, figure, *((f"p99 under {aim}", p99 < aim) if (aim := DIALLED_MS.get(callers)) else ()))
        found[f"ussd {callers}"] = 1 / p50
    return found


async def imports(database: str, folder: Path, _rounds: int, size: float) -> Figures:
    customers = int(100_000 * size)
    seconds, times = await measures.imports(database, folder, customers)
    p99 = times.percentile(0.99) * 1000
    line(f"import of {customers:,} customers (s)", f"{seconds:.0f}", f"{60 * size:.0f}", seconds <= 60 * size)
    line("  USSD turns beside it: p50, p99 (ms)", f"{times.percentile(0.5) * 1000:.1f}, {p99:.1f}", "p99 50", p99 <= 50)
    return {"import": customers / seconds}


async def servers(database: str, _folder: Path, _rounds: int, size: float) -> Figures:
    """Two servers need a database that both can ask. With half of the callers each their batches are half as large, so
    that a message costs more: what a second server brings is seen where each has as much to do as the one alone."""
    found: Figures = {}
    alone = await measures.servers(database, 1, 1.0, 10 * size)
    shares = () if file_of(database) else (0.5, 1)
    two = {share: await measures.servers(database, 2, share, 10 * size) for share in shares}
    for what, (rate, cost) in alone.items():
        line(f"{what} a second, one server", f"{rate:,.0f}; {cost:.2f} ms of its core")
        for share, figures in two.items():
            both, dear = figures[what]
            whose = "each as many callers" if share == 1 else "each half of the callers"
            figure = f"{both / rate:.2f} times; {dear / cost:.2f} times"
            line(f"  two servers, {whose}", figure, "no dearer", dear <= cost)
        found[f"servers, {what}"] = rate
    return found


async def trip(database: str, _folder: Path, _rounds: int, size: float) -> Figures:
    times = await measures.trip(database, int(200 * size))
    p50, p99 = times.percentile(0.5) * 1000, times.percentile(0.99) * 1000
    line("one message to its reply: p50, p99 (ms)", f"{p50:.1f}, {p99:.1f}", "p50 3", p50 <= 3)
    return {"trip": 1 / p50}


async def send(database: str, _folder: Path, rounds: int, size: float) -> Figures:
    found: Figures = {}
    for delay in (0.0, 0.15):
        rates = [await measures.sending(database, int(5000 * size), delay) for _ in range(rounds)]
        line(f"sent a second, answered after {delay * 1000:.0f} ms", spread(rates), "1,000", median(rates) >= 1000)
        found[f"send {delay}"] = median(rates)
    return found


async def flood(database: str, _folder: Path, rounds: int, size: float) -> Figures:
    """Each round has its own calm time, before and after, since others may be at work on this machine."""
    found: Figures = {}
    figures = [await floods.flood(database, size) for _ in range(rounds)]
    for what, one in figures[0].waited.items():
        for name in vars(one):
            waited = [(vars(each.waited[what])[name], vars(each.waited["calm"])[name]) for each in figures]
            p50, p95 = (median(times.percentile(share) for times, _ in waited) * 1000 for share in (0.5, 0.95))
            line(f"{name.upper()} by others, {what}: p50, p95 (ms)", f"{p50:.1f}, {p95:.1f}")
            if what != "calm":
                again, late = (
                    median(times.percentile(share) / calm.percentile(share) for times, calm in waited)
                    for share in (0.5, 0.95)
                )
                aim = "under 1.5, under 2"
                line("  against calm", f"{again:.2f}, {late:.2f}", aim, again < 1.5 and late < 2)
            found[f"{name} {what}"] = 1 / p50
    accepted, reported, lost = (
        sum(getattr(each, what) for each in figures) for what in ("accepted", "reported", "lost")
    )
    line("SMS accepted, reports taken, lost", f"{accepted:,}, {reported:,}, {lost}")
    assert not lost
    return found


async def start(database: str, _folder: Path, rounds: int, _size: float) -> Figures:
    seconds, worked, memory = await measures.start(database, rounds)
    line("from the command to listening (s)", f"{median(seconds):.2f}", "1.0", median(seconds) <= 1.0)
    line("of which the server was at work (s)", f"{median(worked):.2f}")
    line("resident after 1,000 commands (MiB)", f"{median(memory):.0f}", "under 130", median(memory) < 130)
    return {"start": 1 / median(seconds)}


async def pages(database: str, _folder: Path, rounds: int, _size: float) -> Figures:
    """Prints the slowest of each kind, and each page that is over its goal."""

    async def ask(statement: str) -> list[tuple[object, ...]]:
        return sql(database, statement)

    async with mwanga(database) as ours:
        await reached(database, of_office.CHORES_DONE, 1, within=600)
        measured = await of_office.measure(ours, ask, rounds + 2)
    found: Figures = {}
    for what, goal in (("home", 150), ("find", 100), ("other page", 300)):
        some = sorted((each for each in measured if each.kind == what), key=lambda each: each.median_ms)
        slowest, over = some[-1], [each for each in some if each.median_ms > goal]
        figure = f"{median(each.median_ms for each in some):.0f}, {slowest.median_ms:.0f}, {slowest.worst_ms:.0f}"
        line(f"{what}, {len(some)}: median, slowest, its worst (ms)", figure, f"each under {goal}", not over)
        line("  slowest, the loop alone (ms)", f"{max(each.cpu for each in some) * 1000:.0f}")
        for each in over:
            line(f"  {each.path}", f"{each.median_ms:.0f}, {each.worst_ms:.0f}; {each.cpu * 1000:.0f}")
        found[what] = 1 / slowest.median_ms
    return found


BENCHES: dict[str, Callable[[str, Path, int, float], Awaitable[Figures]]] = {
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


async def run(database: str, folder: Path, only: list[str], rounds: int, size: float) -> Figures:
    found: Figures = {}
    for name in only:
        figures = await BENCHES[name](database, folder, rounds, size)
        if not figures or min(figures.values()) <= 0:
            raise RuntimeError(f"{name} measured nothing: {figures}")
        found |= figures
    return found


async def quick(folder: Path, only: list[str], engine: str) -> None:
    with_aims.set(False)
    await run(await small(folder, engine), folder, only, rounds=1, size=0.05)
    print("\nWith a history:")
    grown = await large(folder / "cache", folder, engine, customers=FEW, messages=FEW)
    await run(grown, folder, [name for name in only if name == "pages"], rounds=1, size=0.05)


async def measure(given: argparse.Namespace, folder: Path) -> None:
    only, engine = given.only.split(","), "postgres" if given.postgres else "sqlite"
    if given.quick:
        await quick(folder, only, engine)
        return
    few = await small(folder, engine)
    at_first = await run(few, folder, only, given.rounds, given.size)
    if given.write:
        write(f"measured on {engine}", command(sys.argv[1:]))
    if not given.large:
        return
    print("\nWith 1 million customers, 10 million past messages and 2 million sales:")
    many = await large(given.cache, folder, engine)
    at_last = await run(many, folder, only, given.rounds, given.size)
    print("\nBoth in turns:")
    again = [name for name in only if name not in ONCE]
    found = await growth(few, many, folder, again, given.rounds, given.size)
    found |= {name: [at_first[name] / at_last[name]] for name in only if name in ONCE}
    for name, times in found.items():
        figure = f"{median(times):.2f} [{min(times):.2f}-{max(times):.2f}]"
        line(f"growth of {name}", figure, "under 1.1", median(times) < 1.1)
    if given.write:
        write("measured with a history", command(sys.argv[1:]))


async def growth(
    few: str, many: str, folder: Path, only: list[str], rounds: int, size: float
) -> dict[str, list[float]]:
    """How many times as slow each figure is with a history, by rounds in turns. A machine is faster or slower some
    minutes later: of figures that did not grow, 1.4 to 1.8 times was measured one after the other."""
    silent.set(True)
    found: dict[str, list[float]] = {}
    for _round in range(rounds):
        before, grown = await run(few, folder, only, 1, size), await run(many, folder, only, 1, size)
        for name, figure in before.items():
            found.setdefault(name, []).append(figure / grown[name])
    silent.set(False)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the hot paths on this machine.")
    parser.add_argument("--only", default=",".join(BENCHES), help="some of " + ",".join(BENCHES))
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--size", type=float, default=1.0, help="share of the usual number of messages")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own, one server and two")
    parser.add_argument("--large", action="store_true", help="also with a million customers and their messages")
    parser.add_argument("--write", action="store_true", help="put what is measured into docs/speed.md")
    parser.add_argument("--quick", action="store_true", help=QUICK)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "mwanga-bench", help=KEEPS)
    given = parser.parse_args()
    print(f"{machine()}. Medians [least-most].")
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(measure(given, Path(name)))


if __name__ == "__main__":
    main()
