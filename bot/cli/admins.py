"""Who may sign in to the office's page: `mwanga admin`."""

from typing import Annotated

import typer

from bot.cli.prompt import ACTOR, fail, load_config, open_database, perform, tidy_name
from bot.cli.secret import Password, PasswordFile, read_secret
from models.people import OfficeUser
from models.people.office_users import (
    SHORTEST_PASSWORD,
    LastUser,
    ShortPassword,
    UserExists,
    add_user,
    change_password,
    find_user,
    list_users,
    remove_user,
)
from models.tickets import tickets

admin_cli = typer.Typer(no_args_is_help=True, help="Office users: add, list, new password, remove.")

SHORT = f"A password has {SHORTEST_PASSWORD} characters or more."
Name = Annotated[str, typer.Argument(help="the name to sign in with")]


@admin_cli.command("add")
def admin_add(name: Name, password: Password = None, password_file: PasswordFile = None) -> None:
    """Let somebody sign in to the office's page."""
    name, password = tidy_name(name), read_secret("Password", password, password_file)

    async def work() -> None:
        async with open_database(load_config()) as (database, company), database.work():
            try:
                await add_user(name, password, vault=company.vault, actor=ACTOR)
            except ShortPassword:
                fail(SHORT)
            except UserExists:
                fail(f"{name} can sign in already. A new password: `mwanga admin password {name}`.")

    perform(work())
    typer.echo(f"{name} can sign in.")


@admin_cli.command("list")
def admin_list() -> None:
    """Show who may sign in to the office's page."""

    async def work() -> None:
        async with open_database(load_config()):
            for user in await list_users():
                typer.echo(user.name)

    perform(work())


@admin_cli.command("password")
def admin_password(name: Name, password: Password = None, password_file: PasswordFile = None) -> None:
    """Give an office user another password; whoever is signed in with the old one has to sign in again."""
    password = read_secret("Password", password, password_file)

    async def work() -> None:
        async with open_database(load_config()) as (database, company), database.work():
            try:
                await change_password(await _user(name), password, vault=company.vault, actor=ACTOR)
            except ShortPassword:
                fail(SHORT)

    perform(work())
    typer.echo("The password is changed, and all sessions with the former one are ended.")


@admin_cli.command("remove")
def admin_remove(name: Name) -> None:
    """Take somebody's way in to the office's page; open tickets of this user are nobody's then."""

    async def work() -> None:
        async with open_database(load_config()) as (database, _company):
            async with database.work():
                user = await _user(name)
                try:
                    await remove_user(user, actor=ACTOR)
                except LastUser:
                    fail(f"{user.name} is the last who can sign in: add somebody else first.")
                left = await tickets.hand_back(ACTOR, staff=user)
            typer.echo(f"{user.name} can sign in no more.")
            if left:
                typer.echo(f"Tickets that were this user's and are nobody's now: {', '.join(left)}.")

    perform(work())


async def _user(name: str) -> OfficeUser:
    user = await find_user(tidy_name(name))
    if user is None:
        there = ", ".join(each.name for each in await list_users())
        fail(f"Nobody signs in as {name}. There are: {there or 'none'}.")
    return user
