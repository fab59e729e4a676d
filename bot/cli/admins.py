"""Who may sign in to the office's page: `mwanga admin`."""

from typing import Annotated

import typer

from bot.cli.prompt import ACTOR, fail, load_config, open_database, perform, tidy_name
from bot.cli.secret import Password, PasswordFile, read_secret
from models.people.office_users import SHORTEST_PASSWORD, ShortPassword, set_password

admin_cli = typer.Typer(no_args_is_help=True, help="Office users.")


@admin_cli.command("add")
def admin_add(
    name: Annotated[str, typer.Argument(help="the name to sign in with")],
    password: Password = None,
    password_file: PasswordFile = None,
) -> None:
    """Let somebody sign in to the office's page."""
    name, password = tidy_name(name), read_secret("Password", password, password_file)

    async def work() -> None:
        async with open_database(load_config()) as (database, company), database.work():
            try:
                await set_password(name, password, vault=company.vault, actor=ACTOR)
            except ShortPassword:
                fail(f"A password has {SHORTEST_PASSWORD} characters or more.")

    perform(work())
    typer.echo(f"{name} can sign in.")
