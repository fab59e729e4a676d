"""What the office does with mobile money at a prompt: `mwanga payments`."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated

import typer

from bot.app import assembled
from bot.cli.payments_waiting import payments_assign, payments_take, payments_waiting
from bot.cli.prompt import ACTOR, fail, load_config, perform
from bot.cli.two_people import payments_amount
from bot.cli.who import MOST_ROWS
from bot.company import Company
from bot.gateways.errors import SendError
from bot.payments import by_hand
from bot.payments.daraja import Daraja
from bot.payments.reading import unpack
from bot.server import Server
from bot.text.controls import without_controls
from models.audit import record
from models.money import notices
from models.selling import requests
from models.selling.requests import PaymentRequest
from models.vault import Sealed

payments_cli = typer.Typer(
    no_args_is_help=True, help="Mobile money: pushes, payments that wait, and what they are for."
)
payments_cli.command("waiting")(payments_waiting)
payments_cli.command("take")(payments_take)
payments_cli.command("assign")(payments_assign)
payments_cli.command("amount")(payments_amount)
Number = Annotated[int, typer.Argument(help="the request's number, as `list` shows it")]
IN_DEMO = "In the demo world phones ring in the server alone: see /simulator."


@payments_cli.command("register")
def register(
    cancelled: Annotated[
        bool, typer.Option("--cancelled", help="refuse customers while this server cannot be asked")
    ] = False,
) -> None:
    """Tell Safaricom where to validate and confirm payments to the pay bill: once."""

    async def work() -> None:
        async with assembled(load_config(), handling=False, serving=False) as server:
            provider = server.payments.providers.get(Daraja.name)
            if not isinstance(provider, Daraja) or server.payments.simulated:
                fail("Daraja is not configured: set MWANGA_DARAJA_CONSUMER_KEY and what goes with it.")
            try:
                said = await provider.register("Cancelled" if cancelled else "Completed")
            except SendError as error:
                fail(f"Safaricom did not register it: {error}")
            async with server.database.work():
                await record(ACTOR, "payments register", provider.name, said)
        typer.echo(f"Safaricom says: {without_controls(said)}")

    perform(work())


@payments_cli.command("list")
def show(
    unknown: Annotated[
        bool, typer.Option("--unknown", help="only those of which nobody knows whether they are paid")
    ] = False,
) -> None:
    """Show the pushes that have not ended, the oldest first."""

    async def work() -> None:
        async with assembled(load_config(), handling=False, serving=False) as server:
            for request in await requests.list_open(unknown=unknown):
                typer.echo(_line(request, server.company))

    perform(work())


@payments_cli.command("query")
def query(number: Number) -> None:
    """Ask the provider now how a push stands, and do what it says."""

    async def work() -> None:
        async with assembled(load_config(), handling=False, serving=False) as server:
            request = await _request(number)
            if server.payments.simulated:
                fail(IN_DEMO)
            async with server.database.work():
                await _do(by_hand.note_query(request, actor=ACTOR))
            await server.payments.collector.look_up(request)
            typer.echo(_line(await _request(number), server.company))

    perform(work())


@payments_cli.command("park")
def park(number: Number) -> None:
    """Put an unknown push aside for which the provider's portal shows no payment; the customer is told."""

    async def work() -> None:
        async with assembled(load_config(), handling=False, serving=False) as server, server.database.work():
            await _do(by_hand.park(await _request(number), settler=server.payments.settler, actor=ACTOR))
        typer.echo(f"{number} is put aside.")

    perform(work())


@payments_cli.command("receipt")
def receipt(
    number: Number,
    reference: Annotated[str, typer.Argument(help="the receipt, as the provider's own portal shows it")],
) -> None:
    """Book a push that is paid with the receipt that the provider's portal shows; everybody is told."""

    async def work() -> None:
        async with assembled(load_config(), handling=False, serving=False) as server:
            async with server.database.work():
                await _do(
                    by_hand.book_receipt(
                        await _request(number),
                        reference,
                        company=server.company,
                        settler=server.payments.settler,
                        actor=ACTOR,
                    )
                )
            typer.echo(_line(await _request(number), server.company))

    perform(work())


@payments_cli.command("notices")
def show_notices(
    again: Annotated[bool, typer.Option("--again", help="have all of them handled once more")] = False,
) -> None:
    """Show the callbacks that could not be handled, and why."""

    async def work() -> None:
        async with assembled(load_config(), handling=False, serving=False) as server:
            if again:
                async with server.database.work():
                    if several := await notices.run_again():
                        await record(ACTOR, "payments notices", "mobile money", f"{several} handled once more")
                typer.echo(f"Handled once more: {several}.")
                return
            for notice, why in await notices.list_parked():
                at = _at(notice.received_at, server.company)
                said = f"{notice.id} | {at} | {notice.provider} {notice.kind} from {notice.address} | {why}"
                typer.echo(without_controls(f"{said} | {_said(notice, server)}"))

    perform(work())


def _said(notice: notices.Kept, server: Server) -> str:
    try:
        return unpack(notices.open_kept(server.company.vault, notice)).body.decode(errors="replace")
    except Sealed:
        return "sealed with another key"


async def _do(work: Awaitable[object]) -> None:
    """Do it, or fail with a sentence."""
    try:
        await work
    except by_hand.NotDone as error:
        fail(str(error))


async def _request(number: int) -> PaymentRequest:
    request = await PaymentRequest.get_or_none(id=number) if abs(number) <= MOST_ROWS else None
    if request is None:
        fail(f"There is no push {number}.")
    return request


def _line(request: PaymentRequest, company: Company) -> str:
    facts = [
        f"{request.id} | {_at(request.created_at, company)} | {request.provider}",
        request.phone,
        company.money(request.amount),
        request.account,
        " ".join(filter(None, (request.state, request.reason or request.code))),
    ]
    if request.in_doubt and not request.look_at:
        facts.append("looked up no more")
    return without_controls(" | ".join(facts))


def _at(ms: int, company: Company) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, company.zone):%Y-%m-%d %H:%M:%S}"
