"""Lists of the office: their addresses, and what they show as a CSV file.

A list has its filters in its address, shows fifty, and goes on with `?before=` (the key of the last one shown). With
`?csv=1` the same address gives all that the filters leave, as a file that Excel reads as it is: with a BOM, times in
the company's zone, and a mark before what a spreadsheet would run as a formula. It is read and sent a portion at a
time, so that a million rows need no memory, and noted in the audit as an export.

    COLUMNS = ("number", "opened", "customer")

    @office_page("/tickets", roles=ALL, nav=Nav.TICKETS)
    async def show_all(request: web.Request) -> web.StreamResponse:
        if wants_csv(request):
            rows = by_portions(lambda last: read_tickets(…, before=last.id if last else 0, most=PORTION))
            return await send_csv(request, "tickets", COLUMNS, (cells_of(row) async for row in rows))
        found, last = cut_page(await read_tickets(…, before=before_of(request), most=PAGE + 1))
        return page(request, "tickets/tickets.html", tickets=found, csv=csv_address(request),
                    older=older_address(request, last.id) if last else "")

`cells` are any values: a datetime (aware), a date, a number, a text, yes and no, or None. Money is best written with
`company.typed(minor)`. The template draws `<a href="{{ csv }}">CSV</a>` and, where there is more, `<a href="{{ older
}}">Older</a>`.
"""

import csv
import io
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar
from zoneinfo import ZoneInfo

from aiohttp import web
from yarl import URL

from bot.server import SERVER
from handlers.exchange.table import BOM, cell_of
from handlers.office.frame.routes import USER
from models.audit import EXPORT, record

PAGE = 50  # rows of a list on one page
PORTION = 500  # rows that are read at once for a file
NOT_FILTERS = ("before", "csv", "done")
LONGEST_KEY = 18  # digits of an id
Row = TypeVar("Row")


def wants_csv(request: web.Request) -> bool:
    """Whether the list is asked for as a file."""
    return request.query.get("csv", "") == "1"


def csv_address(request: web.Request) -> str:
    """Where the same list is a file, with its filters."""
    return str(_filtered(request).update_query(csv="1"))


def older_address(request: web.Request, before: int | str) -> str:
    """Where the same list goes on."""
    return str(_filtered(request).update_query(before=str(before)))


def before_of(request: web.Request) -> int:
    """The id that a list goes on with; 0 at its beginning."""
    given = request.query.get("before", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= LONGEST_KEY else 0


def cut_page(found: Sequence[Row], most: int = PAGE) -> tuple[Sequence[Row], Row | None]:
    """The rows of one page, of one more that were read; and the last of them when there are older ones."""
    return found[:most], found[most - 1] if len(found) > most else None


async def by_portions(read: Callable[[Row | None], Awaitable[Sequence[Row]]]) -> AsyncIterator[Row]:
    """All rows of a list. `read` gives those behind a row, at first (None) those of the beginning."""
    last: Row | None = None
    while rows := await read(last):
        for row in rows:
            yield row
        last = rows[-1]


async def listed(rows: Sequence[Sequence[object]]) -> AsyncIterator[Sequence[object]]:
    """Rows that are all there already."""
    for row in rows:
        yield row


async def send_csv(
    request: web.Request, name: str, columns: Sequence[str], rows: AsyncIterable[Sequence[object]]
) -> web.StreamResponse:
    """A list as a file, and a note in the audit of who took it, with which filters. `name` names the file, as
    `tickets`. A file that breaks off ends the connection: half of it does not look whole."""
    server = request.app[SERVER]
    response = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})
    response.content_type, response.charset = "text/csv", "utf-8"
    file = f"mwanga-{name}-{server.company.today():%Y-%m-%d}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    if request.method == "HEAD":
        return response
    async with server.database.work():
        await record(request[USER].name, EXPORT, name, _filtered(request).query_string[:1000])
    response.enable_compression()
    await response.prepare(request)
    try:
        await _write(response, columns, rows, server.company.zone)
    except Exception:
        if request.transport:
            request.transport.abort()
        raise
    await response.write_eof()
    return response


async def _write(
    response: web.StreamResponse, columns: Sequence[str], rows: AsyncIterable[Sequence[object]], zone: ZoneInfo
) -> None:
    text = io.StringIO(BOM)
    text.seek(0, io.SEEK_END)
    writer, waiting = csv.writer(text, lineterminator="\r\n"), 0
    writer.writerow(columns)
    async for row in rows:
        writer.writerow([_cell(value, zone) for value in row])
        waiting += 1
        if waiting == PORTION:
            await response.write(text.getvalue().encode())
            text.seek(0)
            text.truncate()
            waiting = 0
    await response.write(text.getvalue().encode())


def _cell(value: object, zone: ZoneInfo) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else cell_of(value, zone)


def _filtered(request: web.Request) -> URL:
    """The list's own address, with nothing but its filters."""
    filters = [(name, value) for name, value in request.query.items() if name not in NOT_FILTERS and value]
    return URL(request.path).with_query(filters)
