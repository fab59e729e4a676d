"""`/money/payments`: payments as a list, and one with who told of it and what became of it; what waits of it is
assigned, in parts, to a device, an appliance on a plan, or a customer's credit."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from aiohttp import web
from wtforms import RadioField

from bot.company import Company
from bot.server import SERVER
from bot.text import numbers
from handlers.exchange.cells import figure
from handlers.office.frame.forms import AmountField, LineField, OfficeForm, required
from handlers.office.frame.lists import PORTION, send_csv
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import ALL, CASH, FORM, USER, Nav, office_page
from handlers.office.frame.words import N_, _
from handlers.office.money.asked import Filter, at, choices, read_filter
from handlers.office.money.doing import NotDone, do, key_of
from handlers.office.money.sales import bought, paid_for
from handlers.selling import received
from models.money.amounts import doubt_of, let_stand
from models.money.payments import Payment
from models.money.receiving import Suspense, Why, counted, lock_payment, unapplied
from models.money.waiting import leave_to_others, look_after
from models.office import money_lists
from models.office.money_candidates import Candidate, candidates
from models.people import Customer
from models.selling.proposals import What, find_open, propose_amount

ONE = r"/money/payments/{number:\d{1,18}}"
COLUMNS = (
    *("time", "booked", "provider", "reference", "amount", "phone", "name", "account", "agent", "waits"),
    "in_the_books",
)
WHY = {
    Why.NOBODY: N_("Nothing of ours goes by what was typed."),
    Why.SEVERAL: N_("More than one goes by what was typed."),
    Why.RETIRED: N_("The device is out of use."),
    Why.NO_PRICE: N_("The device has no owner or no price."),
    Why.PAID_OFF: N_("Nothing is left to pay for it."),
    Why.ISSUER_AWAY: N_("No code could be made."),
    Why.SALES_OFF: N_("Sales were switched off."),
    Why.AMOUNTS: N_("Two sources say different amounts."),
    Why.TAKEN_BACK: N_("Its sale was taken back."),
    Why.OTHER_NAME: N_("Another provider told of this reference: it may be the same money."),
}
DONE = {
    "assigned": N_("It is assigned, and everybody is told by SMS."),
    "waits": N_("It waits on: nothing can be sold for that now."),
    "taken": N_("You find out what it is for."),
    "left": N_("Nobody looks after it now."),
    "stands": N_("It is looked at: the books are right."),
    "asked": N_("It is written down. Another one of the office has to agree: it waits under “To decide”."),
}


class AssignForm(OfficeForm):
    """What a payment is for, and how much of it."""

    to = RadioField(N_("What is it for?"), validate_choice=False)
    amount = AmountField(N_("How much of it? Leave it empty for all."))


class AmountForm(OfficeForm):
    """Which amount of a payment is right, and how somebody knows."""

    right = RadioField(N_("Which amount is right?"), validate_choice=False)
    reason = LineField(N_("How do you know?"), [required])


@office_page("/money/payments", roles=ALL, nav=Nav.MONEY)
async def show_all(request: web.Request) -> web.StreamResponse:
    """The newest payments first, fifty at a time."""
    company, asked = request.app[SERVER].company, read_filter(request)
    listed = await money_lists.payments(asked.asked(company))
    return page(
        request,
        "money/payments.html",
        asked=asked,
        payments=listed.rows,
        looked=listed.looked,
        older=asked.query(before=listed.next) if listed.next else "",
        at=partial(at, company),
        **await choices(),
    )


@office_page("/money/payments.csv", roles=ALL, nav=Nav.MONEY)
async def save(request: web.Request) -> web.StreamResponse:
    """The list with its filters as a file."""
    return await send_csv(request, "payments", COLUMNS, _rows(request.app[SERVER].company, read_filter(request)))


async def _rows(company: Company, asked: Filter) -> AsyncIterator[Sequence[object]]:
    wanted = asked.asked(company)
    while True:
        listed = await money_lists.payments(wanted, PORTION)
        for row in listed.rows:
            which = row["paid_at"], row["created_at"], row["provider"], row["reference"], figure(row["amount"], company)
            who = row["payer_phone"], row["payer_name"], row["account_text"], row["agent"]
            waits = figure(int(row["waits"]), company) if row["waits"] else ""
            yield *which, *who, waits, figure(row["booked"], company)
        if not listed.next:
            return
        wanted = replace(wanted, before=listed.next)


@office_page(ONE, roles=ALL, nav=Nav.MONEY)
async def show(request: web.Request) -> web.StreamResponse:
    """One payment."""
    return await _draw(request, await _find(request))


@office_page(f"{ONE}/care", "POST", roles=CASH, nav=Nav.MONEY)
async def care(request: web.Request) -> web.StreamResponse:
    """Take it on oneself to find out what a payment is for, or leave it to others."""
    payment, user, leaves = await _find(request), request[USER], request[FORM].get("do") == "leave"

    async def work() -> None:
        await (leave_to_others(payment, user.name) if leaves else look_after(payment, user.name, user.name))

    if problem := await do(request, work):
        return await _draw(request, payment, 422, problem=problem)
    done = "left" if leaves else "taken"
    back = "/money/suspense?" if request[FORM].get("back") == "suspense" else f"/money/payments/{payment.id}?"
    raise redirect(f"{back}done={done}")


@office_page(f"{ONE}/assign", "POST", roles=CASH, nav=Nav.MONEY)
async def assign(request: web.Request) -> web.StreamResponse:
    """Say what a payment is for, or a part of it."""
    payment, form = await _find(request), AssignForm.of(request)
    form.validate()
    if not form.to.data or form.to.data == "None":
        form.refuse("to", _("Choose what it is for."))
    if form.errors:
        return await _draw(request, payment, 422, form=form)
    used: bool | None = None

    async def work() -> None:
        nonlocal used
        amount = None if form.amount.data is None else int(form.amount.data)
        used = await _assign(request, payment, str(form.to.data), amount)

    if problem := await do(request, work):
        return await _draw(request, payment, 422, problem=problem, form=form)
    if used is None:  # the same form once more: what the first one did
        used = await unapplied(payment.id) < await counted(payment)
    raise redirect(f"/money/payments/{payment.id}?done={'assigned' if used else 'waits'}")


@office_page(f"{ONE}/amount", "POST", roles=CASH, nav=Nav.MONEY)
async def put_right(request: web.Request) -> web.StreamResponse:
    """Say which of two amounts is right: that of the books, or another one, to which a second person agrees."""
    payment, form = await _find(request), AmountForm.of(request)
    form.validate()
    right = str(form.right.data or "")
    if not (right.isascii() and right.isdigit() and len(right) < 19):
        form.refuse("right", _("Choose the right amount."))
    if form.errors:
        return await _draw(request, payment, 422, amount_form=form)

    async def work() -> None:
        reason = str(form.reason.data)
        if int(right) == await counted(payment):
            await let_stand(payment, reason, actor=request[USER].name)
        else:
            await propose_amount(payment, int(right), request[USER], reason, key_of(request))

    if problem := await do(request, work):
        return await _draw(request, payment, 422, problem=problem, amount_form=form)
    done = "stands" if int(right) == await counted(payment) else "asked"
    raise redirect(f"/money/payments/{payment.id}?done={done}")


async def _assign(request: web.Request, payment: Payment, to: str, amount: int | None) -> bool:
    """In the caller's unit of work: whether any of it was used. Raises NotDone."""
    server, user = request.app[SERVER], request[USER]
    kind, _space, name = to.partition(" ")
    await lock_payment(payment.id)
    there = await unapplied(payment.id)
    if there and amount is not None and not 0 < amount <= there:
        raise NotDone(_("Of this payment {amount} waits.", amount=server.company.money(there)))
    if kind == "wallet" and amount not in (None, there):
        raise NotDone(_("A wallet takes all that waits: {amount}.", amount=server.company.money(there)))
    if kind == "customer" and name.isdecimal() and (customer := await Customer.get_or_none(id=int(name[:9]))):
        told = await received.credit_payment(payment, customer, user.name, server.company, amount=amount)
    else:
        try:
            told = await received.assign_payment(payment, name, user.name, server.company, amount=amount)
        except LookupError as error:
            raise NotDone(_("Nothing of ours goes by {account}.", account=name)) from error
    for origin, copies in told:
        await server.composer.tell(origin, copies)
    return await unapplied(payment.id) != there


