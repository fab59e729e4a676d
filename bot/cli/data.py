"""CSV files in and out: `mwanga import` and `mwanga export`."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.dates import Since, Until, read_dates
from bot.cli.prompt import ACTOR, fail, load_config, open_database, perform, write_as_utf8
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
from handlers.exchange.importing import Imported
from handlers.exchange.kinds import STATEMENT_OF
from handlers.exchange.statements import StatementTable
from models.money.receiving import BANK
from models.money.reconciling import known_providers

STATEMENT = STATEMENT_OF.partition(" ")[0]
LONG = 200  # lines: a shorter file is done before anybody reads a bar


def import_(
    kind: Annotated[str, typer.Argument(help=f"one of {', '.join(IMPORTS)}, {STATEMENT}")],
    file: Annotated[Path, typer.Argument(help="a CSV file with a header", exists=True, dir_okay=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="check the file and write nothing")] = False,
    provider: Annotated[str | None, typer.Option(help=f"of a {STATEMENT}: whose it is, like daraja, or {BANK}")] = None,
    new: Annotated[bool, typer.Option("--new", help="it is the first that we hear of this provider")] = False,
) -> None:
    """Bring data in from a CSV file; it is checked whole before anything is written."""
    if kind not in (*IMPORTS, STATEMENT):
        fail(f"{kind} is none of {', '.join(IMPORTS)}, {STATEMENT}.")
    if (kind == STATEMENT) is not bool(provider):
        fail(f"Whose {STATEMENT}? Say --provider." if kind == STATEMENT else f"--provider is for a {STATEMENT} alone.")
    table = _read(file, kind)

    async def work() -> None:
        async with open_database(load_config()) as (database, company):
            if provider:
                await _check_provider(provider, new)
            try:
                done = await import_table(
                    f"{STATEMENT_OF}{provider}" if provider else kind,
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
            _say(done, dry_run, provider)

    perform(work())


def _read(file: Path, kind: str) -> Table:
    try:
        table = Table.of(file.read_bytes())
        return StatementTable.within(table) if kind == STATEMENT else table
    except Unreadable as error:
        fail(f"Nothing was imported. {file.name}, line {error.line}: {error.reason}.")


def _say(done: Imported, dry_run: bool, provider: str | None) -> None:
    if dry_run:
        typer.echo(f"{done.rows} rows read, all in order. Nothing was written.")
        return
    typer.echo(f"{done.rows} rows read, {done.changed} new or changed.")
    if provider:
        typer.echo(f"See how it fits: mwanga reconcile show --provider {provider}")


async def _check_provider(name: str, new: bool) -> None:
    """A slip in the name would be another provider for ever: lines are kept as they are."""
    known = [*dict.fromkeys((*await known_providers(), BANK))]
    if not re.fullmatch(r"[a-z][a-z0-9_-]{1,19}", name):
        fail("A provider's name has 2 to 20 small letters and digits.")
    if name not in known and not new:
        fail(f"{name} is none of {', '.join(known)}. Add --new if it is the first that we hear of {name}.")


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
            write_as_utf8()
            await write_export(EXPORTS[kind], sys.stdout, company, dates)

    perform(work())
