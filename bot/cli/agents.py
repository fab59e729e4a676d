"""What the office does with agents at a prompt, and the cash that they hand in: `mwanga agent`."""

from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.prompt import ACTOR, e164, fail, load_config, open_database, perform, tidy_name
from bot.cli.secret import Pin, PinFile, read_secret
from bot.company import Company
from bot.text import numbers
from handlers.account.hand_in import take_hand_in
from handlers.welcome import welcome_agent
from models.money.hand_in import LONGEST_REFERENCE, HandedInBefore, MoreThanHeld, NotBooked
from models.people import Agent, pins
from models.people.agents import AgentExists, WeakPin, add_agent, change_agent, give_pin

agent_cli = typer.Typer(no_args_is_help=True, help="Agents: add, change, new PIN, unlock, cash handed in.")

WEAK = "A PIN has six digits, not all alike and not in a row."
Phone = Annotated[str, typer.Argument(help="the agent's phone number, in any spelling")]


@agent_cli.command("add")
def agent_add(
    phone: Annotated[str, typer.Option(help="the agent's phone number")],
    name: Annotated[str, typer.Option(help="name and surname")],
    mini_grid: Annotated[str, typer.Option(help="the mini-grid; made when there is none of this name")],
    pin: Pin = None,
    pin_file: PinFile = None,
    limit: Annotated[int, typer.Option(min=0, max=99_999_999, help="how much cash the agent may hold")] = 100_000,
    language: Annotated[str, typer.Option(help="the language to write in")] = "en",
) -> None:
    """Add somebody who sells. The agent gets an SMS that says how to begin."""
    config = load_config()
    number, name, mini_grid = e164(phone, config), tidy_name(name), tidy_name(mini_grid)
    if language not in config.language_codes:
        fail(f"{language} is none of {config.languages}.")
    pin = read_secret("PIN", pin, pin_file)

    async def work() -> None:
        async with open_database(config) as (database, company), database.work():
            try:
                agent = await add_agent(
                    phone=number,
                    name=name,
                    language=language,
                    mini_grid=mini_grid,
                    cash_limit=limit * company.coin,
                    pin=pin,
                    vault=company.vault,
                    actor=ACTOR,
                )
            except WeakPin:
                fail(WEAK)
            except AgentExists:
                fail(f"{number} is an agent already.")
            await welcome_agent(agent, company)
        typer.echo(f"{name} sells as {number}, up to {limit:,} {config.currency} in hand.")
        typer.echo(_summary(agent, company))

    perform(work())


@agent_cli.command("pin")
def agent_pin(phone: Phone, pin: Pin = None, pin_file: PinFile = None) -> None:
    """Give an agent a new PIN."""
    pin = read_secret("PIN", pin, pin_file)

    async def work() -> None:
        async with open_database(load_config()) as (database, company), database.work():
            try:
                await give_pin(await _agent(phone, company), pin, vault=company.vault, actor=ACTOR)
            except WeakPin:
                fail(WEAK)

    perform(work())
    typer.echo("The PIN is changed.")


@agent_cli.command("unlock")
def agent_unlock(phone: Phone) -> None:
    """Let a locked agent sell again."""

    async def work() -> None:
        async with open_database(load_config()) as (database, company), database.work():
            await pins.unlock(await _agent(phone, company), actor=ACTOR)

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
        async with open_database(load_config()) as (database, company):
            async with database.work():
                agent = await _agent(phone, company)
                await change_agent(
                    agent,
                    cash_limit=None if limit is None else limit * company.coin,
                    commission=_basis_points(commission),
                    goods_commission=_basis_points(goods_commission),
                    name=name,
                    mini_grid=mini_grid,
                    actor=ACTOR,
                )
            typer.echo(_summary(agent, company))

    perform(work())


def _basis_points(percent: float | None) -> int | None:
    return None if percent is None else round(percent * 100)


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
    again: Annotated[bool, typer.Option("--again", help="the agent brings the same amount twice within a day")] = False,
) -> None:
    """Book the cash that an agent hands in, and pay out the commission; the agent gets an SMS."""
    if len(reference) > LONGEST_REFERENCE:
        fail(f"A reference has {LONGEST_REFERENCE} characters at most.")

    async def work() -> None:
        async with assembled(load_config(), handling=False, serving=False) as server:
            company = server.company
            async with server.database.work():
                agent = await _agent(phone, company)
                try:
                    receipt = await take_hand_in(
                        agent,
                        amount * company.coin,
                        reference,
                        company=company,
                        composer=server.composer,
                        actor=ACTOR,
                        again=again,
                    )
                except NotBooked as refusal:
                    fail(f"Nothing is booked: {_why_not(refusal, agent, company)}")
        typer.echo(receipt.text.to("en") if receipt.new else f"Booked before: {receipt.text.to('en')}")

    perform(work())


def _why_not(refusal: NotBooked, agent: Agent, company: Company) -> str:
    match refusal:
        case MoreThanHeld(held=held):
            return f"{agent.name} holds {company.money(held)}."
        case HandedInBefore(earlier=earlier):
            day, at = company.day(earlier.created_at), company.clock(earlier.created_at)
            said = f"{agent.name} handed in {company.money(earlier.amount)} on {day} at {at}, ref {earlier.reference}."
            return f"{said} If this is other cash, add --again."
        case _other_reference:
            return f"{refusal} is another receipt."


async def _agent(phone: str, company: Company) -> Agent:
    agent = await Agent.get_or_none(phone=numbers.parse(phone, company.country))
    if agent is None:
        fail(f"{phone} is no agent.")
    return agent
