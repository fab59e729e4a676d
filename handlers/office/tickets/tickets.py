"""The office's tickets: what is open and whose work it is, one with its history, and what can be done with it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime

from aiohttp import web

from bot.company import Company
from bot.message import Copy
from bot.server import SERVER, Server
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import ALL, DESK, FORM, USER, Nav, office_page
from handlers.office.frame.times import age
from handlers.tickets.news import LABELS, News
from handlers.tickets.questions import LONGEST, without_pins
from models.people import Agent, OfficeUser
from models.sql import now_ms
from models.tickets import Category, Ticket, TicketEvent, TicketNotFound, TicketState, tickets
from models.tickets.tickets import Step

ONE = r"/tickets/K{number:\d{1,9}}"
Form = Mapping[str, str]
Action = Callable[[News, Form, OfficeUser], Awaitable[Sequence[Copy]]]
STEPS = {
    Step.OPENED: "reported",
    Step.ASSIGNED: "given to",
    Step.COMMENTED: "added",
    Step.ASKED: "asked the customer if it is fixed",
    Step.CLOSED: "closed",
    Step.REOPENED: "opened it again",
}


class NotDone(Exception):
    """Nothing was changed; the text says why, for the page."""


@office_page("/tickets", roles=ALL, nav=Nav.TICKETS)
async def show_all(request: web.Request) -> web.StreamResponse:
    """Open tickets, the most urgent first, then those whose customers are asked, then closed ones."""
    before = request.query.get("before", "")
    older = int(before) if before.isdecimal() and len(before) < 10 else 0
    closed = await tickets.tickets_in(TicketState.CLOSED, older)
    return page(
        request,
        "tickets/tickets.html",
        200,
        older=older,
        groups=[
            ("Open", [] if older else await tickets.tickets_in(TicketState.OPEN)),
            ("The customer is asked", [] if older else await tickets.tickets_in(TicketState.ASKED)),
            ("Closed", closed),
        ],
        next=closed[-1].id if len(closed) == tickets.MOST_LISTED else 0,
        most=tickets.MOST_LISTED,
        **_shared_words(request.app[SERVER]),
    )


@office_page(ONE, roles=ALL, nav=Nav.TICKETS)
async def show(request: web.Request) -> web.StreamResponse:
    """One ticket."""
    return await _draw(request)


@office_page(ONE, "POST", roles=DESK, nav=Nav.TICKETS)
async def change(request: web.Request) -> web.StreamResponse:
    """One step, with its audit row and what both sides are told, in one transaction; then the ticket again."""
    server, form, user = request.app[SERVER], request[FORM], request[USER]
    action = ACTIONS.get(form.get("do", ""))
    if action is None:
        raise web.HTTPBadRequest(text="This is no form of ours.\n", headers=HEADERS)
    try:
        async with server.database.work():
            ticket = await _find(request, tickets.lock_ticket)
            done = len(await tickets.history(ticket))
            copies = await action(News(ticket, server.company), form, user)
            for step in list(await tickets.history(ticket))[done:]:
                await server.composer.tell(f"ticket {ticket.number} step {step.id}", copies)
    except NotDone as problem:
        return await _draw(request, 422, str(problem))
    server.outbox.notify()
    raise redirect(f"/tickets/{ticket.number}")


async def _draw(request: web.Request, status: int = 200, problem: str = "") -> web.StreamResponse:
    server, ticket = request.app[SERVER], await _find(request, tickets.find_for_office)
    agents, staff = await tickets.workers_for(ticket)
    return page(
        request,
        "tickets/ticket.html",
        status,
        ticket=ticket,
        problem=problem,
        history=await tickets.history(ticket),
        agents=agents,
        staff=staff,
        due=_day_of(ticket.due_at, server.company).isoformat(),
        steps=STEPS,
        names=await _names(ticket),
        longest=LONGEST,
        **_shared_words(server),
    )


def _shared_words(server: Server) -> dict[str, object]:
    """What both templates say of a ticket."""
    now = datetime.now(UTC)
    return {
        "category": lambda ticket: LABELS[Category(ticket.category)].to("en"),
        "owner": lambda ticket: f"{ticket.customer.name} {ticket.customer.surname}",
        "age": lambda moment: age(now_ms(), int(moment.timestamp() * 1000)),
        "late": lambda ticket: ticket.state == TicketState.OPEN and ticket.due_at < now,
        "day": server.company.day_by_name,
        "clock": server.company.clock,
    }


async def _names(ticket: Ticket) -> dict[str, str]:
    """The names behind the phone numbers of a history."""
    found: dict[str, str] = {"silence": "three days of silence"}
    if ticket.customer.phone:
        found[ticket.customer.phone] = f"{ticket.customer.name} {ticket.customer.surname}"
    events: Sequence[TicketEvent] = await tickets.history(ticket)
    phones = {event.actor for event in events} | {event.text for event in events if event.step == Step.ASSIGNED}
    for agent in await Agent.filter(phone__in=list(phones)).order_by("id"):  # the newest has the number now
        found[agent.phone] = agent.name
    return found


async def _find(request: web.Request, find: Callable[[int], Awaitable[Ticket]]) -> Ticket:
    try:
        return await find(int(request.match_info["number"]))
    except TicketNotFound as error:
        raise web.HTTPNotFound(text="There is no such ticket.\n", headers=HEADERS) from error


async def _assign(news: News, form: Form, user: OfficeUser) -> Sequence[Copy]:
    """The work goes to an agent of the mini-grid or to somebody of the office; or gets another due date."""
    ticket, former = news.ticket, news.ticket.agent
    agents, staff = await tickets.workers_for(ticket)
    kind, _space, number = form.get("to", "").partition(" ")
    agent = next((one for one in agents if (kind, number) == ("agent", str(one.id))), None)
    clerk = next((one for one in staff if (kind, number) == ("staff", str(one.id))), None)
    if agent is None and clerk is None:
        raise NotDone("Choose who is to do the work.")
    due_at = _due(form.get("due", ""), ticket, news.company)
    same = (agent.id if agent else None, clerk.id if clerk else None, due_at)
    if same == (ticket.agent_id, ticket.staff_id, ticket.due_at):
        return []
    ticket = await tickets.assign(ticket, user, agent=agent, staff=clerk, due_at=due_at)
    return News(ticket, news.company).handed_over(actor=user.name, former=former)


def _due(text: str, ticket: Ticket, company: Company) -> datetime:
    """The end of a day in the operator's zone; as it was when the day is the same."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise NotDone("The due date is no date like 2026-11-30.") from error
    if day == _day_of(ticket.due_at, company):
        return ticket.due_at
    if not datetime.now(company.zone).date() <= day <= date(2100, 1, 1):
        raise NotDone("The due date is over already, or too far away.")
    return company.end_of(day)


