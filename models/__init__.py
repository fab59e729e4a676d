"""The business: tables, the questions asked of them, and the rules that keep money right."""

from models.audit import Audit
from models.devices import Device, Plan
from models.ledger import Account, Entry, Line
from models.messages import Contact, GatewayState, Inbox, Outbox, Refused, Setting, UssdSession, UssdTurn
from models.people import Agent, Customer, MiniGrid, OfficeUser, Village
from models.sales import Payment, Sale, Token

__all__ = [
    "Account",
    "Agent",
    "Audit",
    "Contact",
    "Customer",
    "Device",
    "Entry",
    "GatewayState",
    "Inbox",
    "Line",
    "MiniGrid",
    "OfficeUser",
    "Outbox",
    "Payment",
    "Plan",
    "Refused",
    "Sale",
    "Setting",
    "Token",
    "UssdSession",
    "UssdTurn",
    "Village",
]
