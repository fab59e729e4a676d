"""`mwanga migrate`: the tables, without a server."""

import typer

from bot.cli.prompt import load_config, open_database, perform


def migrate() -> None:
    """Bring the database's tables up to date."""

    async def work() -> None:
        async with open_database(load_config()):
            pass

    perform(work())
    typer.echo("The database is up to date.")
