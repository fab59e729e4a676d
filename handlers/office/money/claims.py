"""`/money/claims`: what customers owe for power that somebody else had paid: they pay, or two people give it up."""

from functools import partial

from aiohttp import web

from bot.server import SERVER
from handlers.customers.ownership import pay_claim
from handlers.exchange.cells import figure
from handlers.office.frame.forms import AmountField, LineField, OfficeForm, required
from handlers.office.frame.lists import listed, send_csv
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import ALL, CASH, USER, Nav, office_page
from handlers.office.frame.words import N_, _
from handlers.office.money.asked import at
from handlers.office.money.doing import do, key_of
from models.money import claims
from models.money.write_offs import Lost, WriteOff
from models.people import Customer

ONE = r"/money/claims/{number:\d{1,18}}"
MOST = 200  # on the page; the file has all
COLUMNS = ("customer", "name", "phone", "owed", "since")
DONE = {
    "paid": N_("It is booked, and the customer gets an SMS."),
    "asked": N_("It is written down. Another one of the office has to agree: it waits under “To decide”."),
}


class PaidForm(OfficeForm):
    """What a customer pays of a claim."""

    amount = AmountField(N_("How much did the customer pay?"), [required])


class GiveUpForm(OfficeForm):
    """Why nobody asks for a claim any more."""

    reason = LineField(N_("Why is it given up?"), [required])


@office_page("/money/claims", roles=ALL, nav=Nav.MONEY)
async def show(request: web.Request) -> web.StreamResponse:
    """Who owes how much, and since when."""
    return await _draw(request)


@office_page("/money/claims.csv", roles=ALL, nav=Nav.MONEY)
async def save(request: web.Request) -> web.StreamResponse:
    """The same as a file."""
    company = request.app[SERVER].company
    rows = []
    for one in await claims.open_claims():
        who = one.customer
        name = f"{who.name} {who.surname}"
        rows.append((who.id, name, who.phone, figure(one.owed, company), one.since))
    return await send_csv(request, "claims", COLUMNS, listed(rows))


@office_page(f"{ONE}/paid", "POST", roles=CASH, nav=Nav.MONEY)
async def paid(request: web.Request) -> web.StreamResponse:
    """Book cash that a customer pays."""
    server, customer, form = request.app[SERVER], await _find(request), PaidForm.of(request)
    if not form.validate():
        return await _draw(request, 422, wrong=(customer.id, form))

    async def work() -> None:
        amount, key, composer = int(form.amount.data or 0), key_of(request), server.composer
        await pay_claim(customer, amount, request[USER], key=key, company=server.company, composer=composer)

    if problem := await do(request, work):
        return await _draw(request, 422, problem=problem, wrong=(customer.id, form))
    raise redirect("/money/claims?done=paid")


@office_page(f"{ONE}/write-off", "POST", roles=CASH, nav=Nav.MONEY)
async def write_off(request: web.Request) -> web.StreamResponse:
    """Ask another one of the office to give a claim up."""
    customer, form = await _find(request), GiveUpForm.of(request)
    if not form.validate():
        return await _draw(request, 422, wrong=(-customer.id, form))

    done = "/money/claims?done=asked"

    async def work() -> None:
        nonlocal done
        if (await claims.write_off(customer, request[USER], str(form.reason.data))).agreed_at:
            done = "/money/voids?done=booked"

    if problem := await do(request, work):
        return await _draw(request, 422, problem=problem, wrong=(-customer.id, form))
    raise redirect(done)


async def _draw(request: web.Request, status: int = 200, **more: object) -> web.StreamResponse:
    company, rows = request.app[SERVER].company, await claims.open_claims()
    asked = await WriteOff.filter(kind=Lost.CLAIM.value, agreed_at=None, refused_at=None)
    meta = {"company": company}
    fields = {"problem": "", "wrong": (0, None)} | more
    return page(
        request,
        "money/claims.html",
        status,
        claims=rows[:MOST],
        more=max(0, len(rows) - MOST),
        total=sum(one.owed for one in rows),
        asked={one.owner: one.proposed_by for one in asked},
        paid_form=PaidForm(meta=meta),
        give_up_form=GiveUpForm(meta=meta),
        at=partial(at, company),
        done=DONE,
        **fields,
    )


async def _find(request: web.Request) -> Customer:
    customer = await Customer.get_or_none(id=int(request.match_info["number"]))
    if customer is None:
        raise web.HTTPNotFound(text=_("There is no such customer.") + "\n", headers=HEADERS)
    return customer
