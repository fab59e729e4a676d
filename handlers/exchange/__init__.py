"""Data in and out as CSV files: `mwanga import KIND FILE` and `mwanga export KIND`.

A file is checked whole before anything is written; each bad row is named with its line and the reason. What is
there already is recognised, so that the same file a second time changes nothing.
"""

from handlers.exchange.agents import AGENTS
from handlers.exchange.appliances import APPLIANCES
from handlers.exchange.connections import CONNECTIONS, METER_TYPES
from handlers.exchange.customers import CUSTOMERS
from handlers.exchange.device_models import MODELS
from handlers.exchange.devices import DEVICES
from handlers.exchange.exports import CONTRACTS, HANDED_IN, MESSAGES, PAYMENTS, SALES, TICKETS
from handlers.exchange.sheet import Problem, Sheet, check_again, exported, read
from handlers.exchange.stock import STOCK
from handlers.exchange.table import Table, Unreadable
from handlers.exchange.tariffs import TARIFFS
from handlers.exchange.villages import VILLAGES

# In this order: each may name what stands before it.
IMPORTS = {
    "villages": VILLAGES,
    "tariffs": TARIFFS,
    "meter-types": METER_TYPES,
    "connections": CONNECTIONS,
    "models": MODELS,
    "appliances": APPLIANCES,
    "agents": AGENTS,
    "customers": CUSTOMERS,
    "stock": STOCK,
    "devices": DEVICES,
}
EXPORTS = {
    **IMPORTS,
    "sales": SALES,
    "contracts": CONTRACTS,
    "payments": PAYMENTS,
    "handed-in": HANDED_IN,
    "tickets": TICKETS,
    "messages": MESSAGES,
}

__all__ = ["EXPORTS", "IMPORTS", "Problem", "Sheet", "Table", "Unreadable", "check_again", "exported", "read"]
