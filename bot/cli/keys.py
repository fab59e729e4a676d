"""The vending key of STS meters: `mwanga vending-key`."""

import sys
from typing import Annotated

import typer

from bot.cli.prompt import ACTOR, fail, load_config, open_database, perform
from models.devices.meters import NoVendingKey, PublishedKey, change_vending_key


def vending_key(
    sgc: Annotated[str, typer.Option(help="the supply group code, 6 digits")],
    krn: Annotated[int, typer.Option(help="the key revision number, 1 to 9")] = 1,
    tariff_index: Annotated[int, typer.Option(help="0 to 99")] = 1,
    base_year: Annotated[int, typer.Option(help="1993, 2014 or 2035")] = 2014,
) -> None:
    """Store the key of a supply group for STS meters; it is asked for, or read from standard input."""
    # Never an argument: those are in the shell's history and in the list of processes.
    typed = typer.prompt("Vending key, 40 hexadecimal digits", hide_input=True) if sys.stdin.isatty() else input()

    async def work() -> None:
        async with open_database(load_config()) as (database, company), database.work():
            try:
                await change_vending_key(
                    typed.strip(),
                    sgc=sgc,
                    krn=krn,
                    tariff_index=tariff_index,
                    base_year=base_year,
                    vault=company.vault,
                    actor=ACTOR,
                )
            except NoVendingKey as error:
                fail(f"This is no vending key. {error}")
            except PublishedKey:
                fail("This key is published for tests: everybody can make tokens with it.")

    perform(work())
    typer.echo(f"Meters that are added from now on are of supply group {sgc}. Those that are there keep their key.")
