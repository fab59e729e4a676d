"""Payments of which nobody knows what they are for: which they are, and what the office says of each."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.cli.prompt import fail, load_config, open_database, perform
from bot.cli.who import By, ByFile, customer_of, office_work
from bot.company import Company
from bot.text.controls import without_controls
from handlers.selling import received
from models.money.receiving import Why, unapplied
from models.money.waiting import (
    NoSuchPayment,
    SeveralPayments,
    Waiting,
    find_unapplied,
    list_waiting,
    look_after,
)
from models.money.wallets import NotPrepaid
from models.people.two_people import CASH

Reference = Annotated[str, typer.Argument(help="the provider's reference of the payment, in any spelling")]
Provider = Annotated[str, typer.Option("--provider", help="whose payment, where several have this reference")]
SHOWN = 50
SAID = {
    Why.NOBODY: "nothing goes by this account",
    Why.SEVERAL: "several go by this account",
    Why.RETIRED: "the device is out of use",
    Why.NO_PRICE: "the device has no owner or no price",
    Why.PAID_OFF: "nothing is left to pay for it",
    Why.ISSUER_AWAY: "no code could be made",
    Why.SALES_OFF: "sales were switched off",
    Why.AMOUNTS: "two sources say different amounts",
    Why.TAKEN_BACK: "its sale was taken back",
    Why.OTHER_NAME: "another provider told of this reference, perhaps of the same money",
}


def payments_waiting() -> None:
    """Show the payments that wait until somebody says what they are for, the oldest first."""

    async def work() -> None:
        async with open_database(load_config()) as (_database, company):
            waiting = await list_waiting(SHOWN)
            for one in waiting:
                left = await unapplied(one.payment.id)
                typer.echo(_line(one, left, company))
            if not waiting:
                typer.echo("No payment waits.")

    perform(work())


def _line(one: Waiting, left: int, company: Company) -> str:
    """daraja RKL51ZDR4F TZS 5,000, 3 h: nothing goes by this account "0712", from +255710000003"""
    paid, suspense = one.payment, one.suspense
    hours = int((datetime.now(UTC) - suspense.opened_at).total_seconds()) // 3_600
    typed = without_controls(paid.account_text) or "nothing"
    what = f"{paid.provider} {paid.reference} {company.money(left)}, {hours} h: {SAID[Why(suspense.why)]}"
    owner = f", {suspense.owner} looks after it" if suspense.owner else ""
    return f'{what}; typed "{typed}", from {without_controls(paid.payer_phone) or "an unknown phone"}{owner}'


def payments_take(reference: Reference, by: By, provider: Provider = "", password_file: ByFile = None) -> None:
    """Say who of the office finds out what a payment that waits is for; `waiting` shows the name."""

    async def work() -> None:
        async with office_work(by, password_file, CASH) as (user, _server):
            with _named(reference):
                await look_after(await find_unapplied(reference, provider), user.name, user.name)
        typer.echo(f"{user.name} looks after {reference}.")

    perform(work())


def payments_assign(
    reference: Reference,
    by: By,
    account: Annotated[str, typer.Argument(help="what it is for: a serial, or the number of a sale like S1042")] = "",
    credit: Annotated[
        int | None, typer.Option("--credit", help="in place of ACCOUNT: the customer whose credit it is", min=1)
    ] = None,
    amount: Annotated[
        int | None, typer.Option("--amount", help="so much of it, in whole units of currency", min=1, max=99_999_999)
    ] = None,
    provider: Provider = "",
    password_file: ByFile = None,
) -> None:
    """Say what a payment that waits is for: it is applied, and the customer gets the code and the payer an SMS."""
    if bool(account) == (credit is not None):
        fail("Say what it is for: a serial, the number of a sale, or --credit and a customer.")
    target = account or f"the credit of customer {credit}"

    async def work() -> None:
        async with office_work(by, password_file, CASH) as (user, server):
            company, actor = server.company, user.name
            minor = amount * company.unit if amount else None
            customer = await customer_of(credit) if credit is not None else None
            with _named(reference, account):
                payment = await find_unapplied(reference, provider)
                there = await unapplied(payment.id)
                if customer is None:
                    told = await received.assign(reference, account, actor, company, provider=provider, amount=minor)
                else:
                    told = await received.assign_credit(
                        reference, customer, actor, company, provider=provider, amount=minor
                    )
            if not told:
                fail(f"Nothing new was done with {reference}: somebody else has done it.")
            for origin, copies in told:
                await server.composer.tell(origin, copies)
            used = await unapplied(payment.id) != there
        said = f"{reference} is for {target} now." if used else f"{reference} waits on: {target} can take nothing now."
        typer.echo(f"{said} {sum(len(copies) for _origin, copies in told)} SMS will go out.")

    perform(work())


@contextmanager
def _named(reference: str, account: str = "") -> Iterator[None]:
    """The command fails with a sentence where no one payment is meant, or nothing goes by the account."""
    try:
        yield
    except NoSuchPayment:
        fail(f"No payment {reference} waits: mwanga payments waiting")
    except SeveralPayments as error:
        fail(f"Several payments {reference} wait, of {' and '.join(error.providers)}: add --provider.")
    except (LookupError, NotPrepaid):  # a wallet may have gone just now
        fail(f"Nothing of ours goes by {account}.")
