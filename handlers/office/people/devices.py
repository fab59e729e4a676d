"""What happens to a customer's device: it goes to another customer, out of use, or another one takes its place. It is
never deleted."""

from collections.abc import Sequence

from aiohttp import web
from wtforms import BooleanField

from bot.company import Company
from bot.server import SERVER
from handlers.customers.ownership import retire_device, return_device, swap_device, transfer_device
from handlers.office.frame.forms import EnergyField, LineField, OfficeForm, SerialField, required
from handlers.office.frame.page import HEADERS, is_first, page, redirect
from handlers.office.frame.routes import CASH, FORM, HELPERS, USER, Nav, office_page
from handlers.office.frame.words import LANGUAGE, N_, _
from handlers.office.people.find import read_asked
from handlers.office.people.person import KINDS, ONE, find_customer
from handlers.wording import bought
from models.devices import Device, Kind, Unit, with_owner
from models.devices.access_rate import access_due
from models.office import find, people_list
from models.office.people_list import Row
from models.people import Customer
from models.selling import Contract, total_left
from models.selling.contracts import contract_of, open_instalments
from models.selling.ownership import NoOwner, NotDone, OpenDebt, OwnAlready, RetiredBefore, hold_device_of
from models.selling.proposals import AskedAlready, propose_transfer
from models.selling.swaps import MoreThanSold, NotInStock, NoToken, OtherKind, find_spare, list_spares

DEVICE = ONE + r"/devices/{device:\d{1,18}}"
MOST_SPARES = 50  # serials that the box of the swap proposes
GIVEN, PROPOSED, RETURNED, RETIRED, SWAPPED = "given", "proposed", "returned", "retired", "swapped"


class Give(OfficeForm):
    """To whom, and why."""

    to = LineField(N_("To whom: customer number, phone or name"), [required])
    reason = LineField(N_("Why"), [required])
    with_debt = BooleanField(N_("The new owner knows what is still to be paid, and pays it"))


class Retire(OfficeForm):
    """Why."""

    reason = LineField(N_("Why: lost, broken, scrapped"), [required])


class Return(OfficeForm):
    """Why."""

    reason = LineField(N_("Why does it come back?"), [required])


class Swap(OfficeForm):
    """With which one, and why."""

    serial = SerialField(N_("Serial of the new device, from the stock"), [required], render_kw={"list": "spares"})
    shown = EnergyField(N_("kWh that the old meter still shows; empty where it shows nothing"))
    reason = LineField(N_("What is broken"), [required])


@office_page(f"{DEVICE}/give", roles=HELPERS, nav=Nav.PEOPLE)
async def ask_give(request: web.Request) -> web.StreamResponse:
    """The form to give a device to another customer."""
    customer, device = await _find(request)
    return await _draw_give(request, customer, device, Give.of(request))


@office_page(f"{DEVICE}/give", "POST", roles=HELPERS, nav=Nav.PEOPLE)
async def give(request: web.Request) -> web.StreamResponse:
    """At first who it is and what goes along; then it is given away."""
    server, form = request.app[SERVER], Give.of(request)
    form.to.data = request[FORM].get("meant") or form.to.data  # one of several who were found
    customer, device = await _find(request)
    meant = await _find_meant(form, server.company) if form.validate() else []
    if len(meant) != 1:
        return await _draw_give(request, customer, device, form, status=422, meant=meant)
    to = await Customer.get(id=meant[0].id)
    if request[FORM].get("sure") != str(to.id):
        return await _draw_give(request, customer, device, form, to=to)
    try:
        asked = await _give(request, customer, device, to, form)
    except NotDone as refusal:
        said = explain(refusal, device, server.company)
        if isinstance(refusal, OpenDebt):
            said += " " + _("Or say that the new owner pays it: then a second person of the office has to agree.")
        return await _draw_give(request, customer, device, form, to=to, status=422, problem=said)
    except AskedAlready as earlier:
        said = _("{name} has asked for that already, and somebody else has to agree.", name=earlier.by)
        return await _draw_give(request, customer, device, form, to=to, status=422, problem=said)
    server.outbox.notify()
    raise redirect(f"/people/{customer.id}?done={PROPOSED}" if asked else f"/people/{to.id}?done={GIVEN}")


