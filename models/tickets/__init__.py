"""Tickets: opened, given to somebody, answered, closed."""

from models.tickets.tickets import Category, Ticket, TicketEvent, TicketNotFound, TicketState

__all__ = [
    "Category",
    "Ticket",
    "TicketEvent",
    "TicketNotFound",
    "TicketState",
]
