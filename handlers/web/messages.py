"""The pages at `/messages`: what leaves, by which gateway, and what became of it. Tokens and PINs are starred out."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web

from bot.gateways import ERRORS
from bot.parts import MWANGA, Mwanga
from bot.phone import is_number, parse
from bot.routing import NEVER, NOWHERE
from handlers.web.page import page
from handlers.web.status import when
from models import OfficeUser, outgoing
from models.messages import State
from models.phones import PREFIX

LATEST = 2**62  # above any id
LONGEST = 40  # as the columns that are filtered by


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as the office may see it: `where` is its state in a word, `why` a sentence or nothing."""

    row: dict[str, Any]
    text: str
    where: str
    why: str
    gateway: str
    left: list[str]


async def show_all(request: web.Request, user: OfficeUser) -> web.StreamResponse:
    """The newest messages; `?gateway=`, `?state=` and `?phone=` choose, `?before=` goes on."""
    mwanga = request.app[MWANGA]
    asked = {name: request.query.get(name, "").replace("\0", "").strip()[:LONGEST] for name in ("gateway", "state")}
    phone = _phone(mwanga, request.query.get("phone", ""))
    given = request.query.get("before", "")
    before = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else LATEST
    await mwanga.router.watch.look()
    rows = await outgoing.newest(**asked, phone=phone, before=before)
    return page(
        request,
        "messages.html",
        user=user,
        messages=[_shown(mwanga, row) for row in rows],
        asked=asked | {"phone": phone},
        states=list(outgoing.STATES),
        gateways=sorted({*mwanga.router.watch.gateways, *mwanga.outbox.gateways}),
        next=rows[-1]["id"] if len(rows) == outgoing.MOST else 0,
        when=_when(mwanga),
    )


async def show(request: web.Request, user: OfficeUser) -> web.StreamResponse:
    """One message."""
    mwanga = request.app[MWANGA]
    await mwanga.router.watch.look()
    row = await outgoing.one(int(request.match_info["number"]))
    if row is None:
        raise web.HTTPNotFound
    return page(request, "message.html", user=user, message=_shown(mwanga, row), when=_when(mwanga))


def _when(mwanga: Mwanga) -> "partial[str]":
    return partial(when, mwanga.site, datetime.now(UTC))


def _phone(mwanga: Mwanga, given: str) -> str:
    """The receiver asked for, in any spelling; form data may have taken the plus."""
    for spelling in (given.strip(), "+" + given.strip()):
        if is_number(spelling, mwanga.site.country):
            return parse(spelling, mwanga.site.country)
    return given.replace("\0", "").strip()[:LONGEST]


def _shown(mwanga: Mwanga, row: dict[str, Any]) -> Shown:
    where = outgoing.word(row["state"])
    if row["state"] == State.SENDING and not row["gateway"].startswith(PREFIX):
        where = "being sent"
    if row["state"] == State.UNCERTAIN:
        where = "may have gone or not"
    facts = mwanga.router.watch.facts(row["gateway"])
    name = f"{facts.title} ({facts.name})" if facts.phone else row["gateway"]
    left = [each for each in row["former"].split() if not each.startswith(NEVER)]
    return Shown(row, outgoing.masked(row["text"]), where, _why(mwanga, row), name, left)


def _why(mwanga: Mwanga, row: dict[str, Any]) -> str:
    if row["error"] in ERRORS:
        return ERRORS[row["error"]].sentence
    if row["gateway"] == NOWHERE:
        return "No gateway may carry it as things are."
    if row["state"] == State.WAITING and (known := mwanga.router.watch.gateways.get(row["gateway"])):
        return known[1].reason
    return str(row["error"])
