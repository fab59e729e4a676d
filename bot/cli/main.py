"""The `mwanga` command: the server, the demo, a phone in the terminal, and what the office does at a prompt."""

import asyncio
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.admins import admin_cli
from bot.cli.agents import agent_cli
from bot.cli.audit import audit
from bot.cli.backups import backup, restore
from bot.cli.card import make_card
from bot.cli.check import check
from bot.cli.claims import claim_cli
from bot.cli.clock import clock_cli
from bot.cli.close import close
from bot.cli.contracts import contract_cli
from bot.cli.customers import customer_cli
from bot.cli.data import export, import_
from bot.cli.device import device_cli
from bot.cli.devices import devices_cli
from bot.cli.init import init
from bot.cli.keys import vending_key
from bot.cli.payments import payments_cli
from bot.cli.phones import phone_cli
from bot.cli.prompt import ACTOR, CONFIG_FILE, e164, fail, load_config, open_database, perform, read_office
from bot.cli.receipts import receipts_cli
from bot.cli.reconcile import reconcile_cli
from bot.cli.rekey import rekey
from bot.cli.sales import sale_cli
from bot.cli.serving import demo, serve
from bot.cli.setup import setup
from bot.cli.switches import outgoing, sales
from bot.config import LANGUAGES
from bot.server import Server
from bot.talks import Commands
from handlers import TALKS
from models.audit import record
from models.demo.world import is_demo

cli = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
cli.add_typer(agent_cli, name="agent")
cli.add_typer(phone_cli, name="phone")
cli.add_typer(admin_cli, name="admin")
cli.add_typer(customer_cli, name="customer")
cli.add_typer(payments_cli, name="payments")
cli.add_typer(sale_cli, name="sale")
cli.add_typer(claim_cli, name="claim")
cli.add_typer(device_cli, name="device")
cli.add_typer(contract_cli, name="contract")
cli.command()(demo)
cli.command()(serve)
cli.command()(check)
cli.command()(init)
cli.command()(backup)
cli.command()(restore)
cli.command()(setup)
cli.command()(rekey)
cli.command()(outgoing)
cli.command()(sales)
cli.add_typer(clock_cli, name="clock")
cli.add_typer(devices_cli, name="devices")
cli.add_typer(receipts_cli, name="receipts")
cli.command("vending-key")(vending_key)
cli.command("import")(import_)
cli.command()(export)
cli.command()(audit)
cli.command()(close)
cli.add_typer(reconcile_cli, name="reconcile")
cli.add_typer(payments_cli, name="payments")


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"Mwanga {version('mwanga')}")
        raise typer.Exit


@cli.callback()
def root(
    config: Annotated[
        Path | None,
        typer.Option(help="the configuration's file; else MWANGA_CONFIG, mwanga.toml here, or in /etc/mwanga"),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="show the version and stop")
    ] = False,
) -> None:
    """Pay-as-you-go energy by SMS and USSD."""
    CONFIG_FILE.set(config)


@cli.command()
def migrate() -> None:
    """Bring the database's tables up to date."""

    async def work() -> None:
        async with open_database(load_config()):
            pass

    perform(work())
    typer.echo("The database is up to date.")


@cli.command()
def card(
    language: Annotated[str, typer.Option(help=f"one of {', '.join(LANGUAGES)}")] = "en",
    output: Annotated[Path | None, typer.Option(help="a file to write instead of standard output")] = None,
) -> None:
    """Make the one-page card of all commands, as HTML to print."""
    if language not in LANGUAGES:
        fail(f"{language} is none of {', '.join(LANGUAGES)}.")
    page = make_card(Commands(TALKS), asyncio.run(read_office(load_config())), language)
    if output is None:
        typer.echo(page)
        return
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        fail(f"{output} is not written: {error.strerror}.")
    typer.echo(f"Written to {output}. Print it on A4 and cut it in the middle.")


async def warn_of_real_people(server: Server, number: str) -> None:
    """Outside of the demo whoever chats acts as a real person: that is said, and noted in the audit."""
    if await is_demo():
        return
    typer.echo(f"This is no demo: what you send counts as if {number} had sent it, and the audit names you.", err=True)
    async with server.database.work():
        await record(ACTOR, "chat", number)


@cli.command()
def chat(
    phone: Annotated[str, typer.Option(help="the number you are, like +255700000001")],
    ussd: Annotated[bool, typer.Option("--ussd", help="dial instead of texting")] = False,
) -> None:
    """Be a phone in the terminal, against the configured database."""
    from bot.simulator.terminal import dial, text  # noqa: PLC0415 - only this command needs a terminal

    config = load_config()
    number = e164(phone, config)

    async def work() -> None:
        async with assembled(config, serving=False) as server:
            await warn_of_real_people(server, number)
            await (dial(server, number) if ussd else text(server, number))

    perform(work())
