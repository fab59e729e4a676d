"""`/money/voids`: what moves money and waits for a second person: voids, sales that go to another device, devices that
go to another customer, cash that is paid out, debts that are written off, and who moves money and how they sign in."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from aiohttp import web
from wtforms import BooleanField, IntegerField
from wtforms.validators import NumberRange

from bot.company import Company
from bot.server import SERVER
from handlers.customers.ownership import write_off as write_off_contract
from handlers.customers.proposals import agree
from handlers.office.frame.forms import LineField, OfficeForm, SerialField, required
from handlers.office.frame.lists import csv_address, listed, send_csv, wants_csv
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import ALL, CASH, FORM, USER, Nav, office_page
from handlers.office.frame.times import moment, when
from handlers.office.frame.words import N_, _
from handlers.office.money.asked import at
from handlers.office.money.doing import do, key_of, seen_in, sentence
from handlers.selling.void import refuse_by_office, void_by_office
from models.devices import Device
from models.money import claims, write_offs
from models.money.write_offs import Lost, WriteOff
from models.people import Customer, promotions
from models.people.promotions import What
from models.people.two_people import check_seen
from models.selling import Contract, Sale, proposals, voids
from models.selling.contracts import FIRST_NUMBER, contract_number, contract_numbered
from models.selling.proposals import propose_transfer
from models.selling.taking_back import NotTakenBack, check_possible
from models.selling.voids import Void

MOST = 100
COLUMNS = ("asked", "what", "number", "of", "amount", "by", "reason")
LONGEST = 10_000  # rows of the file
DONE = {
    "agreed": N_("It is done. Whose sale, device, plan or cash it is gets an SMS."),
    "cash": N_("The sale is taken back: give the customer the cash out of the till."),
    "booked": N_("It is done and in the books. Nobody gets an SMS of it."),
    "corrected": N_("It is done and in the books. An agent whose wallet has less by it gets an SMS."),
    "role": N_("The role is changed. This person has to sign in again."),
    "link": N_("The link is made. The owner who asked for it finds it under Settings, Users."),
    "factor": N_("The second factor is taken away. Who needs one is asked at the next sign-in to set it up."),
    "refused": N_("It is not done."),
    "changed": N_("The debt is another one by now: you asked for that. Another one of the office has to agree."),
    "asked": N_("It is written down. Another one of the office has to agree."),
}


class TransferForm(OfficeForm):
    """Which device goes to which customer, and why."""

    serial = SerialField(N_("Serial of the device"), [required])
    customer = IntegerField(N_("Number of the new owner"), [NumberRange(min=1, max=10**9)])
    reason = LineField(N_("Why?"), [required])
    with_debt = BooleanField(N_("What is still to be paid on it goes along"))


class WriteOffForm(OfficeForm):
    """Which debt is given up, and why."""

    number = LineField(N_("Number of the plan, like S1042"), [required])
    reason = LineField(N_("Why?"), [required])


@office_page("/money/voids", roles=ALL, nav=Nav.MONEY)
async def show(request: web.Request) -> web.StreamResponse:
    """All that waits, the oldest of each sort first."""
    if wants_csv(request):
        return await send_csv(request, "to-decide", COLUMNS, listed(await _cells(request.app[SERVER].company)))
    return await _draw(request)


@office_page(r"/money/voids/{number:\d{1,18}}", "POST", roles=CASH, nav=Nav.MONEY)
async def decide_void(request: web.Request) -> web.StreamResponse:
    """Take a sale back, or let it stand."""
    server, user = request.app[SERVER], request[USER]
    void = await Void.get_or_none(id=int(request.match_info["number"]))
    if void is None:
        raise _not_there()
    sale, done = await Sale.get(id=void.sale_id), "agreed"

    async def check_waits() -> None:
        """Of a wish that is decided nothing is said about a later one."""
        if (await voids.void_of(sale)) != void or void.state != voids.VoidState.ASKED:
            raise voids.NobodyAsked(sale.reference)

    async def approve() -> None:
        nonlocal done
        await check_waits()
        taken = await void_by_office(sale, user, company=server.company, composer=server.composer)
        done = "cash" if taken and taken.at_counter else "agreed"

    async def refuse() -> None:
        await check_waits()
        await refuse_by_office(sale, user, company=server.company, composer=server.composer)

    return await _decide(request, approve, refuse, lambda: done)


@office_page(r"/money/proposals/{number:\d{1,18}}", "POST", roles=CASH, nav=Nav.MONEY)
async def decide_proposal(request: web.Request) -> web.StreamResponse:
    """Do what another one asked for, or refuse it."""
    server, user, number = request.app[SERVER], request[USER], int(request.match_info["number"])
    done = "agreed"

    async def approve() -> None:
        nonlocal done
        agreed = await agree(number, user, company=server.company, composer=server.composer)
        done = "corrected" if agreed.what == proposals.What.AMOUNT else "agreed"

    async def refuse() -> None:
        await proposals.refuse(number, user)

    return await _decide(request, approve, refuse, lambda: done)


@office_page(r"/money/write-offs/{number:\d{1,18}}", "POST", roles=CASH, nav=Nav.MONEY)
async def decide_write_off(request: web.Request) -> web.StreamResponse:
    """Give a debt up, or go on asking for it."""
    user, number = request[USER], int(request.match_info["number"])
    found = await WriteOff.get_or_none(id=number)
    if found is None:
        raise _not_there()

    done = "agreed"

    async def approve() -> None:
        nonlocal done
        check_seen(seen_in(request), found.amount)
        if found.agreed_at or found.refused_at:
            raise write_offs.NotWaiting(number)
        if found.kind == Lost.CLAIM:
            decided, told = await claims.write_off(await Customer.get(id=found.owner), user, "", seen=found), "booked"
        else:
            decided, told = await _write_off(request, await Contract.get(id=found.owner), "", seen=found), "agreed"
        done = told if decided.agreed_at else "changed"

    async def refuse() -> None:
        await write_offs.refuse(number, user)

    return await _decide(request, approve, refuse, lambda: done)


@office_page(r"/money/promotions/{number:\d{1,18}}", "POST", roles=CASH, nav=Nav.MONEY)
async def decide_promotion(request: web.Request) -> web.StreamResponse:
    """Let somebody whom an owner chose move money or sign in anew, or not."""
    user, number, done = request[USER], int(request.match_info["number"]), "role"

    async def approve() -> None:
        nonlocal done
        agreed = await promotions.agree(number, user)
        if agreed.what is What.FACTOR:
            done = "factor"
        else:
            done = "link" if agreed.what is What.PASSWORD or agreed.user_id is None else "role"

    async def refuse() -> None:
        await promotions.refuse(number, user)

    return await _decide(request, approve, refuse, lambda: done)


@office_page("/money/transfer", "POST", roles=CASH, nav=Nav.MONEY)
async def transfer(request: web.Request) -> web.StreamResponse:
    """Ask for a device to go to another customer."""
    form = TransferForm.of(request)
    valid = form.validate()
    device = await Device.get_or_none(serial=str(form.serial.data or "").upper())
    to = await Customer.get_or_none(id=form.customer.data) if valid and form.customer.data else None
    if form.serial.data and device is None:
        form.refuse("serial", _("There is no device {serial}.", serial=form.serial.data))
    if valid and to is None:
        form.refuse("customer", _("There is no customer with this number."))
    if not valid or device is None or to is None:
        return await _draw(request, 422, transfer_form=form)
    found, owner, today = device, to, request.app[SERVER].company.today()

    async def work() -> None:
        reason, key, with_debt = str(form.reason.data), key_of(request), bool(form.with_debt.data)
        await propose_transfer(found, owner, request[USER], reason, key, today=today, with_debt=with_debt)

    if problem := await do(request, work):
        return await _draw(request, 422, problem=problem, transfer_form=form)
    raise redirect("/money/voids?done=asked")


@office_page("/money/write-off", "POST", roles=CASH, nav=Nav.MONEY)
async def write_off(request: web.Request) -> web.StreamResponse:
    """Ask for a debt to be given up."""
    form = WriteOffForm.of(request)
    valid = form.validate()
    contract = await contract_numbered("".join(str(form.number.data or "").split()))
    if form.number.data and contract is None:
        form.refuse("number", _("There is no plan {number}.", number=form.number.data))
    if not valid or contract is None:
        return await _draw(request, 422, write_off_form=form)
    found = contract

    done = "asked"

    async def work() -> None:
        nonlocal done
        done = "agreed" if (await _write_off(request, found, str(form.reason.data))).agreed_at else "asked"

    if problem := await do(request, work):
        return await _draw(request, 422, problem=problem, write_off_form=form)
    raise redirect(f"/money/voids?done={done}")


async def _write_off(
    request: web.Request, contract: Contract, reason: str, *, seen: WriteOff | None = None
) -> WriteOff:
    """In the caller's unit of work."""
    company, composer = request.app[SERVER].company, request.app[SERVER].composer
    return await write_off_contract(
        contract, request[USER], reason, today=company.today(), company=company, composer=composer, seen=seen
    )


