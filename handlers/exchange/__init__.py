"""Data in and out as CSV files: `mwanga import KIND FILE` and `mwanga export KIND`.

A file is checked whole before anything is written; each bad row is named with its line and the reason. What is
there already is recognised, so that the same file a second time changes nothing.
"""

from handlers.exchange.importing import NotImported, PartlyImported, import_table
from handlers.exchange.kinds import EXPORTS, IMPORTS
from handlers.exchange.problems import group_problems
from handlers.exchange.sheet import HistoryKind, write_export
from handlers.exchange.table import Table, Unreadable

__all__ = [
    "EXPORTS",
    "IMPORTS",
    "HistoryKind",
    "NotImported",
    "PartlyImported",
    "Table",
    "Unreadable",
    "group_problems",
    "import_table",
    "write_export",
]