def _day_of(moment: datetime, company: Company) -> date:
    return moment.astimezone(company.zone).date()


async def _comment(news: News, form: Form, user: OfficeUser) -> Sequence[Copy]:
    text = _read_words(form)
    if not await tickets.comment(news.ticket, user, text):
        return []
    words = news.comment(news.company.name, text)
    return news.both(words, actor=user.name)


async def _ask(news: News, _form: Form, user: OfficeUser) -> Sequence[Copy]:
    """The customer decides whether it is fixed; one without a phone cannot be asked."""
    if news.ticket.customer.phone is None:
        await tickets.close(news.ticket, user)
        return news.agents(news.closed_unasked(), actor=user.name)
    if not await tickets.ask_fixed(news.ticket, user):
        return []
    asked = news.customer(news.fixed(), actor=user.name, asks=news.ticket.number)
    return [*asked, *news.agents(news.asked(), actor=user.name)]


async def _close(news: News, form: Form, user: OfficeUser) -> Sequence[Copy]:
    """Without asking, and with the reason: the customer called, or the same was reported twice."""
    text = _read_words(form)
    if not await tickets.close(news.ticket, user, text):
        return []
    agents = news.agents(news.closed_by_office(text), actor=user.name)
    return [*news.customer(news.closed(), actor=user.name), *agents]


async def _reopen(news: News, form: Form, user: OfficeUser) -> Sequence[Copy]:
    if not await tickets.reopen(news.ticket, user, _read_words(form)):
        return []
    return news.both(news.open_again(), actor=user.name)


def _read_words(form: Form) -> str:
    """The words of a form: some, not too many, and nothing that may be a PIN."""
    text = " ".join(form.get("words", "").split())
    if sum(map(str.isalpha, text)) < 2:
        raise NotDone("Say it in a few words.")
    if len(text) > LONGEST:
        raise NotDone(f"Too long: {LONGEST} letters at most.")
    return without_pins(text)


ACTIONS: Mapping[str, Action] = {
    "assign": _assign,
    "comment": _comment,
    "ask": _ask,
    "close": _close,
    "reopen": _reopen,
}
