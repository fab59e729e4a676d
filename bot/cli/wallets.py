"""The wallets of agents who pay before they sell, at a prompt: topped up, and paid out."""

from functools import partial
from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.by_two import ask_or_agree
from bot.cli.prompt import ACTOR, fail, load_config, perform
from bot.cli.who import SECOND, By, ByFile, Phone, agent_of, office_work
from bot.company import Company
from handlers.selling.wallet import receipt, take_top_up
from models.money.wallets import (
    LONGEST_REFERENCE,
    HasMoney,
    NotInWallet,
    NotPrepaid,
    NotToppedUp,
    ToppedUpBefore,
    in_wallet,
    make_postpaid,
    make_prepaid,
)
from models.people import Agent
from models.people.two_people import CASH
from models.selling.proposals import What, propose_payout

Amount = Annotated[int, typer.Argument(min=1, max=99_999_999, help="in whole units of currency")]


def agent_topup(
    phone: Phone,
    amount: Amount,
    reference: Annotated[str, typer.Option(help="your own number for it: with it a repeat books nothing")] = "",
    again: Annotated[bool, typer.Option("--again", help="the agent pays the same amount twice within a day")] = False,
) -> None:
    """Book the money that an agent pays into the wallet, with the commission that is due; the agent gets an SMS."""
    if len(reference) > LONGEST_REFERENCE:
        fail(f"A reference has {LONGEST_REFERENCE} characters at most.")

    async def work() -> None:
        async with assembled(load_config(), handling=False, serving=False) as server:
            company = server.company
            async with server.database.work():
                agent = await agent_of(phone, company)
                try:
                    booked = await take_top_up(
                        agent,
                        amount * company.unit,
                        reference,
                        company=company,
                        composer=server.composer,
                        actor=ACTOR,
                        again=again,
                    )
                except NotToppedUp as refusal:
                    fail(f"Nothing is booked: {_why_not(refusal, agent, company)}")
        said = receipt(booked, company).to("en")
        typer.echo(said if booked.new else f"Booked before: {said}")

    perform(work())


def agent_payout(
    phone: Phone,
    amount: Amount,
    by: By,
    reason: Annotated[str, typer.Option(help="why, for the audit")] = "",
    retired: Annotated[bool, typer.Option("--retired", help="the retired agent who had this number last")] = False,
    password_file: ByFile = None,
) -> None:
    """Give an agent money out of the wallet, when another one of the office agrees with the same command; the agent
    gets an SMS."""

    async def work() -> None:
        async with office_work(by, password_file, CASH) as (user, server):
            company = server.company
            agent, minor = await agent_of(phone, company, retired=retired), amount * company.unit
            ask = partial(propose_payout, agent, minor, user, reason)
            try:
                done = await ask_or_agree(user, server, What.PAYOUT, agent.id, {"amount": minor}, ask)
            except NotToppedUp as refusal:
                fail(f"Nothing is booked: {_why_not(refusal, agent, company)}")
            left = await in_wallet(agent.id)
        if done:
            typer.echo(f"PAID OUT {company.money(minor)} to {agent.name}. The wallet has {company.money(left)} now.")
        else:
            typer.echo(f"{company.money(minor)} of {agent.name} are to be paid out. {SECOND}")

    perform(work())


def _why_not(refusal: NotToppedUp, agent: Agent, company: Company) -> str:
    match refusal:
        case NotPrepaid():
            return f"{agent.name} has no wallet. `mwanga agent set {agent.phone} --prepaid` gives one."
        case NotInWallet(there=there):
            return f"the wallet of {agent.name} has {company.money(there)}."
        case ToppedUpBefore(earlier=earlier):
            day, at = company.day(earlier.created_at), company.clock(earlier.created_at)
            said = f"{agent.name} paid {company.money(earlier.amount)} on {day} at {at}, ref {earlier.reference}."
            return f"{said} If this is other money, add --again."
        case _other_reference:
            return f"{refusal} is another top-up."


async def set_prepaid(agent: Agent, prepaid: bool | None, company: Company) -> None:
    """Give an agent a wallet, or a limit again; None changes nothing. The command fails while there is money."""
    if prepaid is None:
        return
    try:
        await (make_prepaid if prepaid else make_postpaid)(agent, ACTOR)
    except HasMoney as error:
        money = company.money(error.amount)
        if prepaid:
            fail(f"{agent.name} holds {money}. Book it first: `mwanga agent receipt {agent.phone} AMOUNT`.")
        fail(f"The wallet of {agent.name} has {money}. Pay it out first: `mwanga agent payout {agent.phone} AMOUNT`.")
