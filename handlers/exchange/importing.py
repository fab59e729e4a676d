"""A file becomes rows of the database: it is checked whole, checked again where others may have been quicker, written
in portions, and noted in the audit."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from math import inf
from typing import Any

from bot.company import Company
from bot.runtime import Database
from bot.text.i18n import N_, Reason
from handlers.exchange.kinds import STATEMENT_OF, kinds_with
from handlers.exchange.sheet import PORTION, Problem, Sheet, check_again, read_sheet
from handlers.exchange.table import Table
from models.audit import record
from models.money.statements import hold_statements
from models.sql import connection, execute, on_postgres

# Who waits for SQLite's only lock looks for it after 1, 3, 8, 18, 33 ms and ever more rarely, in the end each 0.1 s
# (sqliteDefaultBusyCallback). It is held for so long that the fifth look finds it free, and left as long as two looks
# lie apart by then: so nobody waits much longer than 33 ms.
HOLD_S, PAUSE_S = 0.03, 0.02
MOST_TRIED = 500  # rows that are written and taken back: for so long nobody else can write
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended($1, 7269426))"

# `progress(what is done, lines of all)` is entered while that is done, and gives what is told how many lines more are.
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], object]]]


class NotImported(Exception):
    """Lines of the file are wrong: nothing is written."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"Nothing was imported: {len(problems)} of the lines are wrong.")
        self.problems = problems


class PartlyImported(Exception):
    """A row that fitted when the file was checked did not when it was written; `told` says how far it came."""

    def __init__(self, line: int, reason: Reason, written: int) -> None:
        how_far = N_(
            "line {line}: {reason}. It fitted when the file was checked. {rows} rows are imported, this one is not."
        )
        self.told = Reason(how_far, line=line, reason=reason, rows=f"{written:,}")
        super().__init__(str(self.told))


@dataclass(frozen=True)
class Imported:
    """How many rows the file has, how many of them are new or changed something, and what was not taken of rows."""

    rows: int
    changed: int
    remarks: Sequence[Problem] = ()


@dataclass(frozen=True)
class Tried:
    """What importing a file would do."""

    rows: int
    changed: Sequence[int] | None  # the lines that are new or change something; None for a file that is too long
    remarks: Sequence[Problem] = ()


class _Undo(Exception):
    """Takes back what was only tried."""


@contextmanager
def tell_nobody(_what: str, _lines: int) -> Iterator[Callable[[int], object]]:
    """The progress of an import that nobody watches."""
    yield lambda _lines: None


async def look_at_nothing() -> None:
    """An import that overwrites whatever is there."""


async def import_table(  # noqa: PLR0913 - one file, all that is to be known of its import
    kind: str,
    table: Table,
    source: str,
    *,
    database: Database,
    company: Company,
    actor: str,
    progress: Progress = tell_nobody,
    dry_run: bool = False,
    look_first: Callable[[], Awaitable[None]] = look_at_nothing,
) -> Imported:
    """Import a file of a kind of `IMPORTS` or a `statement of` somebody, or only check it; `source` is its name.
    `look_first` is called in the transaction that writes, when nobody else writes rows of this kind: what it raises
    keeps them all out. Raises NotImported and PartlyImported."""
    with progress("checking", table.lines) as advance:
        sheet = await read_sheet(kind, kinds_with(kind), table, company, advance)
    if not sheet.problems and not dry_run:
        await _reserve(sheet, database, company)
    if sheet.problems:
        raise NotImported(sheet.problems)
    if dry_run:
        return Imported(len(sheet.values), 0, sheet.remarks)
    changed, subject = 0, f"{kind} from {source}"
    try:
        with progress("importing", len(sheet.values)) as advance:
            async for more in _write(kind, sheet, database, company, advance, look_first):
                changed += more
        async with database.work():
            if sheet.kind.finish:
                await sheet.kind.finish(sheet.values, company, actor)
            await record(actor, "import", subject, f"{changed} new or changed")
    except (Exception, asyncio.CancelledError):  # the server stops, or somebody presses Ctrl-C
        if changed:  # these stay
            async with database.work():
                await record(actor, "import", subject, f"{changed} new or changed, then it broke off")
        raise
    return Imported(len(sheet.values), changed, sheet.remarks)


async def try_table(kind: str, table: Table, *, database: Database, company: Company) -> Tried:
    """Check a file, and find out what would change: its rows are written and taken back at once. Raises NotImported and
    PartlyImported."""
    sheet = await read_sheet(kind, kinds_with(kind), table, company, lambda _lines: None)
    if sheet.problems:
        raise NotImported(sheet.problems)
    if len(sheet.values) > MOST_TRIED:
        return Tried(len(sheet.values), None, sheet.remarks)
    changed: list[int] = []
    with suppress(_Undo):
        async with database.work():
            await sheet.kind.hold([values for _line, values in sheet.values])
            for line, values in sheet.values:
                if await _write_row(sheet, line, values, company, 0):
                    changed.append(line)
            raise _Undo
    return Tried(len(sheet.values), sorted(changed), sheet.remarks)


async def _reserve(sheet: Sheet, database: Database, company: Company) -> None:
    """Keep from others what the rows need, and look again at those that others were quicker with."""
    if sheet.kind.reserve:
        async with database.work():
            doubtful = await sheet.kind.reserve(sheet.values)
        await check_again(sheet, doubtful, company)


async def _write(
    kind: str,
    sheet: Sheet,
    database: Database,
    company: Company,
    advance: Callable[[int], object],
    look_first: Callable[[], Awaitable[None]],
) -> AsyncIterator[int]:
    """Write a checked file, some rows in each transaction, so that a server beside us goes on working; of each
    transaction the number of rows that changed something."""
    done = 0
    while done < len(sheet.values):
        if done and database.embedded:
            await asyncio.sleep(PAUSE_S)
        async with database.work():
            await _write_alone(kind)
            if not done:
                await look_first()
            rows, changed = await _write_portion(sheet, company, done, HOLD_S if database.embedded else inf)
        done += rows
        advance(rows)
        yield changed


async def _write_portion(sheet: Sheet, company: Company, first: int, seconds: float) -> tuple[int, int]:
    """Write rows for this time, one at the least; how many, and how many of them changed something."""
    rows = changed = 0
    until, some = time.perf_counter() + seconds, sheet.values[first : first + PORTION]
    meant = [values for _line, values in some]
    await sheet.kind.hold(meant)
    async with sheet.kind.knowing(meant):
        for line, values in some:
            changed += await _write_row(sheet, line, values, company, first)
            rows += 1
            if time.perf_counter() >= until:
                break
    return rows, changed


async def _write_alone(kind: str) -> None:
    """Others that write rows of this kind wait until the commit, and of statements those of all providers. SQLite has
    one writer."""
    if kind.startswith(STATEMENT_OF):
        await hold_statements()
    elif on_postgres():
        await execute(connection(), ALONE, [kind])


async def _write_row(sheet: Sheet, line: int, values: Any, company: Company, written: int) -> bool:
    try:
        return await sheet.kind.write(values, company)
    except Reason as reason:
        raise PartlyImported(line, reason, written) from reason
