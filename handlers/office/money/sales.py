"""`/money/sales`: sales as a list, and one with what it did; it is taken back or moved when a second person agrees."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial

from aiohttp import web

from bot.company import Company
from bot.server import SERVER
from handlers.exchange.cells import figure
from handlers.office.frame.forms import LineField, OfficeForm, SerialField, required
from handlers.office.frame.lists import PORTION, send_csv
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import ALL, CASH, DESK, USER, Nav, office_page
from handlers.office.frame.words import N_, _
from handlers.office.money.asked import Filter, at, choices, read_filter
from handlers.office.money.doing import do, key_of
from handlers.selling.void import void_by_office
from models.audit import record
from models.devices import Device, Unit
from models.money.payments import IN_CASH
from models.office import money_lists
from models.office.money_lists import OneSale
from models.selling import Sale
from models.selling.contracts import FIRST_NUMBER, contract_number
from models.selling.proposals import propose_move
from models.selling.voids import VoidState

ONE = r"/money/sales/{reference:[0-9A-Za-z]{1,8}}"
LONGEST_REASON = 200
COLUMNS = (
    *("reference", "time", "serial", "contract", "customer", "name", "agent", "amount", "bought", "commission"),
    *("paid_by", "payment", "taken_back"),
)
DONE = {
    "void": N_("The sale is taken back, and both sides get an SMS."),
    "cash": N_("The sale is taken back: give the customer the cash out of the till."),
    "asked": N_("It is written down. Another one of the office has to agree: it waits under “To decide”."),
}


class WhyForm(OfficeForm):
    """Why something is done."""

    reason = LineField(N_("Why?"), [required])


class MoveForm(OfficeForm):
    """To which device a sale is moved, and why."""

    serial = SerialField(N_("Serial of the right device"), [required])
    reason = LineField(N_("Why?"), [required])


@office_page("/money/sales", roles=ALL, nav=Nav.MONEY)
async def show_all(request: web.Request) -> web.StreamResponse:
    """The newest sales first, fifty at a time."""
    company, asked = request.app[SERVER].company, read_filter(request)
    listed = await money_lists.sales(asked.asked(company))
    return page(
        request,
        "money/sales.html",
        asked=asked,
        sales=listed.rows,
        looked=listed.looked,
        older=asked.query(before=listed.next) if listed.next else "",
        bought=partial(bought, company),
        paid_for=paid_for,
        at=partial(at, company),
        **await choices(),
    )


@office_page("/money/sales.csv", roles=ALL, nav=Nav.MONEY)
async def save(request: web.Request) -> web.StreamResponse:
    """The list with its filters as a file."""
    return await send_csv(request, "sales", COLUMNS, _rows(request.app[SERVER].company, read_filter(request)))


async def _rows(company: Company, asked: Filter) -> AsyncIterator[Sequence[object]]:
    wanted = asked.asked(company)
    while True:
        listed = await money_lists.sales(wanted, PORTION)
        for row in listed.rows:
            contract = contract_number(row["contract_id"]) if row["contract_id"] else ""
            who = row["customer_id"], f"{row['name']} {row['surname']}", row["agent"]
            money = figure(row["amount"], company), bought(company, row), figure(row["commission"], company)
            reference = "" if row["provider"] in IN_CASH else row["payment"]
            paid = row["provider"], reference, "yes" if row["void"] else ""
            yield row["reference"], row["created_at"], row["serial"], contract, *who, *money, *paid
        if not listed.next:
            return
        wanted = replace(wanted, before=listed.next)


@office_page(ONE, roles=ALL, nav=Nav.MONEY)
async def show(request: web.Request) -> web.StreamResponse:
    """One sale."""
    return await _draw(request, await _find(request))


@office_page(f"{ONE}/token", "POST", roles=DESK, nav=Nav.MONEY)
async def show_token(request: web.Request) -> web.StreamResponse:
    """The digits, once, to whoever says why; it is noted."""
    sale, form = await _find(request), WhyForm.of(request)
    if not form.validate():
        return await _draw(request, sale, 422, token_form=form)
    async with request.app[SERVER].database.work():
        await record(request[USER].name, "token shown", sale.reference, str(form.reason.data)[:LONGEST_REASON])
    return await _draw(request, sale, reveal=True)


@office_page(f"{ONE}/void", "POST", roles=CASH, nav=Nav.MONEY)
async def void(request: web.Request) -> web.StreamResponse:
    """Ask another one of the office to take the sale back."""
    server, sale, form = request.app[SERVER], await _find(request), WhyForm.of(request)
    if not form.validate():
        return await _draw(request, sale, 422, void_form=form)
    done = "asked"

    async def work() -> None:
        nonlocal done
        reason = str(form.reason.data)[:LONGEST_REASON]
        taken = await void_by_office(sale, request[USER], reason, company=server.company, composer=server.composer)
        if taken:  # another one has asked for it since the page was drawn
            done = "cash" if taken.at_counter else "void"

    if problem := await do(request, work):
        return await _draw(request, sale, 422, problem=problem, void_form=form)
    raise redirect(f"/money/sales/{sale.reference}?done={done}")


@office_page(f"{ONE}/move", "POST", roles=CASH, nav=Nav.MONEY)
async def move(request: web.Request) -> web.StreamResponse:
    """Ask another one of the office to move the sale to the right device."""
    sale, form = await _find(request), MoveForm.of(request)
    device = await Device.get_or_none(serial=str(form.serial.data or "").upper())
    valid = form.validate()
    if device is None and form.serial.data:
        form.refuse("serial", _("There is no device {serial}.", serial=form.serial.data))
    if device is None or not valid:
        return await _draw(request, sale, 422, move_form=form)
    found = device

    async def work() -> None:
        await propose_move(sale, found, request[USER], str(form.reason.data), key_of(request))

    if problem := await do(request, work):
        return await _draw(request, sale, 422, problem=problem, move_form=form)
    raise redirect(f"/money/sales/{sale.reference}?done=asked")


async def _draw(request: web.Request, sale: Sale, status: int = 200, **more: object) -> web.StreamResponse:
    company, one = request.app[SERVER].company, await money_lists.one_sale(sale)
    empty = {"problem": "", "reveal": False, "void_form": WhyForm.of(request), "move_form": MoveForm.of(request)}
    empty |= {"token_form": WhyForm.of(request)}
    if request.method == "POST":  # only the form that was sent has something in it
        empty |= {"void_form": WhyForm(), "move_form": MoveForm(), "token_form": WhyForm()}
    return page(
        request,
        "money/sale.html",
        status,
        one=one,
        row=one.row,
        may_change=_may_change(one),
        bought=bought(company, one.row),
        paid_for=paid_for(one.row),
        first_contract=FIRST_NUMBER,
        at=partial(at, company),
        done=DONE,
        **empty | more,
    )


def _may_change(one: OneSale) -> bool:
    """Whether the sale can still be taken back or moved."""
    return one.replaced_by is None and (one.void is None or one.void.state == VoidState.REFUSED)


async def _find(request: web.Request) -> Sale:
    sale = await money_lists.find_sale(request.match_info["reference"])
    if sale is None:
        raise web.HTTPNotFound(text=_("There is no such sale.") + "\n", headers=HEADERS)
    return sale


def bought(company: Company, row: dict[str, object]) -> str:
    """What a sale bought: 3 days, 12.5 kWh, unlocked."""
    units = int(str(row["units"]))
    match row["unit"]:
        case Unit.DAYS:
            return _("{n} days", n=units)
        case Unit.ENERGY:
            return f"{units // 10}{company.decimal}{units % 10} kWh"
        case Unit.UNLOCK:
            return _("unlocked")
    return ""


def paid_for(row: dict[str, object]) -> str:
    """The serial, or the number of the contract."""
    return str(row["serial"] or (contract_number(int(str(row["contract_id"]))) if row["contract_id"] else ""))
