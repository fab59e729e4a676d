"""Payments of which nobody knows what they are for: which they are, and what the office says of each."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.prompt import ACTOR, fail, load_config, open_database, perform
from bot.company import Company
from bot.text.controls import without_controls
from handlers.selling import received
from models.money.receiving import Why, unapplied
from models.money.waiting import Waiting, list_waiting

SHOWN = 50
SAID = {
    Why.NOBODY: "nothing goes by this account",
    Why.SEVERAL: "several go by this account",
    Why.RETIRED: "the device is out of use",
    Why.NO_PRICE: "the device has no owner or no price",
    Why.PAID_OFF: "it is paid off",
    Why.ISSUER_AWAY: "no code could be made",
    Why.AMOUNTS: "two sources say different amounts",
    Why.TAKEN_BACK: "its sale was taken back",
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


def payments_assign(
    reference: Annotated[str, typer.Argument(help="the provider's reference of the payment, in any spelling")],
    account: Annotated[str, typer.Argument(help="what it is for: a serial, or the number of a sale like S1042")],
) -> None:
    """Say what a payment that waits is for: it is applied, and the customer gets the code and the payer an SMS."""

    async def work() -> None:
        async with assembled(load_config(), handling=False, serving=False) as server, server.database.work():
            try:
                told = await received.assign(reference, account, ACTOR, server.company)
            except received.NoSuchPayment:
                fail(f"No payment {reference} waits: mwanga payments waiting")
            except LookupError:
                fail(f"Nothing of ours goes by {account}.")
            if not told:
                fail(f"Nothing new was done with {reference}: somebody else has done it.")
            for origin, copies in told:
                await server.composer.tell(origin, copies)
        typer.echo(f"{reference} is for {account} now. {sum(len(copies) for _origin, copies in told)} SMS will go out.")

    perform(work())
