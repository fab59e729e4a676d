"""The office's till: what has to be in it, what moved it, and what is brought to the bank."""

from collections.abc import AsyncIterator, Sequence
from functools import partial

from aiohttp import web

from bot.company import Company
from bot.server import SERVER
from handlers.office.agents.show import when
from handlers.office.counter.forms import BringToBank
from handlers.office.counter.sell import sale_key
from handlers.office.frame.lists import before_of, by_portions, csv_address, send_csv, wants_csv
from handlers.office.frame.page import page, redirect
from handlers.office.frame.routes import ALL, CASH, USER, Nav, office_page
from handlers.office.frame.times import day_name
from handlers.office.frame.words import N_, _
from models.money.till import (
    LAST,
    PAGE,
    Move,
    NotInTill,
    SlipBooked,
    TillDeposit,
    bring_to_bank,
    in_till,
    moves,
    on_the_way,
)

PATH = "/money/till"
COLUMNS = ("time", "amount", "what", "number", "by", "reason")
WHAT = {
    "hand in cash": N_("handed in by an agent"),
    "sale payment": N_("sold at the counter"),
    "sale void": N_("a sale of the counter was taken back"),
    "sale paid back": N_("a sale of an agent who has left was taken back"),
    "top up": N_("a wallet was topped up or paid out"),
    "till deposit": N_("brought to the bank"),
    "statement line": N_("came to the bank, as its statement says"),
    "claim paid": N_("a customer paid what was owed"),
    "commission paid out": N_("commission was paid out"),
    "credit paid out": N_("a customer's credit was paid out"),
}


@office_page(PATH, roles=ALL, nav=Nav.MONEY)
async def show(request: web.Request) -> web.StreamResponse:
    """What is there, and why."""
    if wants_csv(request):
        return await send_csv(request, "till", COLUMNS, _rows(request.app[SERVER].company))
    return await _draw(request, BringToBank.of(request))


@office_page(PATH, "POST", roles=CASH, nav=Nav.MONEY)
async def bring(request: web.Request) -> web.StreamResponse:
    """Book that cash goes to the bank."""
    server, form = request.app[SERVER], BringToBank.of(request)
    if not form.validate():
        return await _draw(request, form, 422)
    try:
        async with server.database.work():
            by, key, again = request[USER].name, sale_key(request), form.again.data
            await bring_to_bank(form.amount.data, form.reference.data, by, key, again=again)
    except NotInTill as refusal:
        there = server.company.money(refusal.there)
        form.refuse("amount", _("Nothing is booked: {amount} are in the till.", amount=there))
        return await _draw(request, form, 409)
    except SlipBooked as refusal:
        form.refuse("again", _earlier(refusal.earlier, server.company))
        return await _draw(request, form, 409)
    raise redirect(f"{PATH}?done=bank")


def _earlier(deposit: TillDeposit, company: Company) -> str:
    return _(
        "Nothing is booked: with this slip {amount} left the till on {day} at {time}, by {name}. Is this another slip?",
        amount=company.money(deposit.amount),
        day=day_name(company, deposit.created_at),
        time=company.clock(deposit.created_at),
        name=deposit.actor,
    )


async def _rows(company: Company) -> AsyncIterator[Sequence[object]]:
    async def read(last: Move | None) -> Sequence[Move]:
        return await moves(last.id if last else LAST)

    async for move in by_portions(read):
        yield move.at, company.typed(move.amount), move.what, move.number or "", move.actor, move.reason


async def _draw(request: web.Request, form: BringToBank, status: int = 200) -> web.StreamResponse:
    company = request.app[SERVER].company
    found = await moves(before_of(request) or LAST)
    return page(
        request,
        "counter/till.html",
        status,
        form=form,
        there=await in_till(),
        moves=found,
        csv=csv_address(request),
        older=found[-1].id if len(found) == PAGE else 0,
        on_the_way=await on_the_way(),
        what=WHAT,
        sentences={"bank": _("Booked: it left the till for the bank.")},
        when=partial(when, company),
    )
