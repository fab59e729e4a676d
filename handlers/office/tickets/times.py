"""The page at `/tickets/times`: how long it took to close tickets, by mini-grid and by agent."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

from aiohttp import web

from handlers.office.frame.lists import csv_address, send_csv, wants_csv
from handlers.office.frame.page import page
from handlers.office.frame.routes import ALL, Nav, office_page
from handlers.office.frame.words import _
from handlers.office.tickets.words import SHARED
from models.office import tickets
from models.office.tickets import MOST_TIMED, PERIOD, Times

COLUMNS = ("of", "name", "closed", "median_hours", "worst_hours", "worst_ticket")
HOUR = 3_600
SHOWN = 50  # of mini-grids, and of agents: the slowest


@office_page("/tickets/times", roles=ALL, nav=Nav.TICKETS)
async def show(request: web.Request) -> web.StreamResponse:
    """The median and the worst of the last 30 days."""
    times = await tickets.times_to_close(datetime.now(UTC))
    if wants_csv(request):
        return await send_csv(request, "times-to-close", COLUMNS, _rows(times))
    groups = [
        (title, by, group[:SHOWN], len(group) > SHOWN)
        for title, by, group in (
            (_("By mini-grid"), "grid", times.by_mini_grid),
            (_("By agent"), "agent", times.by_agent),
        )
    ]
    return page(
        request,
        "tickets/times.html",
        times=times,
        groups=groups,
        shown=SHOWN,
        most=MOST_TIMED,
        days=PERIOD.days,
        csv=csv_address(request),
        **SHARED,
    )


async def _rows(times: Times) -> AsyncIterator[Sequence[object]]:
    for kind, group in (("mini_grid", times.by_mini_grid), ("agent", times.by_agent)):
        for each in group:
            hours = [round(span.total_seconds() / HOUR, 1) for span in (each.median, each.worst)]
            yield kind, each.name, each.closed, *hours, f"K{each.worst_ticket}"
