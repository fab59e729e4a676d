"""Devices that come back, go to somebody else or out of use: `mwanga device`."""

from functools import partial
from typing import Annotated

import typer

from bot.cli.by_two import ask_or_agree
from bot.cli.prompt import fail, perform
from bot.cli.who import SECOND, By, ByFile, customer_of, device_of, office_work
from bot.company import Company
from bot.server import Server
from handlers.customers.ownership import retire_device, return_device, transfer_device, use_again
from models.devices import Device
from models.people import Customer, OfficeUser
from models.people.two_people import CASH, HELPERS
from models.selling.ownership import InUse, MoreOwed, NoOwner, NotDone, OpenDebt, OtherOwner, OwnAlready
from models.selling.proposals import What, propose_transfer

device_cli = typer.Typer(no_args_is_help=True, help="One device: it comes back, goes to somebody else or out of use.")
Serial = Annotated[str, typer.Argument(help="the whole serial number")]
Reason = Annotated[str, typer.Option(help="why, for the audit")]


@device_cli.command("return")
def device_return(serial: Serial, by: By, reason: Reason, password_file: ByFile = None) -> None:
    """Take a device back into the stock: its plan ends, what is open is owed no more, and the customer is told."""

    async def work() -> None:
        async with office_work(by, password_file, CASH) as (user, server):
            company = server.company
            device = await device_of(serial)
            try:
                done = await return_device(device, user, reason, company=company, composer=server.composer)
            except NotDone as refusal:
                fail(_why_not(refusal, device, company))
        typer.echo(f"{device.serial} is in stock.")
        if done.owed + done.access:
            typer.echo(f"{company.money(done.owed + done.access)} that was open is owed no more.")

    perform(work())


@device_cli.command("transfer")
def device_transfer(
    serial: Serial,
    customer: Annotated[int, typer.Argument(help="the number of the new owner", min=1)],
    by: By,
    reason: Reason,
    with_debt: Annotated[
        bool, typer.Option("--with-debt", help="although something is still to be paid on it")
    ] = False,
    password_file: ByFile = None,
) -> None:
    """Give a device to another customer, with its plan and all that is owed on it; both are told. With a debt another
    one of the office agrees with the same command."""

    async def work() -> None:
        async with office_work(by, password_file, HELPERS | CASH if with_debt else HELPERS) as (user, server):
            company = server.company
            device, to = await device_of(serial), await customer_of(customer)
            try:
                done = await _transfer(device, to, user, reason, server, with_debt=with_debt)
            except NotDone as refusal:
                fail(f"{_why_not(refusal, device, company)}{_say_with_debt(refusal)}")
        whose = f"{to.name} {to.surname}"
        typer.echo(
            f"{device.serial} belongs to {whose} now." if done else f"{device.serial} is to go to {whose}. {SECOND}"
        )

    perform(work())


async def _transfer(
    device: Device, to: Customer, user: OfficeUser, reason: str, server: Server, *, with_debt: bool
) -> bool:
    """Whether it is done: with a debt another one of the office has to agree. Raises NotDone's kinds."""
    if with_debt:
        today = server.company.today()
        ask = partial(propose_transfer, device, to, user, reason, today=today, with_debt=True)
        wanted = {"customer_id": to.id, "with_debt": True}
        return await ask_or_agree(user, server, What.TRANSFER, device.id, wanted, ask)
    company, composer = server.company, server.composer
    await transfer_device(device, to, user, reason, with_debt=False, company=company, composer=composer)
    return True


@device_cli.command("retire")
def device_retire(serial: Serial, by: By, reason: Reason, password_file: ByFile = None) -> None:
    """Sell nothing more for a device that is lost, broken or scrapped; its owner is told."""

    async def work() -> None:
        async with office_work(by, password_file, HELPERS) as (user, server):
            company = server.company
            device = await device_of(serial)
            try:
                await retire_device(device, user, reason, company=company, composer=server.composer)
            except NotDone as refusal:
                fail(_why_not(refusal, device, company))
        typer.echo(f"{device.serial} is out of use.")

    perform(work())


@device_cli.command("reuse")
def device_reuse(serial: Serial, by: By, reason: Reason, password_file: ByFile = None) -> None:
    """Sell again for a device that was out of use: it was repaired or found, or nobody meant it. Its owner is told."""

    async def work() -> None:
        async with office_work(by, password_file, HELPERS) as (user, server):
            company = server.company
            device = await device_of(serial)
            try:
                await use_again(device, user, reason, company=company, composer=server.composer)
            except NotDone as refusal:
                fail(_why_not(refusal, device, company))
        typer.echo(f"{device.serial} is {'in use' if device.customer else 'in stock'} again.")

    perform(work())


def _why_not(refusal: NotDone, device: Device, company: Company) -> str:
    match refusal:
        case NoOwner():
            return f"{device.serial} is in stock: nobody has it."
        case OwnAlready():
            return f"{device.serial} belongs to this customer."
        case OpenDebt(contract=contract, owed=owed):
            on = f"on {contract.number}" if contract else "of the access rate"
            return f"{company.money(owed)} is open {on}: have it paid, return the device or write it off first."
        case OtherOwner():
            return f"{device.serial} is not the customer's any more who had it then: say no to that under Money first."
        case MoreOwed(owed=owed):
            return f"{company.money(owed)} is to be paid on it by now: say no to that under Money, and ask anew."
        case InUse():
            return f"{device.serial} is not out of use."
        case _retired:
            return f"{device.serial} is out of use already."


def _say_with_debt(refusal: NotDone) -> str:
    return " Or add --with-debt: the new owner pays it." if isinstance(refusal, OpenDebt) else ""
