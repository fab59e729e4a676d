"""The buttons of what needs somebody: try a gateway again, take a ticket, say that the clock is right."""

from aiohttp import web

from bot.android import linking
from bot.server import SERVER, Server
from handlers.office.frame.page import HEADERS, redirect
from handlers.office.frame.routes import DESK, FORM, OWNER_ONLY, USER, office_page
from handlers.office.frame.words import _
from handlers.tickets.news import News
from models.audit import record
from models.clock import CLOCK, Doubt, accept_clock
from models.people import OfficeUser
from models.tickets import TicketState, tickets


@office_page("/home/try-again", "POST", roles=DESK)
async def try_again(request: web.Request) -> web.StreamResponse:
    """What was wrong with a gateway is mended: nothing waits for the end of a pause any more."""
    server, gateway = request.app[SERVER], request[FORM].get("gateway", "")
    async with server.database.work():
        if phone := await linking.by_gateway(gateway):
            await linking.resume(await linking.find(phone.name), actor=request[USER].name)
        elif gateway in server.outbox.gateways:
            await record(request[USER].name, "gateway try again", gateway)
        else:
            raise web.HTTPNotFound(text=_("There is no such gateway.") + "\n", headers=HEADERS)
        await server.outbox.try_again(gateway)
    server.outbox.resume(gateway)
    raise redirect("/?done=try-again")


@office_page("/home/take", "POST", roles=DESK)
async def take(request: web.Request) -> web.StreamResponse:
    """Somebody of the office takes a ticket that nobody has."""
    server, given = request.app[SERVER], request[FORM].get("ticket", "")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else 0
    async with server.database.work():
        taken = await _take(server, number, request[USER])
    server.outbox.notify()
    raise redirect(f"/tickets/K{number}?done=taken" if taken else "/?done=taken-before")


async def _take(server: Server, number: int, user: OfficeUser) -> bool:
    try:
        ticket = await tickets.lock_ticket(number)
    except tickets.TicketNotFound as error:
        raise web.HTTPNotFound(text=_("There is no such ticket.") + "\n", headers=HEADERS) from error
    if ticket.state != TicketState.OPEN or ticket.agent_id or ticket.staff_id:
        return False
    ticket = await tickets.assign(ticket, user, staff=user)
    step = list(await tickets.history(ticket))[-1]
    copies = News(ticket, server.company).handed_over(actor=user.name, former=None)
    await server.composer.tell(f"ticket {ticket.number} step {step.id}", copies)
    return True


@office_page("/home/clock", "POST", roles=OWNER_ONLY)
async def say_clock_is_right(request: web.Request) -> web.StreamResponse:
    """The clock is in doubt, and right: what is sold from now on is sold by it."""
    async with request.app[SERVER].database.work():
        await accept_clock(request[USER].name)
    raise redirect("/" if await CLOCK.doubt() is Doubt.CLOSED else "/?done=clock")
