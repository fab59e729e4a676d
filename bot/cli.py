"""The `mwanga` command: the server, the demo, a phone in the terminal, and what the office does at a prompt."""

import asyncio
import errno
import sys
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
import uvloop
from aiohttp import web

from bot import phone as phones
from bot.app import assembled, build_app
from bot.config import Config, ConfigError, checked, demo_world, load
from bot.database import Database, DatabaseError, shown
from bot.logs import set_up
from bot.site import Site
from models import demo as world
from models import pins
from models.audit import record
from models.people import Agent, MiniGrid, OfficeUser

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
agent_cli = typer.Typer(no_args_is_help=True, help="Agents: add, new PIN, unlock.")
admin_cli = typer.Typer(no_args_is_help=True, help="Office users.")
cli.add_typer(agent_cli, name="agent")
cli.add_typer(admin_cli, name="admin")

Phone = Annotated[str, typer.Argument(help="the agent's phone number, in any spelling")]


@cli.command()
def demo(
    port: Annotated[int | None, typer.Option(help="port to listen on")] = None,
    database: Annotated[str | None, typer.Option(help="sqlite://FILE or postgres://…")] = None,
) -> None:
    """Serve the demo world; prints what to try."""
    given = {"port": port, "database": database}
    config = _config(**{name: value for name, value in given.items() if value is not None})
    if "database" not in config.model_fields_set:
        file = Path(tempfile.mkdtemp(prefix="mwanga-")) / "demo.db"
        config = config.model_copy(update={"database": f"sqlite://{file}"})
    _serve(demo_world(config), load_demo=True)


@cli.command()
def serve() -> None:
    """Serve from the configuration."""
    _serve(_config(), load_demo=False)


@cli.command()
def check() -> None:
    """Name everything that is misconfigured; exit 1 when anything is."""
    config = _config()
    problems = asyncio.run(_problems(config))
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    typer.echo("All is well.")


async def _problems(config: Config) -> list[str]:
    try:
        async with Database(config.database) as database:
            await database.migrate()
            return [] if await world.is_demo() else config.problems()
    except DatabaseError as error:
        return [*config.problems(), str(error)]


@cli.command()
def migrate() -> None:
    """Bring the database's tables up to date."""

    async def run() -> None:
        async with _opened(_config()):
            pass

    _run(run())
    typer.echo("The database is up to date.")


@cli.command()
def chat(
    phone: Annotated[str, typer.Option(help="the number you are, like +255700000001")],
    ussd: Annotated[bool, typer.Option("--ussd", help="dial instead of texting")] = False,
) -> None:
    """Be a phone in the terminal, against the configured database."""
    from bot.terminal import dial, text  # noqa: PLC0415 - only this command needs a terminal

    config = _config()
    number = _number(phone, config)

    async def run() -> None:
        async with assembled(config, serving=False) as mwanga:
            await (dial(mwanga, number) if ussd else text(mwanga, number))

    _run(run())


@admin_cli.command("add")
def admin_add(
    name: Annotated[str, typer.Argument(help="the name to sign in with")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
) -> None:
    """Let somebody sign in to the office's page."""
    if len(password) < 10:
        _fail("A password has 10 characters or more.")

    async def run() -> None:
        async with _opened(_config()) as (database, site), database.work():
            hashed = site.vault.hash_password(password)
            await OfficeUser.update_or_create({"password_hash": hashed}, name=name)
            await record("command line", "office user", name)

    _run(run())
    typer.echo(f"{name} can sign in.")


@agent_cli.command("add")
def agent_add(
    phone: Annotated[str, typer.Option(help="the agent's phone number")],
    name: Annotated[str, typer.Option(help="name and surname")],
    mini_grid: Annotated[str, typer.Option(help="the mini-grid; made when there is none of this name")],
    pin: Annotated[str, typer.Option(prompt=True, hide_input=True, help="six digits")],
    limit: Annotated[int, typer.Option(min=0, max=99_999_999, help="how much cash the agent may hold")] = 100_000,
    language: Annotated[str, typer.Option(help="the language to write in")] = "en",
) -> None:
    """Add somebody who sells."""
    config = _config()
    number = _number(phone, config)
    _check_pin(pin)
    if language not in config.language_codes:
        _fail(f"{language} is none of {config.languages}.")

    async def run() -> None:
        async with _opened(config) as (database, site), database.work():
            if await Agent.exists(phone=number):
                _fail(f"{number} is an agent already.")
            grid, _new = await MiniGrid.get_or_create(name=mini_grid)
            await Agent.create(
                phone=number,
                name=name,
                language=language,
                mini_grid=grid,
                pin_hash=site.vault.hash_pin(pin),
                cash_limit=limit * 10**site.exponent,
            )
            await record("command line", "agent", number, name)

    _run(run())
    typer.echo(f"{name} sells as {number}, up to {limit:,} {config.currency} in hand.")


@agent_cli.command("pin")
def agent_pin(phone: Phone, pin: Annotated[str, typer.Option(prompt=True, hide_input=True, help="six digits")]) -> None:
    """Give an agent a new PIN."""
    _check_pin(pin)

    async def run() -> None:
        async with _opened(_config()) as (database, site), database.work():
            agent = await _agent(phone, site)
            await pins.change(agent, site.vault.hash_pin(pin), actor="command line")

    _run(run())
    typer.echo("The PIN is changed.")


@agent_cli.command("unlock")
def agent_unlock(phone: Phone) -> None:
    """Let a locked agent sell again."""

    async def run() -> None:
        async with _opened(_config()) as (database, site), database.work():
            await pins.unlock(await _agent(phone, site), actor="command line")

    _run(run())
    typer.echo("Unlocked.")


async def _agent(phone: str, site: Site) -> Agent:
    agent = await Agent.get_or_none(phone=phones.parse(phone, site.country))
    if agent is None:
        _fail(f"{phone} is no agent.")
    return agent


def _check_pin(pin: str) -> None:
    if pins.is_weak(pin):
        _fail("A PIN has six digits, not all alike and not in a row.")


def _number(phone: str, config: Config) -> str:
    try:
        return phones.parse(phone, config.country)
    except ValueError as error:
        _fail(str(error))


@asynccontextmanager
async def _opened(config: Config) -> AsyncIterator[tuple[Database, Site]]:
    """The configured database, up to date, with the keys that fit it."""
    async with Database(config.database) as database:
        await database.migrate()
        fitting = demo_world(config) if await world.is_demo() else config
        if not fitting.secret_key.get_secret_value():
            checked(fitting)
        yield database, Site.of(fitting)


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
        _fail(str(error))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            _fail(f"Port {config.port} is taken. Choose another one: MWANGA_PORT={config.port + 1}")
        _fail(f"Cannot listen on {config.host}:{config.port}: {error.strerror}")


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


def _config(**overrides: object) -> Config:
    try:
        return load(**overrides)
    except ConfigError as error:
        _fail(str(error))


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except (ConfigError, DatabaseError, ValueError) as error:
        _fail(str(error))


def _fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    sys.exit(1)
