"""The page of one agent: cash, statement by month, hand-ins, what happened, and the forms for what can be done."""

from calendar import monthrange
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from aiohttp import web

from bot.company import Company
from bot.server import SERVER, Server
from handlers.fields.languages import NAMES
from handlers.office.agents import forms
from handlers.office.agents.refusals import REFUSALS, why_not
from handlers.office.frame.forms import OfficeForm
from handlers.office.frame.lists import send_csv, wants_csv
from handlers.office.frame.page import is_first, page, redirect
from handlers.office.frame.routes import ALL, Nav, office_page
from handlers.office.frame.times import day_name
from handlers.office.frame.words import N_, _
from handlers.office.people.events import Shown, show_events
from models.money.day_close import bounds_of
from models.money.hand_in import HandedInBefore
from models.money.ledger import cash_held, commission_due
from models.money.reservations import promised_by
from models.money.wallets import ToppedUpBefore, in_wallet
from models.office.agent import hand_ins_of
from models.office.held import held_by_agent
from models.office.timeline import Whose, read_place, read_timeline
from models.people import Agent, MiniGrid
from models.people.agents import version_of
from models.selling.agents_statement import TakenPayment, day_figures, payments_taken
from models.tickets import tickets

ONE = r"/people/agents/{number:\d{1,18}}"
PAYMENTS, MOST_TICKETS = 50, 10
YEARS = range(2000, 9000)  # others are no months of ours, and have none before or after them
MOST_OF_MONTH = 50_000  # more than one agent sells in a month
COLUMNS = ("time", "reference", "paid_for", "name", "surname", "amount", "commission", "void")
DONE = {
    "new": N_("Added. The welcome and a PIN that has to be changed go to the phone by SMS."),
    "cash": N_("Booked. The agent gets an SMS."),
    "commission": N_("Paid out. The agent gets an SMS."),
    "proposed": N_("Written down. Another one of the office has to agree."),
    "settled": N_("Settled. Both sides get an SMS."),
    "topup": N_("The wallet is topped up. The agent gets an SMS."),
    "payout": N_("Written down. Another one of the office has to agree: Money, To decide."),
    "terms": N_("Changed."),
    "details": N_("Changed."),
    "phone": N_("Changed. The old and the new number get an SMS."),
    "lock": N_("Locked: nothing is sold with this agent's PIN. The agent gets an SMS."),
    "unlock": N_("Unlocked: the agent sells again."),
    "pin": N_("A new PIN goes to the phone by SMS. It counts for a day, and has to be changed at its first use."),
    "retire": N_("Retired. The history stays, and the number is free for another agent."),
}
Verb = Callable[[Server, Agent], Awaitable[str | None]]


@office_page(ONE, roles=ALL, nav=Nav.PEOPLE)
async def show(request: web.Request) -> web.StreamResponse:
    """An agent with all that is known of him; or the sales of a month as a file."""
    if not wants_csv(request):
        return await draw(request)
    agent, company = await find(request), request.app[SERVER].company
    since, until = _bounds(_month(request.query.get("month", ""), company), company)
    found = await payments_taken(agent.id, since, until, MOST_OF_MONTH)
    return await send_csv(request, f"agent-{agent.id}", COLUMNS, _cells(found, company))


async def find(request: web.Request) -> Agent:
    """The agent of the address."""
    agent = await Agent.get_or_none(id=int(request.match_info["number"]))
    if agent is None:
        raise web.HTTPNotFound(text=_("There is no such agent."))
    return agent


async def act(request: web.Request, name: str, form: OfficeForm, verb: Verb) -> web.StreamResponse:
    """Do what a form of the page asks for, once, and show the page again with how it went: `name`, or what the verb
    returns. What is refused is said at the form, which keeps what was typed."""
    server, agent = request.app[SERVER], await find(request)
    if not form.validate():
        return await draw(request, 422, {name: form})
    try:
        async with server.database.work():
            done = (await verb(server, agent) or name) if await is_first(request) else name
    except REFUSALS as refusal:
        sentence = why_not(refusal, agent, server.company)
        if isinstance(refusal, HandedInBefore | ToppedUpBefore):
            form.refuse("again", sentence)
            return await draw(request, 409, {name: form})
        return await draw(request, 409, {name: form}, sentence)
    server.outbox.notify()
    raise redirect(f"/people/agents/{agent.id}?done={done}")


