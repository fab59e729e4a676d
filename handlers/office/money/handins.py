"""`/money/handins`: cash that agents handed in, and what two people of the office settle when it was not right."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import partial

from aiohttp import web

from bot.server import SERVER
from handlers.account.disputes import settle_hand_in
from handlers.exchange.cells import figure
from handlers.office.frame.forms import AmountField, OfficeForm
from handlers.office.frame.lists import PORTION, by_portions, send_csv
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import ALL, CASH, FORM, USER, Nav, office_page
from handlers.office.frame.words import N_, _
from handlers.office.money.asked import Filter, at, choices, read_filter, read_number
from handlers.office.money.doing import do, seen_in
from models.money.day_close import bounds_of
from models.money.hand_in import HandIn
from models.office import money_waiting
from models.office.money_waiting import ShownHandIn

ONE = r"/money/handins/{number:\d{1,18}}"
COLUMNS = ("time", "reference", "agent", "phone", "amount", "commission", "counted_by", "corrects", "state")
DONE = {
    "settled": N_("It is settled, and the agent gets an SMS."),
    "proposed": N_("It is written down. Another one of the office has to agree."),
}


class SettleForm(OfficeForm):
    """How much was handed in."""

    amount = AmountField(N_("What was handed in?"))


@office_page("/money/handins", roles=ALL, nav=Nav.MONEY)
async def show(request: web.Request) -> web.StreamResponse:
    """What is disputed, then the newest hand-ins."""
    return await _draw(request)


@office_page("/money/handins.csv", roles=ALL, nav=Nav.MONEY)
async def save(request: web.Request) -> web.StreamResponse:
    """The list with its filters as a file."""
    return await send_csv(request, "hand-ins", COLUMNS, _rows(request))


async def _rows(request: web.Request) -> AsyncIterator[Sequence[object]]:
    company, asked = request.app[SERVER].company, read_filter(request)

    async def read(last: ShownHandIn | None) -> Sequence[ShownHandIn]:
        return await _listed(request, replace(asked, before=last.row["id"]) if last else asked, PORTION)

    async for one in by_portions(read):
        row = one.row
        money = figure(int(row["amount"]), company), figure(int(row["commission"]), company)
        said = row["actor"], row["corrected"], one.state
        yield row["created_at"], row["reference"], row["agent"], row["phone"], *money, *said


@office_page(ONE, "POST", roles=CASH, nav=Nav.MONEY)
async def settle(request: web.Request) -> web.StreamResponse:
    """Say how much was handed in, or agree to what another one said."""
    server, form = request.app[SERVER], SettleForm.of(request)
    number = int(request.match_info["number"])
    entry = await HandIn.get_or_none(id=number)
    if entry is None:
        raise web.HTTPNotFound(text=_("There is no such hand-in.") + "\n", headers=HEADERS)
    agrees = request[FORM].get("do") == "agree"
    # Nothing may have been handed in, and an amount of 0 is none that an SMS has.
    nothing = request[FORM].get("amount", "").strip() in ("0", "0.00")
    if not agrees and not nothing and (not form.validate() or form.amount.data is None):
        if not form.amount.errors:
            form.refuse("amount", _("Please fill this in."))
        return await _draw(request, 422, wrong=(number, form))
    agreed = False

    async def work() -> None:
        nonlocal agreed
        minor = None if agrees else (0 if nothing else int(form.amount.data or 0))
        place = {"company": server.company, "composer": server.composer}
        seen = seen_in(request) if agrees else None
        done = await settle_hand_in(entry, minor, request[USER], seen=seen, **place)  # type: ignore[arg-type]
        agreed = done.agreed

    if problem := await do(request, work):
        return await _draw(request, 422, problem=problem, wrong=(number, form))
    raise redirect(f"/money/handins?done={'settled' if agreed or agrees else 'proposed'}")


async def _listed(request: web.Request, asked: Filter, most: int) -> list[ShownHandIn]:
    zone = request.app[SERVER].company.zone
    since, until = bounds_of(asked.first, zone)[0], bounds_of(asked.last, zone)[1]
    return await money_waiting.hand_ins(agent_id=asked.agent, since=since, until=until, before=asked.before, most=most)


async def _draw(
    request: web.Request, status: int = 200, *, problem: str = "", wrong: tuple[int, SettleForm] | None = None
) -> web.StreamResponse:
    asked = read_filter(request)
    rows = await _listed(request, asked, money_waiting.MOST)
    disputed = await money_waiting.disputed_hand_ins()
    # One that nobody disputes may be wrong too: it is asked for, or a form about it was refused.
    if wanted := wrong[0] if wrong else read_number(request.query, "settle"):
        asked_for = await money_waiting.one_hand_in(wanted)
        known = [one.row["id"] for one in disputed]
        if asked_for and asked_for.row["id"] not in known and asked_for.state != "settled":
            disputed.insert(0, asked_for)
    return page(
        request,
        "money/handins.html",
        status,
        asked=asked,
        disputed=disputed,
        hand_ins=rows,
        older=asked.query(before=rows[-1].row["id"]) if len(rows) == money_waiting.MOST else "",
        at=partial(at, request.app[SERVER].company),
        form=SettleForm.of(request) if request.method == "GET" else SettleForm(),
        done=DONE,
        problem=problem,
        wrong=wrong or (0, None),
        **await choices(),
    )
