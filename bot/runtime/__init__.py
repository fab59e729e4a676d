"""What any server needs: the database, metrics, logs, housekeeping."""

from bot.runtime.database import Database, DatabaseAway, DatabaseError, NotNow, OutcomeUnknown
from bot.runtime.housekeeping import Housekeeping, Purge
from bot.runtime.metrics import Metrics

__all__ = [
    "Database",
    "DatabaseAway",
    "DatabaseError",
    "Housekeeping",
    "Metrics",
    "NotNow",
    "OutcomeUnknown",
    "Purge",
]
