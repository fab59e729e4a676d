"""The pages at `/messages`: what leaves, by which gateway, and what became of it. Tokens and PINs are starred out."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web

from bot.gateways.errors import explained
from bot.outbound.queue import switched_off
from bot.routing import NEVER, NOWHERE
from bot.server import SERVER, Server
from bot.text.numbers import is_number, parse
from handlers.office.frame.page import HEADERS, page
from handlers.office.frame.routes import ALL, Nav, office_page
from handlers.office.frame.times import when
from handlers.office.home.home import at_work
from models.messages import PREFIX, State
from models.office import outgoing
from models.sql import connection

# For a message that nothing is wrong with.
WHY = {
    State.WAITING: "It waits for its turn.",
    State.SENDING: "It is being handed to the gateway.",
    State.UNCERTAIN: "Nobody knows whether the gateway took it.",
    State.SENT: "The gateway took it and has not said yet that it arrived.",
    State.DELIVERED: "The receiver's phone has it.",
    State.FAILED: "It could not be sent.",
    State.EXPIRED: "It was too late to send it.",
}
MINE = "The phone fetched it and has not said yet that it is sent."
LATEST = 2**62  # above any id
LONGEST = 40  # as the columns that are filtered by


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A message as the office may see it."""

    row: dict[str, Any]
    text: str  # with stars for what is secret
    where: str  # its state in a word
    why: str  # the sentence to its state
    gateway: str  # as the office knows it; empty while it has none
    tried: list[str]  # the gateways that it left without having been taken there


@office_page("/messages", roles=ALL, nav=Nav.MESSAGES)
async def show_all(request: web.Request) -> web.StreamResponse:
    """The newest messages; `?gateway=`, `?state=` and `?phone=` choose, `?before=` goes on."""
    server = request.app[SERVER]
    asked = {name: request.query.get(name, "").replace("\0", "").strip()[:LONGEST] for name in ("gateway", "state")}
    phone = _phone(server, request.query.get("phone", ""))
    given = request.query.get("before", "")
    before = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else LATEST
    await server.router.watch.look()
    rows = await outgoing.newest(**asked, phone=phone, before=before)
    off = await switched_off(connection())
    return page(
        request,
        "messages/sent.html",
        messages=[_line(server, row, off=off) for row in rows],
        asked=asked | {"phone": phone},
        states=list(outgoing.STATES),
        gateways=_choices(server, asked["gateway"]),
        next=rows[-1]["id"] if len(rows) == outgoing.MOST else 0,
        when=_when(server),
    )


@office_page(r"/messages/{number:\d{1,18}}", roles=ALL, nav=Nav.MESSAGES)
async def show(request: web.Request) -> web.StreamResponse:
    """One message."""
    server = request.app[SERVER]
    await server.router.watch.look()
    row = await outgoing.one(int(request.match_info["number"]))
    if row is None:
        raise web.HTTPNotFound(text="There is no such message.\n", headers=HEADERS)
    line = _line(server, row, off=await switched_off(connection()))
    return page(request, "messages/message.html", message=line, when=_when(server))


def _choices(server: Server, asked: str) -> dict[str, str]:
    """The gateways to choose from, by name, as the office knows them; also one that is gone and was asked for."""
    names = [*at_work(server, server.outbox.gateways), *([asked] if asked else [])]
    labels = {name: server.router.watch.facts(name).label for name in names}
    return labels | ({NOWHERE: "no gateway"} if asked == NOWHERE else {})


def _when(server: Server) -> "partial[str]":
    return partial(when, server.company, datetime.now(UTC))


def _phone(server: Server, given: str) -> str:
    """The receiver asked for, in any spelling; form data may have taken the plus."""
    for spelling in (given.strip(), "+" + given.strip()):
        if is_number(spelling, server.company.country):
            return parse(spelling, server.company.country)
    return given.replace("\0", "").strip()[:LONGEST]


def _line(server: Server, row: dict[str, Any], *, off: bool) -> Line:
    """A row in words; `off` says that all messages wait."""
    where = outgoing.word_for(row["state"])
    if row["state"] == State.SENDING and not row["gateway"].startswith(PREFIX):
        where = "being sent"
    label = "" if row["gateway"] == NOWHERE else server.router.watch.facts(row["gateway"]).label
    tried = [name.removeprefix(NEVER) for name in row["tried_before"].split()]
    return Line(
        row=row,
        text=outgoing.mask(row["text"]),
        where=where,
        why=_why(server, row, off=off),
        gateway=label,
        tried=tried,
    )


def _why(server: Server, row: dict[str, Any], *, off: bool) -> str:
    """Why it is where it is, in a sentence or two."""
    state, error = State(row["state"]), row["error"]
    reason = explained(error, expired=state is State.EXPIRED)
    queued = state in (State.WAITING, State.SCHEDULED)
    if queued and off:
        return "Outgoing messages are switched off."
    if queued and row["gateway"] == NOWHERE:
        return "No gateway may carry it as things are."
    if state is State.SCHEDULED:
        return f"{reason} It goes out at {_when(server)(row['due_at'])}.".strip()
    if state is State.WAITING and (known := server.router.watch.gateways.get(row["gateway"])):
        reason = reason or known[1].reason
    return reason or (MINE if state is State.SENDING and row["gateway"].startswith(PREFIX) else WHY[state])
