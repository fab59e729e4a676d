"""The page at `/tickets`: those of one state that the filters leave, the most urgent first; and the same as a file."""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial

from aiohttp import web

from bot.server import SERVER
from handlers.office.frame.lists import (
    PAGE,
    PORTION,
    before_of,
    by_portions,
    csv_address,
    cut_page,
    older_address,
    send_csv,
    wants_csv,
)
from handlers.office.frame.page import page
from handlers.office.frame.routes import ALL, Nav, count_of, office_page
from handlers.office.frame.times import day_name
from handlers.office.tickets.words import CATEGORIES, SHARED, STATES
from models.office import tickets
from models.office.tickets import NOBODY, OFFICE, Wanted
from models.people import Agent, MiniGrid, OfficeUser
from models.tickets import Ticket, TicketState

COLUMNS = (
    *("number", "state", "category", "opened", "due", "closed", "serial", "customer", "name", "surname", "phone"),
    *("mini_grid", "agent", "staff", "text"),
)
AGES = (1, 3, 7, 30)  # days
FILTERS = ("state", "agent", "grid", "category", "age", "late")


@count_of(Nav.TICKETS)
async def count(_user: OfficeUser) -> int:
    """How many are open."""
    return await tickets.count_open()


@office_page("/tickets", roles=ALL, nav=Nav.TICKETS)
async def show_all(request: web.Request) -> web.StreamResponse:
    """The tickets of a state, with filters for agent, mini-grid, category, age and lateness."""
    wanted = _wanted(request.query)
    if wants_csv(request):
        return await send_csv(request, "tickets", COLUMNS, _rows(wanted))
    before = before_of(request)
    found, last = cut_page(await tickets.list_tickets(wanted, before, PAGE + 1))
    company = request.app[SERVER].company
    return page(
        request,
        "tickets/tickets.html",
        tickets=found,
        wanted=wanted,
        filtered=any(request.query.get(name) for name in FILTERS if name != "state"),
        beginning=not before,
        states={state.value: title for state, title in STATES.items()},
        categories={category.value: title for category, title in CATEGORIES.items()},
        ages=AGES,
        agents=await Agent.filter(retired_at=None).order_by("name", "id").values_list("id", "name"),
        grids=await MiniGrid.all().order_by("name").values_list("id", "name"),
        csv=csv_address(request),
        older=older_address(request, last.id) if last else "",
        day=partial(day_name, company),
        **SHARED,
    )


def _wanted(query: Mapping[str, str]) -> Wanted:
    """What the address asks for; what is none of ours is left out."""
    state, whose = query.get("state", ""), query.get("agent", "")
    state = TicketState(state) if state in set(TicketState) else TicketState.OPEN
    return Wanted(
        state=state,
        agent=_number(whose),
        whose=whose if whose in (NOBODY, OFFICE) else "",
        mini_grid=_number(query.get("grid", "")),
        category=query.get("category", "")[:20],
        days=min(_number(query.get("age", "")), 3650),
        late=bool(query.get("late")) and state is TicketState.OPEN,
    )


def _number(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= 18 else 0


async def _rows(wanted: Wanted) -> AsyncIterator[Sequence[object]]:
    async def read(last: Ticket | None) -> Sequence[Ticket]:
        return await tickets.list_tickets(wanted, last.id if last else 0, PORTION)

    async for each in by_portions(read):
        customer, times = each.customer, (each.opened_at, each.due_at, each.closed_at)
        who = customer.id, customer.name, customer.surname, customer.phone, customer.mini_grid.name
        work = each.agent and each.agent.name, each.staff and each.staff.name
        serial = each.device and each.device.serial
        yield each.number, each.state, each.category, *times, serial, *who, *work, each.text
