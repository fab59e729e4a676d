"""Whom and what a command names, and who of the office does it, by name and password."""

from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.prompt import fail, load_config
from bot.cli.secret import read_secret
from bot.company import Company
from bot.server import Server
from bot.text import numbers
from models.devices import LONGEST, Device, with_owner
from models.people import Agent, Customer, OfficeRole, OfficeUser
from models.people.agents import find_agent, find_retired
from models.people.two_people import NotOfTheOffice, SamePerson, office_user

Phone = Annotated[str, typer.Argument(help="the agent's phone number, in any spelling")]
By = Annotated[str, typer.Option("--by", help="who of the office does this; `mwanga admin list` names them")]
ByFile = Annotated[Path | None, typer.Option("--password-file", help="a file that holds this user's password alone")]
MOST_ROWS = 2**63 - 1  # no row has a higher number, and no database looks for one
SECOND = "Another one of the office has to agree: the same command with another --by."


async def agent_of(phone: str, company: Company, *, retired: bool = False) -> Agent:
    """The agent with this number in any spelling, or the `retired` one who had it last; else the command fails."""
    number = numbers.parse(phone, company.country)
    agent = await (find_retired(number) if retired else find_agent(number))
    if agent is None:
        fail(f"{phone} is no {'retired ' if retired else ''}agent.")
    return agent


async def device_of(serial: str) -> Device:
    """The device with this whole serial, with its owner; else the command fails."""
    found = await Device.get_or_none(serial=serial.upper()) if len(serial.upper()) <= LONGEST else None
    if found is None:
        fail(f"There is no device {serial}.")
    return await with_owner(found.id)


async def customer_of(number: int) -> Customer:
    """The customer with this number; else the command fails."""
    customer = await Customer.get_or_none(id=number) if number <= MOST_ROWS else None
    if customer is None:
        fail(f"There is no customer {number}.")
    return customer


@asynccontextmanager
async def office_work(
    by: str, password_file: Path | None, roles: Set[OfficeRole]
) -> AsyncIterator[tuple[OfficeUser, Server]]:
    """A unit of work of somebody of the office who gives a password, so that two people are two, and has one of these
    roles, as on the pages. What is said of it is said behind it."""
    password = read_secret(f"Password of {by}", None, password_file, once=True)
    async with assembled(load_config(), handling=False, serving=False) as server, server.database.work():
        user = await _user_of(by, password, server.company)
        check_role(user, roles)
        yield user, server


def check_role(user: OfficeUser, roles: Set[OfficeRole]) -> None:
    """The command fails where the pages would shut out who has this role."""
    if user.role not in roles:
        fail(f"{user.name} is {user.role}: this is for {' and '.join(sorted(roles))}.")


async def _user_of(name: str, password: str, company: Company) -> OfficeUser:
    """Who signs in with this name and password; else the command fails."""
    try:
        user = await office_user(name)
    except NotOfTheOffice:
        fail(f"{name} is no office user. `mwanga admin list` names them.")
    if not company.vault.check_password(password, user.password_hash):
        fail(f"This is not the password of {name}.")
    return user


def say_same_person(error: SamePerson) -> str:
    """That two people are needed."""
    return f"{error} proposed it. {SECOND}"
