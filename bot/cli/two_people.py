"""What one of the office asks for at the prompt, and another one agrees to with the same command: the right amount of a
payment, and cash for a customer's credit."""

from typing import Annotated

import typer

from bot.cli.by_two import ask_or_agree
from bot.cli.prompt import fail, perform
from bot.cli.who import SECOND, By, ByFile, customer_of, office_work
from bot.company import Company
from models.money import amounts
from models.money.amounts import NeverCame, NobodySays, NotPutRight
from models.money.credit import NotSoMuch
from models.money.payments import Payment
from models.money.receiving import counted, normal_reference
from models.people import Customer
from models.people.two_people import CASH
from models.selling.proposals import What, propose_amount, propose_credit

Amount = Annotated[int, typer.Argument(min=1, max=99_999_999, help="in whole units of currency")]
Reason = Annotated[str, typer.Option(help="why; leave it away to agree")]


def payments_amount(
    reference: Annotated[str, typer.Argument(help="the provider's reference of the payment, in any spelling")],
    amount: Amount,
    by: By,
    reason: Reason = "",
    provider: Annotated[str, typer.Option("--provider", help="whose payment, where several have this reference")] = "",
    password_file: ByFile = None,
) -> None:
    """Say which of two amounts of a payment is right; another one of the office agrees where the books change."""

    async def work() -> None:
        async with office_work(by, password_file, CASH) as (user, server):
            payment, minor = await _payment_of(reference, provider), amount * server.company.unit
            try:
                if minor == await counted(payment):
                    if not reason:
                        fail("Say how you know: add --reason.")
                    await amounts.let_stand(payment, reason, actor=user.name)
                    said = f"{payment.reference} stays {server.company.money(minor)}."
                else:
                    done = await ask_or_agree(
                        user,
                        server,
                        What.AMOUNT,
                        payment.id,
                        {"amount": minor},
                        lambda key: propose_amount(payment, minor, user, _given(reason), key),
                    )
                    said = f"{payment.reference} is {server.company.money(minor)}" + (
                        " in the books now." if done else f" then. {SECOND}"
                    )
            except NotPutRight as refusal:
                fail(f"Nothing is booked: {_why_not(refusal, server.company)}")
        typer.echo(said)

    perform(work())


def _why_not(refusal: NotPutRight, company: Company) -> str:
    if isinstance(refusal, NobodySays):
        return f"nobody says {company.money(int(refusal.args[0]))}."
    if isinstance(refusal, NeverCame):
        return f"{refusal} is out of the books, for no statement has it."
    return f"all say the same of {refusal}, or it was looked at already."


async def _payment_of(reference: str, provider: str) -> Payment:
    found = Payment.filter(reference=normal_reference(reference))
    payments = await (found.filter(provider=provider) if provider else found).limit(2)
    if not payments:
        fail(f"There is no payment {reference}.")
    if len(payments) > 1:
        fail(f"Several payments have the reference {reference}: add --provider.")
    return payments[0]


def customer_payout(
    customer: Annotated[int, typer.Argument(help="the customer number", min=1)],
    amount: Amount,
    by: By,
    reason: Reason = "",
    password_file: ByFile = None,
) -> None:
    """Give a customer cash for credit; another one of the office agrees, and the customer gets an SMS."""

    async def work() -> None:
        async with office_work(by, password_file, CASH) as (user, server):
            who, minor = await customer_of(customer), amount * server.company.unit
            try:
                done = await ask_or_agree(
                    user,
                    server,
                    What.CREDIT,
                    who.id,
                    {"amount": minor},
                    lambda key: propose_credit(who, minor, user, _given(reason), key),
                )
            except NotSoMuch as refusal:
                fail(f"Nothing is booked: the credit of {_name(who)} is {server.company.money(refusal.there)}.")
        money = server.company.money(minor)
        typer.echo(f"{money} are paid out to {_name(who)}." if done else f"{money} are to be paid out. {SECOND}")

    perform(work())


def _name(customer: Customer) -> str:
    return f"{customer.name} {customer.surname}"


def _given(reason: str) -> str:
    """Who asks first says why; who agrees has read it."""
    if not reason:
        fail("Nobody has proposed it yet: add --reason.")
    return reason
