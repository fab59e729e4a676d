"""Agents and office users at a prompt: added, helped, and their cash handed in: `mwanga agent`, `mwanga admin`."""

from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.prompt import configured, e164, fail, opened, perform, tidy_name
from bot.company import Company
from bot.message import Copy
from bot.text import numbers
from bot.text.i18n import Text, _
from models.audit import record
from models.messages.tables import MessageKind
from models.money.hand_in import LONGEST_REFERENCE, HandedIn, MoreThanHeld, OtherReference, hand_in
from models.names import named_or_new
from models.people import pins
from models.people.tables import Agent, MiniGrid

agent_cli = typer.Typer(no_args_is_help=True, help="Agents: add, change, new PIN, unlock, cash handed in.")

Phone = Annotated[str, typer.Argument(help="the agent's phone number, in any spelling")]


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
    number, name, mini_grid = e164(phone, config), tidy_name(name), tidy_name(mini_grid)
    _check_pin(pin)
    if language not in config.language_codes:
        fail(f"{language} is none of {config.languages}.")

    async def work() -> None:
        async with opened(config) as (database, company), database.work():
            if await Agent.exists(phone=number):
                fail(f"{number} is an agent already.")
            grid, _new = await named_or_new(MiniGrid, mini_grid)
            agent = await Agent.create(
                phone=number,
                name=name,
                language=language,
                mini_grid=grid,
                pin_hash=company.vault.hash_pin(pin),
                cash_limit=limit * 10**company.exponent,
            )
            await record("command line", "agent", number, name)
        typer.echo(f"{name} sells as {number}, up to {limit:,} {config.currency} in hand.")
        typer.echo(_summary(agent, company))

    perform(work())


@agent_cli.command("pin")
def agent_pin(phone: Phone, pin: Annotated[str, typer.Option(prompt=True, hide_input=True, help="six digits")]) -> None:
    """Give an agent a new PIN."""
    _check_pin(pin)

    async def work() -> None:
        async with opened(configured()) as (database, company), database.work():
            agent = await _agent(phone, company)
            await pins.change(agent, company.vault.hash_pin(pin), actor="command line")

    perform(work())
    typer.echo("The PIN is changed.")


@agent_cli.command("unlock")
def agent_unlock(phone: Phone) -> None:
    """Let a locked agent sell again."""

    async def work() -> None:
        async with opened(configured()) as (database, company), database.work():
            await pins.unlock(await _agent(phone, company), actor="command line")

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
    name, mini_grid = [each if each is None else tidy_name(each) for each in (name, mini_grid)]

    async def work() -> None:
        async with opened(configured()) as (database, company), database.work():
            agent = await _agent(phone, company)
            wanted = {
                "cash_limit": None if limit is None else limit * 10**company.exponent,
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
            typer.echo(_summary(agent, company))

    perform(work())


def _summary(agent: Agent, company: Company) -> str:
    """Percents in words: whoever typed a fraction for a percent reads it here (reference: users 3.2)."""
    return (
        f"{agent.name} may hold {company.money(agent.cash_limit)} and earns {agent.commission / 100:g} % of "
        f"what is sold, {agent.goods_commission / 100:g} % of appliances."
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
        async with assembled(configured(), handling=False, serving=False) as server, server.database.work():
            company = server.company
            agent = await _agent(phone, company)
            try:
                booked = await hand_in(agent, amount * company.coin, "command line", reference, coin=company.coin)
            except MoreThanHeld as refusal:
                fail(f"Nothing is booked: {agent.name} holds {company.money(refusal.held)}.")
            except OtherReference:
                fail(f"Nothing is booked: {reference} is another receipt.")
            said = _receipt(booked, agent, company)
            copies = [Copy(agent.phone, said, MessageKind.REPLY, agent.language)]
            await server.composer.tell(f"hand in {booked.entry.id}", copies)
            typer.echo(said.to("en") if booked.new else f"Booked before: {said.to('en')}")

    perform(work())


def _receipt(booked: HandedIn, agent: Agent, company: Company) -> Text:
    """The figure that was counted first, and how the agent stands after it."""
    return _(
        "HANDED IN {amount}. Commission {paid} paid out, {due} due. You hold {held} of {limit}. Ref {reference}",
        amount=company.money(booked.entry.amount),
        paid=company.number(booked.entry.commission),
        due=company.whole(booked.due),
        held=company.number(booked.held),
        limit=company.number(agent.cash_limit),
        reference=booked.entry.reference,
    )


async def _agent(phone: str, company: Company) -> Agent:
    agent = await Agent.get_or_none(phone=numbers.parse(phone, company.country))
    if agent is None:
        fail(f"{phone} is no agent.")
    return agent


def _check_pin(pin: str) -> None:
    if pins.is_weak(pin):
        fail("A PIN has six digits, not all alike and not in a row.")
