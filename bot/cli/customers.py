"""What the office does with customers at a prompt: `mwanga customer`."""

import sys
from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.dates import Since, Until, read_dates
from bot.cli.prompt import ACTOR, e164, fail, load_config, open_database, perform, write_as_utf8
from bot.cli.two_people import customer_payout
from bot.cli.who import customer_of
from bot.company import Company
from handlers.customers.phone import change_phone
from handlers.customers.profile import MOST_FOUND, describe, find_everywhere, name_lines
from handlers.customers.statement import statement_kind, statement_lines
from handlers.exchange import write_export
from models.people import Customer

customer_cli = typer.Typer(
    no_args_is_help=True, help="Customers: find, show, statement, pay credit out, give another phone."
)
customer_cli.command("payout")(customer_payout)

Who = Annotated[list[str], typer.Argument(help="number, phone in any spelling, serial or its end, or name")]


@customer_cli.command("find")
def customer_find(who: Who) -> None:
    """Find customers, in all mini-grids."""

    async def work() -> None:
        async with open_database(load_config()) as (_database, company):
            await _list(await _find(who, company))

    perform(work())


@customer_cli.command("show")
def customer_show(
    who: Who,
    token: Annotated[
        bool, typer.Option("--token", help="the digits of the last token too; the audit notes it")
    ] = False,
) -> None:
    """Show one customer: devices, what is owed, the last token, open tickets, the last texts."""

    async def work() -> None:
        async with open_database(load_config()) as (database, company):
            found = await _find(who, company)
            if len(found) > 1:
                await _list(found)
                fail("Which one? Show it by its number.")
            async with database.work():
                lines = await describe(found[0], company, actor=ACTOR, tokens=token)
            typer.echo("\n".join(lines))

    perform(work())


@customer_cli.command("statement")
def customer_statement(
    who: Who,
    as_csv: Annotated[bool, typer.Option("--csv", help="as a file, on standard output")] = False,
    since: Since = None,
    until: Until = None,
) -> None:
    """Show all that one customer paid, what it bought, what is left as credit, and what is owed."""

    async def work() -> None:
        async with open_database(load_config()) as (_database, company):
            found, dates = await _find(who, company), read_dates(since, until, company.zone)
            if len(found) > 1:
                await _list(found)
                fail("Which one? Name the customer by the number.")
            if as_csv:
                write_as_utf8()
                await write_export(statement_kind(found[0]), sys.stdout, company, dates)
            else:
                typer.echo("\n".join(await statement_lines(found[0], company, dates)))

    perform(work())


async def _find(who: list[str], company: Company) -> list[Customer]:
    """Those who are meant, at least one."""
    text = " ".join(who)
    found = await find_everywhere(text, company)
    if not found:
        fail(f"Nobody is found by {text}: give the customer number, a phone, the last 4 of a serial, or a name.")
    return found


async def _list(found: list[Customer]) -> None:
    for line in await name_lines(found[:MOST_FOUND]):
        typer.echo(line)
    if len(found) > MOST_FOUND:
        typer.echo(f"These are the first {MOST_FOUND}. Write more to find fewer.")


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
            customer = await customer_of(number)
            changed = await change_phone(customer, new, company=server.company, composer=server.composer, actor=ACTOR)
        if changed:
            typer.echo(f"{customer.name} {customer.surname} has {new or 'no phone'} now.")
        else:
            typer.echo("This is the customer's number already.")

    perform(work())
