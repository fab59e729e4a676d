"""What the office does with agents at a prompt, and the cash that they hand in: `mwanga agent`."""

from collections.abc import Sequence
from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.cash import agent_receipt, agent_settle
from bot.cli.prompt import ACTOR, e164, fail, load_config, open_database, perform, tidy_name
from bot.cli.secret import Pin, PinFile, read_secret
from bot.cli.wallets import agent_payout, agent_topup, set_prepaid
from bot.cli.who import Phone, agent_of
from bot.company import Company
from handlers.account.office_lock import lock_by_office
from handlers.account.one_time_pin import send_pin
from handlers.account.retire import HoldsCash, retire
from handlers.welcome import welcome_agent
from models.office.agents import AgentStanding, list_agents
from models.people import Agent, pins
from models.people.agents import (
    AgentExists,
    WeakPin,
    add_agent,
    change_agent,
    give_pin,
)
from models.tickets import tickets

agent_cli = typer.Typer(no_args_is_help=True, help="Agents: add, list, change, new PIN, lock, cash handed in, retire.")

WEAK = "A PIN has six digits, not all alike and not in a row."
agent_cli.command("receipt")(agent_receipt)
agent_cli.command("settle")(agent_settle)
agent_cli.command("topup")(agent_topup)
agent_cli.command("payout")(agent_payout)


@agent_cli.command("add")
def agent_add(
    phone: Annotated[str, typer.Option(help="the agent's phone number")],
    name: Annotated[str, typer.Option(help="name and surname")],
    mini_grid: Annotated[str, typer.Option(help="the mini-grid; made when there is none of this name")],
    pin: Pin = None,
    pin_file: PinFile = None,
    limit: Annotated[
        int | None,
        typer.Option(min=0, max=99_999_999, help="how much cash the agent may hold; without it as MWANGA_CASH_LIMIT"),
    ] = None,
    language: Annotated[str, typer.Option(help="the language to write in")] = "en",
) -> None:
    """Add somebody who sells. The agent gets an SMS that says how to begin."""
    config = load_config()
    number, name, mini_grid = e164(phone, config), tidy_name(name), tidy_name(mini_grid)
    pin = read_secret("PIN", pin, pin_file)

    async def work() -> None:
        async with open_database(config) as (database, company), database.work():
            if language not in company.languages:
                fail(f"{language} is none of {','.join(company.languages)}.")
            try:
                agent = await add_agent(
                    phone=number,
                    name=name,
                    language=language,
                    mini_grid=mini_grid,
                    cash_limit=company.cash_limit if limit is None else limit * company.unit,
                    pin=pin,
                    vault=company.vault,
                    actor=ACTOR,
                )
            except WeakPin:
                fail(WEAK)
            except AgentExists:
                fail(f"{number} is an agent already.")
            await change_agent(
                agent, commission=company.commission, goods_commission=company.goods_commission, actor=ACTOR
            )
            await welcome_agent(agent, company)
        typer.echo(f"{name} sells as {number}.")
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
    if agent.wallet is None:
        facts.append(f"holds {company.money(agent.held)} of {company.number(agent.limit)}")
    else:
        facts.append(f"has {company.money(agent.wallet)} in the wallet")
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
            agent = await agent_of(phone, server.company)
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
                agent = await agent_of(phone, company)
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
            if left.wallet > 0:
                there = company.money(left.wallet)
                command = f"mwanga agent payout {agent.phone} AMOUNT --retired --by NAME"
                typer.echo(f"{there} is in the wallet; `{command}` pays it out.")
            if left.due > 0:
                typer.echo(f"Commission due: {company.money(left.due)}.")
            _name_tickets(left.tickets)

    perform(work())


@agent_cli.command("pin")
def agent_pin(
    phone: Phone,
    pin: Pin = None,
    pin_file: PinFile = None,
    once: Annotated[
        bool, typer.Option("--once", help="send one by chance to the phone, which the agent has to change first")
    ] = False,
) -> None:
    """Give an agent a new PIN. A locked agent can sell again with it."""
    if once:
        if pin or pin_file:
            fail("With --once the PIN is made by chance: leave the other one away.")
        perform(_send_pin(phone))
        typer.echo("A PIN for once is on its way to the agent's phone.")
        return
    pin = read_secret("PIN", pin, pin_file)

    async def work() -> None:
        async with open_database(load_config()) as (database, company), database.work():
            try:
                await give_pin(await agent_of(phone, company), pin, vault=company.vault, actor=ACTOR)
            except WeakPin:
                fail(WEAK)

    perform(work())
    typer.echo("The PIN is changed.")


async def _send_pin(phone: str) -> None:
    async with assembled(load_config(), handling=False, serving=False) as server, server.database.work():
        await send_pin(
            await agent_of(phone, server.company), company=server.company, composer=server.composer, actor=ACTOR
        )


@agent_cli.command("unlock")
def agent_unlock(phone: Phone) -> None:
    """Let a locked agent sell again."""

    async def work() -> None:
        async with open_database(load_config()) as (database, company), database.work():
            await pins.unlock(await agent_of(phone, company), actor=ACTOR)

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
    cashier: Annotated[
        bool | None, typer.Option("--cashier/--no-cashier", help="may count what other agents hand in, by CASHIN")
    ] = None,
    prepaid: Annotated[
        bool | None, typer.Option("--prepaid/--postpaid", help="sells from a wallet, or up to the limit")
    ] = None,
) -> None:
    """Change what an agent may and earns; what is not named stays as it is."""
    name, mini_grid = [each if each is None else tidy_name(each) for each in (name, mini_grid)]

    async def work() -> None:
        async with open_database(load_config()) as (database, company):
            async with database.work():
                agent = await agent_of(phone, company)
                await set_prepaid(agent, prepaid, company)
                await change_agent(
                    agent,
                    cash_limit=None if limit is None else limit * company.unit,
                    commission=_basis_points(commission),
                    goods_commission=_basis_points(goods_commission),
                    name=name,
                    mini_grid=mini_grid,
                    cashier=cashier,
                    actor=ACTOR,
                )
                left = await tickets.hand_back_elsewhere(agent, ACTOR)
            typer.echo(_summary(agent, company))
            _name_tickets(left)

    perform(work())


def _name_tickets(left: Sequence[str]) -> None:
    """What somebody else has to do from now on."""
    if left:
        typer.echo(f"Tickets that were this agent's and are nobody's now: {', '.join(left)}.")


def _basis_points(percent: float | None) -> int | None:
    return None if percent is None else round(percent * 100)


def _summary(agent: Agent, company: Company) -> str:
    """Percents in words: whoever typed a fraction for a percent reads it here (reference: users 3.2)."""
    may = "sells from a wallet" if agent.prepaid else f"may hold {company.money(agent.cash_limit)}"
    return (
        f"{agent.name} {may} and earns {agent.commission / 100:g} % of "
        f"what is sold, {agent.goods_commission / 100:g} % of appliances."
        + (" May count what others hand in." if agent.cashier else "")
    )
