"""A CSV file of one kind: its columns, how a row is read, and how it is written into the database."""

import csv
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

from bot.company import Company
from bot.text.i18n import N_, Reason
from handlers.exchange.cells import Row
from handlers.exchange.dates import ALWAYS, Dates
from handlers.exchange.references import find_near
from handlers.exchange.table import BOM, Table, Unreadable, cell_of, row_of

PORTION = 200  # rows that are held against the database, or written in one transaction, at most


@dataclass(frozen=True)
class Problem:
    """What is wrong with one line; line 1 is the header."""

    line: int
    reason: Reason


class Shared(NamedTuple):
    """What a row says of something that several rows are about."""

    key: object  # names it
    values: object  # all rows have to agree on them
    what: str | Reason  # its name, or it in words


Rows = AsyncIterator[Sequence[object]]


@dataclass(frozen=True, kw_only=True)
class ExportKind:
    """What can be exported."""

    columns: tuple[str, ...]

    def list_rows(self, company: Company, dates: Dates) -> Rows:
        """All of it, or what was in this time."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class HistoryKind(ExportKind):
    """What happened, each at its time."""

    rows: Callable[[Company, Dates], Rows]

    def list_rows(self, company: Company, dates: Dates) -> Rows:
        return self.rows(company, dates)


async def fit_always(_values: object, _company: Company) -> Reason | None:
    """For rows that need nothing that has to be there before."""
    return None


async def hold_nothing(_values: Sequence[Any]) -> None:
    """For rows that nobody else changes."""


def knowing_nothing(_values: Sequence[Any]) -> AbstractAsyncContextManager[None]:
    """For rows each of which asks for itself."""
    return nullcontext()


@dataclass(frozen=True, kw_only=True)
class ImportKind(ExportKind):
    """What can be imported too. A row becomes values of its kind, and all that follows is done with these."""

    rows: Callable[[Company], Rows]
    # Columns that may be missing. Any that is not known is a mistake, which would lose what it holds.
    optional: tuple[str, ...] = ()
    # Columns of other people's files, of no use here.
    unread: tuple[str, ...] = ()
    # Makes values of a row, or raises Reason.
    read: Callable[[Row, Company], Any]
    # What no two rows share.
    key: Callable[[Any], object]
    # What is said of two rows that are the same.
    alike: str = N_("the same as line {line}")
    # What all rows have to say alike.
    shared: Callable[[Any], Shared] | None = None
    # Asks at once what `fits` and `write` of these values would ask one by one, and keeps it for them within its block.
    knowing: Callable[[Sequence[Any]], AbstractAsyncContextManager[None]] = knowing_nothing
    # Holds values against the database, or raises Reason. May give a remark: what of the row is not taken, and why.
    fits: Callable[[Any, Company], Awaitable[Reason | None]] = fit_always
    # Finds what is wrong with rows that are each in order.
    together: Callable[[Sequence[tuple[int, Any]], Company], Awaitable[list[Problem]]] | None = None
    # Keeps from others what the rows need, from the commit on. Gives the rows that are to be checked again then, since
    # others may have got it after the file was checked.
    reserve: Callable[[Sequence[tuple[int, Any]]], Awaitable[list[tuple[int, Any]]]] | None = None
    # The higher it is, the earlier a row is written.
    first: Callable[[Any], int] | None = None
    # Holds what rows are about to change until the commit, all at once and in the order of all locks: one after the
    # other they would be held in the order of the file.
    hold: Callable[[Sequence[Any]], Awaitable[None]] = hold_nothing
    # Stores values and says whether anything changed; what the row says nothing of stays as it is.
    write: Callable[[Any, Company], Awaitable[bool]]
    # What is noted of the whole file when all of it is written, with who did it.
    finish: Callable[[Sequence[tuple[int, Any]], Company, str], Awaitable[None]] | None = None

    def list_rows(self, company: Company, _dates: Dates) -> Rows:
        return self.rows(company)

    def wrong(self, header: Sequence[str]) -> Reason | None:
        """What is wrong with a header; None when nothing is. A column without a name may stand there."""
        named = [name for name in header if name]
        unknown = [name for name in named if name not in (*self.columns, *self.unread)]
        if missing := [name for name in self.columns if name not in (*header, *self.optional)]:
            lacks = Reason(N_("the column {columns} is missing"), columns=", ".join(missing))
            return self._with_near(lacks, unknown, header)
        if twice := {name for name in named if named.count(name) > 1}:
            return Reason(N_("the column {columns} is there twice"), columns=", ".join(sorted(twice)))
        if unknown:
            given, ours = ", ".join(unknown)[:60], ", ".join(self.columns)
            strange = Reason(N_("the column {columns} is none of {ours}"), columns=given, ours=ours)
            return self._with_near(strange, unknown, header)
        return None

    def _with_near(self, wrong: Reason, unknown: Sequence[str], header: Sequence[str]) -> Reason:
        """With the columns that are probably meant by those that are none."""
        left = [name for name in (*self.columns, *self.unread) if name not in header]
        looks = N_("{wrong}: {name} looks like {meant}")
        for name in unknown:
            if meant := find_near(name, left):
                wrong = Reason(looks, wrong=wrong, name=name[:40], meant=meant)
                looks = N_("{wrong}, {name} looks like {meant}")
        return wrong


@dataclass
class Sheet:
    """A file that was read: the values of its rows, or its problems."""

    kind: ImportKind
    values: list[tuple[int, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)  # what is not taken of rows that are in order
    seen: dict[object, tuple[int, object]] = field(default_factory=dict)


async def read_sheet(
    name: str, kinds: Mapping[str, ImportKind], table: Table, company: Company, progress: Callable[[int], object]
) -> Sheet:
    """Read and check a whole file; nothing is written. `progress` is told the lines that are done."""
    sheet, done = Sheet(kinds[name]), 0
    header: list[str] = []
    unreadable: list[Problem] = []
    some: list[tuple[int, Any]] = []
    try:
        for line, cells in table.rows():
            if header:
                _read(sheet, some, line, header, cells, company)
            else:
                header = [cell.lower() for cell in cells]
                if wrong := _wrong(header, name, kinds):
                    sheet.problems.append(Problem(line, wrong))
                    return sheet
            if len(some) == PORTION:
                await _hold_against_database(sheet, some, company)
                some = []
            progress(line - done)
            done = line
    except Unreadable as error:
        unreadable.append(Problem(error.line, error.reason))
    await _hold_against_database(sheet, some, company)
    sheet.problems = [*sorted(sheet.problems, key=lambda problem: problem.line), *unreadable]
    if not header:
        sheet.problems.append(Problem(1, Reason(N_("there is no header"))))
    if sheet.kind.together and not sheet.problems:
        sheet.problems += await sheet.kind.together(sheet.values, company)
    if first := sheet.kind.first:
        sheet.values.sort(key=lambda row: -first(row[1]))
    return sheet


def _wrong(header: Sequence[str], name: str, kinds: Mapping[str, ImportKind]) -> Reason | None:
    wrong = kinds[name].wrong(header)
    others = [other for other, kind in kinds.items() if not kind.wrong(header)] if wrong else []
    if not others:
        return wrong
    return Reason(N_("{wrong}; these are columns for mwanga import {kind}"), wrong=wrong, kind=others[0])


def _read(
    sheet: Sheet, some: list[tuple[int, Any]], line: int, header: list[str], cells: list[str], company: Company
) -> None:
    """Make values of a line, and add them to `some`."""
    try:
        value = sheet.kind.read(row_of(header, cells), company)
        _unique(sheet, line, value)
        some.append((line, value))
    except Reason as reason:
        sheet.problems.append(Problem(line, reason))


async def _hold_against_database(sheet: Sheet, some: Sequence[tuple[int, Any]], company: Company) -> None:
    """Add those that fit to the values of the sheet."""
    async with sheet.kind.knowing([value for _line, value in some]):
        for line, value in some:
            try:
                if remark := await sheet.kind.fits(value, company):
                    sheet.remarks.append(Problem(line, remark))
                sheet.values.append((line, value))
            except Reason as reason:
                sheet.problems.append(Problem(line, reason))


def _unique(sheet: Sheet, line: int, value: Any) -> None:
    """Raises Reason when an earlier line says the same, or something else of the same."""
    earlier, _values = sheet.seen.setdefault(("row", sheet.kind.key(value)), (line, None))
    if earlier != line:
        raise Reason(sheet.kind.alike, line=earlier)
    if sheet.kind.shared:
        shared = sheet.kind.shared(value)
        earlier, before = sheet.seen.setdefault(("shared", shared.key), (line, shared.values))
        if before != shared.values:
            raise Reason(N_("line {line} says something else of {what}"), line=earlier, what=shared.what)


async def check_again(sheet: Sheet, rows: Sequence[tuple[int, Any]], company: Company) -> None:
    """Hold rows against the database once more."""
    for line, value in rows:
        try:
            await sheet.kind.fits(value, company)
        except Reason as reason:
            sheet.problems.append(Problem(line, reason))


async def write_export(kind: ExportKind, file: IO[str], company: Company, dates: Dates = ALWAYS) -> int:
    """Write an export, of a history what was in this time; the number of rows."""
    writer, count = csv.writer(file, lineterminator="\n"), 0
    file.write(BOM)
    writer.writerow(kind.columns)
    async for row in kind.list_rows(company, dates):
        writer.writerow([cell_of(value, company.zone) for value in row])
        count += 1
    return count
