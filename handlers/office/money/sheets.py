"""A list of money as a CSV file: with the filters of its page, in local time, safe in spreadsheets, and noted in the
audit."""

import csv
import io
from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from bot.server import SERVER
from handlers.exchange.table import BOM, cell_of
from handlers.office.frame.page import HEADERS
from handlers.office.frame.routes import USER
from models.audit import record

AT_ONCE = 500  # rows that are written together


async def send(
    request: web.Request, name: str, columns: Sequence[str], rows: AsyncIterator[Sequence[object]]
) -> web.StreamResponse:
    """The rows as a file of this name, as they come."""
    server = request.app[SERVER]
    day = server.company.today().isoformat()
    given = {"Content-Disposition": f'attachment; filename="{name}-{day}.csv"'}
    response = web.StreamResponse(headers=HEADERS | given)
    response.content_type, response.charset = "text/csv", "utf-8"
    if request.method == "HEAD":
        return response
    async with server.database.work():
        await record(request[USER].name, "export", name, request.query_string[:500])
    await response.prepare(request)
    portion: list[Sequence[object]] = [columns]
    await response.write(BOM.encode())
    async for row in rows:
        portion.append(row)
        if len(portion) >= AT_ONCE:
            await response.write(_written(request, portion))
            portion = []
    await response.write(_written(request, portion))
    await response.write_eof()
    return response


def _written(request: web.Request, rows: Sequence[Sequence[object]]) -> bytes:
    zone, file = request.app[SERVER].company.zone, io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows([[cell_of(cell, zone) for cell in row] for row in rows])
    return file.getvalue().encode()


async def listed(rows: Sequence[Sequence[object]]) -> AsyncIterator[Sequence[object]]:
    """Rows that are all there already."""
    for row in rows:
        yield row