async def _draw(
    request: web.Request,
    payment: Payment,
    status: int = 200,
    *,
    form: AssignForm | None = None,
    amount_form: AmountForm | None = None,
    problem: str = "",
) -> web.StreamResponse:
    company = request.app[SERVER].company
    waits, typed = await unapplied(payment.id), _typed(request)
    chosen: list[Candidate] = []
    if waits:
        chosen = await candidates(typed or payment.account_text, _phones(payment, typed, company))
    suspense = await Suspense.get_or_none(payment_id=payment.id, closed_at=None)
    return page(
        request,
        "money/payment.html",
        status,
        one=await money_lists.one_payment(payment),
        payment=payment,
        waits=waits,
        suspense=suspense,
        doubt=await doubt_of(payment),
        asked=await find_open(What.AMOUNT, payment.id),
        amount_form=amount_form or AmountForm(),
        why=WHY[Why(suspense.why)] if suspense else "",
        candidates=chosen,
        typed=typed,
        form=form or AssignForm(meta={"company": company}),
        problem=problem,
        bought=partial(bought, company),
        paid_for=paid_for,
        at=partial(at, company),
        done=DONE,
    )


def _typed(request: web.Request) -> str:
    """What is looked for: in the address, or in the form that was sent."""
    typed = request.query.get("q", "") or (request[FORM].get("q", "") if FORM in request else "")
    return typed.replace("\0", "")[:60]


def _phones(payment: Payment, typed: str, company: Company) -> list[str]:
    """The phones that may say whose payment it is: what is looked for, or what was typed, and the payer's."""
    found = []
    for text in (typed,) if typed else (payment.account_text, payment.payer_phone):
        with suppress(ValueError):
            found.append(numbers.parse(text, company.country))
    return found


async def _find(request: web.Request) -> Payment:
    payment = await Payment.get_or_none(id=int(request.match_info["number"]))
    if payment is None:
        raise web.HTTPNotFound(text=_("There is no such payment.") + "\n", headers=HEADERS)
    return payment
