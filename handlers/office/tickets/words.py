"""What the pages of tickets share: their words, and how a ticket's times and people are written."""

from datetime import UTC, datetime, timedelta
from typing import Any

from handlers.office.frame.times import age
from handlers.office.frame.words import N_, _
from models.sql import ms_of, now_ms
from models.tickets import Category, Ticket, TicketState
from models.tickets.tickets import Step

STATES = {
    TicketState.OPEN: N_("Open"),
    TicketState.ASKED: N_("Waiting for the customer"),
    TicketState.CLOSED: N_("Closed"),
}
CATEGORIES = {
    Category.POWER: N_("No power"),
    Category.CODE: N_("Code refused"),
    Category.PAID: N_("Paid, no code"),
    Category.DEVICE: N_("Device broken"),
    Category.OTHER: N_("Other"),
    Category.PAYMENT: N_("Payment overdue"),
}
STEPS = {
    Step.OPENED: N_("reported"),
    Step.ASSIGNED: N_("gave it to"),
    Step.COMMENTED: N_("wrote"),
    Step.ASKED: N_("asked the customer if it is fixed"),
    Step.CLOSED: N_("closed it"),
    Step.REOPENED: N_("opened it again"),
}
# Who did a step, and to whom a ticket was given, where that is no person.
NAMELESS = {"silence": N_("three days of silence"), "paid": N_("the payment"), "office": N_("nobody")}


def category_of(ticket: Ticket) -> str:
    return _(CATEGORIES[Category(ticket.category)])


def owner_of(ticket: Ticket) -> str:
    return f"{ticket.customer.name} {ticket.customer.surname}".strip()


def worker_of(ticket: Ticket) -> str:
    """Whose work it is."""
    if ticket.agent:
        return str(ticket.agent.name)
    return _("{name} (office)", name=ticket.staff.name) if ticket.staff else _("Not assigned")


def is_late(ticket: Ticket) -> bool:
    return ticket.state == TicketState.OPEN and ticket.due_at < datetime.now(UTC)


def age_of(moment: datetime) -> str:
    """How long ago something was."""
    return age(now_ms(), ms_of(moment))


def length_of(span: timedelta) -> str:
    """How long something took: 40 min, 36 h, 3 days."""
    return age(int(span.total_seconds() * 1000), 0)


SHARED: dict[str, Any] = {
    "category": category_of,
    "owner": owner_of,
    "worker": worker_of,
    "age": age_of,
    "late": is_late,
    "length": length_of,
}
