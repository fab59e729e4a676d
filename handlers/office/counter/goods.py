"""An appliance that is sold at the counter, at once or on a plan: what is agreed is shown first."""

import hashlib
from dataclasses import dataclass

from aiohttp import web

from bot.server import SERVER
from handlers.office.counter.forms import SellGoods
from handlers.office.counter.lookup import NotFound, find_customer, person_of
from handlers.office.counter.sell import sale_key
from handlers.office.frame.page import page
from handlers.office.frame.routes import DESK, FORM, USER, Nav, office_page
from handlers.office.frame.words import LANGUAGE, _
from handlers.selling.appliance_receipts import question
from handlers.selling.counter import propose_at_counter, sell_appliance_at_counter
from handlers.selling.sell import why_not
from handlers.wording import grouped
from models.devices import TAIL, Device, DeviceNotFound
from models.people import Customer
from models.selling import Appliance, Contract, PaymentPlan, appliance_sale
from models.selling.appliance_sale import ApplianceSold, Proposal, read_appliance_sale
from models.selling.catalogue import catalogue, free_device, plans_of
from models.selling.refusals import NotSold, OtherRequest, PriceChanged, SameAppliance
from models.selling.sellers import AtCounter

PATH = "/sell/goods"


@dataclass(frozen=True)
class Wanted:
    """What somebody at the counter asks for."""

    customer: Customer
    item: Appliance
    plan: PaymentPlan
    device: Device | None


@office_page(PATH, roles=DESK, nav=Nav.PEOPLE)
async def ask(request: web.Request) -> web.StreamResponse:
    """The empty form; a link may name the customer."""
    known = await person_of(request)
    form = SellGoods.of(request, customer=f"#{known.id}" if known else "")
    await _offer(request, form)
    return _draw(request, form)


@office_page(PATH, "POST", roles=DESK, nav=Nav.PEOPLE)
async def propose_or_sell(request: web.Request) -> web.StreamResponse:
    """Show what would be agreed; sell it where that was shown and is so still."""
    form, company = SellGoods.of(request), request.app[SERVER].company
    await _offer(request, form)
    if not form.validate():
        return _draw(request, form, 422)
    agreed = request[FORM].get("do") == "sell"
    if agreed and (done := await Contract.get_or_none(key=f"counter {sale_key(request)}")):
        return _show(request, await read_appliance_sale(done), new=False)
    wanted = await _read(request, form)
    if wanted is None:
        return _draw(request, form, 422)
    seller = AtCounter(request[USER])
    try:
        proposal = propose_at_counter(wanted.item, wanted.plan, wanted.customer, wanted.device, company)
        await appliance_sale.check_possible(proposal, seller, company.vault)
        if agreed and form.promised.data == promise(proposal):
            return await _sell(request, form, proposal)
    except PriceChanged:
        return _draw(request, form, 409, changed=True)
    except SameAppliance as refusal:
        return _draw(request, form, 409, proposal=proposal, earlier=refusal.earlier)
    except NotSold as refusal:
        form.refuse("offer", why_not(refusal, wanted.item, wanted.device, company).to(LANGUAGE.get()))
        return _draw(request, form, 422)
    earlier = await appliance_sale.same_appliance_today(seller, wanted.customer, wanted.item)
    return _draw(request, form, 409 if agreed else 200, proposal=proposal, earlier=earlier, changed=agreed)


async def _sell(request: web.Request, form: SellGoods, proposal: Proposal) -> web.StreamResponse:
    """Raises NotSold's kinds."""
    server = request.app[SERVER]
    try:
        async with server.database.work():
            sold, new = await sell_appliance_at_counter(
                proposal,
                sale_key(request),
                request[USER],
                company=server.company,
                composer=server.composer,
                again=form.again.data,
            )
    except OtherRequest:
        return _draw(request, form, 409, proposal=proposal, changed=True)
    server.outbox.notify()
    return _show(request, sold, new=new)


async def _offer(request: web.Request, form: SellGoods) -> None:
    """What can be chosen: each item with each of its plans."""
    company = request.app[SERVER].company
    choices = []
    for item in await catalogue():
        for plan in await plans_of(item):
            choices.append((f"{item.id}:{plan.id}", f"{item.name}, {plan.name}, {company.money(item.price)}"))
    form.offer.choices = choices


async def _read(request: web.Request, form: SellGoods) -> Wanted | None:
    """Who wants what; None where a field of the form says that there is no such."""
    item_id, _colon, plan_id = form.offer.data.partition(":")
    item, plan = await Appliance.get(id=int(item_id)), await PaymentPlan.get(id=int(plan_id))
    try:
        customer = await find_customer(form.customer.data, request.app[SERVER].company)
    except NotFound as error:
        form.refuse("customer", str(error))
        return None
    if not item.is_device:
        return Wanted(customer, item, plan, None)
    serial = form.serial.data or ""
    try:
        return Wanted(customer, item, plan, await free_device(item, serial))
    except DeviceNotFound as error:
        form.refuse("serial", _no_device(serial, error.matches))
        return None


def _no_device(serial: str, matches: int) -> str:
    if not serial:
        return _("Write the serial that stands on it.")
    if matches:
        return _("Several end in {serial}. Write it in full.", serial=serial)
    if len(serial) < TAIL:
        return _("Write the last {n} characters at least.", n=TAIL)
    return _("{serial} is not in stock. Read it on the device.", serial=serial)


def promise(proposal: Proposal) -> str:
    """What was shown of a proposal, in a few letters."""
    said = proposal.terms, proposal.today, proposal.customer.id, proposal.device.id if proposal.device else 0
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def _show(request: web.Request, sold: ApplianceSold, *, new: bool) -> web.StreamResponse:
    digits = sold.paid.digits if sold.paid and new else ""
    return page(
        request,
        "counter/sold_goods.html",
        sold=sold,
        code=grouped(sold.device, digits) if digits else "",
        new=new,
        day=request.app[SERVER].company.date,
    )


def _draw(
    request: web.Request,
    form: SellGoods,
    status: int = 200,
    *,
    proposal: Proposal | None = None,
    earlier: Contract | None = None,
    changed: bool = False,
) -> web.StreamResponse:
    company = request.app[SERVER].company
    return page(
        request,
        "counter/goods.html",
        status,
        form=form,
        proposal=proposal,
        asked=question(proposal, company).to(LANGUAGE.get()) if proposal else "",
        earlier=earlier,
        changed=changed,
        promised=promise(proposal) if proposal else "",
        day=company.date,
    )
