"""The business: tables, the questions asked of them, and the rules that keep money right."""

from models.appliances import Allocation, Appliance, Contract, Instalment, PaymentPlan
from models.audit import Audit
from models.connections import Connection, ConnectionGroup, ConnectionType, MeterType, SubConnectionType
from models.devices import Device, DeviceModel, Plan
from models.handins import HandIn
from models.ledger import Account, Entry, Line
from models.messages import Contact, Draft, GatewayState, Inbox, Outbox, Refused, Setting, UssdSession, UssdTurn
from models.people import Agent, Customer, MiniGrid, OfficeUser, Village
from models.phones import Phone, PhonePart, PhoneReceiver
from models.registration import Registration
from models.sales import Payment, Sale, Token
from models.tickets import Ticket, TicketEvent

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
