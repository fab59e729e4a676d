"""What the same database does with bare statements: each engine has a module of the same shape, asked as the engine is
fastest: SQLite row by row in a thread, PostgreSQL in few trips for all rows."""

from tests.bench.bare import postgres, sqlite
from tests.bench.bare.rows import Ledger, Reply, Sent, Text, Writer

__all__ = ["Ledger", "Reply", "Sent", "Text", "Writer", "durable", "ledger", "token"]


def durable(address: str) -> Writer:
    """Stores texts."""
    return sqlite.Durable() if _on_sqlite(address) else postgres.Durable()


def token(address: str) -> Writer:
    """Stores texts and answers each as TOKEN is answered; its future has the Reply."""
    return sqlite.Token() if _on_sqlite(address) else postgres.Token()


def ledger(address: str) -> Ledger:
    """Books a sale's two entries."""
    return sqlite.Ledger() if _on_sqlite(address) else postgres.Ledger()


def _on_sqlite(address: str) -> bool:
    return address.startswith("sqlite")
