"""The business: tables, the questions asked of them, and the rules that keep money right."""

from models.audit import Audit
from models.customers.registration import Registration
from models.devices.connections import Connection, ConnectionGroup, ConnectionType, MeterType, SubConnectionType
from models.devices.tables import Device, DeviceModel, Plan
from models.messages.phones import Phone, PhonePart, PhoneReceiver
from models.messages.tables import Contact, Draft, GatewayState, Inbox, Outbox, Refused, Setting, UssdSession, UssdTurn
from models.money.catalogue import Allocation, Appliance, Contract, Instalment, PaymentPlan
from models.money.hand_in import HandIn
from models.money.ledger import Account, Entry, Line
from models.money.sales import Payment, Sale, Token
from models.people.tables import Agent, Customer, MiniGrid, OfficeUser, Village
from models.tickets.tickets import Ticket, TicketEvent

__all__ = [
    "Account",
    "Agent",
    "Allocation",
    "Appliance",
    "Audit",
    "Connection",
    "ConnectionGroup",
    "ConnectionType",
    "Contact",
    "Contract",
    "Customer",
    "Device",
    "DeviceModel",
    "Draft",
    "Entry",
    "GatewayState",
    "HandIn",
    "Inbox",
    "Instalment",
    "Line",
    "MeterType",
    "MiniGrid",
    "OfficeUser",
    "Outbox",
    "Payment",
    "PaymentPlan",
    "Phone",
    "PhonePart",
    "PhoneReceiver",
    "Plan",
    "Refused",
    "Registration",
    "Sale",
    "Setting",
    "SubConnectionType",
    "Ticket",
    "TicketEvent",
    "Token",
    "UssdSession",
    "UssdTurn",
    "Village",
]
