"""`/money`: what was sold and paid by day, agent, provider and mini-grid; what waits; and the month by agent."""

from collections.abc import Sequence

from aiohttp import web

from bot.server import SERVER
from handlers.exchange.cells import figure
from handlers.office.frame.page import page
from handlers.office.frame.routes import ALL, Nav, count_of, office_page
from handlers.office.money.asked import Filter, choices, read_filter, read_month
from handlers.office.money.sheets import listed, send
from models.money.day_close import bounds_of
from models.office import money_days, money_month, money_waiting
from models.office.money_days import Figures, Sums
from models.office.money_month import AgentMonth
from models.people import OfficeUser

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
    figures = await _figures(request, asked)
    return page(
        request,
        "money/days.html",
        asked=asked,
        figures=figures,
        highest=max((sums.sold for sums in figures.by_day.values()), default=0),
        waiting=await money_waiting.count_all(),
        **await choices(),
    )


@office_page("/money/days.csv", roles=ALL, nav=Nav.MONEY)
async def save(request: web.Request) -> web.StreamResponse:
    """The same as a file, a row for each day."""
    company, figures = request.app[SERVER].company, await _figures(request, read_filter(request))
    rows = [
        (day, each.sales, figure(each.sold, company), figure(each.commission, company), each.payments,
         figure(each.paid, company))
        for day, each in sorted(figures.by_day.items())
    ]  # fmt: skip
    return await send(request, "money-days", DAY_COLUMNS, listed(rows))


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
        held=sum(row.agent["held"] for row in rows),
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
    return await send(request, "money-month", MONTH_COLUMNS, listed(rows))


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
