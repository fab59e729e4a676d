"""The cash of agents at a prompt: what they hand in, and what two people of the office settle when it was not right."""

from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.prompt import ACTOR, fail, load_config, perform
from bot.cli.who import SECOND, By, ByFile, Phone, agent_of, office_work, say_same_person
from bot.company import Company
from handlers.account.disputes import settle_hand_in
from handlers.account.hand_in import take_hand_in
from models.money.disputes import NotDisputed, NothingProposed
from models.money.hand_in import LONGEST_REFERENCE, HandedInBefore, HandIn, MoreThanHeld, NotBooked
from models.people import Agent
from models.people.two_people import CASH, SamePerson

Amount = Annotated[int, typer.Argument(min=1, max=99_999_999, help="the cash that was counted")]


def agent_receipt(
    phone: Phone,
    amount: Amount,
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
                agent = await agent_of(phone, company, retired=retired)
                try:
                    receipt = await take_hand_in(
                        agent,
                        amount * company.unit,
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


def agent_settle(
    reference: Annotated[str, typer.Argument(help="that of the hand-in")],
    by: By,
    amount: Annotated[
        int | None, typer.Option(min=0, max=99_999_999, help="what was handed in; leave it away to agree")
    ] = None,
    password_file: ByFile = None,
) -> None:
    """Say how much was handed in when an agent disputes it; another one of the office agrees, and both are told."""

    async def work() -> None:
        async with office_work(by, password_file, CASH) as (user, server):
            company = server.company
            known = len(reference.upper()) <= LONGEST_REFERENCE
            entry = await HandIn.get_or_none(reference__iexact=reference) if known else None
            if entry is None:
                fail(f"There is no hand-in {reference}.")
            minor = None if amount is None else amount * company.unit
            try:
                settled = await settle_hand_in(entry, minor, user, company=company, composer=server.composer)
            except SamePerson as error:
                fail(say_same_person(error))
            except NothingProposed:
                fail("Nobody has said yet how much it was: add --amount.")
            except NotDisputed:
                fail(f"{reference} is settled already.")
            except MoreThanHeld as error:
                fail(f"Nothing is booked: the agent held {company.money(error.held)}.")
        said = f"Hand-in {entry.reference}: {company.money(settled.amount)}"
        counted = f"counted were {company.money(entry.amount)}"
        typer.echo(f"{said} is settled, {counted}." if settled.agreed else f"{said}, {counted}. {SECOND}")

    perform(work())
