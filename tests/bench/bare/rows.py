"""What bare statements write, the same on both engines, and the shape that both have."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol


class Text(NamedTuple):
    """An SMS that came in."""

    key: str
    phone: str
    text: str


class Reply(NamedTuple):
    """One that is to go out, by its number in the outbox."""

    number: int
    phone: str
    text: str


class Sent(NamedTuple):
    """A reply that was taken by the gateway."""

    number: int


Work = Text | Sent
MOST = 512  # in one commit


class Writer(Protocol):
    """Writes what waits in one commit, and tells each when it is on the disk."""

    async def open(self, address: str) -> None: ...

    def write(self, work: Work) -> "asyncio.Future[Any]": ...

    async def close(self) -> None: ...


class Ledger(Protocol):
    """Books sales, so many to a commit."""

    async def open(self, address: str) -> None: ...

    async def book(self, keys: Sequence[str]) -> None: ...

    async def close(self) -> None: ...


# `{id}` is how the engine says a number of its own.
MESSAGES = (
    "CREATE TABLE inbox (id {id}, ext TEXT UNIQUE, phone TEXT, text TEXT, at DOUBLE PRECISION, state TEXT)",
    "CREATE TABLE outbox (id {id}, phone TEXT, text TEXT, at DOUBLE PRECISION, state TEXT)",
    "CREATE INDEX i1 ON inbox (phone)",
    "CREATE INDEX o1 ON outbox (phone)",
    "CREATE INDEX o2 ON outbox (id) WHERE state = 'pending'",
)
DEVICES = (
    "CREATE TABLE customer (id {id}, phone TEXT)",
    "CREATE TABLE device (id {id}, serial TEXT, customer_id INT)",
    "CREATE TABLE token (id {id}, device_id INT, code TEXT)",
    "CREATE INDEX c1 ON customer (phone)",
    "CREATE INDEX d1 ON device (customer_id)",
    "CREATE INDEX t1 ON token (device_id)",
    """INSERT INTO customer WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
      SELECT i + 1, '+2557' || (20000000 + i) FROM n""",
    "INSERT INTO device SELECT id, 'SHD' || id, id FROM customer",
    "INSERT INTO token (device_id, code) SELECT id, '123456789012' FROM device",
)
BOOKS = (
    "CREATE TABLE entry (id {id}, key TEXT UNIQUE, at DOUBLE PRECISION)",
    "CREATE TABLE account (id INTEGER PRIMARY KEY, balance INT)",
    "CREATE TABLE line (id {id}, entry INT, account INT, amount INT, UNIQUE (entry, account))",
    "CREATE INDEX line_account ON line (account, id)",
    """INSERT INTO account WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
      SELECT i, 0 FROM n""",
)


def entries(key: str) -> tuple[tuple[str, list[int], list[int]], ...]:
    """A sale's two entries, each with the accounts that it moves and by how much."""
    number = int(key.rpartition(" ")[2]) % 100
    return (f"{key} paid", [number, 101], [1000, -1000]), (f"{key} earned", [102, 200 + number], [50, -50])
