"""What was measured, as lines for whoever waits and as a table of `docs/speed.md`."""

import os
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

SPEED = Path(__file__).resolve().parent.parent.parent / "docs/speed.md"
HEAD = "| what | measured | aim |\n|---|---|---|\n"
TABLE = re.compile(r"^\*\*(?P<bench>\w+)\*\*, measured .*?(?=^\*\*|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Aim:
    """What a figure shall be: so much or more, or so much or less."""

    bound: float
    or_less: bool

    def __str__(self) -> str:
        return f"{self.bound:,g} or {'less' if self.or_less else 'more'}"

    def holds(self, figure: float) -> bool:
        return figure <= self.bound if self.or_less else figure >= self.bound

    def verdict(self, figures: Sequence[float]) -> str:
        """Whether the median reached it; if not, by how much it did not, and whether a round did."""
        middle = median(figures)
        if self.holds(middle):
            return "reached"
        missed = f"missed by {max(round(abs(middle / self.bound - 1) * 100), 1)} %"
        return f"{missed}, within the spread" if any(map(self.holds, figures)) else missed


def at_least(bound: float) -> Aim:
    return Aim(bound, or_less=False)


def at_most(bound: float) -> Aim:
    return Aim(bound, or_less=True)


@dataclass(frozen=True)
class Figure:
    """One round's figure, and how many digits behind the point say something."""

    value: float
    digits: int = 0
    aim: Aim | None = None


class Rate(Figure):
    """So many a second."""


class Duration(Figure):
    """It takes so long."""


Round = dict[str, Figure]  # by what they are called


def slower(before: Figure, after: Figure) -> float:
    """How many times as slow the second is."""
    return before.value / after.value if isinstance(before, Rate) else after.value / before.value


def spread(figures: Sequence[float], digits: int = 0) -> str:
    return f"{median(figures):,.{digits}f} [{min(figures):,.{digits}f}-{max(figures):,.{digits}f}]"


class Table:
    """Lines that were printed. Without aims they show that something was measured, and judge nothing."""

    def __init__(self, aims: bool = True) -> None:
        self._aims = aims
        self.rows: list[tuple[str, str, str]] = []

    def add(self, rounds: Sequence[Round]) -> None:
        """A line for each figure. Not every round has every one: a page is named where it took too long."""
        for what in dict.fromkeys(name for each in rounds for name in each):
            figures = [each[what] for each in rounds if what in each]
            self.line(what, [each.value for each in figures], figures[0].digits, figures[0].aim)

    def line(self, what: str, figures: Sequence[float], digits: int = 0, aim: Aim | None = None) -> None:
        """What is judged is what is read: two lines that say 1.05 are both reached, or both missed."""
        said, wanted = spread(figures, digits), ""
        if aim and self._aims:
            wanted = f"{aim}: {aim.verdict([round(figure, digits) for figure in figures])}"
        print(f"{what:<82} {said:>24}   {wanted}".rstrip(), flush=True)
        self.rows.append((what.strip(), said, wanted))


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def command(words: Sequence[str]) -> str:
    """What was typed, for any machine: where one keeps its large database is its own affair."""
    return re.sub(r"--cache[= ]\S+", "--cache DIR", " ".join(["python -m tests.bench", *words]))


def require_marks(names: Iterable[str]) -> None:
    """Raises ValueError where the page has no place for a table: whoever is to write it shall know before hours of
    measuring."""
    text = SPEED.read_text()
    for name in names:
        if not re.search(_between(name), text, re.DOTALL):
            raise ValueError(f"{SPEED.name} has no <!-- {name} --> with its <!-- end of {name} -->")


def write(mark: str, bench: str, table: Table, how: str) -> None:
    """Put the table of a bench into the page, between these marks, with the day, the machine and the command. Those of
    other benches stay, so that a long run can be made bench by bench, and one that broke off is not lost; so does what
    stands before them."""
    require_marks([mark])
    if not table.rows:
        return

    def renewed(found: re.Match[str]) -> str:
        tables = {each["bench"]: each[0] for each in TABLE.finditer(found["tables"])}
        rows = "".join(f"| {' | '.join(row)} |\n" for row in table.rows)
        said = f"measured on {date.today().isoformat()} by `{how}`, {machine()}; medians [least-most]."
        tables[bench] = f"**{bench}**, {said}\n\n{HEAD}{rows}\n"
        before = TABLE.split(found["tables"], maxsplit=1)[0].rstrip("\n")
        return f"<!-- {mark} -->{before}\n\n{''.join(tables.values())}<!-- end of {mark} -->"

    SPEED.write_text(re.sub(_between(mark), renewed, SPEED.read_text(), flags=re.DOTALL))


def _between(mark: str) -> str:
    return f"{re.escape(f'<!-- {mark} -->')}(?P<tables>.*?){re.escape(f'<!-- end of {mark} -->')}"
