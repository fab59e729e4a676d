"""A day that is to be closed: whose it is, and what somebody should see to before."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from models.money.day_close import EVERYBODY
from models.sql import connection, execute

MOST_AGENTS = 1_000
# Agents whose cash moved ever, and providers that ever had money of ours.
SUBJECTS = f"""SELECT 'agent ' || g.id AS subject, g.name, g.phone FROM agent g WHERE EXISTS (SELECT 1 FROM account a
    WHERE a.owner = g.id AND a.kind IN ('cash', 'commission', 'wallet')) ORDER BY g.name, g.id LIMIT {MOST_AGENTS}"""
PROVIDERS = "SELECT 'provider ' || name AS subject, name, '' AS phone FROM provider ORDER BY name"
# Each names what is open of a day, from $1 to before $2.
OPEN = {
    "lines": """SELECT COUNT(*) AS number FROM statement_line WHERE settled = '' AND at >= $1 AND at < $2""",
    "suspense": """SELECT COUNT(*) AS number FROM suspense s JOIN payment p ON p.id = s.payment_id
      WHERE s.closed_at IS NULL AND p.created_at >= $1 AND p.created_at < $2""",
    "disputes": """SELECT COUNT(*) AS number FROM hand_in_event d JOIN hand_in h ON h.id = d.hand_in_id
      WHERE d.step = 'disputed' AND h.created_at >= $1 AND h.created_at < $2 AND NOT EXISTS
      (SELECT 1 FROM hand_in_event s WHERE s.hand_in_id = d.hand_in_id AND s.step = 'settled')""",
    "voids": """SELECT COUNT(*) AS number FROM void v JOIN sale s ON s.id = v.sale_id
      WHERE v.state = 'asked' AND s.created_at >= $1 AND s.created_at < $2""",
}
# Whose money moved before the end of a day that is closed for all, and whose own figures of it were not kept.
LEFT = """SELECT 1 FROM account a LEFT JOIN provider p ON a.kind = 'clearing' AND p.id = a.owner
  WHERE a.kind IN ('cash', 'commission', 'wallet', 'clearing') AND NOT EXISTS (SELECT 1 FROM day_close c WHERE
    c.day = $1 AND c.subject = CASE a.kind WHEN 'clearing' THEN 'provider ' || p.name ELSE 'agent ' || a.owner END)
  AND (SELECT e.effective_at FROM line l JOIN entry e ON e.id = l.entry_id WHERE l.account_id = a.id
    ORDER BY l.id LIMIT 1) < $2 LIMIT 1"""


@dataclass(frozen=True)
class Subject:
    """Whose day it is."""

    key: str  # as `day_close` names it
    name: str
    phone: str


async def subjects() -> list[Subject]:
    """Agents by name, then providers, then the whole books."""
    rows = [*await execute(connection(), SUBJECTS), *await execute(connection(), PROVIDERS)]
    return [*(Subject(row["subject"], row["name"], row["phone"]) for row in rows), Subject(EVERYBODY, "", "")]


async def what_is_open(since: datetime, until: datetime) -> dict[str, int]:
    """How much of each sort somebody should see to before the day is closed."""
    found: dict[str, Any] = {}
    for name, statement in OPEN.items():
        [row] = await execute(connection(), statement, [since, until])
        found[name] = int(row["number"])
    return found


async def is_anybody_left(day: date, until: datetime) -> bool:
    """Whether a day that is closed for all, and ends at `until`, was not closed to the end for each agent and each
    provider: that broke off."""
    return bool(await execute(connection(), LEFT, [day, until]))
