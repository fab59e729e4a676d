"""The pages at `/settings/prices`: what is sold at which price, changed by a form or by a file, with the check of
`mwanga import`.

What a form says is a file of one row, so page, file and command line refuse the same with the same sentence.
"""

import csv
import hashlib
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from bot.server import SERVER
from handlers.exchange import (
    IMPORTS,
    NotImported,
    PartlyImported,
    Table,
    Unreadable,
    import_table,
)
from handlers.exchange.importing import Tried, try_table
from handlers.exchange.sheet import Problem
from handlers.office.frame.lists import send_csv
from handlers.office.frame.page import page, redirect
from handlers.office.frame.reasons import say_problems
from handlers.office.frame.routes import CASH, FORM, USER, Nav, office_page
from handlers.office.frame.words import N_, _
from handlers.office.settings.typed import read_number
from models.audit import record
from models.devices import Kind, Unit
from models.office.uploads import OfficeUpload, find_upload, keep_upload, open_upload, take_upload
from models.selling import Period, Terms
from models.selling.catalogue import Type

MOST = 50  # rows on one page
LOOKED_AT = 5_000  # rows that are searched for words
LONGEST = 200  # characters of a cell that is typed
MOST_LINES = 10_000  # of a file: more takes minutes, and has `mwanga import`


@dataclass(frozen=True)
class Goods:
    """A kind of rows, as the office calls it."""

    title: str
    about: str
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)  # what a column may say


class ChangedMeanwhile(Exception):
    """The row is another one than the form was filled with."""


KINDS = {
    "villages": Goods(N_("Villages"), N_("The mini-grids and their villages.")),
    "tariffs": Goods(N_("Tariffs"), N_("What a day or a kWh costs."), {"unit": (Unit.DAYS, Unit.ENERGY)}),
    "meter-types": Goods(N_("Meter types"), N_("The kinds of meters.")),
    "connections": Goods(N_("Connections"), N_("Groups and types, and what is usual for a type.")),
    "models": Goods(N_("Models"), N_("Makes of devices."), {"kind": tuple(Kind)}),
    "appliances": Goods(
        N_("Appliances and plans"),
        N_("What is sold, on which plans, and when people are reminded of what is due."),
        {
            "type": tuple(Type),
            "terms": (*Terms, "none"),
            "period": ("", *Period),
            "overdue_ticket": ("no", "yes"),
        },
    ),
    "stock": Goods(N_("Stock"), N_("Devices that nobody has yet."), {"kind": tuple(Kind)}),
    "agents": Goods(N_("Agents"), N_("By a file; one by one they are under People.")),
    "customers": Goods(N_("Customers"), N_("By a file; one by one they are under People.")),
    "devices": Goods(N_("Devices"), N_("By a file: devices of customers.")),
}
# The columns of files in plain words; the others are plain already.
LABELS = {
    "mini_grid": N_("mini-grid"),
    "access_rate": N_("access rate"),
    "access_days": N_("days of the access rate"),
    "minimum": N_("least payment"),
    "components": N_("for components"),
    "recovery": N_("percent of a payment for overdue goods"),
    "sub_type": N_("sub-type"),
    "meter_type": N_("meter type"),
    "prefix": N_("how serials begin"),
    "down": N_("first payment"),
    "count": N_("number of tokens made"),  # of a device
    "day_price": N_("price of a day"),
    "remind_before": N_("remind so many days before"),
    "remind_after": N_("remind so many days after"),
    "overdue_ticket": N_("open a ticket when overdue"),
    "plan": N_("plan"),
}
OF_PLANS = {"count": N_("number of instalments")}
BY_FILE = ("agents", "customers", "devices")  # too many, or seen to elsewhere, for a list here
NOT_NOTED = ("customers", "devices")  # too many to note which rows a file has changed
TAKEN = N_(
    "This file is written already or just now, or was kept for too long. If the server stopped meanwhile, bring it "
    "once more: what is there already stays."
)
KIND = "/settings/prices/{kind:" + "|".join(KINDS) + "}"


@office_page("/settings/prices", roles=CASH, nav=Nav.SETTINGS)
async def show(request: web.Request) -> web.StreamResponse:
    """What there is to be changed."""
    return page(request, "settings/prices.html", kinds=KINDS)


@office_page(KIND, roles=CASH, nav=Nav.SETTINGS)
async def show_rows(request: web.Request) -> web.StreamResponse:
    """The rows of one kind; `?row=` puts one into the form."""
    return await _draw(request)


