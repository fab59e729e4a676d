"""The list of customers, the newest first, chosen by place, agent, tag, and who is overdue; also as a file."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from bot.company import Company
from bot.server import SERVER
from handlers.office.frame.lists import PORTION, before_of, csv_address, older_address, send_csv, wants_csv
from handlers.office.frame.page import page
from handlers.office.frame.routes import ALL, Nav, office_page
from models.customers.tags import known_tags, tidy_tag
from models.office.people_list import LAST, Choice, Row, list_people
from models.people import Agent, MiniGrid, Village

MOST_CHOICES = 300  # in one box: more villages or agents are chosen within their mini-grid
COLUMNS = (
    *("number", "name", "phone", "language", "mini_grid", "village", "registered", "serials"),
    *("overdue", "overdue_since", "tags"),
)


@office_page("/people", roles=ALL, nav=Nav.PEOPLE)
async def show(request: web.Request) -> web.StreamResponse:
    """Fifty customers, or all that the filters leave as a file."""
    company, choice = request.app[SERVER].company, await _choice(request)
    if wants_csv(request):
        return await send_csv(request, "customers", COLUMNS, _cells(choice, company))
    listed = await list_people(choice, company.today())
    return page(
        request,
        "people/list.html",
        people=listed.rows,
        looked=listed.looked,
        csv=csv_address(request),
        older=older_address(request, listed.next) if listed.next else "",
        choice=choice,
        beginning=choice.before == LAST,
        money=company.money,
        date=company.date,
        **await _choices(choice),
    )


async def _choice(request: web.Request) -> Choice:
    """What the address chooses; a village that is not of the mini-grid leaves nobody, so the mini-grid counts."""
    grid, village, agent = (_number(request, name) for name in ("grid", "village", "agent"))
    if village and grid and not await Village.exists(id=village, mini_grid_id=grid):
        village = None
    return Choice(
        mini_grid_id=grid,
        village_id=village,
        agent_id=agent,
        tag=tidy_tag(request.query.get("tag", "")),
        overdue=request.query.get("overdue", "") == "1",
        before=before_of(request) or LAST,
    )


def _number(request: web.Request, name: str) -> int | None:
    given = request.query.get(name, "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= 18 else None


async def _choices(choice: Choice) -> dict[str, Any]:
    """What there is to choose from; villages of all mini-grids with theirs, for two may be called alike."""
    within = {"mini_grid_id": choice.mini_grid_id} if choice.mini_grid_id else {}
    grids = await MiniGrid.all().order_by("name")
    villages = await Village.filter(**within).order_by("name").limit(MOST_CHOICES)
    named = {grid.id: f", {grid.name}" for grid in grids} if len(grids) > 1 and not within else {}
    return {
        "grids": grids,
        "villages": [{"id": one.id, "name": one.name + named.get(one.mini_grid_id, "")} for one in villages],
        "agents": await Agent.filter(retired_at=None, **within).order_by("name").limit(MOST_CHOICES),
        "tags": await known_tags(),
    }


async def _cells(choice: Choice, company: Company) -> AsyncIterator[Sequence[object]]:
    """The rows of the file, a portion at a time."""
    before = LAST
    while before:
        listed = await list_people(replace(choice, before=before), company.today(), PORTION)
        for row in listed.rows:
            yield _of(row, company)
        before = listed.next


def _of(row: Row, company: Company) -> Sequence[object]:
    late = company.typed(row.late) if row.late else ""
    place = (row.mini_grid, row.village, row.registered)
    serials, tags = " ".join(row.serials), ", ".join(row.tags)
    return (row.id, row.name, row.phone, row.language, *place, serials, late, row.since, tags)
