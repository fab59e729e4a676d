"""CSV files in and out: `mwanga import` and `mwanga export`."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.prompt import ACTOR, fail, load_config, open_database, perform
from handlers.exchange import (
    EXPORTS,
    IMPORTS,
    NotImported,
    PartlyImported,
    Table,
    Unreadable,
    import_table,
    write_export,
)

LONG = 200  # lines: a shorter file is done before anybody reads a bar


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
        async with open_database(load_config()) as (database, company):
            try:
                done = await import_table(
                    kind, table, file.name, database=database, company=company, actor=ACTOR, progress=_show_progress
                )
            except NotImported as error:
                for problem in error.problems:
                    typer.echo(f"line {problem.line}: {problem.reason}", err=True)
                fail(str(error))
            except PartlyImported as error:
                fail(str(error))
            typer.echo(f"{done.rows} rows read, {done.changed} new or changed.")

    perform(work())


@contextmanager
def _show_progress(what: str, lines: int) -> Iterator[Callable[[int], None]]:
    """A bar for a long file, to be told how many lines more are done."""
    with typer.progressbar(length=lines, label=what, hidden=lines < LONG) as bar:
        yield bar.update


def export(kind: Annotated[str, typer.Argument(help=f"one of {', '.join(EXPORTS)}")]) -> None:
    """Write data to standard output as CSV."""
    if kind not in EXPORTS:
        fail(f"{kind} is none of {', '.join(EXPORTS)}.")

    async def work() -> None:
        async with open_database(load_config()) as (_database, company):
            await write_export(EXPORTS[kind], sys.stdout, company)

    perform(work())