@office_page(f"{KIND}.csv", roles=CASH, nav=Nav.SETTINGS)
async def export(request: web.Request) -> web.StreamResponse:
    """All rows as a file, which can be changed and brought back."""
    kind = request.match_info["kind"]
    return await send_csv(request, kind, IMPORTS[kind].columns, IMPORTS[kind].rows(request.app[SERVER].company))


@office_page(KIND, "POST", roles=CASH, nav=Nav.SETTINGS)
async def change(request: web.Request) -> web.StreamResponse:
    """A row that is new or other than before: by the check of a file of one row."""
    kind, server = request.match_info["kind"], request.app[SERVER]
    typed = {name: request[FORM].get(name, "").strip()[:LONGEST] for name in IMPORTS[kind].columns}
    seen = request[FORM].get("seen", "")

    async def look_first() -> None:
        if seen and seen not in map(_mark, await _list_rows(request, kind)):
            raise ChangedMeanwhile

    try:
        async with _noting(request, kind):
            done = await import_table(
                kind,
                _table_of(typed),
                "the office's page",
                database=server.database,
                company=server.company,
                actor=request[USER].name,
                look_first=look_first,
            )
    except ChangedMeanwhile:
        said = _("Somebody else has changed this row meanwhile: look at the list. Save once more if yours is to count.")
        return await _draw(request, 409, typed=typed, problem=said)
    except NotImported as refused:
        return await _draw(request, 422, typed=typed, problems=refused.problems)
    except PartlyImported as refused:
        return await _draw(request, 422, typed=typed, problem=refused.told.to(_))
    except Unreadable as refused:
        return await _draw(request, 422, typed=typed, problem=refused.reason.to(_))
    raise redirect(f"/settings/prices/{kind}?done={'saved' if done.changed else 'same'}")


@office_page(f"{KIND}/file", "POST", roles=CASH, nav=Nav.SETTINGS, upload=True)
async def bring(request: web.Request) -> web.StreamResponse:
    """Check a file, and say what would change: nothing is written yet."""
    kind, server, upload = request.match_info["kind"], request.app[SERVER], request[FORM].get("file")
    name, data = _read_file(upload)
    if not data:
        return await _draw(request, 422, problem=_("Choose a file first."))
    try:
        table = Table.of(data)
        if table.lines > MOST_LINES:
            said = _("It has more than {most} lines: bring it in by mwanga import.", most=f"{MOST_LINES:,}")
            return await _draw(request, 422, problem=said)
        tried = await try_table(kind, table, database=server.database, company=server.company)
    except NotImported as refused:
        return _draw_file(request, 422, name, problems=refused.problems)
    except Unreadable as refused:
        return _draw_file(request, 422, name, problems=[Problem(refused.line, refused.reason)])
    except PartlyImported as refused:
        return await _draw(request, 422, problem=refused.told.to(_))
    async with server.database.work():
        number = await keep_upload(kind, name, data, vault=server.company.vault, actor=request[USER].name)
    return _draw_file(request, 200, name, tried=tried, number=number)


@office_page(f"{KIND}/apply", "POST", roles=CASH, nav=Nav.SETTINGS)
async def apply(request: web.Request) -> web.StreamResponse:
    """Write a file that was checked: once, however often the button is pressed."""
    kind, server, actor = request.match_info["kind"], request.app[SERVER], request[USER].name
    kept = await _kept(request, kind)
    data = open_upload(kept, server.company.vault) if kept else None
    if kept is None or data is None:
        return await _draw(request, 409, problem=_(TAKEN))
    async with server.database.work():
        first = await take_upload(kept.id)
    if not first:
        return await _draw(request, 409, problem=_(TAKEN))
    try:
        async with _noting(request, kind):
            done = await import_table(
                kind, Table.of(data), kept.name, database=server.database, company=server.company, actor=actor
            )
    except NotImported as refused:
        return _draw_file(request, 422, kept.name, problems=refused.problems)
    except PartlyImported as refused:
        said = _("Bring the file once more when that is mended: what is there already stays.")
        return await _draw(request, 422, partly=f"{refused.told.to(_)} {said}")
    raise redirect(f"/settings/prices/{kind}?done=file&rows={done.rows}&changed={done.changed}")


async def _kept(request: web.Request, kind: str) -> OfficeUpload | None:
    return await find_upload(read_number(request[FORM].get("file", "")), kind, actor=request[USER].name)


@asynccontextmanager
async def _noting(request: web.Request, kind: str) -> AsyncIterator[None]:
    """Note which rows were there before and which are after, also where a file breaks off."""
    before = await _list_rows(request, kind)
    try:
        yield
    finally:
        after = await _list_rows(request, kind)
        old, new = (_written(those, others) for those, others in ((before, after), (after, before)))
        if old or new:
            async with request.app[SERVER].database.work():
                await record(request[USER].name, "rows changed", kind, old=old, new=new)


