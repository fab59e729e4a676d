"""`/money/close`: days whose figures nobody moves any more, by agent and provider, what keeps one open, and whether the
books add up."""

import asyncio
from contextlib import suppress
from datetime import date, timedelta
from functools import partial

from aiohttp import web

from bot.server import SERVER
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import ALL, CASH, FORM, USER, Nav, office_page
from handlers.office.frame.times import moment
from handlers.office.frame.words import N_, _
from handlers.office.money.asked import at, read_date
from handlers.office.money.doing import NotDone, do
from models.audit import record
from models.money.books import last_check
from models.money.day_close import (
    EVERYBODY,
    ClockAhead,
    DayNotOver,
    bounds_of,
    close_agent,
    close_all,
    close_provider,
    closed_days,
    figures_of,
)
from models.money.providers import Provider
from models.office import money_close
from models.people import Agent

PATIENCE_S = 3.0  # what is added up by then is shown at once
DONE = {
    "closed": N_("The day is closed: nothing is booked into it any more."),
    "books": N_("The books are being added up."),
}
# What keeps a day open, with where it is seen to.
OPEN = {
    "lines": (N_("lines of statements that nobody has settled"), "/money/reconcile"),
    "suspense": (N_("payments of which nobody knows what they are for"), "/money/suspense"),
    "disputes": (N_("hand-ins that an agent disputes"), "/money/handins"),
    "voids": (N_("sales that somebody wants taken back"), "/money/voids"),
}
FIGURES = {
    "opening": N_("Before the day"),
    "taken": N_("Taken"),
    "handed in": N_("Handed in"),
    "commission paid": N_("Commission paid out"),
    "closing": N_("After the day"),
    "commission due before": N_("Commission due before"),
    "commission earned": N_("Commission earned"),
    "commission put into the wallet": N_("Commission put into the wallet"),
    "commission paid by the office": N_("Commission paid out of the till"),
    "commission due": N_("Commission due after"),
    "wallet before": N_("Wallet before"),
    "wallet": N_("Wallet after"),
    "received": N_("Received"),
    "paid out": N_("Paid out to the bank"),
    "fees": N_("Fees"),
}


@office_page("/money/close", roles=ALL, nav=Nav.MONEY)
async def show(request: web.Request) -> web.StreamResponse:
    """One day: who is closed, and what is open."""
    return await _draw(request)


@office_page("/money/close", "POST", roles=CASH, nav=Nav.MONEY)
async def close(request: web.Request) -> web.StreamResponse:
    """Close a day of one, or of all."""
    day, subject = _day(request, request[FORM].get("day", "")), request[FORM].get("subject", "")

    async def work() -> None:
        try:
            await _close_one(request, day, subject)
        except DayNotOver as error:
            raise NotDone(_why_not(error)) from error

    problem = await _close_all(request, day) if subject == "all" else await do(request, work)
    if problem:
        return await _draw(request, 422, problem=problem, day=day)
    raise redirect(f"/money/close?day={day}&done=closed")


async def _close_one(request: web.Request, day: date, subject: str) -> None:
    zone, actor = request.app[SERVER].company.zone, request[USER].name
    kind, _space, name = subject.partition(" ")
    if kind == "agent" and name.isdecimal() and (agent := await Agent.get_or_none(id=int(name[:18]))):
        await close_agent(agent, day, zone, actor)
    elif kind == "provider" and (provider := await Provider.get_or_none(name=name[:20])):
        await close_provider(provider, day, zone, actor)
    else:
        raise NotDone(_("Choose whose day it is."))


async def _close_all(request: web.Request, day: date) -> str:
    """Why it cannot be done, or nothing. The form's key is not asked for: twice is the same, and a form that is sent
    again after it broke off does the rest."""
    server = request.app[SERVER]
    try:
        await close_all(server.database.work, day, server.company.zone, request[USER].name)
    except DayNotOver as error:
        return _why_not(error)
    return ""


def _why_not(error: DayNotOver) -> str:
    if isinstance(error, ClockAhead):
        return _("The server's clock is over a day ahead of the last sale: nothing is sold. Set the clock.")
    return _("The day is not over yet: close it tomorrow.")


@office_page("/money/books", "POST", roles=CASH, nav=Nav.MONEY)
async def check_books(request: web.Request) -> web.StreamResponse:
    """Add up the books now, beside all work."""
    server = request.app[SERVER]
    async with server.database.work():
        await record(request[USER].name, "check books", "books")
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.shield(server.books.check_now())
    raise redirect(f"/money/close?done={'books' if server.books.is_checking else 'added'}#books")


async def _draw(request: web.Request, status: int = 200, **more: object) -> web.StreamResponse:
    server = request.app[SERVER]
    company = server.company
    day = more.pop("day", None) or _day(request, request.query.get("day", ""))
    if not isinstance(day, date):
        raise web.HTTPBadRequest(text=_("This is no day.") + "\n", headers=HEADERS)
    closed, subjects = await closed_days(day), await money_close.subjects()
    shown = request.query.get("of", "")
    known = {subject.key for subject in subjects if subject.key}
    checked = await last_check()
    return page(
        request,
        "money/close.html",
        status,
        day=day,
        earlier=day - timedelta(days=1),
        later=day + timedelta(days=1) if day < company.today() - timedelta(days=1) else None,
        is_over=day < company.today(),
        closed=closed,
        everybody=closed.get(EVERYBODY),
        is_left=EVERYBODY in closed and await money_close.is_anybody_left(day, bounds_of(day, company.zone)[1]),
        subjects=subjects,
        open_={name: number for name, number in (await _open(request, day)).items() if number},
        sorts=OPEN,
        shown=shown if shown in known else "",
        figures=await _figures(request, shown, day) if shown in known else {},
        names=FIGURES,
        checked=checked,
        checked_at=at(company, moment(checked.at)) if checked else "",
        checking=server.books.is_checking,
        at=partial(at, company),
        done=DONE,
        **{"problem": ""} | more,
    )


async def _open(request: web.Request, day: date) -> dict[str, int]:
    return await money_close.what_is_open(*bounds_of(day, request.app[SERVER].company.zone))


async def _figures(request: web.Request, subject: str, day: date) -> dict[str, int]:
    """As they were when it was closed, or as they are now."""
    closed = (await closed_days(day)).get(subject)
    return closed.figures if closed else await figures_of(subject, day, request.app[SERVER].company.zone)


def _day(request: web.Request, text: str) -> date:
    """The day that is meant; yesterday where none is."""
    return read_date(text, request.app[SERVER].company.today() - timedelta(days=1))