async def _give(request: web.Request, customer: Customer, device: Device, to: Customer, form: Give) -> bool:
    """Give it away; or, where a debt goes along, ask for a second person (True). Raises NotDone's kinds and
    AskedAlready."""
    server, by, reason = request.app[SERVER], request[USER], form.reason.data or ""
    with_debt = bool(form.with_debt.data)
    async with server.database.work():
        if await is_first(request):
            device = await hold_device_of(customer, device.id)
            if with_debt:
                key = f"give {by.id} {request[FORM].get('once', '')} {device.id}"[:80]
                await propose_transfer(device, to, by, reason, key, today=server.company.today(), with_debt=True)
            else:
                company, composer = server.company, server.composer
                await transfer_device(device, to, by, reason, with_debt=False, company=company, composer=composer)
    return with_debt


@office_page(f"{DEVICE}/return", roles=CASH, nav=Nav.PEOPLE)
async def ask_return(request: web.Request) -> web.StreamResponse:
    """The form to take a device back into the stock."""
    customer, device = await _find(request)
    return await _draw_return(request, customer, device, Return.of(request))


@office_page(f"{DEVICE}/return", "POST", roles=CASH, nav=Nav.PEOPLE)
async def take_back(request: web.Request) -> web.StreamResponse:
    """Take it back: its plan ends, and what is open is owed no more. The device is there for it, so one person is
    enough."""
    server, form = request.app[SERVER], Return.of(request)
    customer, device = await _find(request)
    if not form.validate():
        return await _draw_return(request, customer, device, form, 422)
    company, composer = server.company, server.composer
    try:
        async with server.database.work():
            if await is_first(request):
                device = await hold_device_of(customer, device.id)
                await return_device(device, request[USER], form.reason.data or "", company=company, composer=composer)
    except NotDone as refusal:
        return await _draw_return(request, customer, device, form, 422, problem=explain(refusal, device, company))
    server.outbox.notify()
    raise redirect(f"/people/{customer.id}?done={RETURNED}")


@office_page(f"{DEVICE}/retire", roles=HELPERS, nav=Nav.PEOPLE)
async def ask_retire(request: web.Request) -> web.StreamResponse:
    """The form to take a device out of use."""
    customer, device = await _find(request)
    return await _draw(request, "people/retire.html", customer, device, Retire.of(request))


@office_page(f"{DEVICE}/retire", "POST", roles=HELPERS, nav=Nav.PEOPLE)
async def retire(request: web.Request) -> web.StreamResponse:
    """Take it out of use."""
    server, form = request.app[SERVER], Retire.of(request)
    customer, device = await _find(request)
    if not form.validate():
        return await _draw(request, "people/retire.html", customer, device, form, 422)
    company, composer = server.company, server.composer
    try:
        async with server.database.work():
            if await is_first(request):
                device = await hold_device_of(customer, device.id)
                await retire_device(device, request[USER], form.reason.data or "", company=company, composer=composer)
    except NotDone as refusal:
        said = explain(refusal, device, company)
        return await _draw(request, "people/retire.html", customer, device, form, 422, problem=said)
    server.outbox.notify()
    raise redirect(f"/people/{customer.id}?done={RETIRED}")


@office_page(f"{DEVICE}/swap", roles=HELPERS, nav=Nav.PEOPLE)
async def ask_swap(request: web.Request) -> web.StreamResponse:
    """The form to put another device in the place of one."""
    customer, device = await _find(request)
    return await _draw_swap(request, customer, device, Swap.of(request))


@office_page(f"{DEVICE}/swap", "POST", roles=HELPERS, nav=Nav.PEOPLE)
async def swap(request: web.Request) -> web.StreamResponse:
    """Swap it; the customer gets the code for the days or the energy that were left."""
    server, form = request.app[SERVER], Swap.of(request)
    customer, device = await _find(request)
    if not form.validate():
        return await _draw_swap(request, customer, device, form, 422)
    try:
        async with server.database.work():
            if await is_first(request):
                await _swap(request, customer, device, form)
    except MoreThanSold as refusal:
        most = bought(Unit.ENERGY, refusal.most, server.company).to(LANGUAGE.get())
        form.refuse("shown", _("This meter got {most} in all: it cannot show more.", most=most))
        return await _draw_swap(request, customer, device, form, 422)
    except NotDone as refusal:
        said = explain(refusal, device, server.company, form.serial.data or "")
        if isinstance(refusal, NotInStock | OtherKind | NoToken):
            form.refuse("serial", said)
            return await _draw_swap(request, customer, device, form, 422)
        return await _draw_swap(request, customer, device, form, 422, problem=said)
    server.outbox.notify()
    raise redirect(f"/people/{customer.id}?done={SWAPPED}")