async def _list_rows(request: web.Request, kind: str) -> list[tuple[str, ...]]:
    """The rows as they are now; none of those that are not noted."""
    found: list[tuple[str, ...]] = []
    if kind not in NOT_NOTED:
        async for row in IMPORTS[kind].rows(request.app[SERVER].company):
            found.append(tuple("" if cell is None else str(cell) for cell in row))
    return found


def _written(rows: Sequence[tuple[str, ...]], others: Sequence[tuple[str, ...]]) -> str:
    """Those that the others lack, a line each."""
    known = set(others)
    return "\n".join(", ".join(row) for row in rows if row not in known)


def _mark(row: Sequence[str]) -> str:
    """By what a form knows whether a row is still as it was shown."""
    return hashlib.sha256("\0".join(row).encode()).hexdigest()


def _read_file(upload: object) -> tuple[str, bytes]:
    """The name of a file and what it holds; nothing for what is no file."""
    if not isinstance(upload, web.FileField):
        return "", b""
    with upload.file as file:
        return upload.filename.replace("\0", "")[-200:], file.read()


def _table_of(typed: Mapping[str, str]) -> Table:
    """A file of one row. Raises Unreadable."""
    text = io.StringIO()
    csv.writer(text).writerows([list(typed), list(typed.values())])
    return Table.of(text.getvalue().encode())


def _draw_file(request: web.Request, status: int, name: str, **more: object) -> web.StreamResponse:
    problems: Sequence[Problem] = more.pop("problems", ())  # type: ignore[assignment]
    tried: Tried | None = more.get("tried")  # type: ignore[assignment]
    kind = request.match_info["kind"]
    return page(
        request,
        "settings/prices_file.html",
        status,
        kind=kind,
        goods=KINDS[kind],
        name=name,
        problems=say_problems(problems),
        wrong=len(problems),
        remarks=say_problems(tried.remarks) if tried else [],
        **{"tried": None, "number": 0} | more,
    )


async def _draw(
    request: web.Request,
    status: int = 200,
    *,
    typed: Mapping[str, str] | None = None,
    problems: Sequence[Problem] = (),
    problem: str = "",
    partly: str = "",
) -> web.StreamResponse:
    kind = request.match_info["kind"]
    columns, words = IMPORTS[kind].columns, request.query.get("q", "").strip()[:LONGEST]
    rows, more = ([], False) if kind in BY_FILE else await _find_rows(request, kind, words)
    asked = request.query.get("row", "")
    chosen = (
        rows[int(asked)] if asked.isascii() and asked.isdigit() and len(asked) < 4 and int(asked) < len(rows) else []
    )
    beside, above = _place(columns, problems)
    return page(
        request,
        "settings/prices_kind.html",
        status,
        kind=kind,
        goods=KINDS[kind],
        columns=columns,
        labels=LABELS | (OF_PLANS if kind == "appliances" else {}),
        needed=[name for name in columns if name not in IMPORTS[kind].optional],
        rows=rows,
        more=more,
        words=words,
        typed=typed or dict(zip(columns, chosen, strict=False)),
        seen=_seen(request, status, chosen),
        beside=beside,
        problem=" ".join(filter(None, (problem, *above))),
        partly=partly,
        by_file=kind in BY_FILE,
    )


def _seen(request: web.Request, status: int, chosen: Sequence[str]) -> str:
    """The mark of the row in the form; none once somebody was told that it is another one by now."""
    if FORM in request:
        return "" if status == 409 else str(request[FORM].get("seen", ""))
    return _mark(chosen) if chosen else ""


def _place(columns: Sequence[str], problems: Sequence[Problem]) -> tuple[dict[str, str], list[str]]:
    """What is wrong beside its column, where the sentence begins with one, and what is wrong with the whole."""
    beside: dict[str, str] = {}
    above = []
    for problem in problems:
        english = str(problem.reason)
        if column := next((name for name in columns if english.startswith(f"{name} ")), None):
            beside[column] = problem.reason.to(_)
        else:
            above.append(problem.reason.to(_))
    return beside, above


async def _find_rows(request: web.Request, kind: str, words: str) -> tuple[list[list[str]], bool]:
    """The first rows that have these words, and whether there are more."""
    found: list[list[str]] = []
    looked = 0
    async for row in IMPORTS[kind].rows(request.app[SERVER].company):
        looked += 1
        cells = ["" if cell is None else str(cell) for cell in row]
        if words.casefold() in " ".join(cells).casefold():
            found.append(cells)
        if len(found) > MOST or looked >= LOOKED_AT:
            return found[:MOST], True
    return found, False
