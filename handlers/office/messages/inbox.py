"""The inbox: who wrote, one conversation for each person. What the machine had no answer to comes first."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial

from aiohttp import web

from bot.server import SERVER
from handlers.office.frame.lists import before_of, csv_address, older_address, send_csv, wants_csv
from handlers.office.frame.page import page, redirect
from handlers.office.frame.routes import ALL, Nav, count_of, office_page
from handlers.office.frame.times import age, moment, when
from handlers.office.frame.words import N_
from handlers.office.messages.tabs import tabs
from models.office.inbox import LATEST, Line, Tab, conversations, count_waiting
from models.office.outgoing import mask
from models.people import OfficeUser
from models.sql import now_ms

COLUMNS = ("phone", "name", "last", "by", "at", "to answer")
NOTHING = {
    Tab.TO_ANSWER: N_("Nobody waits for an answer. What the server does not understand shows here."),
    Tab.UNCLEAR: N_("All that came in was understood."),
    Tab.ALL: N_("Nobody has written yet."),
}


@count_of(Nav.MESSAGES)
async def count(_user: OfficeUser) -> int:
    """How many people wait for an answer."""
    return await count_waiting()


@office_page("/messages", roles=ALL, nav=Nav.MESSAGES)
async def to_answer(request: web.Request) -> web.StreamResponse:
    """Who wrote what the machine had no answer to, and has none of the office. Addresses of messages that leave, from
    before there was an inbox, lead to those."""
    if {"gateway", "state", "phone"} & set(request.query):
        raise redirect(f"/messages/sent?{request.query_string}")
    return await _draw(request, Tab.TO_ANSWER)


@office_page("/messages/unclear", roles=ALL, nav=Nav.MESSAGES)
async def unclear(request: web.Request) -> web.StreamResponse:
    """Who wrote what was not understood, answered or not."""
    return await _draw(request, Tab.UNCLEAR)


@office_page("/messages/all", roles=ALL, nav=Nav.MESSAGES)
async def everybody(request: web.Request) -> web.StreamResponse:
    """Everybody who wrote."""
    return await _draw(request, Tab.ALL)


async def _draw(request: web.Request, tab: Tab) -> web.StreamResponse:
    """A list of conversations; `?before=` goes on."""
    server = request.app[SERVER]
    if wants_csv(request):
        name = f"inbox-{tab.value.replace(' ', '-')}"
        return await send_csv(request, name, COLUMNS, (_cells(line) async for line in _all_lines(tab)))
    lines, following = await conversations(tab, before_of(request) or LATEST)
    return page(
        request,
        "messages/inbox.html",
        lines=[(line, mask(" ".join(line.text.split()))[:160]) for line in lines],
        tabs=tabs(request),
        at=request.path,
        nothing=NOTHING[tab],
        older=older_address(request, following) if following else "",
        csv=csv_address(request),
        age=partial(age, now_ms()),
        when=partial(when, server.company, datetime.now(UTC)),
    )


async def _all_lines(tab: Tab) -> AsyncIterator[Line]:
    """All conversations of a tab, for the file."""
    before = LATEST
    while before:
        lines, before = await conversations(tab, before)
        for line in lines:
            yield line


def _cells(line: Line) -> tuple[object, ...]:
    by = "office" if line.outgoing else "person"
    return line.phone, line.name, mask(line.text), by, moment(line.at), line.waiting
