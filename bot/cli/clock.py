"""The server's clock, when it is in doubt: `mwanga clock`."""

from datetime import datetime

import typer

from bot.cli.prompt import ACTOR, load_config, open_database, perform
from bot.company import Company
from models.clock import accept_clock, read_last

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
            said = f"It is {_moment(at, company)}."
            if closed := (await read_last()).closed_until(at):
                typer.echo(f"{said} The day until {_moment(closed, company)} is closed: servers sell then.")
            else:
                typer.echo(f"{said} Servers sell.")

    perform(work())


def _moment(when: datetime, company: Company) -> str:
    return f"{company.date(when.astimezone(company.zone).date())} {company.clock(when)}"
