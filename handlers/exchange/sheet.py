"""A CSV file of one kind: its columns, how a row is read, and how it is written into the database."""

import csv
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

from bot.company import Company
from handlers.exchange.cells import Row
from handlers.exchange.table import Table, Unreadable, row_of, safe


@dataclass(frozen=True)
class Problem:
    """What is wrong with one line; line 1 is the header."""

    line: int
    reason: str


class Shared(NamedTuple):
    """What a row says of something that several rows are about: `key` names it, all have to agree on `values`;
    `what` is it in words."""

    key: object
    values: object
    what: str


@dataclass(frozen=True)
class Kind:
    """What can be exported: its columns, and `rows(company)`, which gives them."""

    columns: tuple[str, ...]
    rows: Callable[[Company], AsyncIterator[Sequence[object]]]


@dataclass(frozen=True)
class Imported(Kind):
    """What can be imported too. `read(row, company)` makes values of a row or raises ValueError, `key(values)` is what
    no two rows share, `fits(values, company)` holds them against the database or raises ValueError, and `write(values,
    company)` stores them and says whether anything changed: what the row says nothing of stays as it is. `optional`
    columns may be missing, `unread` ones are of other people's files; any other is a mistake that would lose what it
    holds. The higher `first(values)`, the earlier a row is written. `together(rows, company)` finds what is wrong
    with rows that are each in order. `alike` is what helps when two rows are the same and should not be.
    `reserve(rows)` keeps from others what the rows need, from the commit on, and says which rows are to be checked
    again then: they may have got it since the file was checked."""

    optional: tuple[str, ...]
    key: Callable[[Any], object]
    read: Callable[[Row, Company], Any]
    fits: Callable[[Any, Company], Awaitable[None]]
    write: Callable[[Any, Company], Awaitable[bool]]
    shared: Callable[[Any], Shared] | None = None
    first: Callable[[Any], int] | None = None
    together: Callable[[Sequence[tuple[int, Any]], Company], Awaitable[list[Problem]]] | None = None
    unread: tuple[str, ...] = ()
    alike: str = ""
    reserve: Callable[[Sequence[tuple[int, Any]]], Awaitable[list[tuple[int, Any]]]] | None = None

    def wrong(self, header: Sequence[str]) -> str:
        """What is wrong with a header; an empty text when nothing is. A column without a name may stand there."""
        if missing := [name for name in self.columns if name not in (*header, *self.optional)]:
            return f"the column {', '.join(missing)} is missing"
        named = [name for name in header if name]
        if twice := {name for name in named if named.count(name) > 1}:
            return f"the column {', '.join(sorted(twice))} is there twice"
        if unknown := [name for name in named if name not in (*self.columns, *self.unread)]:
            return f"the column {', '.join(unknown)[:60]} is none of {', '.join(self.columns)}"
        return ""


@dataclass
class Sheet:
    """A file that was read: the values of its rows, or its problems."""

    kind: Imported
    values: list[tuple[int, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seen: dict[object, tuple[int, object]] = field(default_factory=dict)


async def read_sheet(
    name: str, kinds: Mapping[str, Imported], table: Table, company: Company, progress: Callable[[int], object]
) -> Sheet:
    """Read and check a whole file; nothing is written. `progress` is told the lines that are done."""
    sheet, done = Sheet(kinds[name]), 0
    header: list[str] = []
    try:
        for line, cells in table.rows():
            if header:
                await _check(sheet, line, header, cells, company)
            else:
                header = [cell.lower() for cell in cells]
                if wrong := _wrong(header, name, kinds):
                    sheet.problems.append(Problem(line, wrong))
                    return sheet
            progress(line - done)
            done = line
    except Unreadable as error:
        sheet.problems.append(Problem(error.line, error.reason))
    if not header:
        sheet.problems.append(Problem(1, "there is no header"))
    if sheet.kind.together and not sheet.problems:
        sheet.problems += await sheet.kind.together(sheet.values, company)
    if first := sheet.kind.first:
        sheet.values.sort(key=lambda row: -first(row[1]))
    return sheet


def _wrong(header: Sequence[str], name: str, kinds: Mapping[str, Imported]) -> str:
    wrong = kinds[name].wrong(header)
    others = [other for other, kind in kinds.items() if not kind.wrong(header)] if wrong else []
    return f"{wrong}; these are columns for mwanga import {others[0]}" if others else wrong


async def _check(sheet: Sheet, line: int, header: list[str], cells: list[str], company: Company) -> None:
    try:
        value = sheet.kind.read(row_of(header, cells), company)
        _unique(sheet, line, value)
        await sheet.kind.fits(value, company)
        sheet.values.append((line, value))
    except ValueError as error:
        sheet.problems.append(Problem(line, str(error)))


def _unique(sheet: Sheet, line: int, value: Any) -> None:
    """Raises ValueError when an earlier line says the same, or something else of the same."""
    earlier, _values = sheet.seen.setdefault(("row", sheet.kind.key(value)), (line, None))
    if earlier != line:
        raise ValueError(f"the same as line {earlier}{sheet.kind.alike}")
    if sheet.kind.shared:
        shared = sheet.kind.shared(value)
        earlier, before = sheet.seen.setdefault(("shared", shared.key), (line, shared.values))
        if before != shared.values:
            raise ValueError(f"line {earlier} says something else of {shared.what}")


async def check_again(sheet: Sheet, rows: Sequence[tuple[int, Any]], company: Company) -> None:
    """Hold rows against the database once more."""
    for line, value in rows:
        try:
            await sheet.kind.fits(value, company)
        except ValueError as error:
            sheet.problems.append(Problem(line, str(error)))


async def write_export(kind: Kind, file: IO[str], company: Company) -> int:
    """Write an export; the number of rows."""
    writer, count = csv.writer(file, lineterminator="\n"), 0
    writer.writerow(kind.columns)
    async for row in kind.rows(company):
        writer.writerow([safe(value) for value in row])
        count += 1
    return count
