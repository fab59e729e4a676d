"""Devices that come back, go to somebody else or out of use: `mwanga device`."""

from typing import Annotated

import typer

from bot.cli.prompt import fail, perform
from bot.cli.who import By, ByFile, customer_of, device_of, office_work
from bot.company import Company
from handlers.customers.ownership import retire_device, return_device, transfer_device
from models.devices import Device
from models.money.ownership import NoOwner, NotDone, OpenDebt, OwnAlready

device_cli = typer.Typer(no_args_is_help=True, help="One device: it comes back, goes to somebody else or out of use.")
Serial = Annotated[str, typer.Argument(help="the whole serial number")]
Reason = Annotated[str, typer.Option(help="why, for the audit")]


@device_cli.command("return")
def device_return(serial: Serial, by: By, reason: Reason, password_file: ByFile = None) -> None:
    """Take a device back into the stock: its plan ends, what is open is owed no more, and the customer is told."""

    async def work() -> None:
        async with office_work(by, password_file) as (user, server):
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
    """Give a device to another customer, with its plan and all that is owed on it; both are told."""

    async def work() -> None:
        async with office_work(by, password_file) as (user, server):
            company = server.company
            device = await device_of(serial)
            to = await customer_of(customer)
            try:
                await transfer_device(
                    device,
                    to,
                    user,
                    reason,
                    with_debt=with_debt,
                    company=company,
                    composer=server.composer,
                )
            except NotDone as refusal:
                fail(f"{_why_not(refusal, device, company)}{_say_with_debt(refusal)}")
        typer.echo(f"{device.serial} belongs to {to.name} {to.surname} now.")

    perform(work())


@device_cli.command("retire")
def device_retire(serial: Serial, by: By, reason: Reason, password_file: ByFile = None) -> None:
    """Sell nothing more for a device that is lost, broken or scrapped; its owner is told."""

    async def work() -> None:
        async with office_work(by, password_file) as (user, server):
            company = server.company
            device = await device_of(serial)
            try:
                await retire_device(device, user, reason, company=company, composer=server.composer)
            except NotDone as refusal:
                fail(_why_not(refusal, device, company))
        typer.echo(f"{device.serial} is out of use.")

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
        case _retired:
            return f"{device.serial} is out of use already."


def _say_with_debt(refusal: NotDone) -> str:
    return " Or add --with-debt: the new owner pays it." if isinstance(refusal, OpenDebt) else ""
