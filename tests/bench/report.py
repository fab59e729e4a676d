"""What was measured, as lines for whoever waits and as a table of `docs/speed.md`."""

import os
import platform
import re
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import date
from pathlib import Path

SPEED = Path(__file__).resolve().parent.parent.parent / "docs/speed.md"
HEAD = "| what | measured | aim |\n|---|---|---|\n"

with_aims = ContextVar("whether figures are held against their aims", default=True)
silent = ContextVar("whether figures are for a comparison alone", default=False)
_rows: list[tuple[str, str, str]] = []


def line(what: str, figure: str, aim: str = "", reached: bool | None = None) -> None:
    if silent.get():
        return
    verdict = "" if reached is None else ("reached" if reached else "MISSED")
    aims = f"   {aim:<22} {verdict}" if with_aims.get() else ""
    print(f"{what:<52} {figure:>26}{aims}", flush=True)
    _rows.append((what, figure, f"{aim}: {verdict.lower()}" if verdict else aim))


def machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def command(words: Sequence[str]) -> str:
    """What was typed, for any machine: where one keeps its large database is its own affair."""
    return re.sub(r"--cache[= ]\S+", "--cache DIR", " ".join(["python -m tests.bench", *words]))


def write(name: str, how: str) -> None:
    """Put all lines since the last time into the document, between its marks of this name, with the day, the machine
    and the command. Raises ValueError where the document has no such marks."""
    rows = "".join(f"| {' | '.join(cell.strip() for cell in row)} |\n" for row in _rows)
    said = f"Measured on {date.today().isoformat()} by `{how}`, {machine()}; medians [least-most].\n\n{HEAD}{rows}"
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    text = SPEED.read_text()
    if begin not in text:
        raise ValueError(f"{SPEED.name} has no {begin.strip()}")
    SPEED.write_text(re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: begin + said + end, text, flags=re.S))
    _rows.clear()
