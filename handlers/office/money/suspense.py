"""`/money/suspense`: payments of which nobody knows what they are for, the oldest first, and who finds out."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from aiohttp import web

from bot.server import SERVER
from handlers.exchange.cells import figure
from handlers.office.frame.lists import PORTION, by_portions, send_csv
from handlers.office.frame.page import page
from handlers.office.frame.routes import ALL, Nav, office_page
from handlers.office.frame.times import age
from handlers.office.money.asked import at, read_number
from handlers.office.money.payments import DONE, WHY
from models.money.receiving import Why
from models.office import money_waiting
from models.office.money_waiting import AskedFor
from models.sql import ms_of, now_ms

COLUMNS = ("since", "provider", "reference", "amount", "waits", "why", "phone", "name", "account", "looked_after_by")


@office_page("/money/suspense", roles=ALL, nav=Nav.MONEY)
async def show(request: web.Request) -> web.StreamResponse:
    """What waits, with its age and who looks after it."""
    company, asked = request.app[SERVER].company, _asked(request)
    rows = await money_waiting.suspense(asked)
    now = now_ms()
    return page(
        request,
        "money/suspense.html",
        rows=rows,
        asked=asked,
        whys=WHY,
        newer=rows[-1]["id"] if len(rows) == money_waiting.MOST else 0,
        number=(await money_waiting.count_all())["suspense"],
        counted=money_waiting.COUNT,
        at=partial(at, company),
        age=lambda moment: age(now, ms_of(moment)),
        done=DONE,
    )


@office_page("/money/suspense.csv", roles=ALL, nav=Nav.MONEY)
async def save(request: web.Request) -> web.StreamResponse:
    """The list with its filters as a file."""
    return await send_csv(request, "suspense", COLUMNS, _rows(request))


async def _rows(request: web.Request) -> AsyncIterator[Sequence[object]]:
    company, asked = request.app[SERVER].company, _asked(request)

    async def read(last: dict[str, Any] | None) -> Sequence[dict[str, Any]]:
        return await money_waiting.suspense(replace(asked, after=last["id"]) if last else asked, PORTION)

    async for row in by_portions(read):
        money = figure(int(row["amount"]), company), figure(int(row["waits"]), company)
        payer = row["payer_phone"], row["payer_name"], row["account_text"]
        yield row["opened_at"], row["provider"], row["reference"], *money, row["why"], *payer, row["owner"]


def _asked(request: web.Request) -> AskedFor:
    why = request.query.get("why", "")
    return AskedFor(
        owner=request.query.get("owner", "").replace("\0", "")[:100],
        why=why if why in list(Why) else "",
        after=read_number(request.query, "after") or 0,
    )
