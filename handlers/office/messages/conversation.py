"""One person's conversation: what was written both ways, dialled and bought; and the box for an answer."""

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web

from bot.outbound.queue import switched_off
from bot.server import SERVER, Server
from bot.talks import Commands
from bot.talks.synonyms import Unfit, check_word, keywords_with_synonyms
from bot.text import normalise
from bot.text.grammar import split
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import ALL, FORM, HELPERS, USER, Nav, may, office_page
from handlers.office.frame.times import when
from handlers.office.frame.words import N_, _
from handlers.office.messages.numbers import number_from
from handlers.office.messages.sent import line_of
from handlers.office.messages.write_box import WriteBox, box_for, write
from models.messages.written import UNCLEAR_OUTCOMES, mark_answered_by_hand, standing_of
from models.office.conversation import Event, events_of
from models.office.inbox import LATEST
from models.office.outgoing import mask
from models.people import Caller, find_callers
from models.sql import connection

MOST_TRIED = 5  # words of a text that are looked at
WITH = r"/messages/with/{phone:\d{4,15}}"
DONE = {
    "sent": N_("Written. It is below, with what became of it."),
    "answered": N_("Marked as answered."),
    "nothing": N_("Nothing waited for an answer any more."),
    "word": N_("From now on this word works on all servers."),
}


@office_page(WITH, roles=ALL, nav=Nav.MESSAGES)
async def show(request: web.Request) -> web.StreamResponse:
    """A conversation; `?before=` (ms) goes on."""
    return await draw(request, phone_of(request))


@office_page(WITH, "POST", roles=HELPERS, nav=Nav.MESSAGES)
async def reply(request: web.Request) -> web.StreamResponse:
    """Write to this person: what waited for an answer is answered."""
    phone = phone_of(request)
    form, problem, status = await write(request, phone)
    if not problem:
        raise redirect(f"{request.path}?done=sent#end")
    return await draw(request, phone, await box_for(request, phone, form, problem), status)


@office_page(f"{WITH}/answered", "POST", roles=HELPERS, nav=Nav.MESSAGES)
async def mark(request: web.Request) -> web.StreamResponse:
    """Nothing needs an answer any more, as after a call. What came in since the page was drawn still does."""
    phone = phone_of(request)
    up_to = number_from(request[FORM].get("up_to", ""), 0)
    async with request.app[SERVER].database.work():
        marked = await mark_answered_by_hand(phone, up_to, actor=request[USER].name)
    raise redirect(f"/messages/with/{phone.lstrip('+')}?done={'answered' if marked else 'nothing'}")


def phone_of(request: web.Request) -> str:
    """The number of the address, in E.164."""
    return f"+{request.match_info['phone']}"


async def draw(request: web.Request, phone: str, box: WriteBox | None = None, status: int = 200) -> web.StreamResponse:
    """The page of a conversation."""
    server = request.app[SERVER]
    box = box or await box_for(request, phone)  # before the texts are read: what it takes for answered is among them
    caller = (await find_callers([phone]))[phone]
    before = number_from(request.query.get("before", ""), LATEST)
    found, more = await events_of(phone, before, caller.agent.id if caller.agent else 0)
    if (
        not found
        and caller.role.value == "stranger"
        and request.method == "GET"
        and not may(request, request.path, "POST")
    ):
        raise web.HTTPNotFound(text=_("Nobody has written from this number.") + "\n", headers=HEADERS)
    await server.router.watch.look()
    off = await switched_off(connection())
    waiting = [event.row["id"] for event in found if _waits(event)]
    return page(
        request,
        "messages/conversation.html",
        status,
        phone=phone,
        names=names_of(caller),
        events=[_shown(server, event, off=off) for event in reversed(found)],
        older=found[-1].at if more else 0,
        up_to=max(waiting, default=0),
        word=await _word_to_learn(found, server.commands),
        keywords=keywords_with_synonyms(server.commands),
        languages=server.company.languages,
        box=box,
        standing=await standing_of(phone),
        done=_(DONE.get(request.query.get("done", ""), "")) if request.query.get("done") in DONE else "",
        when=partial(when, server.company, datetime.now(UTC)),
    )


def names_of(caller: Caller) -> list[tuple[str, str]]:
    """Who has this phone, each with the page about them."""
    if caller.agent:
        return [(caller.agent.name, f"/people/agents/{caller.agent.id}")]
    return [(f"{one.name} {one.surname}", f"/people/{one.id}") for one in caller.customers]


def _waits(event: Event) -> bool:
    return event.kind == "text" and event.row["outcome"] in UNCLEAR_OUTCOMES and not event.row["answered_at"]


def _shown(server: Server, event: Event, *, off: bool) -> dict[str, Any]:
    """What the page draws of an event."""
    shown: dict[str, Any] = {"kind": event.kind, "at": event.at, "row": event.row, "author": event.author}
    if event.kind == "text":
        return shown | {"text": mask(event.row["text"]), "waits": _waits(event)}
    if event.kind == "answer":
        line = line_of(server, event.row | {"phone": "", "tried_before": ""}, off=off)
        return shown | {"text": line.text, "where": line.where, "why": line.why, "gateway": line.gateway}
    if event.kind == "sale":
        return shown | {"amount": server.company.money(event.row["amount"])}
    return shown


async def _word_to_learn(found: list[Event], commands: Commands) -> str:
    """The first word of the last text that was not understood that may become a command: it may be one that many
    write."""
    for event in found:
        if event.kind == "text" and event.row["outcome"] == "not understood":
            pieces = [piece for piece in split(normalise(event.row["text"])) if piece.isalpha()]
            for piece in pieces[:MOST_TRIED]:
                with suppress(Unfit):
                    await check_word(piece, keywords_with_synonyms(commands)[0], commands)
                    return piece
            return ""
    return ""
