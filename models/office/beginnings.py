"""What a new office has already of what it needs to sell, asked in one statement."""

from dataclasses import dataclass
from datetime import datetime

from models.sql import connection, execute, read_moment

HAS = """SELECT
  EXISTS (SELECT 1 FROM phone WHERE linked_at > 0 AND unlinked_at = 0) AS phone,
  EXISTS (SELECT 1 FROM agent WHERE retired_at IS NULL) AS agents,
  EXISTS (SELECT 1 FROM tariff) AS prices,
  EXISTS (SELECT 1 FROM device) AS devices,
  EXISTS (SELECT 1 FROM customer) AS customers,
  (SELECT created_at FROM sale ORDER BY id LIMIT 1) AS first_sale"""


@dataclass(frozen=True, slots=True)
class Beginnings:
    phone: bool  # a gateway phone is linked
    agents: bool
    prices: bool
    devices: bool  # in stock or with somebody
    customers: bool
    first_sale: datetime | None  # when it was


async def read() -> Beginnings:
    [row] = await execute(connection(), HAS)
    sold = row.pop("first_sale")
    return Beginnings(**{name: bool(there) for name, there in row.items()}, first_sale=sold and read_moment(sold))
