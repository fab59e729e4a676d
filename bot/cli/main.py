"""The `mwanga` command: which commands there are, and what holds for all of them."""

import errno
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from bot.cli.lasting import lasting
from bot.cli.prompt import CONFIG_FILE, fail

Command = TyperCommand | TyperGroup
# Where each command, or noun with commands, is: its file in this room, and its name there.
PLACES = {
    "demo": "serving.demo",
    "serve": "serving.serve",
    "check": "check.check",
    "init": "init.init",
    "backup": "backups.backup",
    "restore": "backups.restore",
    "setup": "setup.setup",
    "rekey": "rekey.rekey",
    "outgoing": "switches.outgoing",
    "sales": "switches.sales",
    "vending-key": "keys.vending_key",
    "import": "data.import_",
    "export": "data.export",
    "audit": "audit.audit",
    "close": "close.close",
    "migrate": "migrate.migrate",
    "card": "card.card",
    "chat": "chat.chat",
    "agent": "agents.agent_cli",
    "phone": "phones.phone_cli",
    "admin": "admins.admin_cli",
    "customer": "customers.customer_cli",
    "payments": "payments.payments_cli",
    "sale": "sales.sale_cli",
    "claim": "claims.claim_cli",
    "device": "device.device_cli",
    "contract": "contracts.contract_cli",
    "clock": "clock.clock_cli",
    "devices": "devices.devices_cli",
    "receipts": "receipts.receipts_cli",
    "reconcile": "reconcile.reconcile_cli",
}


class WhenAsked(Mapping[str, Command]):
    """The commands by name. Each is imported when somebody looks at it: a server does not wait for all others."""

    def __getitem__(self, name: str) -> Command:
        return _imported(PLACES[name], name)

    def __iter__(self) -> Iterator[str]:
        return iter(PLACES)

    def __len__(self) -> int:
        return len(PLACES)

    def __contains__(self, name: object) -> bool:
        return name in PLACES

    def get(self, name: str, default: Any = None) -> Any:
        """Not as Mapping does it: a KeyError in the file of a command does not say that there is no such command."""
        return self[name] if name in PLACES else default


@cache
def _imported(place: str, name: str) -> Command:
    module, attribute = place.split(".")
    with lasting():
        found = getattr(import_module(f"bot.cli.{module}"), attribute)
    alone = typer.Typer()
    if isinstance(found, typer.Typer):
        alone.add_typer(found, name=name)
    else:
        alone.command(name)(found)
    return cast(Command, get_group(alone).commands[name])


class Root(TyperGroup):
    """`mwanga` without a command behind it."""

    def __init__(self, **told: Any) -> None:
        super().__init__(**told | {"commands": WhenAsked()})

    def invoke(self, ctx: Any) -> Any:
        """Run a command; a file, a folder or a disk that is in its way is one sentence. What was asked for may be done
        by then: it is the answer that may find no room."""
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read what it says went away, as `head` does
                raise
            if error.filename:
                fail(f"{error.filename}: {error.strerror}.")
            why = error.strerror or str(error) or type(error).__name__  # a TimeoutError says nothing
            fail(f"It broke off: {why}. Look whether it was done before you try again.")


cli = typer.Typer(cls=Root, no_args_is_help=True, pretty_exceptions_enable=False)


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
