"""Tickets as the office sees them: of every mini-grid, with their history, and who may do the work."""

from collections.abc import Sequence

from models.people.tables import Agent, OfficeUser
from models.sql import lock_rows
from models.tickets.tickets import Ticket, TicketEvent, TicketNotFound, TicketState, with_people

MOST = 200  # tickets of one state on a page, the most urgent first


async def in_state(state: TicketState, before: int = 0) -> list[Ticket]:
    """Open ones with the nearest due date first, asked ones that wait longest first, closed ones newest first and,
    with `before`, those whose number is smaller."""
    found = Ticket.filter(state=state).select_related("customer", "device", "agent", "staff").limit(MOST)
    match state:
        case TicketState.OPEN:
            return await found.order_by("due_at", "id")
        case TicketState.ASKED:
            return await found.order_by("asked_at", "id")
        case _:
            return await (found.filter(id__lt=before) if before else found).order_by("-id")


async def find(number: int) -> Ticket:
    """A ticket with its people. Raises TicketNotFound."""
    if not await Ticket.exists(id=number):
        raise TicketNotFound
    return await with_people(number)


async def held(number: int) -> Ticket:
    """The same, held until the commit, so that two who change it do so one after the other."""
    await lock_rows("ticket", "id = $1", [number])
    return await find(number)


async def history(ticket: Ticket) -> Sequence[TicketEvent]:
    """All its steps, the oldest first."""
    return await TicketEvent.filter(ticket_id=ticket.id).order_by("id")


async def workers(ticket: Ticket) -> tuple[list[Agent], list[OfficeUser]]:
    """Who can be given this ticket: agents of the customer's own mini-grid who are not locked, and the office."""
    agents = Agent.filter(mini_grid_id=ticket.customer.mini_grid_id, locked_at=None).order_by("name", "id")
    return await agents, await OfficeUser.all().order_by("name")
