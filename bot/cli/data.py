"""CSV files in and out: `mwanga import` and `mwanga export`."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.dates import Since, Until, read_dates
from bot.cli.prompt import ACTOR, fail, load_config, open_database, perform
from handlers.exchange import (
    EXPORTS,
    IMPORTS,
    HistoryKind,
    NotImported,
    PartlyImported,
    Table,
    Unreadable,
    group_problems,
    import_table,
    write_export,
)

LONG = 200  # lines: a shorter file is done before anybody reads a bar


def import_(
    kind: Annotated[str, typer.Argument(help=f"one of {', '.join(IMPORTS)}")],
    file: Annotated[Path, typer.Argument(help="a CSV file with a header", exists=True, dir_okay=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="check the file and write nothing")] = False,
) -> None:
    """Bring data in from a CSV file; it is checked whole before anything is written."""
    if kind not in IMPORTS:
        fail(f"{kind} is none of {', '.join(IMPORTS)}.")
    try:
        table = Table.of(file.read_bytes())
    except Unreadable as error:
        fail(f"Nothing was imported. {file.name}, line {error.line}: {error.reason}.")

    async def work() -> None:
        async with open_database(load_config()) as (database, company):
            try:
                done = await import_table(
                    kind,
                    table,
                    file.name,
                    database=database,
                    company=company,
                    actor=ACTOR,
                    progress=_show_progress,
                    dry_run=dry_run,
                )
            except NotImported as error:
                for sentence in group_problems(error.problems):
                    typer.echo(sentence, err=True)
                fail(str(error))
            except PartlyImported as error:
                fail(str(error))
            for sentence in group_problems(done.remarks):
                typer.echo(sentence, err=True)
            if dry_run:
                typer.echo(f"{done.rows} rows read, all in order. Nothing was written.")
            else:
                typer.echo(f"{done.rows} rows read, {done.changed} new or changed.")

    perform(work())


@contextmanager
def _show_progress(what: str, lines: int) -> Iterator[Callable[[int], None]]:
    """A bar for a long file, to be told how many lines more are done."""
    with typer.progressbar(length=lines, label=what, hidden=lines < LONG) as bar:
        yield bar.update


def export(
    kind: Annotated[str, typer.Argument(help=f"one of {', '.join(EXPORTS)}")], since: Since = None, until: Until = None
) -> None:
    """Write data to standard output as CSV."""
    if kind not in EXPORTS:
        fail(f"{kind} is none of {', '.join(EXPORTS)}.")
    if (since or until) and not isinstance(EXPORTS[kind], HistoryKind):
        dated = ", ".join(name for name, each in EXPORTS.items() if isinstance(each, HistoryKind))
        fail(f"{kind} have no dates. --since and --until are for {dated}.")

    async def work() -> None:
        async with open_database(load_config()) as (_database, company):
            dates = read_dates(since, until, company.zone)
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.reconfigure(encoding="utf-8")  # as the mark at its beginning says, whatever the terminal has
            await write_export(EXPORTS[kind], sys.stdout, company, dates)

    perform(work())
