"""A sale at the counter: what the cash would do is shown first, and done when somebody agrees. The code is shown once,
on the page that says that it is sold, and goes to the customer by SMS."""

import hashlib
import secrets
from collections.abc import Sequence

from aiohttp import web

from bot.server import SERVER
from handlers.office.counter.forms import Sell
from handlers.office.counter.lookup import NotFound, find_payable, payable_names, person_of
from handlers.office.frame.page import page
from handlers.office.frame.routes import DESK, FORM, USER, Nav, office_page
from handlers.office.frame.words import LANGUAGE
from handlers.selling.buy import why_not
from handlers.selling.counter import quote_at_counter, sell_at_counter
from handlers.wording import bought, grouped
from models.selling import Sale
from models.selling.contracts import contract_number
from models.selling.quotes import Quote
from models.selling.refusals import NotSold, OtherRequest, PriceChanged, SoldToday


@office_page("/sell", roles=DESK, nav=Nav.PEOPLE)
async def ask(request: web.Request) -> web.StreamResponse:
    """The empty form; a link may name the serial, or a customer with things to choose from."""
    what, things = request.query.get("serial", ""), await payable_names(await person_of(request))
    if not what and len(things) == 1:
        what = things[0]
    return _draw(request, Sell.of(request, what=what), things=things)


@office_page("/sell", "POST", roles=DESK, nav=Nav.PEOPLE)
async def quote_or_sell(request: web.Request) -> web.StreamResponse:
    """Show what the cash would do; sell it where that was shown and is so still."""
    form, company = Sell.of(request), request.app[SERVER].company
    if not form.validate():
        return _draw(request, form, 422)
    try:
        paid_for = await find_payable(form.what.data)
    except NotFound as error:
        form.refuse("what", str(error))
        return _draw(request, form, 422)
    agreed = request[FORM].get("do") == "sell"
    if agreed and (done := await _done_before(request)):
        return await show_sold(request, done)
    try:
        offer = await quote_at_counter(paid_for, form.amount.data, company)
        if agreed and form.promised.data == promise(offer):
            return await _sell(request, form, offer)
    except PriceChanged:
        offer = await quote_at_counter(paid_for, form.amount.data, company)
    except SoldToday as refusal:
        return _draw(request, form, 409, offer=offer, earlier=refusal.earlier)
    except NotSold as refusal:
        form.refuse("amount", why_not(refusal, paid_for.name, company).to(LANGUAGE.get()))
        return _draw(request, form, 422)
    earlier = await paid_for.same_today(None, form.amount.data)
    return _draw(request, form, 409 if agreed else 200, offer=offer, earlier=earlier, changed=agreed)


async def _sell(request: web.Request, form: Sell, offer: Quote) -> web.StreamResponse:
    """Raises NotSold's kinds."""
    server = request.app[SERVER]
    try:
        async with server.database.work():
            sold, new = await sell_at_counter(
                offer,
                sale_key(request),
                request[USER],
                company=server.company,
                composer=server.composer,
                again=form.again.data,
            )
    except OtherRequest:
        return _draw(request, form, 409, offer=offer, changed=True)
    server.outbox.notify()
    return await show_sold(request, sold.sale, sold.digits if new else "", new=new)


def sale_key(request: web.Request) -> str:
    """Names the sale by the form that was sent, so that a form that is sent twice sells once."""
    return f"{request[USER].id} {request[FORM].get('once', '')[:40] or secrets.token_urlsafe(12)}"


async def _done_before(request: web.Request) -> Sale | None:
    """What this very form sold before."""
    return await Sale.get_or_none(key=f"counter {sale_key(request)}")


async def show_sold(request: web.Request, sale: Sale, digits: str = "", *, new: bool = False) -> web.StreamResponse:
    """The sale. The digits stand there only when it was just made: later they are asked for at the customer's page."""
    company = request.app[SERVER].company
    await sale.fetch_related("customer", "device")
    return page(
        request,
        "counter/sold.html",
        sale=sale,
        bought=bought(sale.unit, sale.units, company).to(LANGUAGE.get()) if sale.units else "",
        code=grouped(sale.device, digits) if digits else "",
        contract=contract_number(sale.contract_id) if sale.contract_id else "",
        new=new,
    )


def promise(offer: Quote) -> str:
    """What was shown of a quote, in a few letters."""
    return hashlib.sha256(repr((offer.effect, offer.owed)).encode()).hexdigest()[:16]


def _draw(
    request: web.Request,
    form: Sell,
    status: int = 200,
    *,
    offer: Quote | None = None,
    earlier: Sale | None = None,
    changed: bool = False,
    things: Sequence[str] = (),
) -> web.StreamResponse:
    company = request.app[SERVER].company
    buys = bought(offer.unit or "", offer.units, company).to(LANGUAGE.get()) if offer and offer.units else ""
    return page(
        request,
        "counter/sell.html",
        status,
        form=form,
        offer=offer,
        earlier=earlier,
        changed=changed,
        things=things,
        buys=buys,
        used=max(offer.standing.credit - offer.credit, 0) if offer else 0,
        promised=promise(offer) if offer else "",
    )
