"""All agents, those nearest to their limit first."""

from typing import TypedDict

from aiohttp import web

from bot.server import SERVER
from handlers.office.frame.lists import (
    PAGE,
    PORTION,
    by_portions,
    csv_address,
    cut_page,
    older_address,
    send_csv,
    wants_csv,
)
from handlers.office.frame.page import page
from handlers.office.frame.routes import ALL, Nav, office_page
from models.office.agents import AgentRisk, list_by_risk
from models.people import MiniGrid

COLUMNS = (
    *("name", "phone", "mini_grid", "cash_in_hand", "cash_limit", "wallet", "commission_due"),
    *("last_sale", "locked_since", "retired"),
)


class Filters(TypedDict):
    """What the list leaves out."""

    mini_grid: int
    locked: bool
    retired: bool


@office_page("/people/agents", roles=ALL, nav=Nav.PEOPLE)
async def show_all(request: web.Request) -> web.StreamResponse:
    """A page of them, of one mini-grid or of all; or all as a file."""
    filters = _filters(request)
    if wants_csv(request):
        rows = by_portions(lambda last: list_by_risk(**filters, before=last.place if last else "", most=PORTION))
        return await send_csv(request, "agents", COLUMNS, (_cells(request, one) async for one in rows))
    found, last = cut_page(await list_by_risk(**filters, before=request.query.get("before", ""), most=PAGE + 1))
    return page(
        request,
        "agents/agents.html",
        agents=found,
        older=older_address(request, last.place) if last else "",
        csv=csv_address(request),
        grids=await MiniGrid.all().order_by("name"),
        **filters,
    )


def _filters(request: web.Request) -> Filters:
    grid, which = request.query.get("mini_grid", ""), request.query.get("which", "")
    number = int(grid) if grid.isascii() and grid.isdecimal() and len(grid) < 10 else 0
    return {"mini_grid": number, "locked": which == "locked", "retired": which == "retired"}


def _cells(request: web.Request, one: AgentRisk) -> tuple[object, ...]:
    money = request.app[SERVER].company.typed
    limit, wallet = ("", money(one.wallet)) if one.prepaid else (money(one.limit), "")
    figures = money(one.held), limit, wallet, money(one.due)
    return one.name, one.phone, one.mini_grid, *figures, one.sold_at, one.locked_at, one.retired_at
