"""What the office asks of one person beside what the business tells: serials of the past, STOP, money that waits."""

from typing import Any

from models.sql import connection, execute, read_moment

FORMER = """SELECT d.serial FROM device_swap w JOIN device d ON d.id = w.former_id WHERE w.customer_id = $1
  ORDER BY w.id DESC LIMIT 20"""
STOPPED = "SELECT stopped_at FROM contact WHERE phone = $1"
WAITING = """SELECT p.id, p.paid_at, p.provider, p.reference, -a.balance AS amount, p.account_text FROM payment p
  JOIN account a ON a.kind = 'unapplied' AND a.owner = p.id AND a.balance <> 0
  WHERE p.payer_phone = $1 AND p.payer_phone <> '' AND p.agent_id IS NULL ORDER BY p.id DESC LIMIT 10"""


async def former_serials(customer_id: int) -> list[str]:
    """The serials of devices in whose place the customer got others."""
    return [row["serial"] for row in await execute(connection(), FORMER, [customer_id])]


async def stopped_at(phone: str) -> int:
    """When this phone wrote STOP (milliseconds); 0: it did not, or wrote START since."""
    rows = await execute(connection(), STOPPED, [phone])
    return int(rows[0]["stopped_at"]) if rows else 0


async def waiting_money(phone: str) -> list[dict[str, Any]]:
    """Money that came from this phone and is for nothing yet."""
    rows = await execute(connection(), WAITING, [phone])
    return [row | {"paid_at": read_moment(row["paid_at"]), "amount": int(row["amount"])} for row in rows]
