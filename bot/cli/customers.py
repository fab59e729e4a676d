"""What the office does at a prompt besides people who sell: the vending key of meters, customers' phones."""

import sys
from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.prompt import configured, e164, fail, opened, perform
from bot.company import Site
from bot.message import Copy
from bot.text.i18n import _
from models.audit import record
from models.customers.registration import keep_vending_key
from models.messages.tables import Class
from models.people.tables import Customer
from models.sql import now_ms
from models.tokens.sts import TEST_VENDING_KEY, VendingKey, derive_key, meter_number

customer_cli = typer.Typer(no_args_is_help=True, help="Customers.")


def vending_key(
    sgc: Annotated[str, typer.Option(help="the supply group code, 6 digits")],
    krn: Annotated[int, typer.Option(help="the key revision number, 1 to 9")] = 1,
    tariff_index: Annotated[int, typer.Option(help="0 to 99")] = 1,
    base_year: Annotated[int, typer.Option(help="1993, 2014 or 2035")] = 2014,
) -> None:
    """Store the key of a supply group for STS meters; it is asked for, or read from standard input."""
    # Never an argument: those are in the shell's history and in the list of processes.
    typed = typer.prompt("Vending key, 40 hexadecimal digits", hide_input=True) if sys.stdin.isatty() else input()
    try:
        key = VendingKey(sgc=sgc, krn=krn, secret=bytes.fromhex(typed.strip()))
        derive_key(key, meter_number("00", "00000000"), tariff_index=tariff_index, base_year=base_year)
    except ValueError as error:
        fail(f"This is no vending key. {error}")
    if key.secret == TEST_VENDING_KEY.secret:
        fail("This key is published for tests: everybody can make tokens with it.")
    stored: dict[str, str | int | bool] = {"sgc": sgc, "krn": krn, "ti": tariff_index, "base_year": base_year}
    stored["secret"] = key.secret.hex()

    async def work() -> None:
        async with opened(configured()) as (database, site), database.work():
            await keep_vending_key(stored, site.vault)
            detail = f"krn {krn}, tariff index {tariff_index}, base year {base_year}"
            await record("command line", "vending key", sgc, detail)

    perform(work())
    typer.echo(f"Meters that are added from now on are of supply group {sgc}. Those that are there keep their key.")


@customer_cli.command("phone")
def customer_phone(
    number: Annotated[int, typer.Argument(help="the customer number", min=1)],
    phone: Annotated[str, typer.Argument(help="the new phone number in any spelling, or none")],
) -> None:
    """Give a customer another phone number; the old and the new one are told."""
    config = configured()
    new = None if phone.lower() == "none" else e164(phone, config)

    async def work() -> None:
        async with assembled(config, handling=False, serving=False) as mwanga, mwanga.database.work():
            customer = await Customer.get_or_none(id=number)
            if customer is None:
                fail(f"There is no customer {number}.")
            if customer.phone == new:
                typer.echo("This is the customer's number already.")
                return
            await Customer.filter(id=number).update(phone=new)
            await record("command line", "customer phone", str(number), f"{customer.phone} -> {new}")
            copies = _about_the_phone(customer, new, mwanga.site)
            await mwanga.dispatcher.tell(f"customer {number} phone {now_ms()}", copies)
            typer.echo(f"{customer.name} {customer.surname} has {new or 'no phone'} now.")

    perform(work())


def _about_the_phone(customer: Customer, new: str | None, site: Site) -> list[Copy]:
    """Both numbers are told: whoever loses the codes against his will can call."""
    company, help_phone = site.company, site.help_phone
    gone = _("{company}: your codes go to another number now. Wrong? Call {help}.", company=company, help=help_phone)
    come = _("{company}: your codes come to this number now. Wrong? Call {help}.", company=company, help=help_phone)
    told = ((customer.phone, gone), (new, come))
    return [Copy(phone, text, Class.REPLY, customer.language) for phone, text in told if phone]
