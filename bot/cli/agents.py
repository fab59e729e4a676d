"""What the office does with agents at a prompt, and the cash that they hand in: `mwanga agent`."""

from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.prompt import ACTOR, e164, fail, load_config, open_database, perform, tidy_name
from bot.cli.secret import Pin, PinFile, read_secret
from bot.company import Company
from bot.text import numbers
from handlers.account.hand_in import take_hand_in
from handlers.account.office_lock import lock_by_office
from handlers.account.retire import HoldsCash, retire
from handlers.welcome import welcome_agent
from models.money.hand_in import LONGEST_REFERENCE, HandedInBefore, MoreThanHeld, NotBooked
from models.office.agents import AgentStanding, list_agents
from models.people import Agent, pins
from models.people.agents import (
    AgentExists,
    WeakPin,
    add_agent,
    change_agent,
    find_agent,
    find_retired,
    give_pin,
)

agent_cli = typer.Typer(no_args_is_help=True, help="Agents: add, list, change, new PIN, lock, cash handed in, retire.")

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


@agent_cli.command("list")
def agent_list(
    retired: Annotated[bool, typer.Option("--retired", help="those who are retired, instead of the others")] = False,
) -> None:
    """Show all agents: name, phone, mini-grid, the cash in hand, and who is locked."""

    async def work() -> None:
        async with open_database(load_config()) as (_database, company):
            for agent in await list_agents(retired=retired):
                typer.echo(_line(agent, company))

    perform(work())


def _line(agent: AgentStanding, company: Company) -> str:
    facts = [agent.name, agent.phone, agent.mini_grid]
    facts.append(f"holds {company.money(agent.held)} of {company.number(agent.limit)}")
    if agent.retired_at:
        facts.append(f"retired {agent.retired_at.astimezone(company.zone):%Y-%m-%d}")
    elif agent.locked_at:
        facts.append(f"LOCKED since {agent.locked_at.astimezone(company.zone):%Y-%m-%d %H:%M}")
    return ", ".join(facts)


@agent_cli.command("lock")
def agent_lock(phone: Phone) -> None:
    """Lock an agent without the PIN, as when a phone was stolen; the agent gets an SMS."""

    async def work() -> None:
        async with assembled(load_config(), handling=False, serving=False) as server, server.database.work():
            agent = await _agent(phone, server.company)
            new = await lock_by_office(agent, company=server.company, composer=server.composer, actor=ACTOR)
        typer.echo(
            f"{agent.name} is locked. `mwanga agent unlock {agent.phone}` or a new PIN lets the agent sell again."
            if new
            else f"{agent.name} is locked already."
        )

    perform(work())


@agent_cli.command("retire")
def agent_retire(
    phone: Phone,
    with_cash: Annotated[bool, typer.Option("--with-cash", help="although the agent holds cash")] = False,
) -> None:
    """Let somebody sell no more. The history stays, and the number is free for another agent."""

    async def work() -> None:
        async with open_database(load_config()) as (database, company):
            async with database.work():
                agent = await _agent(phone, company)
                try:
                    left = await retire(agent, with_cash=with_cash, actor=ACTOR)
                except HoldsCash as error:
                    fail(
                        f"{agent.name} holds {company.money(error.held)}. Book what is handed in with"
                        f" `mwanga agent receipt {agent.phone} AMOUNT`, or add --with-cash."
                    )
            typer.echo(f"{agent.name} sells no more, and {agent.phone} is free for another agent.")
            if left.held > 0:
                held = company.money(left.held)
                typer.echo(f"{held} is still in hand; book it with `mwanga agent receipt --retired`.")
            if left.due > 0:
                typer.echo(f"Commission due: {company.money(left.due)}.")
            if left.tickets:
                typer.echo(f"Tickets that were this agent's and are nobody's now: {', '.join(left.tickets)}.")

    perform(work())


@agent_cli.command("pin")
def agent_pin(phone: Phone, pin: Pin = None, pin_file: PinFile = None) -> None:
    """Give an agent a new PIN. A locked agent can sell again with it."""
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
    retired: Annotated[bool, typer.Option("--retired", help="the retired agent who had this number last")] = False,
) -> None:
    """Book the cash that an agent hands in, and pay out the commission; the agent gets an SMS."""
    if len(reference) > LONGEST_REFERENCE:
        fail(f"A reference has {LONGEST_REFERENCE} characters at most.")

    async def work() -> None:
        async with assembled(load_config(), handling=False, serving=False) as server:
            company = server.company
            async with server.database.work():
                agent = await _agent(phone, company, retired=retired)
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


async def _agent(phone: str, company: Company, *, retired: bool = False) -> Agent:
    number = numbers.parse(phone, company.country)
    agent = await (find_retired(number) if retired else find_agent(number))
    if agent is None:
        fail(f"{phone} is no {'retired ' if retired else ''}agent.")
    return agent
