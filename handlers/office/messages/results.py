"""The result of a message to many for each person, as a CSV file."""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from bot.company import Company
from bot.server import SERVER
from handlers.office.frame.page import HEADERS
from handlers.office.frame.routes import ALL, Nav, office_page
from handlers.office.frame.words import _
from handlers.office.messages.many import RESULTS
from models.messages.broadcasts import Result
from models.office import written_to_many as written

COLUMNS = ("customer", "name", "surname", "phone", "language", "result", "sent", "delivered", "parts", "cost")
BOM = "\ufeff"  # without it Excel takes the letters for another alphabet's
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # how what Excel would reckon begins


@office_page(r"/write/{number:\d{1,18}}/results.csv", roles=ALL, nav=Nav.MESSAGES)
async def download(request: web.Request) -> web.StreamResponse:
    """All people who were looked at, the last ones first; sent as it is read."""
    number, company = int(request.match_info["number"]), request.app[SERVER].company
    if await written.one(number) is None:
        raise web.HTTPNotFound(text=_("There is no such message.") + "\n", headers=HEADERS)
    named = {"Content-Disposition": f'attachment; filename="broadcast-{number}.csv"'}
    response = web.StreamResponse(headers=dict(HEADERS) | named)
    response.content_type, response.charset = "text/csv", "utf-8"
    await response.prepare(request)
    await response.write((BOM + _line(COLUMNS)).encode())
    async for rows in written.all_receivers(number):
        lines = "".join(_line([_guarded(cell) for cell in _cells(row, company)]) for row in rows)
        await response.write(lines.encode())
    await response.write_eof()
    return response


def _cells(row: Mapping[str, Any], company: Company) -> list[str]:
    return [
        str(row["customer"]),
        row["name"],
        row["surname"],
        row["phone"],
        row["language"],
        _(RESULTS[Result(row["said"])]),
        _moment(row["sent_at"], company),
        _moment(row["delivered_at"], company),
        str(row["parts"] or ""),
        row["cost"] or "",
    ]


def _moment(ms: int | None, company: Company) -> str:
    """A moment in the company's zone, as spreadsheets read it."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone(company.zone):%Y-%m-%d %H:%M}" if ms else ""


def _guarded(cell: str) -> str:
    """What was typed by others is never a formula; a phone number stays text as well."""
    return f"'{cell}" if cell.startswith(FORMULAS) else cell


def _line(cells: list[str] | tuple[str, ...]) -> str:
    written_to = io.StringIO()
    csv.writer(written_to, lineterminator="\r\n").writerow(cells)
    return written_to.getvalue()
