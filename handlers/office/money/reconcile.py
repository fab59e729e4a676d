"""`/money/reconcile`: statements of providers and of the bank against the books: what fits, what does not, and a button
that mends each difference."""

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial

from aiohttp import web
from wtforms import FileField

from bot.company import Company
from bot.server import SERVER
from handlers.exchange import NotImported, PartlyImported, Table, Unreadable, import_table
from handlers.exchange.kinds import STATEMENT_OF
from handlers.exchange.statements import StatementTable
from handlers.office.frame.forms import LineField, OfficeForm, required
from handlers.office.frame.lists import csv_address, listed, send_csv, wants_csv
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.reasons import say_problems
from handlers.office.frame.routes import ALL, CASH, FORM, USER, Nav, office_page
from handlers.office.frame.words import N_, _
from handlers.office.money.asked import at, read_filter
from handlers.office.money.doing import NotDone, do
from handlers.selling.statement_lines import take_line
from models.money import reconciling
from models.money.day_close import bounds_of
from models.money.payments import Payment
from models.money.receiving import BANK, find_payment, normal_reference
from models.money.reconciling import Reconciliation
from models.money.statements import StatementLine

SHOWN = 50  # of each sort
COLUMNS = ("difference", "time", "reference", "on_the_statement", "in_the_books", "payer")
NAME = re.compile(r"[a-z][a-z0-9_-]{1,19}")
SETTLED = {
    "payout": N_("Paid out to the bank"),
    "fee": N_("Fees"),
    "deposit": N_("Cash brought to the bank"),
    "back": N_("Given back"),
    "left": N_("Left out"),
}
DONE = {
    "take": N_("It is booked as a payment."),
    "payout": N_("It is booked as paid out to the bank."),
    "deposit": N_("It is booked as cash that was brought to the bank."),
    "leave": N_("It is left out of the books."),
    "back": N_("It is booked as given back to the payer."),
    "never": N_("The payment is out of the books."),
}


class UploadForm(OfficeForm):
    """A statement, and whose it is."""

    provider = LineField(N_("Whose statement?"), [required])
    new = LineField(N_("Another one, in small letters"))
    file = FileField(N_("The statement as a CSV file"))


class WhyForm(OfficeForm):
    """Why something is so."""

    why = LineField(N_("Why?"), [required])


@office_page("/money/reconcile", roles=ALL, nav=Nav.MONEY)
async def show(request: web.Request) -> web.StreamResponse:
    """How one provider's statements and the books fit in these days."""
    if wants_csv(request) and (fit := (await _fit(request))[1]):
        return await send_csv(request, "differences", COLUMNS, listed(list(_cells(fit, request.app[SERVER].company))))
    return await _draw(request)


def _cells(fit: Reconciliation, company: Company) -> Iterator[Sequence[object]]:
    """Each difference of these days: on the statement, in the books, or both."""
    for row in fit.different:
        yield (
            "other amount",
            row["at"],
            row["reference"],
            company.typed(row["amount"]),
            company.typed(row["booked"]),
            "",
        )
    for line in fit.without_sale:
        yield "money without a sale", line.at, line.reference, company.typed(line.amount), "", line.payer
    for row in fit.without_money:
        yield "sale without money", row["at"], row["reference"], "", company.typed(row["amount"]), row["payer_name"]
    for row in fit.unapplied:
        yield "money that waits", row["at"], row["reference"], "", company.typed(int(row["amount"])), row["payer_name"]
    for line in fit.out:
        yield "money that went", line.at, line.reference, company.typed(line.amount), "", line.payer


async def _fit(request: web.Request, given: str = "") -> tuple[str, Reconciliation | None]:
    """Whose statements the address asks for, and how they and the books fit."""
    asked, known = read_filter(request), await reconciling.known_providers()
    provider, zone = given or asked.provider or (known[0] if known else ""), request.app[SERVER].company.zone
    span = bounds_of(asked.first, zone)[0], bounds_of(asked.last, zone)[1]
    return provider, await reconciling.reconcile(provider, *span) if provider in known else None


@office_page("/money/reconcile", "POST", roles=CASH, nav=Nav.MONEY, upload=True)
async def upload(request: web.Request) -> web.StreamResponse:
    """Read a statement: it is checked whole, and nothing is written where a line is wrong."""
    server, form = request.app[SERVER], UploadForm.of(request)
    form.validate()
    name = str(form.new.data or form.provider.data or "").strip().lower()
    if name and not NAME.fullmatch(name):
        form.refuse("new", _("A provider's name has 2 to 20 small letters and digits."))
    file_name, data = _file_of(request)
    if not data:
        form.refuse("file", _("Choose the file."))
    if form.errors:
        return await _draw(request, 422, upload_form=form, provider=name)
    try:
        table = StatementTable.within(Table.of(data))
        done = await import_table(
            f"{STATEMENT_OF}{name}",
            table,
            file_name,
            database=server.database,
            company=server.company,
            actor=request[USER].name,
        )
        async with server.database.work():
            await reconciling.match(actor=request[USER].name)
    except Unreadable as error:
        said = [_("Line {line}: {reason}.", line=error.line, reason=error.reason.to(_))]
        return await _draw(request, 422, upload_form=form, wrong_lines=said, provider=name)
    except NotImported as error:
        lines = say_problems(error.problems)
        return await _draw(request, 422, upload_form=form, wrong_lines=lines, provider=name)
    except PartlyImported as error:
        return await _draw(request, 422, upload_form=form, problem=error.told.to(_), provider=name)
    if done.remarks:  # sent once more, the same file changes nothing
        return await _draw(request, left_out=say_problems(done.remarks), provider=name)
    raise redirect(f"/money/reconcile?provider={name}&done=read")


