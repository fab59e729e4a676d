"""`/money/collection`: how much of what fell due was paid, what is at risk, by village and agent; and whom an agent
visits tomorrow."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from aiohttp import web

from bot.server import SERVER
from handlers.exchange.cells import figure
from handlers.office.frame.lists import listed, send_csv
from handlers.office.frame.page import page
from handlers.office.frame.routes import ALL, Nav, office_page
from handlers.office.frame.words import _
from handlers.office.money.asked import at, choices, grid_names, read_date, read_number
from models.office import money_visits
from models.people import Agent, Village
from models.selling.collection import FIGURES, Counted, Part, read

SHOWN = 50  # of agents, and of villages: those with most at risk
COLUMNS = ("mini_grid", "village", "agent", *FIGURES)
VISIT_COLUMNS = ("village", "customer", "name", "surname", "phone", "item", "pay_by", "due", "overdue_since")
Whose = TypeVar("Whose")


@dataclass
class Total:
    """Figures of several parts. Money is in minor units."""

    contracts: int = 0
    late: int = 0
    owed: int = 0
    due: int = 0
    paid: int = 0
    risk_30: int = 0
    risk_60: int = 0
    risk_90: int = 0

    def add(self, part: Part) -> None:
        for name in FIGURES:
            setattr(self, name, getattr(self, name) + getattr(part, name))

    @property
    def rate(self) -> int | None:
        """Percent that was paid of what fell due; None where nothing did."""
        return 100 * self.paid // self.due if self.due else None

    def share(self, days: int) -> int:
        """Percent of what is owed that is at risk."""
        at_risk: int = getattr(self, f"risk_{days}")
        return 100 * at_risk // self.owed if self.owed else 0


@office_page("/money/collection", roles=ALL, nav=Nav.MONEY)
async def show(request: web.Request) -> web.StreamResponse:
    """The figures of this month."""
    company, wanted = request.app[SERVER].company, read_number(request.query, "grid")
    counted, parts = await _read(request)
    total = Total()
    for part in parts:
        total.add(part)
    villages, agents = _by(parts, lambda part: part.village), _by(parts, lambda part: part.agent_id)
    names = await _names([whose for whose, _total in villages[:SHOWN]], [whose for whose, _total in agents[:SHOWN]])
    return page(
        request,
        "money/collection.html",
        counted=counted,
        total=total,
        by_village=[(names.of_village(whose), each) for whose, each in villages[:SHOWN]],
        by_agent=[((names.agents[whose], whose), each) for whose, each in agents[:SHOWN]],
        is_cut=(len(villages) > SHOWN, len(agents) > SHOWN),
        shown=SHOWN,
        grid=wanted,
        grids=names.grids,
        at=partial(at, company),
    )


@office_page("/money/collection.csv", roles=ALL, nav=Nav.MONEY)
async def save(request: web.Request) -> web.StreamResponse:
    """The figures by mini-grid, village and agent as a file."""
    company, (_counted, parts) = request.app[SERVER].company, await _read(request)
    names = await _names({part.village for part in parts}, {part.agent_id for part in parts})
    rows = []
    for part in parts:
        whose = *names.of_village(part.village), names.agents[part.agent_id]
        numbers = [part.contracts, part.late, *(figure(getattr(part, name), company) for name in FIGURES[2:])]
        rows.append((*whose, *numbers))
    return await send_csv(request, "collection", COLUMNS, listed(rows))


@office_page("/money/visits", roles=ALL, nav=Nav.MONEY)
async def show_visits(request: web.Request) -> web.StreamResponse:
    """Whom an agent visits tomorrow, or on another day: a list to print."""
    company = request.app[SERVER].company
    day = read_date(request.query.get("day", ""), company.today() + timedelta(days=1))
    agent = await Agent.get_or_none(id=read_number(request.query, "agent") or 0)
    rows = await money_visits.visits(agent.id, day) if agent else []
    return page(
        request,
        "money/visits.html",
        day=day,
        agent=agent,
        rows=rows,
        total=sum(int(row["due"]) for row in rows),
        most=money_visits.MOST,
        **await choices(),
    )


@office_page("/money/visits.csv", roles=ALL, nav=Nav.MONEY)
async def save_visits(request: web.Request) -> web.StreamResponse:
    """The list as a file."""
    company = request.app[SERVER].company
    day = read_date(request.query.get("day", ""), company.today() + timedelta(days=1))
    found = await money_visits.visits(read_number(request.query, "agent") or 0, day, most=None)
    rows = []
    for row in found:
        who = row["village"], row["customer_id"], row["name"], row["surname"], row["phone"]
        rows.append((*who, row["item"], row["paid_by"], figure(int(row["due"]), company), row["oldest"]))
    return await send_csv(request, "visits", VISIT_COLUMNS, listed(rows))


async def _read(request: web.Request) -> tuple[Counted, list[Part]]:
    """The last count, and the parts of it that the filter leaves."""
    wanted = read_number(request.query, "grid")
    counted = await read(request.app[SERVER].company.today())
    return counted, [part for part in counted.parts if wanted in (None, part.mini_grid_id)]


def _by(parts: Sequence[Part], key: Callable[[Part], Whose]) -> list[tuple[Whose, Total]]:
    """The totals of what has one key, those with most at risk first."""
    found: dict[Whose, Total] = defaultdict(Total)
    for part in parts:
        found[key(part)].add(part)
    return sorted(found.items(), key=lambda item: (-item[1].risk_30, -item[1].owed))


@dataclass(frozen=True)
class _Names:
    """By their numbers; what no agent sold was sold at the counter."""

    grids: dict[int, str]
    villages: dict[int, str]
    agents: dict[int | None, str]

    def of_village(self, village: tuple[int, int | None]) -> tuple[str, str]:
        """Of a village, or of none, and its mini-grid before."""
        grid, number = village
        return self.grids[grid], self.villages.get(number or 0, "")


async def _names(villages: Iterable[tuple[int, int | None]], agents: Iterable[int | None]) -> _Names:
    """Those of these villages and agents, and of all mini-grids."""
    numbers, sellers = [number for _grid, number in villages if number], [agent for agent in agents if agent]
    named = await Village.filter(id__in=numbers).values_list("id", "name") if numbers else []
    selling = await Agent.filter(id__in=sellers).values_list("id", "name") if sellers else []
    return _Names(await grid_names(), dict(named), {None: _("the office's counter"), **dict(selling)})
