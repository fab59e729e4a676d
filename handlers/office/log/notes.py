"""The page at `/log`: who changed what, from where, what was there before and after. The owner and the auditor read all
of it, the others what they did themselves."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from aiohttp import web

from bot.company import Company
from bot.server import SERVER
from bot.text import numbers
from handlers.office.frame.lists import (
    PAGE,
    PORTION,
    before_of,
    by_portions,
    csv_address,
    cut_page,
    older_address,
    send_csv,
    wants_csv,
)
from handlers.office.frame.named import deed
from handlers.office.frame.notes import told, told_value
from handlers.office.frame.page import page
from handlers.office.frame.routes import ALL, USER, Nav, office_page
from handlers.office.frame.times import day_name
from handlers.office.frame.words import N_, _
from models.office import log
from models.office.log import Wanted
from models.people import OfficeRole, OfficeUser

COLUMNS = ("time", "by", "action", "subject", "old", "new", "detail", "from")
READ_ALL = (OfficeRole.OWNER, OfficeRole.AUDITOR)
CODE = re.compile(r"^[A-Za-z]{1,4}[0-9]+$")  # a ticket, or a serial: kept in capitals
LONGEST = 100  # as the columns that are filtered by
QUICK = (
    ("", N_("All")),
    ("sign in", N_("Sign-ins")),
    ("wrong sign in", N_("Wrong sign-ins")),
    ("token shown", N_("Shown tokens")),
    ("export", N_("Exports")),
)


@office_page("/log", roles=ALL, nav=Nav.LOG)
async def show(request: web.Request) -> web.StreamResponse:
    """The notes that the filters leave, the newest first."""
    company, user = request.app[SERVER].company, request[USER]
    wanted, problem = _wanted(request.query, company, user)
    if wants_csv(request) and not problem:
        return await send_csv(request, "log", COLUMNS, _rows(wanted))
    notes, last = cut_page(await log.read_notes(wanted, before_of(request), PAGE + 1)) if not problem else ([], None)
    return page(
        request,
        "log/log.html",
        422 if problem else 200,
        notes=[_shown(note, company) for note in notes],
        problem=problem,
        filters={name: request.query.get(name, "") for name in ("by", "action", "subject", "since", "until")},
        all_of_it=user.role in READ_ALL,
        actions=[(action, deed(action)) for action in await log.list_actions()],
        quick=QUICK,
        csv=csv_address(request),
        older=older_address(request, last["id"]) if last else "",
        older_than=before_of(request),
    )


def _wanted(query: Mapping[str, str], company: Company, user: OfficeUser) -> tuple[Wanted, str]:
    """What the filters in the address ask for, and what is wrong with them."""
    filters = {name: query.get(name, "").strip()[:LONGEST] for name in ("by", "action", "subject")}
    try:
        since, until = (_midnight(query.get(name, ""), company) for name in ("since", "until"))
        until = until + timedelta(days=1) if until else None
    except (ValueError, OverflowError):  # no day, or one at either end of all time
        return Wanted(), _("Please write a day, like 2026-11-30.")
    wanted = Wanted(
        actor=_spelled(filters["by"], company) if user.role in READ_ALL else user.name,
        action=filters["action"],
        subject=_spelled(CODE.sub(lambda found: found[0].upper(), filters["subject"]), company),
        since=since,
        until=until,
    )
    return wanted, ""


def _spelled(typed: str, company: Company) -> str:
    """A phone number as it is kept, whatever its spelling; all else as it is."""
    with suppress(ValueError):
        return numbers.parse(typed, company.country)
    return typed


def _midnight(typed: str, company: Company) -> datetime | None:
    """The beginning of a day in the company's zone. Raises ValueError."""
    day = typed.strip()
    return datetime.combine(date.fromisoformat(day), time(), company.zone).astimezone(UTC) if day else None


async def _rows(wanted: Wanted) -> AsyncIterator[Sequence[object]]:
    async def read(last: dict[str, Any] | None) -> Sequence[dict[str, Any]]:
        return await log.read_notes(wanted, last["id"] if last else 0, PORTION)

    async for note in by_portions(read):
        yield note["created_at"], *(note[n] for n in ("actor", "action", "subject", "old", "new", "detail", "whence"))


def _shown(note: Mapping[str, Any], company: Company) -> dict[str, Any]:
    """A note as people read it: its time in the company's zone, and amounts in its currency."""
    at = note["created_at"]
    detail = told(note["detail"], company)
    if detail == f"from {note['whence']}":  # said beside its time
        detail = ""
    change = {column: told_value(note["action"], note[column], company) for column in ("old", "new")}
    return {
        **note,
        **change,
        "action": deed(note["action"]),
        "detail": detail,
        "time": f"{day_name(company, at)} {at.astimezone(company.zone):%H:%M:%S}",
    }
