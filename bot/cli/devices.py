"""Device counts after a database went back to an earlier state: `mwanga devices advance`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.prompt import ACTOR, fail, load_config, open_database, perform
from bot.config import Config
from bot.configured import journal_places
from models.devices.counts import MOST_TOKENS, Advance, AlreadyAdvanced, advance_by_journal, advance_since
from models.selling.sales import Token
from models.tokens.journal import read

devices_cli = typer.Typer(no_args_is_help=True, help="Devices.")
TOKENS = 10


@devices_cli.callback()
def devices() -> None:
    """Devices."""


@devices_cli.command("advance")
def devices_advance(
    journal: Annotated[
        list[Path] | None, typer.Option(help="a file of the token journal that is kept elsewhere; may be repeated")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="without a journal: when the backup was made, like 2026-11-28T02:15")
    ] = None,
    tokens: Annotated[
        int, typer.Option(help=f"with --since: how many tokens a device may have had since, {MOST_TOKENS} at most")
    ] = TOKENS,
) -> None:
    """Move device counts on after the database went back to a backup: by the token journal, or by so many tokens."""
    config = load_config()

    async def by_journal() -> None:
        say_advanced(await advance(config, [*(journal or []), *journal_files(config)]))

    async def blindly(moment: datetime) -> None:
        async with open_database(config) as (database, company):
            moment = moment if moment.tzinfo else moment.replace(tzinfo=company.zone)
            try:
                async with database.work():
                    moved = await advance_since(moment, tokens, ACTOR)
            except AlreadyAdvanced:
                fail(
                    "Counts were moved on for this time already. Once more, and devices might refuse their next token."
                )
        typer.echo(f"The counts of {moved} devices are moved on by {tokens} tokens each. STS meters need nothing.")

    perform(blindly(_moment(since)) if since else by_journal())


def journal_files(config: Config) -> list[Path]:
    """The files of the token journal, as the configuration has them."""
    return [file for place in journal_places(config) for file in place.parent.glob(f"{place.name}-*")]


async def advance(config: Config, found: Sequence[Path]) -> Advance | None:
    """Move counts on by these files of the token journal. None when there are none."""
    if not found:
        return None
    made = list(read(found))
    async with open_database(config) as (database, company), database.work():
        done = await advance_by_journal(made, company.vault, ACTOR)
        last = await Token.all().select_related("sale").order_by("-id").first()
    if last and all(token.sale != last.sale.reference for token in made):
        done = replace(done, begins_after=last.created_at)
    return done


def say_advanced(done: Advance | None) -> None:
    """What came of it, for who restored a database."""
    if done and done.begins_after:
        typer.echo(
            f"The token journal has not the last token of this database, of {done.begins_after:%Y-%m-%d %H:%M} UTC: it"
            " begins later, as after a move to another machine. Give its other files by --journal. Where they are lost,"
            f" run `mwanga devices advance --since {done.begins_after:%Y-%m-%dT%H:%MZ}` before you sell: devices refuse"
            " tokens that they have seen."
        )
    if done is None:
        typer.echo(
            "There is no token journal here. Before you sell, run `mwanga devices advance --since TIME` with the time"
            " of the backup: devices refuse tokens that they have seen."
        )
    elif done.first and done.last:
        typer.echo(
            f"Tokens made since, from {done.first:%Y-%m-%d %H:%M} to {done.last:%Y-%m-%d %H:%M} UTC: {done.tokens}."
            f" Devices whose count is moved on: {done.devices}. The sales of these tokens are not in these books."
        )
    elif not done.begins_after:
        typer.echo("No device here has had a token that this database does not know.")
    if done and done.unknown:
        typer.echo(
            f"The journal has tokens of devices that are not here: {', '.join(done.unknown)}. Import them, and run"
            " `mwanga devices advance` before you sell to them."
        )


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text} is no time: write it like 2026-11-28T02:15.")
