"""What the office does with a ticket, and what both sides are told of it. Each function is called in the caller's unit
of work, with the ticket locked; it returns the messages to be sent, none when there was nothing to do."""

from collections.abc import Sequence
from datetime import date, datetime

from bot.company import Company
from bot.message import Copy
from handlers.tickets.fixed import can_be_asked
from handlers.tickets.news import News
from handlers.tickets.questions import LONGEST, without_pins
from models.devices import Device
from models.people import Agent, Customer, OfficeUser
from models.settings import ChangedMeanwhile
from models.tickets import Category, Ticket, tickets
from models.tickets.tickets import Opened

Copies = Sequence[Copy]
LAST_DAY = date(2100, 1, 1)


class NoWords(ValueError):
    """There is nothing in the words."""


class TooLong(ValueError):
    """More words than a ticket keeps."""


def read_words(typed: str) -> str:
    """Some words, not too many, and nothing that may be a PIN. Raises NoWords and TooLong."""
    text = " ".join(typed.split())
    if sum(map(str.isalpha, text)) < 2:
        raise NoWords
    if len(text) > LONGEST:
        raise TooLong
    return without_pins(text)


def is_due_possible(day: date, company: Company) -> bool:
    """Whether work can be due on this day."""
    return company.today() <= day <= LAST_DAY


def due_day(ticket: Ticket, company: Company) -> date:
    """The day on which it is due, in the company's zone."""
    return ticket.due_at.astimezone(company.zone).date()


async def check_seen(ticket: Ticket, seen: int) -> None:
    """Raises ChangedMeanwhile when the last step is another one than the one that was seen."""
    if await tickets.last_step(ticket) != seen:
        raise ChangedMeanwhile(ticket.number)


async def open_for(
    customer: Customer,
    device: Device | None,
    category: Category,
    words: str,
    *,
    due: date,
    user: OfficeUser,
    key: str,
    company: Company,
) -> tuple[Opened, Copies]:
    """Open a ticket for somebody who called. The same words about the same device are the same ticket as long as it is
    open, and so is the same `key`."""
    opened = await tickets.open_ticket(
        customer, device, category, words, actor=user, key=f"office {key}"[:80], due_at=company.end_of(due)
    )
    if not opened.new:
        return opened, []
    news = News(opened.ticket, company)
    return opened, [*news.customer(news.saved(), actor=user.name), *news.agents(news.given(), actor=user.name)]


async def assign(
    ticket: Ticket, company: Company, user: OfficeUser, *, agent: Agent | None, staff: OfficeUser | None, due: date
) -> Copies:
    """The work goes to an agent of the mini-grid or to somebody of the office; or gets another due date."""
    former = ticket.agent
    due_at = _end_of(due, ticket, company)
    same = (agent.id if agent else None, staff.id if staff else None, due_at)
    if same == (ticket.agent_id, ticket.staff_id, ticket.due_at):
        return []
    ticket = await tickets.assign(ticket, user, agent=agent, staff=staff, due_at=due_at)
    return News(ticket, company).handed_over(actor=user.name, former=former)


def _end_of(day: date, ticket: Ticket, company: Company) -> datetime:
    """The end of a day in the operator's zone; as it was when the day is the same."""
    return ticket.due_at if day == due_day(ticket, company) else company.end_of(day)


async def comment(ticket: Ticket, company: Company, user: OfficeUser, words: str) -> Copies:
    if not await tickets.comment(ticket, user, words):
        return []
    news = News(ticket, company)
    return news.both(news.comment(company.name, words), actor=user.name)


async def ask(ticket: Ticket, company: Company, user: OfficeUser) -> Copies:
    """The customer decides whether it is fixed; one who cannot be asked does not, and then it is closed."""
    news = News(ticket, company)
    if not await can_be_asked(ticket):
        closed = await tickets.close(ticket, user)
        return news.closed_for_all(actor=user.name) if closed else []
    if not await tickets.ask_fixed(ticket, user):
        return []
    asked = news.customer(news.fixed(), actor=user.name, asks=ticket.number)
    return [*asked, *news.agents(news.asked(), actor=user.name)]


async def close(ticket: Ticket, company: Company, user: OfficeUser, words: str) -> Copies:
    """Without asking, and with the reason: the customer called, or the same was reported twice."""
    if not await tickets.close(ticket, user, words):
        return []
    news = News(ticket, company)
    agents = news.agents(news.closed_by_office(words), actor=user.name)
    return [*news.who_knows(news.closed(), actor=user.name), *agents]


async def reopen(ticket: Ticket, company: Company, user: OfficeUser, words: str) -> Copies:
    if not await tickets.reopen(ticket, user, words):
        return []
    news = News(ticket, company)
    return news.both(news.open_again(), actor=user.name)
