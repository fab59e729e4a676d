"""The server itself: `mwanga serve`, and `mwanga demo` with a world to try it in."""

import errno
import gc
import os
import resource
import tempfile
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from aiohttp import web

from bot.app import build_app
from bot.cli.lasting import lasting
from bot.cli.places import program
from bot.cli.prompt import fail, in_one_sentence, load_config
from bot.config import Config, demo_world
from bot.runtime.addresses import shown
from bot.runtime.logs import set_up
from bot.setting_files import is_in_environment
from models.demo import world

# Who connects while so many wait to be accepted is not heard, and tries again after 1, 3 and 7 s. Linux allows 4,096.
CONNECT_AT_ONCE = 1024
# As the unit for systemd has it: a gateway that hangs takes 512 connections, and many a shell allows 1,024 in all.
FILES = 65_536


def demo(
    port: Annotated[int | None, typer.Option(help="port to listen on")] = None,
    database: Annotated[str | None, typer.Option(help="sqlite://FILE or postgres://…")] = None,
) -> None:
    """Serve the demo world; prints what to try."""
    given = {"port": port, "database": database}
    if database is None and not is_in_environment("database"):  # one that stands in mwanga.toml is the real one
        given["database"] = f"sqlite://{Path(tempfile.mkdtemp(prefix='mwanga-')) / 'demo.db'}"
    # The server's own file has the gateways of real customers.
    config = load_config(of_system=False, **{name: value for name, value in given.items() if value is not None})
    # Whoever connects a gateway, or loads a crowd, counts what is in the world.
    if "demo_life" not in config.model_fields_set and not config.has_gateway and not config.demo_customers:
        config = config.model_copy(update={"demo_life": True})
    _serve(demo_world(config), load_demo=True)


def serve() -> None:
    """Serve from the configuration."""
    _serve(load_config(), load_demo=False)


def _serve(config: Config, *, load_demo: bool) -> None:
    set_up(config.log_level)
    _allow_files()
    with lasting():
        app = build_app(config, load_demo=load_demo)
    app.on_startup.append(_leave_alone)
    try:
        with in_one_sentence():
            web.run_app(
                app,
                host=config.host,
                port=config.port,
                backlog=CONNECT_AT_ONCE,
                access_log=None,
                print=lambda _line: typer.echo(_welcome(config) if load_demo else say_addresses(config)),
                shutdown_timeout=3.0,  # callbacks end within it; what else a stop takes is in bot/app.py
                loop=uvloop.new_event_loop(),
            )
    except OSError as error:
        if error.filename:  # a file is in the way, not the address
            raise
        if error.errno == errno.EADDRINUSE:
            fail(f"Port {config.port} is taken. Choose another one: MWANGA_PORT={config.port + 1}")
        fail(f"Cannot listen on {config.host}:{config.port}: {error.strerror}")


def _allow_files() -> None:
    """As many open files and connections as we want, or as the system lets us have."""
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if most == resource.RLIM_INFINITY else min(FILES, most)
    if allowed != resource.RLIM_INFINITY and allowed < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


async def _leave_alone(_app: web.Application) -> None:
    """What was made by now stays until the end: the garbage collector looks no more through it, for which it would
    stop the loop for a tenth of a second now and then. And it comes more rarely than after each 700 objects, as is
    Python's default, which took 4 % of a text's time (measured): nearly all that a message makes goes by itself."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


def say_addresses(config: Config) -> str:
    """Where the server listens, and by which address the world reaches it."""
    listens = f"Mwanga listens on {config.own_address}"
    return listens if config.address == config.own_address else f"{listens}. Its public address is {config.address}"


def _welcome(config: Config) -> str:
    database = shown(config.database)
    return "\n".join(
        (
            say_addresses(config),
            f"This is the demo world. The data is in {database}",
            f"  a phone to try      {config.address}/simulator   (dial {config.ussd_code}, or text BUY SHS0283 8000)",
            f"  the office          {config.address}/   ({world.OFFICE_USER} / {world.OFFICE_PASSWORD})",
            "  agent Asha          +255700000001, PIN 482915",
            f"  or in a terminal    MWANGA_DATABASE={database} {os.path.relpath(program())} chat --phone +255700000001",
            "Stop it with Ctrl-C.",
        )
    )
