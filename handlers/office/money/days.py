"""`/money`: what was sold and paid by day, agent, provider and mini-grid; what waits; and the month by agent."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from bot.server import SERVER
from handlers.exchange.cells import figure
from handlers.office.frame.lists import listed, send_csv
from handlers.office.frame.page import page
from handlers.office.frame.routes import ALL, Nav, count_of, office_page
from handlers.office.frame.words import _
from handlers.office.money.asked import Filter, choices, read_filter, read_month
from models.money.day_close import bounds_of
from models.office import money_days, money_month, money_waiting
from models.office.money_days import Figures, Sums
from models.office.money_month import AgentMonth
from models.people import Agent, OfficeUser

SHOWN = 50  # of agents, and of mini-grids: those that sold most
DAY_COLUMNS = ("day", "sales", "sold", "commission", "payments", "paid")
MONTH_COLUMNS = (
    *("agent", "phone", "mini_grid", "sales", "sold", "commission", "handed_in", "commission_paid", "topped_up"),
    *("held", "wallet", "commission_due"),
)


@count_of(Nav.MONEY)
async def count(_user: OfficeUser) -> int:
    """What of the money waits for somebody of the office."""
    return sum((await money_waiting.count_all()).values())


@office_page("/money", roles=ALL, nav=Nav.MONEY)
async def show(request: web.Request) -> web.StreamResponse:
    """The figures of some days."""
    asked = read_filter(request)
    figures, found = await _figures(request, asked), await choices()
    agents = await _names_of([agent for agent, _sums in _most(figures.by_agent, "sold")])

    def shares(by: str, sums: dict[Any, Sums], names: dict[Any, str], order: str) -> list[tuple[str, str, Sums]]:
        """Those with most: the name, its address, the sums."""
        return [(names[key], asked.query(**{by: key or ""}), each) for key, each in _most(sums, order)]

    return page(
        request,
        "money/days.html",
        asked=asked,
        figures=figures,
        highest=max((sums.sold for sums in figures.by_day.values()), default=0),
        by_agent=shares("agent", figures.by_agent, agents, "sold"),
        by_provider=shares("provider", figures.by_provider, {name: _(name) for name in figures.by_provider}, "paid"),
        by_grid=shares("grid", figures.by_mini_grid, defaultdict(str, found["grids"]), "sold"),
        is_cut=len(figures.by_agent) > SHOWN,
        waiting=await money_waiting.count_all(),
        **found,
    )


def _most(sums: dict[Any, Sums], order: str) -> list[tuple[Any, Sums]]:
    """Those with most sold, or paid."""
    return sorted(sums.items(), key=lambda item: getattr(item[1], order), reverse=True)[:SHOWN]


async def _names_of(agents: list[int | None]) -> dict[int | None, str]:
    """By their numbers; None is who has none."""
    rows = await Agent.filter(id__in=[agent for agent in agents if agent]).values_list("id", "name", "phone")
    names = {number: f"{name}, {phone}" for number, name, phone in rows}
    return {None: _("No agent: paid by phone or to the bank"), **names}


@office_page("/money/days.csv", roles=ALL, nav=Nav.MONEY)
async def save(request: web.Request) -> web.StreamResponse:
    """The same as a file, a row for each day."""
    company, asked = request.app[SERVER].company, read_filter(request)
    rows = []
    for day, each in sorted((await _figures(request, asked)).by_day.items()):
        # Of a payment nobody knows the mini-grid.
        paid = ("", "") if asked.grid else (each.payments, figure(each.paid, company))
        rows.append((day, each.sales, figure(each.sold, company), figure(each.commission, company), *paid))
    return await send_csv(request, "money-days", DAY_COLUMNS, listed(rows))


@office_page("/money/month", roles=ALL, nav=Nav.MONEY)
async def show_month(request: web.Request) -> web.StreamResponse:
    """What each agent sold and handed in within a month, and holds now."""
    asked = read_month(request)
    rows = await _month(request, asked)
    return page(
        request,
        "money/month.html",
        asked=asked,
        rows=rows,
        total=_add_up(rows),
        handed_in=sum(row.handed_in for row in rows),
        commission_paid=sum(row.commission_paid for row in rows),
        topped_up=sum(row.topped_up for row in rows),
        held=sum(row.agent["held"] for row in rows),
        wallet=sum(row.agent["wallet"] for row in rows),
        due=sum(row.agent["due"] for row in rows),
    )


@office_page("/money/month.csv", roles=ALL, nav=Nav.MONEY)
async def save_month(request: web.Request) -> web.StreamResponse:
    """The same as a file."""
    company = request.app[SERVER].company
    rows = []
    for row in await _month(request, read_month(request)):
        agent, sums = row.agent, row.sums
        money = (sums.sold, sums.commission, row.handed_in, row.commission_paid, row.topped_up)
        now = (agent["held"], agent["wallet"], agent["due"])
        figures = [figure(int(minor), company) for minor in (*money, *now)]
        rows.append([agent["name"], agent["phone"], agent["mini_grid"], sums.sales, *figures])
    return await send_csv(request, "money-month", MONTH_COLUMNS, listed(rows))


async def _figures(request: web.Request, asked: Filter) -> Figures:
    company = request.app[SERVER].company
    return await money_days.read(asked.wanted, company.zone, company.today())


async def _month(request: web.Request, asked: Filter) -> Sequence[AgentMonth]:
    zone = request.app[SERVER].company.zone
    figures = await _figures(request, asked)
    since, until = bounds_of(asked.first, zone)[0], bounds_of(asked.last, zone)[1]
    rows = await money_month.read(figures.by_agent, since, until)
    return [row for row in rows if asked.agent in (None, row.agent["id"])]


def _add_up(rows: Sequence[AgentMonth]) -> Sums:
    total = Sums()
    for row in rows:
        total.sales, total.sold = total.sales + row.sums.sales, total.sold + row.sums.sold
        total.commission += row.sums.commission
    return total
