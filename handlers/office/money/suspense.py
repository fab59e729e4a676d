"""`/money/suspense`: payments of which nobody knows what they are for, the oldest first, and who finds out."""

from functools import partial

from aiohttp import web

from bot.server import SERVER
from handlers.exchange.cells import figure
from handlers.office.frame.page import page
from handlers.office.frame.routes import ALL, Nav, office_page
from handlers.office.frame.times import age
from handlers.office.money.asked import at, read_number
from handlers.office.money.payments import DONE, WHY
from handlers.office.money.sheets import listed, send
from models.money.receiving import Why
from models.office import money_waiting
from models.office.money_waiting import AskedFor
from models.sql import ms_of, now_ms

MOST_IN_FILE = 10_000
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
    company = request.app[SERVER].company
    rows = [
        (row["opened_at"], row["provider"], row["reference"], figure(row["amount"], company),
         figure(int(row["waits"]), company), row["why"], row["payer_phone"], row["payer_name"], row["account_text"],
         row["owner"])
        for row in await money_waiting.suspense(_asked(request), MOST_IN_FILE)
    ]  # fmt: skip
    return await send(request, "suspense", COLUMNS, listed(rows))


def _asked(request: web.Request) -> AskedFor:
    why = request.query.get("why", "")
    return AskedFor(
        owner=request.query.get("owner", "").replace("\0", "")[:100],
        why=why if why in list(Why) else "",
        after=read_number(request.query, "after") or 0,
    )
