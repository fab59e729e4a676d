"""What customers owe who got power that somebody else had paid: `mwanga claim`."""

import secrets
from typing import Annotated

import typer

from bot.cli.prompt import fail, load_config, open_database, perform
from bot.cli.who import SECOND, By, ByFile, customer_of, office_work, say_same_person
from handlers.customers.ownership import pay_claim
from models.money import claims
from models.money.claims import NoClaim
from models.money.write_offs import NoReason, NotWaiting
from models.people.two_people import CASH, SamePerson

claim_cli = typer.Typer(no_args_is_help=True, help="Claims: list them, take money for one, write one off.")
Number = Annotated[int, typer.Argument(help="the customer number", min=1)]


@claim_cli.command("list")
def claim_list() -> None:
    """Show who owes for power that somebody else had paid, how much, and since when."""

    async def work() -> None:
        async with open_database(load_config()) as (_database, company):
            for one in await claims.open_claims():
                who = (
                    f"{one.customer.id} {one.customer.name} {one.customer.surname}, {one.customer.phone or 'no phone'}"
                )
                typer.echo(f"{who}: {company.money(one.owed)} since {one.since.astimezone(company.zone):%Y-%m-%d}")

    perform(work())


@claim_cli.command("paid")
def claim_paid(
    customer: Number,
    amount: Annotated[int, typer.Argument(min=1, max=99_999_999, help="in whole units of currency")],
    by: By,
    password_file: ByFile = None,
) -> None:
    """Book cash that the office took for a claim; the customer gets an SMS."""

    async def work() -> None:
        async with office_work(by, password_file, CASH) as (user, server):
            company = server.company
            who = await customer_of(customer)
            minor = amount * company.unit
            key = f"command {secrets.token_urlsafe(12)}"
            try:
                left = await pay_claim(who, minor, user, key=key, company=company, composer=server.composer)
            except NoClaim as error:
                fail(f"Nothing is booked: customer {customer} owes {company.money(error.owed)}.")
        typer.echo(f"Booked. Customer {customer} owes {company.money(left)}.")

    perform(work())


@claim_cli.command("write-off")
def claim_write_off(
    customer: Number,
    by: By,
    reason: Annotated[str, typer.Option(help="why nobody asks for it any more; leave it away to agree")] = "",
    password_file: ByFile = None,
) -> None:
    """Propose to ask no more for a claim; another one of the office agrees with the same command."""

    async def work() -> None:
        async with office_work(by, password_file, CASH) as (user, server):
            company = server.company
            who = await customer_of(customer)
            try:
                done = await claims.write_off(who, user, reason)
            except SamePerson as error:
                fail(say_same_person(error))
            except NoReason:
                fail("Nobody has proposed it yet: add --reason.")
            except NotWaiting:
                fail("Somebody else has refused it.")
            except NoClaim:
                fail(f"Customer {customer} owes nothing.")
        amount = company.money(done.amount)
        typer.echo(f"{amount} are written off." if done.agreed_at else f"{amount} are to be written off. {SECOND}")

    perform(work())
