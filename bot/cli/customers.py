"""What the office does at a prompt besides people who sell: the vending key of meters, customers' phones."""

from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.prompt import configured, e164, fail, perform
from bot.company import Company
from bot.message import Copy
from bot.text.i18n import _
from models.audit import record
from models.messages.tables import MessageKind
from models.people.tables import Customer
from models.sql import now_ms

customer_cli = typer.Typer(no_args_is_help=True, help="Customers.")


@customer_cli.command("phone")
def customer_phone(
    number: Annotated[int, typer.Argument(help="the customer number", min=1)],
    phone: Annotated[str, typer.Argument(help="the new phone number in any spelling, or none")],
) -> None:
    """Give a customer another phone number; the old and the new one are told."""
    config = configured()
    new = None if phone.lower() == "none" else e164(phone, config)

    async def work() -> None:
        async with assembled(config, handling=False, serving=False) as server, server.database.work():
            customer = await Customer.get_or_none(id=number)
            if customer is None:
                fail(f"There is no customer {number}.")
            if customer.phone == new:
                typer.echo("This is the customer's number already.")
                return
            await Customer.filter(id=number).update(phone=new)
            await record("command line", "customer phone", str(number), f"{customer.phone} -> {new}")
            copies = _about_the_phone(customer, new, server.company)
            await server.composer.tell(f"customer {number} phone {now_ms()}", copies)
            typer.echo(f"{customer.name} {customer.surname} has {new or 'no phone'} now.")

    perform(work())


def _about_the_phone(customer: Customer, new: str | None, of: Company) -> list[Copy]:
    """Both numbers are told: whoever loses the codes against his will can call."""
    company, help_phone = of.name, of.help_phone
    gone = _("{company}: your codes go to another number now. Wrong? Call {help}.", company=company, help=help_phone)
    come = _("{company}: your codes come to this number now. Wrong? Call {help}.", company=company, help=help_phone)
    told = ((customer.phone, gone), (new, come))
    return [Copy(phone, text, MessageKind.REPLY, customer.language) for phone, text in told if phone]
