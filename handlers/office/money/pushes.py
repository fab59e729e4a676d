"""`/money/requests`: phones that were asked to pay and of which nobody knows whether they paid."""

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from bot.payments import by_hand
from bot.server import SERVER
from handlers.office.frame.forms import LineField, OfficeForm, required
from handlers.office.frame.lists import csv_address, listed, send_csv, wants_csv
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import ALL, CASH, FORM, USER, Nav, office_page
from handlers.office.frame.times import moment
from handlers.office.frame.words import N_, _
from handlers.office.money.asked import at
from handlers.office.money.doing import NotDone, do
from models.money.receiving import LONGEST_REFERENCE
from models.selling import requests
from models.selling.requests import PaymentRequest, RequestState

ONE = r"/money/requests/{number:\d{1,18}}"
MOST = 100
COLUMNS = ("asked", "provider", "phone", "account", "amount", "state", "code", "reference")
STATES = {
    RequestState.NEW: N_("is to be sent"),
    RequestState.ASKED: N_("the phone rings"),
    RequestState.UNKNOWN: N_("nobody knows whether it is paid"),
}
DONE = {
    "again": N_("The provider is asked again: look here in a minute."),
    "park": N_("It is put aside. Money that comes still counts."),
    "receipt": N_("It is booked, and everybody is told by SMS."),
}


class ReceiptForm(OfficeForm):
    """The receipt on the provider's portal."""

    reference = LineField(N_("Receipt, as the provider's portal shows it"), [required])


@office_page("/money/requests", roles=ALL, nav=Nav.MONEY)
async def show(request: web.Request) -> web.StreamResponse:
    """Those that have not ended, the oldest first; those alone that nobody knows, unless told."""
    if wants_csv(request):
        rows = await requests.list_open(unknown=request.query.get("all") != "yes")
        return await send_csv(request, "requests", COLUMNS, listed([_cells(request, row) for row in rows]))
    return await _draw(request)


def _cells(request: web.Request, row: PaymentRequest) -> Sequence[object]:
    asked, amount = moment(row.created_at), request.app[SERVER].company.typed(row.amount)
    return asked, row.provider, row.phone, row.account, amount, row.state, row.code, row.reference


@office_page(ONE, "POST", roles=CASH, nav=Nav.MONEY)
async def decide(request: web.Request) -> web.StreamResponse:
    """Ask the provider again, put a push aside, or book its receipt."""
    server, actor, what = request.app[SERVER], request[USER].name, request[FORM].get("do", "")
    push = await PaymentRequest.get_or_none(id=int(request.match_info["number"]))
    if push is None:
        raise web.HTTPNotFound(text=_("There is no such request.") + "\n", headers=HEADERS)
    form = ReceiptForm.of(request)
    if what not in DONE:
        raise web.HTTPBadRequest(text=_("This is no form of ours.") + "\n", headers=HEADERS)
    if what == "receipt" and (not form.validate() or len(str(form.reference.data)) > LONGEST_REFERENCE):
        if not form.errors:
            form.refuse("reference", _("That is too long."))
        return await _draw(request, 422, wrong=(push.id, form))
    settler, reference = server.payments.settler, str(form.reference.data)
    works: dict[str, Callable[[], Awaitable[None]]] = {
        "again": lambda: by_hand.ask_again(push, actor=actor),
        "park": lambda: by_hand.park(push, settler=settler, actor=actor),
        "receipt": lambda: by_hand.book_receipt(push, reference, company=server.company, settler=settler, actor=actor),
    }

    async def work() -> None:
        try:
            await works[what]()
        except by_hand.NotDone as refusal:
            raise NotDone(refusal.to(_)) from refusal
        except ValueError as error:
            raise NotDone(_("{typed} is no reference.", typed=reference[:20])) from error

    if problem := await do(request, work):
        return await _draw(request, 422, problem=problem, wrong=(push.id, form))
    server.payments.notify()
    raise redirect(f"/money/requests?done={what}")


async def _draw(request: web.Request, status: int = 200, **more: object) -> web.StreamResponse:
    company, all_ = request.app[SERVER].company, request.query.get("all") == "yes"
    rows = await requests.list_open(unknown=not all_)
    fields = {"problem": "", "wrong": (0, ReceiptForm())} | more
    return page(
        request,
        "money/requests.html",
        status,
        pushes=rows[:MOST],
        more=max(0, len(rows) - MOST),
        all_=all_,
        csv=csv_address(request),
        states=STATES,
        at=lambda ms: at(company, moment(ms)),
        form=ReceiptForm(),
        simulated=bool(request.app[SERVER].payments.simulated),
        done=DONE,
        **fields,
    )
