"""Agents and office users at a prompt: added, helped, and their cash handed in: `mwanga agent`, `mwanga admin`."""

from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.prompt import called, configured, e164, fail, opened, perform
from bot.company import Site
from bot.message import Copy
from bot.text import numbers as phones
from bot.text.i18n import Text, _
from models.audit import record
from models.messages.tables import Class
from models.money.hand_in import LONGEST_REFERENCE, HandedIn, MoreThanHeld, OtherReference, hand_in
from models.names import named_or_new
from models.people import pins
from models.people.tables import Agent, MiniGrid, OfficeUser

agent_cli = typer.Typer(no_args_is_help=True, help="Agents: add, change, new PIN, unlock, cash handed in.")
admin_cli = typer.Typer(no_args_is_help=True, help="Office users.")

Phone = Annotated[str, typer.Argument(help="the agent's phone number, in any spelling")]


@admin_cli.command("add")
def admin_add(
    name: Annotated[str, typer.Argument(help="the name to sign in with")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
) -> None:
    """Let somebody sign in to the office's page."""
    name = called(name)
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
    number, name, mini_grid = e164(phone, config), called(name), called(mini_grid)
    _check_pin(pin)
    if language not in config.language_codes:
        fail(f"{language} is none of {config.languages}.")

    async def work() -> None:
        async with opened(config) as (database, site), database.work():
            if await Agent.exists(phone=number):
                fail(f"{number} is an agent already.")
            grid, _new = await named_or_new(MiniGrid, mini_grid)
            agent = await Agent.create(
                phone=number,
                name=name,
                language=language,
                mini_grid=grid,
                pin_hash=site.vault.hash_pin(pin),
                cash_limit=limit * 10**site.exponent,
            )
            await record("command line", "agent", number, name)
        typer.echo(f"{name} sells as {number}, up to {limit:,} {config.currency} in hand.")
        typer.echo(_summary(agent, site))

    perform(work())


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


@agent_cli.command("set")
def agent_set(
    phone: Phone,
    limit: Annotated[int | None, typer.Option(min=0, max=99_999_999, help="how much cash the agent may hold")] = None,
    commission: Annotated[float | None, typer.Option(min=0, max=100, help="percent of what is sold")] = None,
    goods_commission: Annotated[float | None, typer.Option(min=0, max=100, help="percent of an appliance")] = None,
    name: Annotated[str | None, typer.Option(help="name and surname")] = None,
    mini_grid: Annotated[str | None, typer.Option(help="the mini-grid; made when there is none of this name")] = None,
) -> None:
    """Change what an agent may and earns; what is not named stays as it is."""
    name, mini_grid = [each if each is None else called(each) for each in (name, mini_grid)]

    async def work() -> None:
        async with opened(configured()) as (database, site), database.work():
            agent = await _agent(phone, site)
            wanted = {
                "cash_limit": None if limit is None else limit * 10**site.exponent,
                "commission": None if commission is None else round(commission * 100),
                "goods_commission": None if goods_commission is None else round(goods_commission * 100),
                "name": name,
                "mini_grid_id": (await named_or_new(MiniGrid, mini_grid))[0].id if mini_grid else None,
            }
            for column, value in wanted.items():
                before = getattr(agent, column)
                if value is not None and value != before:
                    setattr(agent, column, value)
                    await record("command line", f"agent {column}", agent.phone, f"{before} -> {value}")
            await agent.save(update_fields=list(wanted))
            typer.echo(_summary(agent, site))

    perform(work())


def _summary(agent: Agent, site: Site) -> str:
    """Percents in words: whoever typed a fraction for a percent reads it here (reference: users 3.2)."""
    return (
        f"{agent.name} may hold {site.money(agent.cash_limit)} and earns {agent.commission / 100:g} % of what is sold, "
        f"{agent.goods_commission / 100:g} % of appliances."
    )


@agent_cli.command("receipt")
def agent_receipt(
    phone: Phone,
    amount: Annotated[int, typer.Argument(min=1, max=99_999_999, help="the cash that was counted")],
    reference: Annotated[str, typer.Option(help="your own number for it: with it a repeat books nothing")] = "",
) -> None:
    """Book the cash that an agent hands in, and pay out the commission; the agent gets an SMS."""
    if len(reference) > LONGEST_REFERENCE:
        fail(f"A reference has {LONGEST_REFERENCE} characters at most.")

    async def work() -> None:
        async with assembled(configured(), handling=False, serving=False) as mwanga, mwanga.database.work():
            site = mwanga.site
            agent = await _agent(phone, site)
            try:
                booked = await hand_in(agent, amount * site.coin, "command line", reference, coin=site.coin)
            except MoreThanHeld as refusal:
                fail(f"Nothing is booked: {agent.name} holds {site.money(refusal.held)}.")
            except OtherReference:
                fail(f"Nothing is booked: {reference} is another receipt.")
            said = _receipt(booked, agent, site)
            copies = [Copy(agent.phone, said, Class.REPLY, agent.language)]
            await mwanga.dispatcher.tell(f"hand in {booked.entry.id}", copies)
            typer.echo(said.to("en") if booked.new else f"Booked before: {said.to('en')}")

    perform(work())


def _receipt(booked: HandedIn, agent: Agent, site: Site) -> Text:
    """The figure that was counted first, and how the agent stands after it."""
    return _(
        "HANDED IN {amount}. Commission {paid} paid out, {due} due. You hold {held} of {limit}. Ref {reference}",
        amount=site.money(booked.entry.amount),
        paid=site.number(booked.entry.commission),
        due=site.whole(booked.due),
        held=site.number(booked.held),
        limit=site.number(agent.cash_limit),
        reference=booked.entry.reference,
    )


async def _agent(phone: str, site: Site) -> Agent:
    agent = await Agent.get_or_none(phone=phones.parse(phone, site.country))
    if agent is None:
        fail(f"{phone} is no agent.")
    return agent


def _check_pin(pin: str) -> None:
    if pins.is_weak(pin):
        fail("A PIN has six digits, not all alike and not in a row.")
