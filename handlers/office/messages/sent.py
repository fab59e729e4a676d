"""What leaves, by which gateway, and what became of it: all of it, what failed, and one message with what can be done
about it. Tokens and PINs are starred out."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web

from bot.gateways.errors import explained
from bot.outbound import by_hand
from bot.outbound.by_hand import LEFT_FOR_GOOD, CannotSendAgain, SaidStop
from bot.outbound.queue import switched_off
from bot.routing import NEVER, NOWHERE
from bot.routing.health import condition_of
from bot.server import SERVER, Server
from bot.text.numbers import is_number, parse
from handlers.office.frame.lists import (
    PAGE,
    PORTION,
    before_of,
    csv_address,
    cut_page,
    older_address,
    send_csv,
    wants_csv,
)
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import ALL, HELPERS, USER, Nav, office_page
from handlers.office.frame.times import moment, when
from handlers.office.frame.words import N_, _
from handlers.office.messages.tabs import tabs
from handlers.office.messages.write_box import said_stop
from models.messages import PREFIX, MessageKind, State
from models.office import outgoing
from models.office.listed import Listed
from models.people import find_callers
from models.sql import connection, now_ms

# For a message that nothing is wrong with.
WHY = {
    State.WAITING: N_("It waits for its turn."),
    State.SENDING: N_("It is being handed to the gateway."),
    State.UNCERTAIN: N_("Nobody knows whether the gateway took it."),
    State.SENT: N_("The gateway took it and has not said yet that it arrived."),
    State.DELIVERED: N_("The receiver's phone has it."),
    State.FAILED: N_("It could not be sent."),
    State.EXPIRED: N_("It was too late to send it."),
}
MINE = N_("The phone fetched it and has not said yet that it is sent.")
STATES = {
    "queued": N_("queued"),
    "on phone": N_("on phone"),
    "being sent": N_("being sent"),
    "unknown": N_("unknown"),
    "sent": N_("sent"),
    "delivered": N_("delivered"),
    "failed": N_("failed"),
    "expired": N_("expired"),
}
KINDS = {
    MessageKind.TOKEN: N_("token"),
    MessageKind.REPLY: N_("reply"),
    MessageKind.OFFICE: N_("by the office"),
    MessageKind.REMINDER: N_("reminder"),
    MessageKind.BROADCAST: N_("to many"),
}
CANNOT = {
    "not failed": N_("It has not failed: only what failed is sent again."),
    "not wanted": N_("It need not go any more: it was stopped, paid or answered meanwhile."),
    "no text": N_("Its text is not kept any more."),
    "sent again": N_("It was sent again already."),
}
DONE = {
    "again": N_("This is the message that is sent again."),
    "back": N_("It was taken back and does not go."),
    "doubt": N_("Nobody knows whether it has gone; it is not tried again."),
    "with": N_("It is with its gateway and may still go; it is not tried again."),
    "gone": N_("It cannot be taken back: it has gone, or it is a token, which was paid for."),
}
COLUMNS = (
    *("number", "phone", "kind", "state", "error", "gateway", "queued", "sent", "delivered", "parts", "cost", "text"),
)
Messages = Listed[dict[str, Any]]
Read = Callable[..., Awaitable[Messages]]
WAITING = (State.WAITING, State.SCHEDULED, State.UNCERTAIN, State.SENDING)  # what can be taken back
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
    name: str = ""  # whose phone it is, where lists say so


@office_page("/messages/sent", roles=ALL, nav=Nav.MESSAGES)
async def show_all(request: web.Request) -> web.StreamResponse:
    """The newest messages; `?gateway=`, `?state=` and `?phone=` choose, `?before=` goes on."""
    server = request.app[SERVER]
    asked = {name: request.query.get(name, "").replace("\0", "").strip()[:LONGEST] for name in ("gateway", "state")}
    phone = _phone(server, request.query.get("phone", ""))
    read = partial(outgoing.newest, gateway=asked["gateway"], state=asked["state"], phone=phone)
    if wants_csv(request):
        return await _send_csv(request, "sent", read)
    listed = await _page_of(request, read)
    return page(
        request,
        "messages/sent.html",
        messages=await _lines(server, listed.rows),
        asked=asked | {"phone": phone},
        states=list(outgoing.STATES),
        gateways=_choices(server, asked["gateway"]),
        **_list(request, listed),
        **_shared(request),
    )


@office_page("/messages/failed", roles=ALL, nav=Nav.MESSAGES)
async def show_failed(request: web.Request) -> web.StreamResponse:
    """What failed or came too late in the last days, and was not taken back; `?before=` goes on."""
    if wants_csv(request):
        return await _send_csv(request, "failed", outgoing.lost)
    listed = await _page_of(request, outgoing.lost)
    return page(
        request,
        "messages/failed.html",
        messages=await _lines(request.app[SERVER], listed.rows),
        again=await outgoing.sent_again([row["id"] for row in listed.rows]),
        **_list(request, listed),
        **_shared(request),
    )


@office_page(r"/messages/{number:\d{1,18}}", roles=ALL, nav=Nav.MESSAGES)
async def show(request: web.Request) -> web.StreamResponse:
    """One message."""
    return await _draw_one(request)


@office_page(r"/messages/{number:\d{1,18}}/again", "POST", roles=HELPERS, nav=Nav.MESSAGES)
async def again(request: web.Request) -> web.StreamResponse:
    """Send one that failed once more."""
    server, number = request.app[SERVER], int(request.match_info["number"])
    try:
        async with server.database.work():
            new = await by_hand.send_again(
                number, company=server.company, composer=server.composer, actor=request[USER].name
            )
    except CannotSendAgain as refusal:
        return await _draw_one(request, _(CANNOT[refusal.why]))
    except SaidStop as stop:
        return await _draw_one(request, said_stop(server, stop.at))
    server.outbox.notify()
    raise redirect(f"/messages/{new}?done=again")


@office_page(r"/messages/{number:\d{1,18}}/back", "POST", roles=HELPERS, nav=Nav.MESSAGES)
async def back(request: web.Request) -> web.StreamResponse:
    """Take back one that has not gone."""
    number = int(request.match_info["number"])
    async with request.app[SERVER].database.work():
        left = await by_hand.take_back(number, actor=request[USER].name)
    done = {"": "gone", "sending": "with", "uncertain": "doubt"}.get(left, "back")
    raise redirect(f"/messages/{number}?done={done}")


async def _draw_one(request: web.Request, problem: str = "") -> web.StreamResponse:
    row = await outgoing.one(int(request.match_info["number"]))
    if row is None:
        raise web.HTTPNotFound(text=_("There is no such message.") + "\n", headers=HEADERS)
    [line] = await _lines(request.app[SERVER], [row])
    done = request.query.get("done", "")
    state, kind = State(row["state"]), MessageKind(row["kind"])
    return page(
        request,
        "messages/message.html",
        422 if problem else 200,
        message=line,
        problem=problem,
        done=_(DONE[done]) if done in DONE else "",
        again=(await outgoing.sent_again([row["id"]])).get(row["id"], 0),
        may_go_again=state in (State.FAILED, State.EXPIRED) and row["error"] not in LEFT_FOR_GOOD and row["text"],
        may_come_back=kind is not MessageKind.TOKEN and state in WAITING,
        **_shared(request),
    )


async def _send_csv(request: web.Request, name: str, read: Read) -> web.StreamResponse:
    """A list of messages as a file, their secrets starred out."""

    async def rows() -> AsyncIterator[Sequence[object]]:
        before = LATEST
        while before:
            listed = await read(before=before, most=PORTION)
            for row in listed.rows:
                yield _cells(row)
            before = listed.next

    return await send_csv(request, f"messages-{name}", COLUMNS, rows())


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    return (
        *(row["id"], row["phone"], row["kind"], outgoing.word_for(row["state"]), row["error"], row["gateway"]),
        *(moment(row[name]) if row[name] else None for name in ("created_at", "sent_at", "delivered_at")),
        *(row["parts"], row["cost"], outgoing.mask(row["text"])),
    )


async def _page_of(request: web.Request, read: Read) -> Messages:
    """The messages of one page."""
    listed = await read(before=before_of(request) or LATEST, most=PAGE + 1)
    rows, last = cut_page(listed.rows)
    return Listed(rows, int(last["id"])) if last else listed


def _list(request: web.Request, listed: Messages) -> dict[str, Any]:
    """Where a list goes on, and where it is a file."""
    return {"older": older_address(request, listed.next) if listed.next else "", "csv": csv_address(request)}


async def _lines(server: Server, rows: Sequence[dict[str, Any]]) -> list[Line]:
    await server.router.watch.look()
    off = await switched_off(connection())
    callers = await find_callers(list({row["phone"] for row in rows})) if rows else {}
    return [replace(line_of(server, row, off=off), name=callers[row["phone"]].name) for row in rows]


def _shared(request: web.Request) -> dict[str, Any]:
    """What all these pages use."""
    return {
        "tabs": tabs(request),
        "kinds": {kind.value: words for kind, words in KINDS.items()},
        "words": STATES,
        "when": _when(request.app[SERVER]),
    }


def _choices(server: Server, asked: str) -> dict[str, str]:
    """The gateways to choose from, by name, as the office knows them; also one that is gone and was asked for."""
    usable = {*server.outbox.gateways, *server.router.watch.gateways} - set(() if server.simulated else ("simulator",))
    names = [*sorted(usable), *([asked] if asked else [])]
    labels = {name: server.router.watch.facts(name).label for name in names}
    return labels | ({NOWHERE: _("no gateway")} if asked == NOWHERE else {})


def _when(server: Server) -> "partial[str]":
    return partial(when, server.company, datetime.now(UTC))


def _phone(server: Server, given: str) -> str:
    """The receiver asked for, in any spelling; form data may have taken the plus."""
    for spelling in (given.strip(), "+" + given.strip()):
        if is_number(spelling, server.company.country):
            return parse(spelling, server.company.country)
    return given.replace("\0", "").strip()[:LONGEST]


def line_of(server: Server, row: dict[str, Any], *, off: bool) -> Line:
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
    reason = explained(error, expired=state is State.EXPIRED, say=_)
    queued = state in (State.WAITING, State.SCHEDULED)
    if queued and off:
        return _("Outgoing messages are switched off.")
    if queued and row["gateway"] == NOWHERE:
        return _("No gateway may carry it as things are.")
    if state is State.SCHEDULED:
        goes_out = _("It goes out at {moment}.", moment=_when(server)(row["due_at"]))
        return f"{reason} {goes_out}".strip()
    if state is State.WAITING and (known := server.router.watch.gateways.get(row["gateway"])):
        reason = reason or condition_of(known[0], now_ms(), _).reason
    return reason or _(MINE if state is State.SENDING and row["gateway"].startswith(PREFIX) else WHY[state])
