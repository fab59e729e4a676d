"""One person's conversation with us: texts in and out, dialled sessions and sales, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from models.sql import connection, execute, marks, ms_of, read_moment

MOST = 50  # events on a page
READ = MOST + 20  # of each kind: of one moment all are shown
# An index finds the newest of each kind, whatever the history.
TEXTS = """SELECT id, text, received_at AS at, outcome, state, answered_at, gateway FROM inbox
  WHERE phone = $1 AND received_at < $2 ORDER BY id DESC LIMIT $3"""
ANSWERS = """SELECT id, origin, text, created_at AS at, kind, state, error, gateway, parts, due_at FROM outbox
  WHERE phone = $1 AND created_at < $2 ORDER BY id DESC LIMIT $3"""
DIALLED = """SELECT id, started_at AS at, service_code, updated_at FROM ussdsession
  WHERE phone = $1 AND started_at < $2 ORDER BY id DESC LIMIT $3"""
BOUGHT = """SELECT s.id, s.reference, s.amount, s.unit, s.units, s.created_at, d.serial, c.id AS customer
  FROM sale s JOIN customer c ON c.id = s.customer_id LEFT JOIN device d ON d.id = s.device_id
  WHERE s.customer_id IN (SELECT id FROM customer WHERE phone = $1) AND s.created_at < $2
  ORDER BY s.created_at DESC LIMIT $3"""
SOLD = """SELECT s.id, s.reference, s.amount, s.unit, s.units, s.created_at, d.serial, s.customer_id AS customer
  FROM sale s LEFT JOIN device d ON d.id = s.device_id
  WHERE s.agent_id = $1 AND s.created_at < $2 ORDER BY s.created_at DESC LIMIT $3"""
AUTHORS = "SELECT origin, author FROM office_message WHERE origin IN ({})"


@dataclass(frozen=True, slots=True)
class Event:
    """Something in a conversation."""

    kind: str  # text, answer, dialled or sale
    at: int  # ms
    row: dict[str, Any]
    author: str = ""  # of the office, who wrote an answer by hand


async def events_of(phone: str, before: int, agent: int = 0) -> tuple[list[Event], bool]:
    """What happened before this time (ms), the newest first, and whether there is more; of one moment all. `agent` is
    the number of the agent whose phone it is."""
    values = [phone, before, READ]
    day = datetime.fromtimestamp(min(before / 1000, 32_503_680_000), UTC)
    found = [Event("text", row["at"], row) for row in await execute(connection(), TEXTS, values)]
    answers = await execute(connection(), ANSWERS, values)
    authors = await _authors([row["origin"] for row in answers])
    found += [Event("answer", row["at"], row, authors.get(row["origin"], "")) for row in answers]
    found += [Event("dialled", row["at"], row) for row in await execute(connection(), DIALLED, values)]
    for statement, whose in ((BOUGHT, phone), (SOLD, agent)):
        if whose:
            sales = await execute(connection(), statement, [whose, day, READ])
            found += [Event("sale", ms_of(read_moment(row["created_at"])), row) for row in sales]
    found.sort(key=lambda event: (event.at, event.kind == "answer"), reverse=True)
    last = found[min(len(found), MOST) - 1].at if found else 0
    page = [event for event in found if event.at >= last]
    return page, len(found) > len(page)


async def _authors(origins: Sequence[str]) -> dict[str, str]:
    if not origins:
        return {}
    rows = await execute(connection(), AUTHORS.format(marks(len(origins))), list(origins))
    return {row["origin"]: row["author"] for row in rows}
