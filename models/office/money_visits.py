"""Whom an agent visits: customers who have something to pay by a day, by village, the longest overdue first."""

from datetime import date
from typing import Any

from models.selling.contracts import contract_number
from models.sql import connection, execute, read_day

MOST = 200
VISITS = """SELECT k.id AS contract_id, c.id AS customer_id, c.name, c.surname, c.phone,
  COALESCE(v.name, '') AS village, d.serial, p.name AS item, i.due, i.oldest
  FROM (SELECT k.id, SUM(i.amount - i.paid) AS due, MIN(i.due_on) AS oldest FROM contract k
    JOIN instalment i ON i.contract_id = k.id AND i.paid < i.amount AND i.due_on <= $2
    WHERE k.agent_id = $1 AND k.ended_on IS NULL GROUP BY k.id) i
  JOIN contract k ON k.id = i.id JOIN customer c ON c.id = k.customer_id JOIN appliance p ON p.id = k.appliance_id
  LEFT JOIN village v ON v.id = c.village_id LEFT JOIN device d ON d.id = k.device_id
  ORDER BY COALESCE(v.name, ''), i.oldest, k.id"""


async def visits(agent_id: int, day: date, most: int | None = MOST) -> list[dict[str, Any]]:
    """Who has something to pay to this agent until that day, included. Money is in minor units."""
    rows = await execute(connection(), f"{VISITS} LIMIT {most}" if most else VISITS, [agent_id, day])
    return [
        row
        | {
            "oldest": read_day(row["oldest"]),
            "late": max(0, (day - read_day(row["oldest"])).days),
            "paid_by": row["serial"] or contract_number(row["contract_id"]),
        }
        for row in rows
    ]
