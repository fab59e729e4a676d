"""What the office does with customers at a prompt: `mwanga customer`."""

from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.prompt import ACTOR, e164, fail, load_config, perform
from handlers.customers.phone import change_phone
from models.people import Customer

customer_cli = typer.Typer(no_args_is_help=True, help="Customers.")


@customer_cli.command("phone")
def customer_phone(
    number: Annotated[int, typer.Argument(help="the customer number", min=1)],
    phone: Annotated[str, typer.Argument(help="the new phone number in any spelling, or none")],
) -> None:
    """Give a customer another phone number; the old and the new one are told."""
    config = load_config()
    new = None if phone.lower() == "none" else e164(phone, config)

    async def work() -> None:
        async with assembled(config, handling=False, serving=False) as server, server.database.work():
            customer = await Customer.get_or_none(id=number)
            if customer is None:
                fail(f"There is no customer {number}.")
            changed = await change_phone(customer, new, company=server.company, composer=server.composer, actor=ACTOR)
        if changed:
            typer.echo(f"{customer.name} {customer.surname} has {new or 'no phone'} now.")
        else:
            typer.echo("This is the customer's number already.")

    perform(work())