async def _swap(request: web.Request, customer: Customer, device: Device, form: Swap) -> None:
    """Raises NotDone's kinds."""
    server = request.app[SERVER]
    spare = await find_spare(form.serial.data or "", device.kind)
    if device.customer_id != customer.id:
        raise NoOwner(device.serial)
    await swap_device(
        device,
        spare,
        request[USER],
        form.reason.data or "",
        key=f"office {request[USER].id} {request[FORM].get('once', '')} {device.id}"[:80],
        company=server.company,
        composer=server.composer,
        shown=form.shown.data or 0,
    )


def explain(refusal: NotDone, device: Device, company: Company, serial: str = "") -> str:
    """Why nothing was done, and what can be."""
    if isinstance(refusal, OpenDebt):
        on = refusal.contract.number if refusal.contract else _("the access rate")
        return _(
            "{amount} is still to be paid on {what}. Have it paid, take the device back, or write it off first.",
            amount=company.money(refusal.owed),
            what=on,
        )
    sentences: dict[type[NotDone], str] = {
        NoOwner: N_("{device} does not belong to this customer any more. Look again."),
        OwnAlready: N_("{device} belongs to this customer already."),
        RetiredBefore: N_("{device} is out of use already."),
        NotInStock: N_("{serial} is not in stock, or several serials end so. Write the whole serial."),
        OtherKind: N_("{serial} is another kind of device."),
        NoToken: N_("{serial} can have no code now. Take another one."),
    }
    return _(sentences[type(refusal)], device=device.serial, serial=serial)


async def _find(request: web.Request) -> tuple[Customer, Device]:
    """The customer and the device of the address. Raises HTTPNotFound."""
    customer, number = await find_customer(request), int(request.match_info["device"])
    if not await Device.exists(id=number):
        raise web.HTTPNotFound(text=_("There is no such device.") + "\n", headers=HEADERS)
    return customer, await with_owner(number)


async def _find_meant(form: Give, company: Company) -> list[Row]:
    """The one who is meant; else the form says that it is nobody or one of these."""
    found = await find.find(read_asked(form.to.data or "", company))
    numbers = [hit.id for hit in found.hits if hit.kind is find.Kind.CUSTOMER]
    if not numbers:
        form.refuse("to", _("Nobody is found by this. Write the customer number, as #17."))
    elif len(numbers) > 1:
        form.refuse("to", _("Several are found. Choose one below, or write the customer number, as #17."))
    return await people_list.people_of(numbers, company.today()) if numbers else []


async def _draw_give(
    request: web.Request,
    customer: Customer,
    device: Device,
    form: Give,
    *,
    to: Customer | None = None,
    meant: Sequence[Row] = (),
    status: int = 200,
    problem: str = "",
) -> web.StreamResponse:
    contract, owed = await _owed_on(device, request.app[SERVER].company)
    more = {"to": to, "meant": meant, "owed": owed, "contract": contract, "problem": problem}
    return await _draw(request, "people/give.html", customer, device, form, status, **more)


async def _owed_on(device: Device, company: Company) -> tuple[Contract | None, int]:
    """The plan on which something is open, and all that is owed on the device (minor units)."""
    contract = await contract_of(device)
    dues = await open_instalments(contract) if contract and not contract.ending else []
    return contract if dues else None, total_left(dues) + (await access_due(device, company.today())).due


async def _draw_return(
    request: web.Request, customer: Customer, device: Device, form: Return, status: int = 200, problem: str = ""
) -> web.StreamResponse:
    _contract, owed = await _owed_on(device, request.app[SERVER].company)
    return await _draw(request, "people/return.html", customer, device, form, status, owed=owed, problem=problem)


async def _draw_swap(
    request: web.Request, customer: Customer, device: Device, form: Swap, status: int = 200, problem: str = ""
) -> web.StreamResponse:
    spares = await list_spares(device.kind, MOST_SPARES)
    return await _draw(request, "people/swap.html", customer, device, form, status, spares=spares, problem=problem)


async def _draw(
    request: web.Request,
    template: str,
    customer: Customer,
    device: Device,
    form: OfficeForm,
    status: int = 200,
    **more: object,
) -> web.StreamResponse:
    company = request.app[SERVER].company
    shared: dict[str, object] = {"problem": "", "kind": KINDS[Kind(device.kind)], "money": company.money}
    return page(request, template, status, person=customer, device=device, form=form, **shared | more)
