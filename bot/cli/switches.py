"""What the office switches off in an emergency: `mwanga outgoing` and `mwanga sales`."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

import typer

from bot.cli.prompt import ACTOR, load_config, open_database, perform
from models.settings import LONGEST_REASON, switch_outgoing, switch_sales

Why = Annotated[str, typer.Option(help="the reason, which the office's pages show")]


def outgoing(
    switch: Annotated[Literal["on", "off"], typer.Argument(help="off: messages wait; on: they go out")], why: Why = ""
) -> None:
    """Switch all outgoing messages off, or on again."""
    _do(switch_outgoing, switch, why)
    typer.echo(f"Outgoing messages are {switch}.")


def sales(
    switch: Annotated[Literal["on", "off"], typer.Argument(help="off: nothing is sold; on: all is sold as before")],
    why: Why = "",
) -> None:
    """Switch all sales off, or on again. Money that comes by phone is received all the same."""
    _do(switch_sales, switch, why)
    typer.echo(f"Sales are {switch}.")


def _do(verb: Callable[..., Awaitable[bool]], switch: str, why: str) -> None:
    if len(why) > LONGEST_REASON:
        raise typer.BadParameter(f"{LONGEST_REASON} characters at most", param_hint="--why")

    async def work() -> None:
        async with open_database(load_config()) as (database, _company), database.work():
            await verb(switch == "on", actor=ACTOR, reason=why)

    perform(work())
