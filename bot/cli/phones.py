"""Gateway phones at a prompt: `mwanga phone`. A server beside us sees within two seconds what is done here."""

import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import segno
import typer

from bot.android import linking, queue
from bot.android.troubles import troubles
from bot.cli.prompt import ACTOR, load_config, open_database, perform, tidy_name
from bot.company import Company
from bot.text.controls import without_controls
from models.messages import Phone, read_sims
from models.sql import connection, now_ms

phone_cli = typer.Typer(no_args_is_help=True, help="Gateway phones: add, list, pause, resume, rename, unlink.")

Name = Annotated[str, typer.Argument(help="what the office calls the phone", callback=tidy_name)]


@phone_cli.command("add")
def phone_add(name: Name) -> None:
    """Show the address and a code with which a phone links itself; for a phone that is known, a new code."""
    config = load_config()

    async def work() -> None:
        async with open_database(config) as (database, company), database.work():
            _phone, code = await linking.add(name, company.vault, actor=ACTOR)
        address = linking.api_address(config.address)
        typer.echo(f"In the app SMS Gateway for Android, as the address of a private server:\n{address}")
        typer.echo(f"Then register with this code, within {linking.CODE_MS // 60_000} minutes:\ncode: {code}")
        if not address.startswith("https://"):
            typer.echo("The app takes https:// only: set MWANGA_PUBLIC_URL to such an address of this server.")
        picture = io.StringIO()
        segno.make(address, micro=False).terminal(out=picture, compact=True)
        typer.echo(picture.getvalue())

    perform(work())


@phone_cli.command("list")
def phone_list() -> None:
    """Show all phones, and what is wrong with them."""
    config = load_config()

    async def work() -> None:
        async with open_database(config) as (_database, company):
            for phone in await Phone.filter(unlinked_at=0).order_by("name"):
                receivers = await queue.receivers(connection(), phone, now_ms())
                typer.echo(_line(phone, company))
                for trouble in troubles(phone, receivers, config):
                    typer.echo(f"    {without_controls(trouble)}")

    perform(work())


def _line(phone: Phone, company: Company) -> str:
    state = "paused" if phone.paused else "linked" if phone.linked_at else "not linked yet"
    facts = [phone.name, phone.gateway, state, phone.model, phone.version and f"app {phone.version}"]
    facts += [f"SIM {sim.number} {sim.carrier} {sim.phone}".strip() for sim in read_sims(phone.sims)]
    if phone.battery is not None:
        facts.append(f"battery {phone.battery} %{' charging' if phone.charging else ''}")
    if phone.seen_at:
        seen = datetime.fromtimestamp(phone.seen_at / 1000, UTC)
        facts.append(f"seen {company.day_by_name(seen)} {company.clock(seen)}")
    return without_controls(", ".join(filter(None, facts)))


@phone_cli.command("pause")
def phone_pause(name: Name) -> None:
    """Give a phone no more messages; those that come in are taken."""
    _change(name, linking.pause)
    typer.echo(f"{name} gets no more messages.")


@phone_cli.command("resume")
def phone_resume(name: Name) -> None:
    """Give a phone messages again, and forget its troubles."""
    _change(name, linking.resume)
    typer.echo(f"{name} gets messages again.")


@phone_cli.command("rename")
def phone_rename(name: Name, new: Annotated[str, typer.Argument(help="its new name", callback=tidy_name)]) -> None:
    """Call a phone by another name."""
    _change(name, partial(linking.rename, name=new))
    typer.echo(f"{name} is {new} now.")


@phone_cli.command("unlink")
def phone_unlink(name: Name) -> None:
    """Shut a phone out at once; what waits for it goes elsewhere."""
    _change(name, partial(linking.unlink, copies=load_config().copies))
    typer.echo(f"{name} is shut out.")
    if load_config().smsgate_token.get_secret_value():
        typer.echo("If it knows MWANGA_SMSGATE_TOKEN, change that too: with it any phone links itself again.")


def _change(name: str, change: Callable[..., Awaitable[None]]) -> None:
    async def work() -> None:
        async with open_database(load_config()) as (database, _company), database.work():
            await change(await linking.find(name), actor=ACTOR)

    perform(work())
