"""Debts on appliances that nobody will pay: `mwanga contract`."""

from typing import Annotated

import typer

from bot.cli.prompt import fail, perform
from bot.cli.who import SECOND, By, ByFile, office_work, say_same_person
from handlers.customers.ownership import write_off
from models.money.write_offs import NoReason, NotWaiting
from models.people.two_people import CASH, SamePerson
from models.selling.contracts import contract_numbered
from models.selling.ownership import NothingOwed

contract_cli = typer.Typer(no_args_is_help=True, help="Appliances that are paid off in parts: write off a debt.")


@contract_cli.callback()
def contracts() -> None:
    """Appliances that are paid off in parts."""


@contract_cli.command("write-off")
def contract_write_off(
    number: Annotated[str, typer.Argument(help="like S1042")],
    by: By,
    reason: Annotated[str, typer.Option(help="why nobody will pay it; leave it away to agree")] = "",
    password_file: ByFile = None,
) -> None:
    """Propose to ask no more for a debt; another one of the office agrees, and the customer is told."""

    async def work() -> None:
        async with office_work(by, password_file, CASH) as (user, server):
            company = server.company
            contract = await contract_numbered(number)
            if contract is None:
                fail(f"There is no sale {number} on a plan.")
            try:
                done = await write_off(
                    contract, user, reason, today=company.today(), company=company, composer=server.composer
                )
            except SamePerson as error:
                fail(say_same_person(error))
            except NoReason:
                fail("Nobody has proposed it yet: add --reason.")
            except NotWaiting:
                fail("Somebody else has refused it.")
            except NothingOwed:
                fail(f"Nothing is owed on {contract.number}.")
        amount = f"{company.money(done.amount)} of {contract.number}"
        typer.echo(f"{amount} are written off." if done.agreed_at else f"{amount} are to be written off. {SECOND}")

    perform(work())
