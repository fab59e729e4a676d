"""What can be imported and exported, by the name that `mwanga import` and `mwanga export` know it by."""

from handlers.exchange.agents import AGENTS
from handlers.exchange.appliances import APPLIANCES
from handlers.exchange.connections import CONNECTIONS, METER_TYPES
from handlers.exchange.customers import CUSTOMERS
from handlers.exchange.device_models import MODELS
from handlers.exchange.devices import DEVICES
from handlers.exchange.exports import AUDIT, CONTRACTS, HANDED_IN, MESSAGES, PAYMENTS, SALES, TICKETS
from handlers.exchange.stock import STOCK
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
    "audit": AUDIT,
}
