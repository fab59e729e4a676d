"""Who may sign in to the office's page: `mwanga admin`."""

from typing import Annotated

import typer

from bot.cli.prompt import configured, fail, opened, perform, tidy_name
from models.audit import record
from models.people.tables import OfficeUser

admin_cli = typer.Typer(no_args_is_help=True, help="Office users.")


@admin_cli.command("add")
def admin_add(
    name: Annotated[str, typer.Argument(help="the name to sign in with")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
) -> None:
    """Let somebody sign in to the office's page."""
    name = tidy_name(name)
    if len(password) < 10:
        fail("A password has 10 characters or more.")

    async def work() -> None:
        async with opened(configured()) as (database, company), database.work():
            hashed = company.vault.hash_password(password)
            await OfficeUser.update_or_create({"password_hash": hashed}, name=name)
            await record("command line", "office user", name)

    perform(work())
    typer.echo(f"{name} can sign in.")
