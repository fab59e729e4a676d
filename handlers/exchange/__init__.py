"""Data in and out as CSV files: `mwanga import KIND FILE` and `mwanga export KIND`.

A file is checked whole before anything is written; each bad row is named with its line and the reason. What is
there already is recognised, so that the same file a second time changes nothing.
"""

from handlers.exchange.devices import DEVICES, STOCK, TARIFFS
from handlers.exchange.people import AGENTS, CUSTOMERS
from handlers.exchange.records import MESSAGES, PAYMENTS, SALES
from handlers.exchange.sheet import Problem, Sheet, exported, read

IMPORTS = {"agents": AGENTS, "customers": CUSTOMERS, "tariffs": TARIFFS, "stock": STOCK, "devices": DEVICES}
EXPORTS = {**IMPORTS, "sales": SALES, "payments": PAYMENTS, "messages": MESSAGES}

__all__ = ["EXPORTS", "IMPORTS", "Problem", "Sheet", "exported", "read"]
