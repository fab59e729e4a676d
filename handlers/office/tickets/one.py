"""The page of one ticket: how it stands, what happened, and what can be done with it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from bot.company import Company
from bot.server import SERVER
from handlers.office.frame.forms import OfficeForm
from handlers.office.frame.page import HEADERS, is_first, page, redirect
from handlers.office.frame.routes import ALL, FORM, HELPERS, USER, Nav, office_page
from handlers.office.frame.times import day_name
from handlers.office.frame.words import N_, _
from handlers.office.tickets.forms import Assignment, Closing, Comment, Question, Reopening
from handlers.office.tickets.words import NAMELESS, SHARED, STEPS
from handlers.tickets import desk
from handlers.tickets.desk import Copies
from models.office.tickets import told_of
from models.people import OfficeUser
from models.people.agents import agents_among, find_agent
from models.settings import ChangedMeanwhile
from models.tickets import Category, Ticket, TicketEvent, TicketNotFound, TicketState, tickets
from models.tickets.tickets import Step

ONE = r"/tickets/K{number:\d{1,9}}"
DONE = {
    "opened": N_("The ticket is open."),
    "same": N_("This is open already: nothing new was saved."),
    "assign": N_("Saved."),
    "comment": N_("Saved."),
    "ask": N_("The customer is asked."),
    "close": N_("The ticket is closed."),
    "reopen": N_("The ticket is open again."),
    "none": N_("It was so already: nothing was changed."),
}


@dataclass(frozen=True)
class Action:
    """What can be done with a ticket: its form, and the verb."""

    form: type[OfficeForm]
    verb: Callable[[Ticket, Company, OfficeUser, OfficeForm], Awaitable[Copies]]


async def _assign(ticket: Ticket, company: Company, user: OfficeUser, form: OfficeForm) -> Copies:
    if ticket.state == TicketState.CLOSED:
        return []
    agents, staff = await tickets.workers_for(ticket)
    kind, _space, number = (form["to"].data or "").partition(" ")
    agent = next((one for one in agents if (kind, number) == ("agent", str(one.id))), None)
    clerk = next((one for one in staff if (kind, number) == ("staff", str(one.id))), None)
    return await desk.assign(ticket, company, user, agent=agent, staff=clerk, due=form["due"].data)


async def _comment(ticket: Ticket, company: Company, user: OfficeUser, form: OfficeForm) -> Copies:
    return await desk.comment(ticket, company, user, form["words"].data)


async def _ask(ticket: Ticket, company: Company, user: OfficeUser, _form: OfficeForm) -> Copies:
    return await desk.ask(ticket, company, user)


async def _close(ticket: Ticket, company: Company, user: OfficeUser, form: OfficeForm) -> Copies:
    return await desk.close(ticket, company, user, form["words"].data)


async def _reopen(ticket: Ticket, company: Company, user: OfficeUser, form: OfficeForm) -> Copies:
    return await desk.reopen(ticket, company, user, form["words"].data)


ACTIONS: Mapping[str, Action] = {
    "assign": Action(Assignment, _assign),
    "comment": Action(Comment, _comment),
    "ask": Action(Question, _ask),
    "close": Action(Closing, _close),
    "reopen": Action(Reopening, _reopen),
}


@office_page(ONE, roles=ALL, nav=Nav.TICKETS)
async def show(request: web.Request) -> web.StreamResponse:
    """One ticket."""
    return await _draw(request)


@office_page(ONE, "POST", roles=HELPERS, nav=Nav.TICKETS)
async def change(request: web.Request) -> web.StreamResponse:
    """One step, with its audit row and what both sides are told, in one transaction; then the ticket again."""
    what = request[FORM].get("do", "")
    if what not in ACTIONS:
        raise web.HTTPBadRequest(text=_("This is no form of ours.") + "\n", headers=HEADERS)
    form = await _form(request, what, await _find(request, tickets.find_for_office))
    if not form.validate():
        return await _draw(request, 422, sent={what: form})
    try:
        done, step = await _do(request, what, form)
    except ChangedMeanwhile:
        said = _("Somebody changed this ticket while you were writing. Look at what happened, then send it again.")
        return await _draw(request, 409, sent={what: form}, problem=said)
    request.app[SERVER].outbox.notify()
    number = request.match_info["number"]
    raise redirect(f"/tickets/K{number}?done={done}&step={step}" if step else f"/tickets/K{number}?done={done}")


async def _do(request: web.Request, what: str, form: OfficeForm) -> tuple[str, int]:
    """What was done, as DONE has it, and the number of the step; 0 when nothing had to be done. Who cannot be asked has
    the ticket closed. Raises ChangedMeanwhile."""
    server, user = request.app[SERVER], request[USER]
    async with server.database.work():
        ticket = await _find(request, tickets.lock_ticket)
        if not await is_first(request):
            return _done(what, ticket), await tickets.last_step(ticket)
        before = await tickets.last_step(ticket)
        await desk.check_seen(ticket, _number(request[FORM].get("seen", "")))
        copies = await ACTIONS[what].verb(ticket, server.company, user, form)
        step = await tickets.last_step(ticket)
        if step == before:
            return "none", 0
        await server.composer.tell(f"ticket {ticket.number} step {step}", copies)
        return _done(what, ticket), step


def _done(what: str, ticket: Ticket) -> str:
    return "close" if what == "ask" and ticket.state == TicketState.CLOSED else what


async def _form(request: web.Request, what: str, ticket: Ticket) -> OfficeForm:
    """A form of the page, with what was sent by it. Each has its own names of fields."""
    company = request.app[SERVER].company
    if what != "assign":
        return ACTIONS[what].form.of(request, prefix=f"{what}-")
    worker = f"agent {ticket.agent_id}" if ticket.agent_id else f"staff {ticket.staff_id}" if ticket.staff_id else ""
    day = desk.due_day(ticket, company)
    form = Assignment.of(request, prefix="assign-", to=worker, due=day)
    form.due.kept = day
    form.to.choices = await _workers(ticket)
    return form


async def _workers(ticket: Ticket) -> list[tuple[str, str]]:
    """Who can be given the ticket, before them who has it and cannot do it now."""
    agents, staff = await tickets.workers_for(ticket)
    called = Counter(agent.name for agent in agents)
    names = [agent.name if called[agent.name] == 1 else f"{agent.name} {agent.phone}" for agent in agents]
    choices = [(f"agent {agent.id}", _("{name}, agent", name=name)) for agent, name in zip(agents, names, strict=True)]
    choices += [(f"staff {clerk.id}", _("{name}, office", name=clerk.name)) for clerk in staff]
    if ticket.agent and ticket.agent not in agents:
        return [("", _("{name}, who cannot do it now", name=ticket.agent.name)), *choices]
    return choices if ticket.agent or ticket.staff else [("", _("Please choose")), *choices]


async def _draw(
    request: web.Request, status: int = 200, *, sent: Mapping[str, OfficeForm] | None = None, problem: str = ""
) -> web.StreamResponse:
    company, ticket = request.app[SERVER].company, await _find(request, tickets.find_for_office)
    history = await tickets.history(ticket)
    names = await _names(ticket, history)
    forms = {what: (sent or {}).get(what) or await _form(request, what, ticket) for what in ACTIONS}
    return page(
        request,
        "tickets/ticket.html",
        status,
        ticket=ticket,
        problem=problem,
        history=history,
        names=names,
        steps=STEPS,
        forms=forms,
        opened=set(sent or ()),
        seen=history[-1].id if history else 0,
        can=_possible(ticket),
        agent_too=await find_agent(ticket.customer.phone) if ticket.customer.phone else None,
        done=_(DONE.get(request.query.get("done", ""), "")) if status == 200 else "",
        told=await _told(request, ticket, names) if status == 200 else "",
        day=partial(day_name, company),
        clock=company.clock,
        **SHARED,
    )


def _possible(ticket: Ticket) -> set[str]:
    """What can be done with it as it stands."""
    if ticket.state == TicketState.CLOSED:
        return {"comment", "reopen"}
    asks = ticket.state == TicketState.OPEN and ticket.category != Category.PAYMENT
    return {"assign", "comment", "close"} | ({"ask"} if asks else set())


async def _told(request: web.Request, ticket: Ticket, names: Mapping[str, str]) -> str:
    """Who was written to about the step that was just taken."""
    step = _number(request.query.get("step", ""))
    if not step:
        return ""
    phones = await told_of(ticket, step)
    if not phones:
        return _("Nobody was written to.")
    return _("Sent to {names}.", names=", ".join(names.get(phone, phone) for phone in phones))


def _number(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= 18 else 0


async def _names(ticket: Ticket, events: Sequence[TicketEvent]) -> dict[str, str]:
    """The names behind the phone numbers of a history."""
    found = {actor: _(said) for actor, said in NAMELESS.items()}
    if ticket.customer.phone:
        found[ticket.customer.phone] = f"{ticket.customer.name} {ticket.customer.surname}".strip()
    phones = {event.actor for event in events} | {event.text for event in events if event.step == Step.ASSIGNED}
    phones |= {agent.phone for agent in (ticket.agent, ticket.reporter) if agent}
    for agent in await agents_among(phones):  # the newest has the number now
        found[agent.phone] = agent.name
    return found


async def _find(request: web.Request, find: Callable[[int], Awaitable[Ticket]]) -> Ticket:
    try:
        return await find(int(request.match_info["number"]))
    except TicketNotFound as error:
        raise web.HTTPNotFound(text=_("There is no such ticket.") + "\n", headers=HEADERS) from error
