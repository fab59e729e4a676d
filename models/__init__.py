"""The business: tables, the questions asked of them, and the rules that keep money right."""

from models.audit import Audit
from models.customers.registration import Registration
from models.devices import Device, DeviceModel, Tariff
from models.devices.connections import Connection, ConnectionGroup, ConnectionType, MeterType, SubConnectionType
from models.messages import GatewayState, Phone
from models.messages.phones import PhonePart, PhoneReceiver
from models.messages.tables import ContactRow, Draft, Inbox, Outbox, Refused, UssdSession, UssdTurn
from models.money import Appliance, Contract, PaymentPlan, Sale
from models.money.contracts import Allocation, Instalment
from models.money.hand_in import HandIn
from models.money.ledger import Account, Entry, Line
from models.money.sales import Payment, Token
from models.people import Agent, Customer, MiniGrid, OfficeUser, Village
from models.settings import Setting
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
    "ContactRow",
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
    "Refused",
    "Registration",
    "Sale",
    "Setting",
    "SubConnectionType",
    "Tariff",
    "Ticket",
    "TicketEvent",
    "Token",
    "UssdSession",
    "UssdTurn",
    "Village",
]
