"""What the lists of money are asked for by their address: a time, an agent, a provider, a mini-grid, and where the list
goes on. What cannot be read is as if it was not there."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.company import Company
from bot.server import SERVER
from handlers.office.frame.times import day_name
from models.money.day_close import bounds_of
from models.money.payments import IN_CASH
from models.money.reconciling import known_providers
from models.office.money_days import MOST_DAYS, Wanted
from models.office.money_lists import Asked
from models.people import Agent, MiniGrid

USUAL_DAYS = 28
MOST_AGENTS = 1_000


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What is asked for; the days are the operator's, both included."""

    first: date
    last: date
    agent: int | None = None
    grid: int | None = None
    provider: str = ""
    before: int = 0
    void: bool = False

    def query(self, **changes: object) -> str:
        """The address's part for this filter with something else in it."""
        named: dict[str, object] = {"since": self.first, "until": self.last, "agent": self.agent, "grid": self.grid}
        named |= {"provider": self.provider, "void": "yes" if self.void else "", "before": self.before}
        kept = {name: str(value) for name, value in (named | changes).items() if value not in (None, "", 0)}
        return urlencode(kept)

    @property
    def wanted(self) -> Wanted:
        """For sums of days: at most a quarter."""
        first = max(self.first, self.last - timedelta(days=MOST_DAYS - 1))
        return Wanted(first, self.last, self.grid, self.agent, self.provider or None)

    def asked(self, company: Company) -> Asked:
        """For lists of sales and payments."""
        return Asked(
            agent_id=self.agent,
            mini_grid_id=self.grid,
            provider=self.provider or None,
            since=bounds_of(self.first, company.zone)[0],
            until=bounds_of(self.last, company.zone)[1],
            void=self.void,
            before=self.before,
        )


def read_filter(request: web.Request, days: int = USUAL_DAYS) -> Filter:
    """The filter in the address; without days in it the last four weeks."""
    query, today = request.query, request.app[SERVER].company.today()
    last = min(read_date(query.get("until", ""), today), today)
    first = read_date(query.get("since", ""), last - timedelta(days=days - 1))
    return Filter(
        first=min(first, last),
        last=last,
        agent=read_number(query, "agent"),
        grid=read_number(query, "grid"),
        provider=query.get("provider", "").replace("\0", "")[:20],
        before=read_number(query, "before") or 0,
        void=query.get("void") == "yes",
    )


def read_month(request: web.Request) -> Filter:
    """The month in the address, like 2026-11, up to today; this month where there is none."""
    asked, today = read_filter(request), request.app[SERVER].company.today()
    first = read_date(f"{request.query.get('month', '')}-01", today.replace(day=1))
    following = (first + timedelta(days=31)).replace(day=1)
    return replace(asked, first=first, last=min(following - timedelta(days=1), max(today, first)))


def read_date(text: str, otherwise: date) -> date:
    """A day like 2026-11-30 that can be."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return day if date(2000, 1, 2) <= day <= date(2200, 1, 1) else otherwise


def read_number(query: Mapping[str, str], name: str) -> int | None:
    """A row's number; None where there is none."""
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


async def choices() -> dict[str, Any]:
    """What the filters can be set to."""
    agents = await Agent.all().order_by("name", "id").limit(MOST_AGENTS).values_list("id", "name", "phone")
    return {
        "agents": {number: f"{name}, {phone}" for number, name, phone in agents},
        "grids": await grid_names(),
        "providers": sorted({*IN_CASH, *await known_providers()}),
    }


async def grid_names() -> dict[int, str]:
    """All mini-grids by their numbers, in the order of their names."""
    return dict(await MiniGrid.all().order_by("name").values_list("id", "name"))


def at(company: Company, moment: datetime) -> str:
    """2 Dec 10:42."""
    return f"{day_name(company, moment)} {company.clock(moment)}"
