"""Who may sign in to the office's page, and as what: `mwanga admin`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.prompt import ACTOR, fail, load_config, open_database, perform, tidy_name
from bot.cli.secret import Password, PasswordFile, read_secret
from bot.cli.who import SECOND, ByFile, check_role, office_work, say_same_person
from models.people import OfficeRole, OfficeUser, promotions, second_factor
from models.people.office_users import (
    SHORTEST_PASSWORD,
    BadName,
    LastUser,
    NeedsSecond,
    ShortPassword,
    UserExists,
    add_user,
    change_password,
    check_alone,
    find_user,
    list_users,
    remove_user,
)
from models.people.two_people import CASH, SamePerson
from models.tickets import tickets

admin_cli = typer.Typer(no_args_is_help=True, help="Office users: add, list, role, new password, remove.")

SHORT = f"A password has {SHORTEST_PASSWORD} characters or more."
LAST = "{name} is the last owner: make somebody else one first."
WITH_BY = (
    "Two who move money are there: an owner gives `mwanga admin role {name} {role} --by NAME`, and then another one."
)
Name = Annotated[str, typer.Argument(help="the name to sign in with")]
Role = Annotated[
    OfficeRole | None, typer.Option("--role", help="without it the first one is the owner, and others are support")
]
NewRole = Annotated[OfficeRole, typer.Argument(help="owner, finance, support or auditor")]
By = Annotated[str, typer.Option("--by", help="who of the office asks or agrees, where who is to move money takes two")]


@admin_cli.command("add")
def admin_add(name: Name, role: Role = None, password: Password = None, password_file: PasswordFile = None) -> None:
    """Let somebody sign in to the office's page."""
    name, password = tidy_name(name), read_secret("Password", password, password_file)

    async def work() -> None:
        async with open_database(load_config()) as (database, company):
            async with database.work():
                try:
                    if role is not None:
                        await check_alone(role, at_prompt=True)
                    user = await add_user(name, password, role=role, vault=company.vault, actor=ACTOR)
                except NeedsSecond:
                    fail(f"Add {name} without --role first. {WITH_BY.format(name=name, role=role)}")
                except ShortPassword:
                    fail(SHORT)
                except BadName:
                    fail(f"{name} cannot be a user's name.")
                except UserExists:
                    fail(f"{name} can sign in already. A new password: `mwanga admin password {name}`.")
            typer.echo(f"{name} can sign in, as {user.role}.")

    perform(work())


@admin_cli.command("list")
def admin_list() -> None:
    """Show who may sign in to the office's page, with role and second factor."""

    async def work() -> None:
        async with open_database(load_config()):
            for user in await list_users():
                typer.echo(f"{user.name}: {user.role}{', with a second factor' if user.factor else ''}")

    perform(work())


@admin_cli.command("role")
def admin_role(name: Name, role: NewRole, by: By = "", password_file: ByFile = None) -> None:
    """Give an office user another role; whoever is signed in has to sign in again."""
    name = tidy_name(name)
    perform(_ask_or_agree(name, role, by, password_file) if by else _change_role(name, role))


async def _change_role(name: str, role: OfficeRole) -> None:
    """What one alone may do at the prompt."""
    async with _changing(name) as user:
        try:
            await promotions.give_role_at_prompt(user, role, actor=ACTOR)
        except LastUser:
            fail(LAST.format(name=user.name))
        except NeedsSecond:
            fail(WITH_BY.format(name=name, role=role))
    typer.echo(f"{name} is {role} now.")


async def _ask_or_agree(name: str, role: OfficeRole, by: str, password_file: Path | None) -> None:
    """An owner asks for it; the same command by another one who moves money does it."""
    async with office_work(by, password_file, CASH) as (giver, _server):
        user = await _user(name)
        waits = await promotions.find_open(user)
        try:
            if waits and waits.role == role:
                await promotions.agree(waits.id, giver)
                said = f"{name} is {role} now."
            else:
                check_role(giver, {OfficeRole.OWNER})
                done = await promotions.give_role(user, role, by=giver)
                said = f"{name} is {role} now." if done is not None else f"{name} is to be {role}. {SECOND}"
        except LastUser:
            fail(LAST.format(name=user.name))
        except SamePerson as error:
            fail(say_same_person(error))
        except promotions.OtherRole as error:
            fail(f"{error.by} asked for another role of {name}. Say no to that under Money first.")
        except promotions.NotYetAlone:
            fail(f"Nobody else who moves money is there to agree. Without --by: `mwanga admin role {name} {role}`.")
        except promotions.NotAsked:
            fail("Nobody asks for it any more. Look under Money.")
    typer.echo(said)


@admin_cli.command("factor")
def admin_factor(name: Name) -> None:
    """Take an office user's second factor away, whose phone is lost; who needs one is asked to set up another."""

    async def work() -> None:
        async with _changing(name) as user:
            await second_factor.reset(user, actor=ACTOR)

    perform(work())
    typer.echo("The second factor is taken away, and all sessions are ended.")


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
                    fail(LAST.format(name=user.name))
                left = await tickets.hand_back(ACTOR, staff=user)
            typer.echo(f"{user.name} can sign in no more.")
            if left:
                typer.echo(f"Tickets that were this user's and are nobody's now: {', '.join(left)}.")

    perform(work())


@asynccontextmanager
async def _changing(name: str) -> AsyncIterator[OfficeUser]:
    """A unit of work on the user with this name."""
    async with open_database(load_config()) as (database, _company), database.work():
        yield await _user(name)


async def _user(name: str) -> OfficeUser:
    user = await find_user(tidy_name(name))
    if user is None:
        there = ", ".join(each.name for each in await list_users())
        fail(f"Nobody signs in as {name}. There are: {there or 'none'}.")
    return user