def _file_of(request: web.Request) -> tuple[str, bytes]:
    """The name of the file that was sent, and what is in it; nothing where none was."""
    given: object = request[FORM].get("file", "")
    return (given.filename[:60], given.file.read()) if isinstance(given, web.FileField) else ("", b"")


@office_page(r"/money/reconcile/lines/{number:\d{1,18}}", "POST", roles=CASH, nav=Nav.MONEY)
async def settle(request: web.Request) -> web.StreamResponse:
    """Say what a line is."""
    server, actor, form = request.app[SERVER], request[USER].name, request[FORM]
    line = await StatementLine.get_or_none(id=int(request.match_info["number"]))
    if line is None:
        raise web.HTTPNotFound(text=_("There is no such line.") + "\n", headers=HEADERS)
    found = line

    async def take() -> None:
        await take_line(found, actor, company=server.company, composer=server.composer)

    async def leave() -> None:
        if not (why := form.get("why", "").strip()):
            raise NotDone(_("Say why."))
        await reconciling.leave_out(found, why, actor=actor)

    async def back() -> None:
        await reconciling.give_back(found, await _payment_of(found, form.get("payment", "")), actor=actor)

    works: dict[str, Callable[[], Awaitable[object]]] = {
        "take": take,
        "payout": lambda: reconciling.pay_out(found, actor=actor),
        "deposit": lambda: reconciling.deposit(found, actor=actor),
        "leave": leave,
        "back": back,
    }
    return await _settle(request, found.provider, form.get("do", ""), works, open_line=found.id)


async def _payment_of(line: StatementLine, reference: str) -> Payment:
    """Raises NotDone where there is none."""
    try:
        payment = await find_payment(line.provider, normal_reference(reference))
    except ValueError:
        payment = None
    if payment is None:
        raise NotDone(_("There is no payment {reference} of {provider}.", reference=reference, provider=line.provider))
    return payment


@office_page(r"/money/reconcile/payments/{number:\d{1,18}}", "POST", roles=CASH, nav=Nav.MONEY)
async def never_came(request: web.Request) -> web.StreamResponse:
    """Take a payment out of the books that is on no statement."""
    payment = await Payment.get_or_none(id=int(request.match_info["number"]))
    if payment is None:
        raise web.HTTPNotFound(text=_("There is no such payment.") + "\n", headers=HEADERS)

    async def never() -> None:
        if not (why := request[FORM].get("why", "").strip()):
            raise NotDone(_("Say why."))
        await reconciling.never_came(payment, why[:200], actor=request[USER].name)

    return await _settle(request, payment.provider, "never", {"never": never}, open_payment=payment.id)


async def _settle(
    request: web.Request, provider: str, what: str, works: dict[str, Callable[[], Awaitable[object]]], **opened: int
) -> web.StreamResponse:
    if what not in works:
        raise web.HTTPBadRequest(text=_("This is no form of ours.") + "\n", headers=HEADERS)
    if problem := await do(request, works[what]):
        return await _draw(request, 422, problem=problem, provider=provider, sent=request[FORM], **opened)
    query = read_filter(request).query(provider=provider, done=what)
    raise redirect(f"/money/reconcile?{query}")


async def _draw(request: web.Request, status: int = 200, **more: object) -> web.StreamResponse:
    company = request.app[SERVER].company
    asked, known = read_filter(request), await reconciling.known_providers()
    provider, fit = await _fit(request, str(more.pop("provider", "")))
    fields: dict[str, object] = {"problem": "", "wrong_lines": [], "left_out": [], "open_line": 0, "open_payment": 0}
    fields |= {"upload_form": UploadForm(), "sent": {}}
    return page(
        request,
        "money/reconcile.html",
        status,
        asked=asked,
        known=known,
        choices=_providers(request, known),
        provider=provider,
        fit=fit,
        csv=csv_address(request),
        shown=SHOWN,
        bank=BANK,
        settled=SETTLED,
        add_up=lambda rows: sum(int(row["amount"] if isinstance(row, dict) else row.amount) for row in rows),
        at=partial(at, company),
        done=DONE,
        **fields | more,
    )


def _providers(request: web.Request, known: Sequence[str]) -> list[str]:
    """Whose statement it may be: who ever had money of ours, who can ask phones to pay, and the bank."""
    return sorted({*known, *request.app[SERVER].payments.providers, BANK})
