"""Sales that the office takes back or moves to the right device: `mwanga sale`."""

from functools import partial
from typing import Annotated

import typer

from bot.cli.by_two import ask_or_agree
from bot.cli.prompt import fail, load_config, open_database, perform
from bot.cli.who import SECOND, By, ByFile, device_of, office_work, say_same_person
from bot.company import Company
from handlers.selling.void import refuse_by_office, void_by_office, why_not
from models.money.ledger import AccountKind, balance
from models.people.two_people import CASH, SamePerson
from models.selling import Sale, voids
from models.selling.moving import NotForThat, NothingToMove, SameDevice
from models.selling.proposals import What, propose_move
from models.selling.sales import LONGEST_REFERENCE
from models.selling.taking_back import NotTakenBack, NotTheirs
from models.selling.voids import NobodyAsked

sale_cli = typer.Typer(no_args_is_help=True, help="Sales: take one back, or move it to the right device.")
Reference = Annotated[str, typer.Argument(help="that of the sale, as the receipt has it")]


@sale_cli.command("voids")
def sale_voids() -> None:
    """Show the sales that agents want taken back, the oldest first."""

    async def work() -> None:
        async with open_database(load_config()) as (_database, company):
            for asked in await voids.asked_for():
                sale, at = asked.sale, f"{company.day(asked.asked_at)} {company.clock(asked.asked_at)}"
                who = f"{sale.customer.name} {sale.customer.surname}"
                typer.echo(
                    f"{sale.reference}, {company.money(sale.amount)}, {who}, {asked.asked_by} {at}: {asked.reason}"
                )

    perform(work())


@sale_cli.command("void")
def sale_void(
    reference: Reference,
    by: By,
    reason: Annotated[str, typer.Option(help="why, where no agent asked; then another one has to agree")] = "",
    password_file: ByFile = None,
) -> None:
    """Take back a sale that an agent, or another one of the office, wants taken back; both sides get an SMS."""

    async def work() -> None:
        async with office_work(by, password_file, CASH) as (user, server):
            company = server.company
            sale = await _sale(reference)
            try:
                done = await void_by_office(sale, user, reason, company=company, composer=server.composer)
            except SamePerson as error:
                fail(say_same_person(error))
            except NotTakenBack as refusal:
                fail(_why_not(refusal, sale, company))
        what = f"Sale {sale.reference}, {company.money(sale.amount)}"
        typer.echo(f"{what}, is taken back." if done else f"{what}, is to be taken back. {SECOND}")
        if done and done.at_counter:
            typer.echo("Give the customer the cash back.")
        elif done and done.agent is None:
            typer.echo("Its money waits at the office until somebody says what it is for.")

    perform(work())


@sale_cli.command("refuse-void")
def sale_refuse_void(reference: Reference, by: By, password_file: ByFile = None) -> None:
    """Let a sale stand that an agent wants taken back; the agent gets an SMS."""

    async def work() -> None:
        async with office_work(by, password_file, CASH) as (user, server):
            company = server.company
            sale = await _sale(reference)
            try:
                await refuse_by_office(sale, user, company=company, composer=server.composer)
            except NotTakenBack as refusal:
                fail(_why_not(refusal, sale, company))
        typer.echo(f"Sale {sale.reference} stands.")

    perform(work())


@sale_cli.command("move")
def sale_move(
    reference: Reference,
    serial: Annotated[str, typer.Argument(help="the device that it was meant for")],
    by: By,
    reason: Annotated[str, typer.Option(help="why, for the audit")] = "",
    password_file: ByFile = None,
) -> None:
    """Make a token for the right device of a sale for a wrong one, whose owner owes the amount then; all are told.
    Another one of the office agrees with the same command."""

    async def work() -> None:
        async with office_work(by, password_file, CASH) as (user, server):
            company = server.company
            sale = await _sale(reference)
            device = await device_of(serial)
            ask = partial(propose_move, sale, device, user, reason)
            try:
                done = await ask_or_agree(user, server, What.MOVE, sale.id, {"device_id": device.id}, ask)
            except NotTakenBack as refusal:
                fail(_why_not(refusal, sale, company))
            new, owes = await Sale.get_or_none(replaces_id=sale.id), await balance(AccountKind.CLAIM, sale.customer_id)
        if not done or new is None:
            typer.echo(f"Sale {sale.reference} is to be for {device.serial}. {SECOND}")
            return
        wrong = sale.customer
        typer.echo(f"{company.money(new.amount)} are for {device.serial} now: sale {new.reference}.")
        typer.echo(f"Customer {wrong.id}, {wrong.name} {wrong.surname}, owes {company.money(owes)}.")

    perform(work())


async def _sale(reference: str) -> Sale:
    sale = await Sale.get_or_none(reference=reference.upper()[:LONGEST_REFERENCE]).select_related("customer")
    if sale is None:
        fail(f"There is no sale {reference}.")
    return sale


def _why_not(refusal: NotTakenBack, sale: Sale, company: Company) -> str:
    match refusal:
        case NobodyAsked():
            return f"Nobody wants sale {sale.reference} taken back. Add --reason to ask another one of the office."
        case SameDevice():
            return f"Sale {sale.reference} was for this device."
        case NothingToMove():
            return f"Sale {sale.reference} was for no device."
        case NotTheirs():
            return f"The device or the contract of sale {sale.reference} is another's by now, or over: it stands."
        case NotForThat(why=why):
            return f"Nothing is moved: the device can have no token now{f' ({why.value})' if why else ''}."
        case _other:
            return f"Nothing is done. {why_not(refusal, sale.reference, company).to('en')}"
