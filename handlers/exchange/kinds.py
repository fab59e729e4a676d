"""What can be imported and exported, by the name that `mwanga import` and `mwanga export` know it by."""

from collections.abc import Mapping

from handlers.exchange.agents import AGENTS
from handlers.exchange.appliances import APPLIANCES
from handlers.exchange.bookkeeping import CLAIMS, CLOSED_DAYS, JOURNAL, STATEMENT_LINES
from handlers.exchange.connections import CONNECTIONS, METER_TYPES
from handlers.exchange.customers import CUSTOMERS
from handlers.exchange.device_models import MODELS
from handlers.exchange.devices import DEVICES
from handlers.exchange.exports import AUDIT, CONTRACTS, HANDED_IN, MESSAGES, PAYMENTS, SALES, TICKETS
from handlers.exchange.sheet import ImportKind
from handlers.exchange.statements import statement_kind
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
STATEMENT_OF = "statement of "  # and the provider's name: a kind for each of them
EXPORTS = {
    **IMPORTS,
    "sales": SALES,
    "contracts": CONTRACTS,
    "payments": PAYMENTS,
    "handed-in": HANDED_IN,
    "tickets": TICKETS,
    "messages": MESSAGES,
    "audit": AUDIT,
    "journal": JOURNAL,
    "claims": CLAIMS,
    "statement-lines": STATEMENT_LINES,
    "closed-days": CLOSED_DAYS,
}


def kinds_with(name: str) -> Mapping[str, ImportKind]:
    """The kinds among which this one is: a statement's columns are nobody else's."""
    return IMPORTS if name in IMPORTS else {name: statement_kind(name.removeprefix(STATEMENT_OF))}
