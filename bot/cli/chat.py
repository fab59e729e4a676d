"""`mwanga chat`: a phone in the terminal."""

from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.prompt import ACTOR, e164, fail, load_config, perform
from bot.server import Server
from bot.simulator.terminal import dial, text
from models.audit import record
from models.demo.world import is_demo


async def warn_of_real_people(server: Server, number: str) -> None:
    """Outside of the demo whoever chats acts as a real person: that is said, and noted in the audit."""
    if await is_demo():
        return
    typer.echo(f"This is no demo: what you send counts as if {number} had sent it, and the audit names you.", err=True)
    async with server.database.work():
        await record(ACTOR, "chat", number)


def chat(
    phone: Annotated[str, typer.Option(help="the number you are, like +255700000001")],
    ussd: Annotated[bool, typer.Option("--ussd", help="dial instead of texting")] = False,
) -> None:
    """Be a phone in the terminal, against the configured database."""
    config = load_config()
    number = e164(phone, config)
    if ussd and not config.ussd_code:
        fail("Nobody can dial here: MWANGA_USSD_CODE is empty. Leave --ussd away.")

    async def work() -> None:
        async with assembled(config, serving=False) as server:
            await warn_of_real_people(server, number)
            await (dial(server, number) if ussd else text(server, number))

    perform(work())