async def draw(
    request: web.Request, status: int = 200, refused: dict[str, OfficeForm] | None = None, problem: str = ""
) -> web.StreamResponse:
    """The page, with the form that was refused, if one was."""
    company, agent = request.app[SERVER].company, await find(request)
    month = _month(request.query.get("month", ""), company)
    since, until = _bounds(month, company)
    events, older = await _happened(request, agent)
    return page(
        request,
        "agents/agent.html",
        status,
        agent=agent,
        grid=(await MiniGrid.get(id=agent.mini_grid_id)).name,
        held=await cash_held(agent.id),
        pending=(await promised_by([agent.id])).get(agent.id, 0),
        due=await commission_due(agent.id),
        wallet=await in_wallet(agent.id),
        month=month,
        before=_shift(month, -1),
        after=_shift(month, 1) if month < company.today().replace(day=1) else None,
        figures=await day_figures(agent.id, since, until),
        payments=await payments_taken(agent.id, since, until, PAYMENTS),
        most=PAYMENTS,
        hand_ins=await hand_ins_of(agent),
        events=events,
        older=older,
        tickets=await tickets.work_of(agent, MOST_TICKETS),
        forms=_with_names(await _forms(request, agent) | (refused or {})),
        refused=next(iter(refused or {}), ""),
        said=problem,
        sentences={name: _(sentence) for name, sentence in DONE.items()},
        languages=NAMES,
        seen=version_of(agent),
        when=partial(when, company),
    )


async def _forms(request: web.Request, agent: Agent) -> dict[str, OfficeForm]:
    """The forms as they are before anybody types."""
    company = request.app[SERVER].company
    seen = version_of(agent)
    details = blank(forms.Details, request, name=agent.name, language=agent.language, seen=seen)
    await offer(details, company, agent)
    return {
        "cash": blank(forms.BookCash, request),
        "commission": blank(forms.PayCommission, request),
        "topup": blank(forms.TopUp, request),
        "payout": blank(forms.PayOut, request),
        "settle": blank(forms.Settle, request),
        "terms": blank(
            forms.Terms,
            request,
            limit=agent.cash_limit,
            commission=agent.commission / 100,
            goods_commission=agent.goods_commission / 100,
            cashier=agent.cashier,
            prepaid=agent.prepaid,
            seen=seen,
        ),
        "details": details,
        "phone": blank(forms.ChangePhone, request),
        "lock": blank(forms.Lock, request),
        "unlock": blank(forms.Unlock, request),
        "pin": blank(forms.SendPin, request),
        "retire": blank(forms.Retire, request),
    }


def _with_names(drawn: dict[str, OfficeForm]) -> dict[str, OfficeForm]:
    """Several forms of the page have an amount or a reason: each field has an id of its own."""
    for name, form in drawn.items():
        for field in form:
            field.id = field.label.field_id = f"{name}-{field.short_name}"
    return drawn


def when(company: Company, at: datetime) -> str:
    """A moment as the office reads it: 23 Nov 10:42."""
    return f"{day_name(company, at)} {company.clock(at)}"


async def _cells(found: Sequence[TakenPayment], company: Company) -> AsyncIterator[Sequence[object]]:
    for one in found:
        figures = company.typed(one.amount), company.typed(one.commission)
        yield one.at, one.reference, one.paid_for, one.name, one.surname, *figures, one.void


async def _happened(request: web.Request, agent: Agent) -> tuple[list[Shown], str]:
    whose = Whose(id=agent.id, held=await held_by_agent(agent), owner="agent_id")
    events, older = await read_timeline(whose, read_place(request.query.get("before", "")))
    return await show_events(events, request.app[SERVER], {one.phone: agent.name for one in whose.held}), older


def blank(form: type[OfficeForm], request: web.Request, **first: Any) -> OfficeForm:
    """A form as it is before anybody types, whatever was sent for another one."""
    return form(None, meta={"company": request.app[SERVER].company}, **first)


async def offer(form: Any, company: Company, agent: Agent | None = None) -> None:
    """The languages and mini-grids that can be chosen; those of the agent are chosen first."""
    form.language.choices = forms.languages(company.languages)
    form.mini_grid.choices = await forms.mini_grids()
    if agent and form.mini_grid.data in (None, "", "None"):
        form.mini_grid.data = (await MiniGrid.get(id=agent.mini_grid_id)).name


def _month(text: str, company: Company) -> date:
    """The first day of a month like 2026-11; of this month for anything else."""
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        month = date.min
    return month if month.year in YEARS else company.today().replace(day=1)


def _bounds(month: date, company: Company) -> tuple[datetime, datetime]:
    last = month.replace(day=monthrange(month.year, month.month)[1])
    return bounds_of(month, company.zone)[0], bounds_of(last, company.zone)[1]


def _shift(month: date, by: int) -> date:
    count = month.year * 12 + month.month - 1 + by
    return date(count // 12, count % 12 + 1, 1)
