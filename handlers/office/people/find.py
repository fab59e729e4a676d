"""The find box: a phone in any spelling, a name or nearly one, a serial or its end, a reference, a ticket, a contract
or a customer number. What fits one alone is shown at once."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

from bot.company import Company
from bot.server import SERVER
from bot.text import normalise, numbers
from handlers.fields.serials import tidy_serial
from handlers.office.frame.page import page, redirect
from handlers.office.frame.routes import ALL, office_page
from handlers.office.frame.words import N_
from models.devices import TAIL, Device
from models.office import find, people_list
from models.office.find import Asked, Found, Hit, Kind, Why
from models.office.people_list import Row
from models.people import Agent

LONGEST = 100  # characters that are looked for
LONGEST_NUMBER = 9  # digits of a customer number
LONGEST_REFERENCE = 80
TICKET, CONTRACT = re.compile(r"[Kk]\s?(\d{1,9})"), re.compile(r"[Ss]\s?(\d{4,9})")
NUMBER = re.compile(rf"(#?)\s?([1-9]\d{{0,{LONGEST_NUMBER - 1}}})")
OF_PHONES = re.compile(r"[-+\s().\d]+")
WHY = {
    Why.NUMBER: N_("customer number {said}"),
    Why.PHONE: N_("phone {said}"),
    Why.PHONE_END: N_("phone {said} ends so"),
    Why.SERIAL: N_("serial {said}"),
    Why.SERIAL_END: N_("serial {said} ends so"),
    Why.REPLACED: N_("had {said}, which is out of use"),
    Why.CONTRACT: N_("contract {said}"),
    Why.TICKET: N_("ticket {said}"),
    Why.SALE: N_("sale {said}"),
    Why.PAYMENT: N_("payment {said}"),
    Why.HAND_IN: N_("hand-in or top-up {said}"),
    Why.NAME: N_("the name"),
    Why.NEAR: N_("the name is nearly so"),
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """Something that was found, as the list shows it."""

    hit: Hit
    why: str
    path: str  # empty where there is nothing more to be seen
    person: Row | None = None
    agent: Agent | None = None
    device: Device | None = None


@office_page("/find", roles=ALL, nav=None)
async def show(request: web.Request) -> web.StreamResponse:
    """Go to what fits alone; else a list with why each was found."""
    company = request.app[SERVER].company
    text = request.query.get("q", "").replace("\0", "").strip()[:LONGEST]
    near = request.query.get("near", "") == "1"
    found = await find.find(read_asked(text, company, near=near)) if text else Found()
    if len(found.hits) == 1 and not near and (path := _path(found.hits[0])):
        raise redirect(path)
    return page(
        request,
        "people/find.html",
        text=text,
        lines=await _lines(found.hits, company),
        more=found.more,
        near=near,
        by_name=any(hit.why is Why.NAME for hit in found.hits),
    )


def read_asked(text: str, company: Company, *, near: bool = False) -> Asked:
    """What was typed, as all that it may be."""
    said = normalise(text).strip()
    letters = any(map(str.isalpha, said))
    number, phones = NUMBER.fullmatch(said), _phones(said, company) if OF_PHONES.fullmatch(said) else []
    digits = "" if letters or "#" in said else _end_of_phone(said)
    serial = tidy_serial(said)
    return Asked(
        text=said,
        phones=phones,
        digits=digits,
        serial=serial if len(serial) >= TAIL and "#" not in said else "",
        number=int(number[2]) if number else None,
        contract=_number(CONTRACT, said),
        ticket=_number(TICKET, said),
        reference=_reference(said),
        has_letters=letters,
        near=near,
    )


def _phones(said: str, company: Company) -> list[str]:
    """What the digits may be as a whole phone number; an address may have taken the plus."""
    found = []
    for spelling in (said, f"+{said.lstrip('+')}"):
        with suppress(ValueError):
            found.append(numbers.parse(spelling, company.country))
    return list(dict.fromkeys(found))


def _end_of_phone(said: str) -> str:
    digits = "".join(filter(str.isdecimal, said))
    return digits.lstrip("0") if len(digits.lstrip("0")) >= TAIL else digits


def _number(pattern: re.Pattern[str], said: str) -> int | None:
    fits = pattern.fullmatch(said)
    return int(fits[1]) if fits else None


def _reference(said: str) -> str:
    """What may be the reference of a sale, a payment or a hand-in."""
    reference = "".join(said.upper().split())
    return reference if 3 <= len(reference) <= LONGEST_REFERENCE else ""


PATHS: dict[Kind, Callable[[Hit], str]] = {
    Kind.CUSTOMER: lambda hit: f"/people/{hit.id}",
    Kind.AGENT: lambda hit: f"/people/agents/{hit.id}",
    Kind.TICKET: lambda hit: f"/tickets/K{hit.id}",
    Kind.PAYMENT: lambda hit: f"/money/payments/{hit.id}",
    Kind.DEVICE: lambda _hit: "",
}


def _path(hit: Hit) -> str:
    return PATHS[hit.kind](hit)


async def _lines(hits: Sequence[Hit], company: Company) -> list[Line]:
    """The hits with who or what they are, customers and agents with one statement each."""
    customers = [hit.id for hit in hits if hit.kind is Kind.CUSTOMER]
    people = {row.id: row for row in await people_list.people_of(customers, company.today())}
    of_agents = [hit.id for hit in hits if hit.kind is Kind.AGENT]
    agents = {each.id: each for each in await Agent.filter(id__in=of_agents).select_related("mini_grid")}
    lines = []
    for hit in hits:
        device = await Device.get(id=hit.id) if hit.kind is Kind.DEVICE else None
        lines.append(
            Line(
                hit=hit,
                why=WHY[hit.why],
                path=_path(hit),
                person=people.get(hit.id) if hit.kind is Kind.CUSTOMER else None,
                agent=agents.get(hit.id) if hit.kind is Kind.AGENT else None,
                device=device,
            )
        )
    return lines
