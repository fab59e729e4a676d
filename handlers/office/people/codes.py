"""The last code of a device, shown once to who helps a caller: the audit has why."""

from aiohttp import web

from bot.server import SERVER
from handlers.office.frame.page import HEADERS
from handlers.office.frame.routes import FORM, HELPERS, USER, Nav, office_page
from handlers.office.frame.words import _
from handlers.office.people.person import ONE, draw, find_customer
from handlers.wording import grouped
from models.audit import record
from models.devices import Device, devices_of
from models.people import Customer
from models.selling.sales import last_tokens
from models.selling.swaps import swap_to

FEWEST, LONGEST = 3, 200  # letters of a reason


@office_page(f"{ONE}/code", "POST", roles=HELPERS, nav=Nav.PEOPLE)
async def show(request: web.Request) -> web.StreamResponse:
    """The customer's page with the digits in it; they are gone when it is loaded again."""
    customer, form = await find_customer(request), request[FORM]
    device = await _device(customer, form.get("device", ""))
    reason = form.get("reason", "").strip()[:LONGEST]
    if len(reason) < FEWEST:
        said = _("Please say why: it is noted who looked at a code and why.")
        return await draw(request, customer, 422, problem=said, shown_device=device.id)
    digits = await _digits(device)
    if not digits:
        return await draw(request, customer, 422, problem=_("{serial} has no code.", serial=device.serial))
    async with request.app[SERVER].database.work():
        subject = f"customer {customer.id}"
        await record(request[USER].name, "token shown", subject, f"{device.serial}: {reason}")
    return await draw(request, customer, codes={device.id: grouped(device, digits)}, shown_device=device.id)


async def _device(customer: Customer, number: str) -> Device:
    """One of the customer's devices. Raises HTTPNotFound."""
    found = [each for each in await devices_of([customer]) if str(each.id) == number]
    if not found:
        raise web.HTTPNotFound(text=_("The customer has no such device.") + "\n", headers=HEADERS)
    return found[0]


async def _digits(device: Device) -> str:
    """Of the newest sale that was not taken back, or of the swap by which the device came."""
    if newest := await last_tokens(device, 1):
        return newest[0][1]
    swap = await swap_to(device)
    return swap.digits if swap else ""
