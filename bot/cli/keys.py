"""The vending key of STS meters: `mwanga vending-key`."""

import sys
from typing import Annotated

import typer

from bot.cli.prompt import configured, fail, opened, perform
from models.audit import record
from models.devices.meters import keep_vending_key
from models.tokens.sts import TEST_VENDING_KEY, VendingKey, derive_key, meter_number


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
        async with opened(configured()) as (database, company), database.work():
            await keep_vending_key(stored, company.vault)
            detail = f"krn {krn}, tariff index {tariff_index}, base year {base_year}"
            await record("command line", "vending key", sgc, detail)

    perform(work())
    typer.echo(f"Meters that are added from now on are of supply group {sgc}. Those that are there keep their key.")
