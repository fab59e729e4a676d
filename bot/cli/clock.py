"""The server's clock, when it is in doubt: `mwanga clock`."""

import typer

from bot.cli.prompt import ACTOR, load_config, open_database, perform
from models.clock import accept_clock

clock_cli = typer.Typer(no_args_is_help=True, help="The server's clock.")


@clock_cli.callback()
def clock() -> None:
    """The server's clock."""


@clock_cli.command("right")
def clock_right() -> None:
    """Say that the clock is right, so that servers sell again: after a pause of days, or after it was set."""

    async def work() -> None:
        async with open_database(load_config()) as (database, company):
            async with database.work():
                at = await accept_clock(ACTOR)
            typer.echo(f"It is {company.date(at.astimezone(company.zone).date())} {company.clock(at)}. Servers sell.")

    perform(work())
