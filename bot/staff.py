"""Agents and office users, added and helped at a prompt: `mwanga agent`, `mwanga admin`."""

from typing import Annotated

import typer

from bot import phone as phones
from bot.prompt import configured, e164, fail, opened, perform
from bot.site import Site
from models import pins
from models.audit import record
from models.people import Agent, MiniGrid, OfficeUser

agent_cli = typer.Typer(no_args_is_help=True, help="Agents: add, new PIN, unlock.")
admin_cli = typer.Typer(no_args_is_help=True, help="Office users.")

Phone = Annotated[str, typer.Argument(help="the agent's phone number, in any spelling")]


@admin_cli.command("add")
def admin_add(
    name: Annotated[str, typer.Argument(help="the name to sign in with")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
) -> None:
    """Let somebody sign in to the office's page."""
    if len(password) < 10:
        fail("A password has 10 characters or more.")

    async def work() -> None:
        async with opened(configured()) as (database, site), database.work():
            hashed = site.vault.hash_password(password)
            await OfficeUser.update_or_create({"password_hash": hashed}, name=name)
            await record("command line", "office user", name)

    perform(work())
    typer.echo(f"{name} can sign in.")


@agent_cli.command("add")
def agent_add(
    phone: Annotated[str, typer.Option(help="the agent's phone number")],
    name: Annotated[str, typer.Option(help="name and surname")],
    mini_grid: Annotated[str, typer.Option(help="the mini-grid; made when there is none of this name")],
    pin: Annotated[str, typer.Option(prompt=True, hide_input=True, help="six digits")],
    limit: Annotated[int, typer.Option(min=0, max=99_999_999, help="how much cash the agent may hold")] = 100_000,
    language: Annotated[str, typer.Option(help="the language to write in")] = "en",
) -> None:
    """Add somebody who sells."""
    config = configured()
    number = e164(phone, config)
    _check_pin(pin)
    if language not in config.language_codes:
        fail(f"{language} is none of {config.languages}.")

    async def work() -> None:
        async with opened(config) as (database, site), database.work():
            if await Agent.exists(phone=number):
                fail(f"{number} is an agent already.")
            grid, _new = await MiniGrid.get_or_create(name=mini_grid)
            await Agent.create(
                phone=number,
                name=name,
                language=language,
                mini_grid=grid,
                pin_hash=site.vault.hash_pin(pin),
                cash_limit=limit * 10**site.exponent,
            )
            await record("command line", "agent", number, name)

    perform(work())
    typer.echo(f"{name} sells as {number}, up to {limit:,} {config.currency} in hand.")


@agent_cli.command("pin")
def agent_pin(phone: Phone, pin: Annotated[str, typer.Option(prompt=True, hide_input=True, help="six digits")]) -> None:
    """Give an agent a new PIN."""
    _check_pin(pin)

    async def work() -> None:
        async with opened(configured()) as (database, site), database.work():
            agent = await _agent(phone, site)
            await pins.change(agent, site.vault.hash_pin(pin), actor="command line")

    perform(work())
    typer.echo("The PIN is changed.")


@agent_cli.command("unlock")
def agent_unlock(phone: Phone) -> None:
    """Let a locked agent sell again."""

    async def work() -> None:
        async with opened(configured()) as (database, site), database.work():
            await pins.unlock(await _agent(phone, site), actor="command line")

    perform(work())
    typer.echo("Unlocked.")


async def _agent(phone: str, site: Site) -> Agent:
    agent = await Agent.get_or_none(phone=phones.parse(phone, site.country))
    if agent is None:
        fail(f"{phone} is no agent.")
    return agent


def _check_pin(pin: str) -> None:
    if pins.is_weak(pin):
        fail("A PIN has six digits, not all alike and not in a row.")
