"""Texts of operators that wait for a person: what they say, and the two things that can be done with each."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from aiohttp import web

from bot.receipts import Heard
from bot.receipts.explain import describe, explain
from bot.receipts.reading import Found, read_money
from bot.receipts.reasons import again
from bot.receipts.rules import list_providers, list_rules
from bot.server import SERVER
from bot.text.i18n import Reason
from bot.text.numbers import sender
from handlers.office.frame.lists import csv_address, send_csv, wants_csv
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import ALL, CASH, FORM, USER, Nav, office_page
from handlers.office.frame.times import day_name
from handlers.office.frame.words import N_, _
from handlers.office.money.doing import NotDone, do
from models.messages import Phone
from models.messages.phones import phone_id
from models.money import receipt_texts as kept
from models.money.receipt_texts import NotWaiting, ReceiptText
from models.sql import now_ms

MOST = 50  # on one page
COLUMNS = ("came", "phone", "sim", "sender", "reference", "amount", "why", "text")
LONGEST = 1_000  # characters of a text that is tried out
ONE = r"/money/receipts/{number:\d{1,18}}"
UNSEEN = N_("Look into the operator's own records first, and say that the money is there.")


DONE = {"accept": N_("It is booked as a payment."), "refuse": N_("It is no payment.")}


@dataclass(frozen=True)
class Shown:
    """One text as the page has it."""

    row: ReceiptText
    why: str  # it waits
    text: str
    found: Found | None
    lines: Sequence[str]  # what a rule reads
    phone: str
    came: datetime


@office_page("/money/receipts", roles=ALL, nav=Nav.MONEY)
async def show_waiting(request: web.Request) -> web.StreamResponse:
    """The texts that wait, the oldest first, and a place to try one out."""
    if wants_csv(request):
        return await send_csv(request, "receipts", COLUMNS, _rows(request))
    return await _draw(request)


async def _rows(request: web.Request) -> AsyncIterator[Sequence[object]]:
    company = request.app[SERVER].company
    for row in await kept.waiting_texts():
        shown = await _shown(request, row)
        amount = "" if row.amount is None else company.typed(row.amount)
        yield shown.came, shown.phone, row.sim, row.sender, row.reference, amount, shown.why, shown.text


@office_page("/receipts", roles=ALL, nav=Nav.MONEY)
async def go_on(_request: web.Request) -> web.StreamResponse:
    """Where the page was before it had its place among the others."""
    raise redirect("/money/receipts")


@office_page("/money/receipts", "POST", roles=CASH, nav=Nav.MONEY)
async def try_out(request: web.Request) -> web.StreamResponse:
    """What would become of a text; nothing is changed."""
    server, form = request.app[SERVER], request[FORM]
    text, name = form.get("text", "")[:LONGEST], form.get("sender", "")[:40].strip()
    wallets = await kept.list_wallets()
    wallet = wallets[0] if len(wallets) == 1 else None
    heard = Heard(
        inbox_id=0,
        gateway="",
        sim=wallet.sim if wallet else 1,
        sender=sender(name or "NOBODY", server.company.country),
        text=text,
        reached_at=now_ms(),
    )
    rules = await list_rules(server.company)
    said = await explain(heard, wallet, rules, server.company, sender_known=bool(name), say=_)
    return await _draw(request, tried=text, sender=name, said=said)


@office_page(ONE, "POST", roles=CASH, nav=Nav.MONEY)
async def decide(request: web.Request) -> web.StreamResponse:
    """Book a text as a payment, or say that it is none; then the list again."""
    server, form, text_id = request.app[SERVER], request[FORM], int(request.match_info["number"])
    actor = request[USER].name
    works: dict[str, Callable[[], Awaitable[None]]] = {
        "refuse": lambda: server.receipts.refuse(text_id, actor=actor),
        "accept": lambda: _accept(request, text_id, actor),
    }
    if form.get("do", "") not in works:
        raise web.HTTPBadRequest(text=_("This is no form of ours.") + "\n", headers=HEADERS)

    async def work() -> None:
        try:
            await works[form["do"]]()
        except NotWaiting as problem:
            raise NotDone(_("This text waits no more: somebody else has decided it.")) from problem
        except ValueError as problem:
            raise NotDone(problem.to(_) if isinstance(problem, Reason) else str(problem)) from problem

    if problem := await do(request, work):
        return await _draw(request, 422, problem=problem, sent=form, sent_to=text_id)
    raise redirect(f"/money/receipts?done={form['do']}")


async def _accept(request: web.Request, text_id: int, actor: str) -> None:
    """In the caller's unit of work. Raises NotWaiting, and ValueError with a sentence for what the form says wrong."""
    server, form = request.app[SERVER], request[FORM]
    if form.get("seen") != "yes":
        raise ValueError(_(UNSEEN))
    if not form.get("amount"):
        raise ValueError(_("The amount is missing."))
    row = await kept.hold_waiting(text_id)
    payment = await server.receipts.payment_of(
        row,
        provider=form.get("provider", ""),
        reference=form.get("reference", ""),
        amount=read_money(form["amount"].strip(), server.company),
        serial=form.get("serial", "")[:100].strip(),
    )
    await server.receipts.accept(text_id, payment, actor=actor)


async def _draw(request: web.Request, status: int = 200, **more: object) -> web.StreamResponse:
    server = request.app[SERVER]
    rows = await kept.waiting_texts()
    empty = {"problem": "", "tried": "", "sender": "", "said": [], "sent": {}, "sent_to": 0, "done": DONE}
    return page(
        request,
        "money/receipts.html",
        status,
        waiting=[await _shown(request, row) for row in rows[:MOST]],
        more=max(0, len(rows) - MOST),
        csv=csv_address(request),
        bound=bool(await kept.list_wallets()),
        providers=sorted(await list_providers(server.company)),
        longest=LONGEST,
        day=partial(day_name, server.company),
        clock=server.company.clock,
        number=server.company.number,
        **empty | more,
    )


async def _shown(request: web.Request, row: ReceiptText) -> Shown:
    server = request.app[SERVER]
    text, found = await server.receipts.look(row)
    phone = await Phone.get_or_none(id=phone_id(row.gateway))
    lines = describe(found, server.company, _) if found else []
    came = datetime.fromtimestamp(row.received_at / 1000, UTC)
    return Shown(row, again(row.why).to(_), text, found, lines, phone.name if phone else row.gateway, came)
