"""CSV files in and out: `mwanga import` and `mwanga export`."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from bot.cli.prompt import configured, fail, opened, perform
from bot.company import Company
from bot.runtime.database import Database
from handlers.exchange import EXPORTS, IMPORTS, Sheet, Table, Unreadable, check_again, exported, read
from models.audit import record

SOME = 200  # rows that an import writes in one transaction: SQLite's only lock is held for some 0.2 s
PAUSE_S = 0.15  # who waits for that lock looks each 0.1 s, and would hardly ever find it free without a pause


def import_(
    kind: Annotated[str, typer.Argument(help=f"one of {', '.join(IMPORTS)}")],
    file: Annotated[Path, typer.Argument(help="a CSV file with a header", exists=True, dir_okay=False)],
) -> None:
    """Bring data in from a CSV file; it is checked whole before anything is written."""
    if kind not in IMPORTS:
        fail(f"{kind} is none of {', '.join(IMPORTS)}.")
    try:
        table = Table.of(file.read_bytes())
    except Unreadable as error:
        fail(f"Nothing was imported. {file.name}, line {error.line}: {error.reason}.")

    async def work() -> None:
        async with opened(configured()) as (database, company):
            with _progress("checking", table.lines) as advance:
                sheet = await read(kind, IMPORTS, table, company, advance)
            if sheet.kind.reserve and not sheet.problems:
                async with database.work():
                    doubtful = await sheet.kind.reserve(sheet.values)
                await check_again(sheet, doubtful, company)
            for problem in sheet.problems:
                typer.echo(f"line {problem.line}: {problem.reason}", err=True)
            if sheet.problems:
                fail(f"Nothing was imported: {len(sheet.problems)} of the lines are wrong.")
            changed = await _written(database, sheet, company, f"{kind} from {file.name}")
            typer.echo(f"{len(sheet.values)} rows read, {changed} new or changed.")

    perform(work())


@contextmanager
def _progress(label: str, rows: int) -> Iterator[Callable[[int], None]]:
    """A bar for a long file, to be told how many rows more are done; a short one is done before anybody reads it."""
    with typer.progressbar(length=rows, label=label, hidden=rows < SOME) as bar:
        yield bar.update


async def _written(database: Database, sheet: Sheet, company: Company, what: str) -> int:
    """Write a checked file, some rows in each transaction, so that a server beside us goes on working."""
    changed = 0
    with _progress("importing", len(sheet.values)) as advance:
        for first in range(0, len(sheet.values), SOME):
            some = sheet.values[first : first + SOME]
            if first and database.embedded:
                await asyncio.sleep(PAUSE_S)
            async with database.work():
                changed += sum([await _write(sheet, row, company, first) for row in some])
            advance(len(some))
    async with database.work():
        await record("command line", "import", what, f"{changed} new or changed")
    return changed


async def _write(sheet: Sheet, row: tuple[int, Any], company: Company, before: int) -> bool:
    line, values = row
    try:
        return await sheet.kind.write(values, company)
    except ValueError as error:
        fail(f"line {line}: {error}. It fitted when the file was checked. {before} rows are imported, this one is not.")


def export(kind: Annotated[str, typer.Argument(help=f"one of {', '.join(EXPORTS)}")]) -> None:
    """Write data to standard output as CSV."""
    if kind not in EXPORTS:
        fail(f"{kind} is none of {', '.join(EXPORTS)}.")

    async def work() -> None:
        async with opened(configured()) as (_database, company):
            await exported(EXPORTS[kind], sys.stdout, company)

    perform(work())
