"""The page at `/`, and its live part: what needs somebody, then how things are. It needs no script."""

from datetime import date
from functools import partial

from aiohttp import web
from babel.dates import format_date

from bot.server import SERVER, Server
from handlers.office.frame.charts import Bar
from handlers.office.frame.page import page
from handlers.office.frame.routes import ALL, USER, WAITING, Nav, count_all, may, office_page
from handlers.office.frame.times import age, moment, when
from handlers.office.frame.words import LANGUAGE, N_, _, _n
from handlers.office.home.checklist import list_steps
from handlers.office.home.lines import Line
from handlers.office.home.machine import write_size
from handlers.office.home.needs import ALARM, Action, Need, list_needs, write_count
from handlers.office.home.reading import READINGS, Seen
from models.messages.beats import DOWN, PAUSED, Beat
from models.office import overview
from models.office.money_days import DaySold
from models.office.outgoing import mask
from models.office.overview import Counted, Queue

REFRESH_S = 60  # without script; a page is some 10 KB, and data is paid by the megabyte
WARN = 70  # percent of an agent's limit, as the agent is told
DONE = {
    "try-again": N_("It is tried again: this page says how it goes."),
    "taken-before": N_("Somebody has this ticket already."),
    "clock": N_("The clock is taken as right. Selling goes on."),
}


@office_page("/", roles=ALL, nav=Nav.HOME)
async def show(request: web.Request) -> web.StreamResponse:
    """The page for whoever is signed in."""
    seen = await request.app[READINGS].read()
    done = _(DONE[request.query["done"]]) if request.query.get("done") in DONE else ""
    return page(request, "home/home.html", 200, refresh=REFRESH_S, done=done, **_shared(request, seen))


@office_page("/live/entries", roles=ALL, nav=Nav.HOME, fragment=True)
async def show_entries(request: web.Request) -> web.StreamResponse:
    """The entries at the head of the first page, with what waits behind each by now."""
    request[WAITING] = await count_all(request[USER])
    return page(request, "entries.html")


@office_page("/live/home", roles=ALL, fragment=True)
async def show_part(request: web.Request) -> web.StreamResponse:
    """What of the page changes."""
    return page(request, "home/parts.html", 200, **_shared(request, await request.app[READINGS].share()))


def _shared(request: web.Request, seen: Seen) -> dict[str, object]:
    server = request.app[SERVER]
    steps = list_steps(server, seen)
    return {
        "seen": seen,
        "report": seen.report,
        "needs": list_needs(server, seen),
        "steps": steps if not all(step.done for step in steps) else [],
        "is_new": bool(steps) and seen.beginnings.first_sale is None,
        "is_ready": bool(steps) and all(step.done for step in steps),
        "allowed": partial(_allowed, request),
        "waiting": _add_up(list(seen.report.queues.values())),
        "month": [_bar(server, each) for each in seen.sold.days],
        "month_name": format_date(seen.today, "LLLL", locale=LANGUAGE.get()).capitalize(),
        "month_sum": sum(each.amount for each in seen.sold.days),
        "beats": partial(_beats, server),
        "levels": (WARN, ALARM),
        "look": overview.LOOK,
        "zone": seen.at.astimezone(server.company.zone).tzname(),
        "when": partial(when, server.company, seen.at),
        "age": partial(age, seen.now),
        "mask": mask,
        "figure": write_count,
        "size": write_size,
    }


def _allowed(request: web.Request, need: Need) -> list[Action]:
    """The links and buttons that this user may use: everybody may call."""
    return [each for each in need.actions if each.path.startswith("tel:") or may(request, each.page, each.method)]


def _add_up(queues: list[Queue]) -> Queue:
    messages = Counted(sum(each.messages.number for each in queues), any(each.messages.more for each in queues))
    return Queue(messages, min((each.oldest for each in queues if each.oldest), default=0))


def _bar(server: Server, sold: DaySold) -> Bar:
    """One day of this month."""
    sales = _n("{n} sale", "{n} sales", sold.sales)
    return Bar(f"{_day(sold.day)}: {server.company.money(sold.amount)}, {sales}", sold.amount)


def _day(day: date) -> str:
    return format_date(day, "d MMM", locale=LANGUAGE.get())


def _beats(server: Server, line: Line) -> list[Bar]:
    """A bar for each of the last 24 hours."""
    return [Bar(_say_beat(server, beat), 1, beat.state or "none") for beat in line.beats]


def _say_beat(server: Server, beat: Beat) -> str:
    clock = server.company.clock(moment(beat.hour))
    if beat.state == DOWN:
        return _("{time}: down for {minutes} min", time=clock, minutes=beat.down)
    if beat.state == PAUSED:
        return _("{time}: paused for {minutes} min", time=clock, minutes=beat.paused)
    return _("{time}: working", time=clock) if beat.state else _("{time}: nobody looked", time=clock)
