"""What happened, to be read elsewhere: sales, payments, messages. Nothing of it is imported."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from bot.site import Site
from handlers.exchange.sheet import Kind
from models.sql import connection, execute

PAGE = 1000
SALES_SQL = """SELECT s.id, s.reference, s.created_at, a.phone AS agent, d.serial, c.name, c.surname, c.phone, s.amount,
  s.unit, s.units, s.commission FROM sale s JOIN agent a ON a.id = s.agent_id JOIN device d ON d.id = s.device_id
  JOIN customer c ON c.id = s.customer_id WHERE s.id > $1 ORDER BY s.id LIMIT $2"""
PAYMENTS_SQL = """SELECT p.id, p.provider, p.reference, p.created_at, p.amount, a.phone AS agent FROM payment p
  LEFT JOIN agent a ON a.id = p.agent_id WHERE p.id > $1 ORDER BY p.id LIMIT $2"""
# Tokens and answers are people's own: the text of a message is not exported.
MESSAGES_SQL = """SELECT id, created_at, phone, kind, gateway, state, error, parts, cost, tries FROM outbox
  WHERE id > $1 ORDER BY id LIMIT $2"""


async def _pages(statement: str) -> AsyncIterator[dict[str, Any]]:
    last = 0
    while rows := await execute(connection(), statement, [last, PAGE]):
        for row in rows:
            yield row
        last = rows[-1]["id"]


async def _sales(site: Site) -> AsyncIterator[Sequence[object]]:
    async for row in _pages(SALES_SQL):
        units = f"{row['units'] // 10}.{row['units'] % 10}" if row["unit"] == "energy" else row["units"]
        money = [site.number(row[name]).replace(",", "") for name in ("amount", "commission")]
        who = row["agent"], row["serial"], row["name"], row["surname"], row["phone"]
        yield row["reference"], row["created_at"], *who, money[0], row["unit"], units, money[1]


async def _payments(site: Site) -> AsyncIterator[Sequence[object]]:
    async for row in _pages(PAYMENTS_SQL):
        amount = site.number(row["amount"]).replace(",", "")
        yield row["provider"], row["reference"], row["created_at"], amount, row["agent"]


async def _messages(_site: Site) -> AsyncIterator[Sequence[object]]:
    async for row in _pages(MESSAGES_SQL):
        yield tuple(row[name] for name in MESSAGES.columns)


SALES = Kind(
    ("reference", "time", "agent", "serial", "name", "surname", "phone", "amount", "unit", "units", "commission"),
    _sales,
)
PAYMENTS = Kind(("provider", "reference", "time", "amount", "agent"), _payments)
MESSAGES = Kind(("created_at", "phone", "kind", "gateway", "state", "error", "parts", "cost", "tries"), _messages)
