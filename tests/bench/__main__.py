"""`make bench`, or `python -m tests.bench --only accept,token --large --cache DIR`."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.benches import BENCHES, one_round
from tests.bench.cores import CORES, FEWEST, shared_out, usable
from tests.bench.report import Duration, Rate, Round, Table, at_most, command, machine, require_marks, slower, write
from tests.bench.servers import ROOT, large, program_of, python_of, small

QUICK = "each part once, small, in a minute or two: shows that all of it runs, and says nothing of speed"
FEW = 3_000  # customers, and messages each way, of a large database that is made quickly
KEEPS = "folder that keeps the large database, of more than a gigabyte, for the next run"
APART = (
    f"with --postgres: hold each server of `servers`, PostgreSQL and callers to cores of their own, of {FEWEST} or more"
)
AGAINST = "another checkout of this program, with its .venv: measure both in turns"
GROWTH = at_most(1.1)


@dataclass(frozen=True)
class Side:
    """One of those that are measured in turns: a program and its database, and what is not asked of it."""

    title: str
    database: str
    checkout: Path = ROOT
    without: Sequence[str] = ()


async def sides_of(given: argparse.Namespace, folder: Path) -> list[Side]:
    """What was there before comes first."""
    engine = "postgres" if given.postgres else "sqlite"
    ours = Side("a thousand customers", await small(folder, engine))
    if given.large:
        many = await large(given.cache, folder, engine)
        title = "1 million customers, 10 million past messages and 2 million sales"
        return [ours, Side(title, many, without=("import",))]  # it would copy some gigabytes for each round
    if given.against:
        with program_of(given.against):
            theirs = await small(folder, engine, "theirs")
        # The ledger is not asked over the wire, and the paths of the pages are those of this program.
        return [
            Side("the other program", theirs, given.against, ("ledger", "pages")),
            Side("this program", ours.database),
        ]
    return [ours]


def marks_of(given: argparse.Namespace) -> list[str]:
    """The marks between which a run writes its tables, in the order of its sides."""
    engine = "postgres" if given.postgres else "sqlite"
    return [f"measured on {engine}"] + ([f"measured with a history on {engine}"] if given.large else [])


async def in_turns(name: str, sides: Sequence[Side], folder: Path, rounds: int, size: float) -> list[list[Round]]:
    """The rounds of each side. A machine is faster or slower some minutes later: of figures that did not grow, 1.4 to
    1.8 times was measured one after the other."""
    found: list[list[Round]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, each in zip(sides, found, strict=True):
            if name not in side.without:
                with program_of(side.checkout):
                    each.append(await one_round(name, side.database, folder, size))
    return found


def compared(before: Sequence[Round], after: Sequence[Round]) -> dict[str, list[float]]:
    """How many times as slow what both have is in the second, for each round."""
    found: dict[str, list[float]] = {}
    for earlier, later in zip(before, after, strict=True):
        for what, figure in earlier.items():
            then = later.get(what)
            if isinstance(figure, Rate | Duration) and isinstance(then, Rate | Duration):
                found.setdefault(what.strip(), []).append(slower(figure, then))
    return found


async def measure(given: argparse.Namespace, folder: Path) -> None:
    sides = await sides_of(given, folder)
    for name in given.only.split(","):
        tables, found = [Table() for _ in sides], await in_turns(name, sides, folder, given.rounds, given.size)
        for side, table, rounds in zip(sides, tables, found, strict=True):
            if rounds and len(sides) > 1:
                print(f"{name}, {side.title}:")
            table.add(rounds)
        if len(sides) > 1 and all(found):
            compare(given, tables[-1], *found)
        if given.write:
            for mark, table in zip(marks_of(given), tables, strict=True):
                write(mark, name, table, command(sys.argv[1:]))


def compare(given: argparse.Namespace, table: Table, before: Sequence[Round], after: Sequence[Round]) -> None:
    for what, times in compared(before, after).items():
        if given.large:
            table.line(f"growth of {what}", times, 2, GROWTH)
        else:
            table.line(f"times as fast as the other program: {what}", [1 / each for each in times], 2)


async def quick(given: argparse.Namespace, folder: Path) -> None:
    only, engine = given.only.split(","), "postgres" if given.postgres else "sqlite"
    table, few = Table(aims=False), await small(folder, engine)
    for name in only:
        table.add([await one_round(name, few, folder, 0.05)])
    if "pages" in only:
        print("\nWith a history:")
        grown = await large(folder / "cache", folder, engine, customers=FEW, messages=FEW)
        table.add([await one_round("pages", grown, folder, 0.05)])


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """What is to be measured. Says what goes together, and looks for the places of what is to be written, before
    anything is measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the hot paths on this machine.")
    parser.add_argument("--only", default=",".join(BENCHES), help="some of " + ",".join(BENCHES))
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    parser.add_argument("--size", type=float, default=1.0, help="share of the usual number of messages")
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL of its own, one server and two")
    parser.add_argument("--cores", action="store_true", help=APART)
    parser.add_argument("--large", action="store_true", help="also with a million customers and their messages")
    parser.add_argument("--against", type=Path, metavar="DIR", help=AGAINST)
    parser.add_argument("--write", action="store_true", help="put each bench into its place in docs/speed.md")
    parser.add_argument("--quick", action="store_true", help=QUICK)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "mwanga-bench", help=KEEPS)
    given = parser.parse_args(words)
    if unknown := set(given.only.split(",")) - BENCHES.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    if given.rounds < 1:
        parser.error("--rounds is one or more")
    if given.write and (given.quick or given.against):
        parser.error("--write is for what this program does, measured as usual: leave out --quick and --against")
    if given.cores and not (given.postgres and "servers" in given.only.split(",")):
        parser.error("--cores is for two servers on PostgreSQL: add --postgres, and let `servers` be measured")
    try:
        given.cores = shared_out(usable()) if given.cores else None
    except ValueError as error:
        parser.error(str(error))
    if given.against and (given.large or given.quick):
        parser.error("--against measures on the small database: leave out --large and --quick")
    if given.against and not Path(python_of(given.against.resolve())).exists():
        parser.error(f"{given.against} has no .venv/bin/python")
    if given.against:
        given.against = given.against.resolve()
    if given.write:
        require_marks(marks_of(given))
    return given


def main() -> None:
    given = parsed(sys.argv[1:])
    print(f"{machine()}. Medians [least-most].")
    CORES.set(given.cores)
    with tempfile.TemporaryDirectory() as name:
        asyncio.run((quick if given.quick else measure)(given, Path(name)))


if __name__ == "__main__":
    main()