async def _decide(
    request: web.Request,
    approve: Callable[[], Awaitable[None]],
    refuse: Callable[[], Awaitable[None]],
    approved: Callable[[], str] = lambda: "agreed",
) -> web.StreamResponse:
    wanted = {"approve": (approve, approved), "refuse": (refuse, lambda: "refused")}.get(request[FORM].get("do", ""))
    if wanted is None:
        raise web.HTTPBadRequest(text=_("This is no form of ours.") + "\n", headers=HEADERS)
    work, done = wanted
    if problem := await do(request, work):
        return await _draw(request, 422, problem=problem)
    raise redirect(f"/money/voids?done={done()}")


async def _draw(request: web.Request, status: int = 200, **more: object) -> web.StreamResponse:
    waiting = await voids.asked_for()
    lost = await write_offs.open_write_offs(MOST)
    owners = [one.owner for one in lost if one.kind == Lost.CLAIM]
    forms = {"transfer_form": TransferForm(), "write_off_form": WriteOffForm()}
    if request.method == "GET":
        forms = {"transfer_form": TransferForm.of(request), "write_off_form": WriteOffForm.of(request)}
    return page(
        request,
        "money/voids.html",
        status,
        voids=waiting,
        csv=csv_address(request),
        impossible=await _impossible(waiting, request.app[SERVER].company),
        proposals=await proposals.open_proposals(MOST),
        write_offs=lost,
        promotions=await promotions.list_open(MOST),
        customers=await Customer.in_bulk(owners, "id") if owners else {},
        first_contract=FIRST_NUMBER,
        at=partial(at, request.app[SERVER].company),
        when=partial(when, request.app[SERVER].company, datetime.now(UTC)),
        done=DONE,
        **{"problem": ""} | forms | more,
    )


