"""The `mwanga` command: the server, the demo, a phone in the terminal, and what the office does at a prompt."""

import asyncio
import errno
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

import typer
import uvloop
from aiohttp import web

from bot.app import assembled, build_app
from bot.cli.admins import admin_cli
from bot.cli.agents import agent_cli
from bot.cli.card import make_card
from bot.cli.clock import clock_cli
from bot.cli.customers import customer_cli
from bot.cli.data import export, import_
from bot.cli.keys import vending_key
from bot.cli.phones import phone_cli
from bot.cli.prompt import ACTOR, e164, fail, load_config, open_database, perform
from bot.config import LANGUAGES, Config, ConfigError, demo_world
from bot.configured import check_key, company_of
from bot.runtime import Database, DatabaseError
from bot.runtime.database import shown
from bot.runtime.logs import set_up
from bot.talks import Commands
from bot.text.gsm import FREE_ACCENTS, SINGLE, parts
from handlers import TALKS
from models.demo import world
from models.settings import switch_outgoing

ACCENTS = (
    f"Accents: {' '.join(sorted(FREE_ACCENTS))} go out as they are and cost nothing. All others, like ê ç ã, are left"
    f" out: with one of them a full message would be {parts('ê' * SINGLE)} SMS instead of 1."
)

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
cli.add_typer(agent_cli, name="agent")
cli.add_typer(phone_cli, name="phone")
cli.add_typer(admin_cli, name="admin")
cli.add_typer(customer_cli, name="customer")
cli.add_typer(clock_cli, name="clock")
cli.command("vending-key")(vending_key)
cli.command("import")(import_)
cli.command()(export)


@cli.command()
def demo(
    port: Annotated[int | None, typer.Option(help="port to listen on")] = None,
    database: Annotated[str | None, typer.Option(help="sqlite://FILE or postgres://…")] = None,
) -> None:
    """Serve the demo world; prints what to try."""
    given = {"port": port, "database": database}
    config = load_config(**{name: value for name, value in given.items() if value is not None})
    if "database" not in config.model_fields_set:
        file = Path(tempfile.mkdtemp(prefix="mwanga-")) / "demo.db"
        config = config.model_copy(update={"database": f"sqlite://{file}"})
    _serve(demo_world(config), load_demo=True)


@cli.command()
def serve() -> None:
    """Serve from the configuration."""
    _serve(load_config(), load_demo=False)


@cli.command()
def check() -> None:
    """Name everything that is misconfigured; exit 1 when anything is."""
    config = load_config()
    problems = asyncio.run(_problems(config))
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    typer.echo("All is well.")
    if config.accents:
        typer.echo(ACCENTS)


async def _problems(config: Config) -> list[str]:
    try:
        async with Database(config.database) as database:
            await database.migrate()
            demo = await world.is_demo()
            problems = [] if demo else config.problems()
            if not problems:
                await check_key(database, company_of(demo_world(config) if demo else config))
            return problems
    except (ConfigError, DatabaseError) as error:
        return [*config.problems(), str(error)]


@cli.command()
def migrate() -> None:
    """Bring the database's tables up to date."""

    async def work() -> None:
        async with open_database(load_config()):
            pass

    perform(work())
    typer.echo("The database is up to date.")


@cli.command()
def outgoing(
    switch: Annotated[Literal["on", "off"], typer.Argument(help="off: messages wait; on: they go out")],
) -> None:
    """Switch all outgoing messages off, or on again."""

    async def work() -> None:
        async with open_database(load_config()) as (database, _company), database.work():
            await switch_outgoing(switch == "on", actor=ACTOR)

    perform(work())
    typer.echo(f"Outgoing messages are {switch}.")


@cli.command()
def backup(file: Annotated[Path, typer.Argument(help="the file to write; it must not exist")]) -> None:
    """Copy an embedded database while it is in use."""
    config = load_config()
    if not config.database.startswith("sqlite"):
        fail("Only an embedded database is copied by this. Use pg_dump for PostgreSQL.")
    original = Path(config.database.partition("://")[2])
    if not original.exists():
        fail(f"There is no database {original}.")
    if file.exists():
        fail(f"{file} exists already.")
    try:
        with closing(sqlite3.connect(original)) as source, closing(sqlite3.connect(file)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        file.unlink(missing_ok=True)  # half a copy is none
        fail(f"{file} is not written: {error}.")
    typer.echo(f"Copied to {file}. The secret key is not in it: keep both, apart from each other.")


@cli.command()
def card(
    language: Annotated[str, typer.Option(help=f"one of {', '.join(LANGUAGES)}")] = "en",
    output: Annotated[Path | None, typer.Option(help="a file to write instead of standard output")] = None,
) -> None:
    """Make the one-page card of all commands, as HTML to print."""
    if language not in LANGUAGES:
        fail(f"{language} is none of {', '.join(LANGUAGES)}.")
    page = make_card(Commands(TALKS), load_config(), language)
    if output is None:
        typer.echo(page)
        return
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        fail(f"{output} is not written: {error.strerror}.")
    typer.echo(f"Written to {output}. Print it on A4 and cut it in the middle.")


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
            await (dial(server, number) if ussd else text(server, number))

    perform(work())


def _serve(config: Config, *, load_demo: bool) -> None:
    set_up(config.log_level)
    if load_demo:
        typer.echo(_welcome(config))
    try:
        web.run_app(
            build_app(config, load_demo=load_demo),
            host=config.host,
            port=config.port,
            access_log=None,
            print=lambda _line: typer.echo(f"Mwanga listens on {config.address}"),
            shutdown_timeout=3.0,  # callbacks end within it; with the outbox's 5 s a stop takes under 10 s
            loop=uvloop.new_event_loop(),
        )
    except (ConfigError, DatabaseError) as error:
        fail(str(error))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            fail(f"Port {config.port} is taken. Choose another one: MWANGA_PORT={config.port + 1}")
        fail(f"Cannot listen on {config.host}:{config.port}: {error.strerror}")


def _welcome(config: Config) -> str:
    return "\n".join(
        (
            "Mwanga, the demo world. The data is in " + shown(config.database),
            f"  a phone to try      {config.address}/simulator   (dial {config.ussd_code}, or text BUY SHS0283 8000)",
            f"  the office          {config.address}/   ({world.OFFICE_USER} / {world.OFFICE_PASSWORD})",
            "  agent Asha          +255700000001, PIN 482915",
            f"  or in a terminal    MWANGA_DATABASE={config.database} .venv/bin/mwanga chat --phone +255700000001",
            "Stop it with Ctrl-C.",
        )
    )
