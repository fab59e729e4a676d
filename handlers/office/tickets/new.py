"""The page at `/tickets/new`: a ticket for somebody who called. From a person's page it is `/tickets/new?person=N`; by
itself it first asks who called."""

from secrets import token_urlsafe

from aiohttp import web

from bot.server import SERVER
from handlers.customers.profile import MOST_FOUND, find_everywhere
from handlers.office.frame.page import HEADERS, is_first, page, redirect
from handlers.office.frame.routes import FORM, HELPERS, USER, Nav, office_page
from handlers.office.frame.words import _
from handlers.office.tickets.forms import NewTicket
from handlers.office.tickets.words import SHARED
from handlers.tickets import desk
from models.devices import Device, devices_of
from models.people import Customer
from models.tickets import Category, Ticket, TicketEvent, tickets

LONGEST = 100  # characters that are looked for
LONGEST_NUMBER = 18


@office_page("/tickets/new", roles=HELPERS, nav=Nav.TICKETS)
async def show(request: web.Request) -> web.StreamResponse:
    """The form for a customer; or the question who it is."""
    if customer := await _customer(request.query.get("person", "")):
        return await _draw(request, customer)
    words = " ".join(request.query.get("q", "")[:LONGEST].split())
    found = await find_everywhere(words, request.app[SERVER].company) if words else []
    if len(found) == 1:
        raise redirect(f"/tickets/new?person={found[0].id}")
    return page(request, "tickets/who.html", words=words, found=found[:MOST_FOUND], more=len(found) > MOST_FOUND)


@office_page("/tickets/new", "POST", roles=HELPERS, nav=Nav.TICKETS)
async def save(request: web.Request) -> web.StreamResponse:
    """Open it, and tell the customer and the agent who is to do the work."""
    customer = await _customer(request[FORM].get("person", ""))
    if customer is None:
        raise web.HTTPNotFound(text=_("There is no such customer.") + "\n", headers=HEADERS)
    devices = await devices_of([customer])
    form = _form(request, devices)
    if not form.validate():
        return await _draw(request, customer, form, 422)
    device = next((one for one in devices if str(one.id) == form.device.data), None)
    server, user = request.app[SERVER], request[USER]
    key = f"{user.id} {request[FORM].get('once') or token_urlsafe(12)}"
    async with server.database.work():
        if not await is_first(request):
            raise redirect(await _saved_before(key))
        opened, copies = await desk.open_for(
            customer,
            device,
            Category(form.category.data),
            form.words.data,
            due=form.due.data,
            user=user,
            key=key,
            company=server.company,
        )
        step = await tickets.last_step(opened.ticket)
        await server.composer.tell(f"ticket {opened.ticket.number} step {step}", copies)
    server.outbox.notify()
    done = f"opened&step={step}" if opened.new else "same"
    raise redirect(f"/tickets/{opened.ticket.number}?done={done}")


async def _saved_before(key: str) -> str:
    """Where the ticket is that the same form opened."""
    ticket = await Ticket.get_or_none(key=f"office {key}"[:80])
    if ticket is None:  # the same words were open already
        return "/tickets"
    first = await TicketEvent.filter(ticket_id=ticket.id).order_by("id").first()
    return f"/tickets/{ticket.number}?done=opened&step={first.id if first else 0}"


async def _customer(number: str) -> Customer | None:
    if not (number.isascii() and number.isdecimal() and len(number) <= LONGEST_NUMBER):
        return None
    return await Customer.get_or_none(id=int(number))


def _form(request: web.Request, devices: list[Device]) -> NewTicket:
    form = NewTicket.of(request)
    form.offer(devices, request.app[SERVER].company)
    return form


async def _draw(
    request: web.Request, customer: Customer, form: NewTicket | None = None, status: int = 200
) -> web.StreamResponse:
    await customer.fetch_related("mini_grid")
    return page(
        request,
        "tickets/new.html",
        status,
        customer=customer,
        form=form or _form(request, await devices_of([customer])),
        open=await tickets.open_of(customer),
        **SHARED,
    )