async def _cells(company: Company) -> list[Sequence[object]]:
    """All that waits, as a file has it."""
    rows: list[Sequence[object]] = [
        (one.asked_at, "void", one.id, one.sale.reference, company.typed(one.sale.amount), one.asked_by, one.reason)
        for one in await voids.asked_for()
    ]
    for each in await proposals.open_proposals(LONGEST):
        about = each.sale or each.payment or each.device or each.agent or each.customer
        name = next(filter(None, (getattr(about, column, "") for column in ("reference", "serial", "phone"))), "")
        amount = each.sale.amount if each.sale else each.amount
        rows.append((each.asked_at, each.what, each.id, name, company.typed(amount), each.asked_by, each.reason))
    for off in await write_offs.open_write_offs(LONGEST):
        name = contract_number(off.owner) if off.kind == Lost.CONTRACT else f"#{off.owner}"
        amount = company.typed(off.amount)
        rows.append((off.proposed_at, "write-off", off.id, name, amount, off.proposed_by, off.reason))
    for one in await promotions.list_open(LONGEST):
        rows.append(
            (
                moment(one.asked_at),
                one.role if one.what is What.ROLE else one.what,
                one.id,
                one.whom,
                "",
                one.by.name,
                "",
            )
        )
    return rows


async def _impossible(waiting: Sequence[Void], company: Company) -> dict[int, str]:
    """Which sales cannot be taken back any more, as of a device that somebody else has meanwhile, with why: nobody is
    offered to agree to it."""
    found = {}
    for void in waiting[:MOST]:
        try:
            await check_possible(void.sale)
        except NotTakenBack as refusal:
            found[void.id] = sentence(refusal, company)
    return found


def _not_there() -> web.HTTPNotFound:
    return web.HTTPNotFound(text=_("Nothing of this number waits.") + "\n", headers=HEADERS)
