"""What waits for somebody of the office, for the first page: how much, since when, and the first few by name.

Each count stops at `COUNT`, and each statement reads an index of what is open alone: neither history nor a crowd slows
the page.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from models.sql import connection, execute, ms_of, read_moment

COUNT = 1_000
NAMED = 3

LATE = f"""SELECT COUNT(*) AS number, MIN(due_at) AS oldest FROM (SELECT due_at FROM ticket
  WHERE state = 'open' AND due_at < $1 ORDER BY due_at LIMIT {COUNT}) AS late"""
FIRST_LATE = f"""SELECT t.id, t.category, t.due_at, c.name, c.surname FROM (SELECT id, category, due_at, customer_id
    FROM ticket WHERE state = 'open' AND due_at < $1 ORDER BY due_at LIMIT {NAMED}) AS t
  JOIN customer c ON c.id = t.customer_id ORDER BY t.due_at, t.id"""
NOT_ASSIGNED = f"""SELECT COUNT(*) AS number, MIN(due_at) AS oldest FROM (SELECT due_at FROM ticket
  WHERE state = 'open' AND agent_id IS NULL AND staff_id IS NULL ORDER BY due_at LIMIT {COUNT}) AS free"""
FIRST_NOT_ASSIGNED = f"""SELECT t.id, t.category, t.due_at, c.name, c.surname FROM (SELECT id, category, due_at,
    customer_id FROM ticket WHERE state = 'open' AND agent_id IS NULL AND staff_id IS NULL
    ORDER BY due_at LIMIT {NAMED}) AS t
  JOIN customer c ON c.id = t.customer_id ORDER BY t.due_at, t.id"""
SUSPENSE = f"""SELECT COUNT(*) AS number, MIN(opened_at) AS oldest FROM (SELECT opened_at FROM suspense
  WHERE closed_at IS NULL ORDER BY opened_at LIMIT {COUNT}) AS open"""
OLDEST_SUSPENSE = f"""SELECT p.id, p.reference, p.provider, p.amount, p.payer_name, s.opened_at
  FROM (SELECT payment_id, opened_at FROM suspense WHERE closed_at IS NULL ORDER BY opened_at LIMIT {NAMED}) AS s
  JOIN payment p ON p.id = s.payment_id ORDER BY s.opened_at"""
# Of a dispute the office has said nothing, or one of it has and another one has to agree.
DISPUTED = f"""SELECT h.reference, h.amount, h.created_at, a.name, a.id AS agent FROM (SELECT hand_in_id
    FROM hand_in_event e WHERE step = 'disputed' AND NOT EXISTS (SELECT 1 FROM hand_in_event s
      WHERE s.hand_in_id = e.hand_in_id AND s.step = 'settled') ORDER BY hand_in_id LIMIT {COUNT}) AS open
  JOIN hand_in h ON h.id = open.hand_in_id JOIN agent a ON a.id = h.agent_id ORDER BY h.id"""
# Nobody disputes it, and one of the office says that another amount was handed in: another one has to agree.
SETTLEMENTS = f"""SELECT COUNT(*) AS number, MIN(since) AS oldest FROM (SELECT MIN(e.created_at) AS since
  FROM hand_in_event e WHERE e.step = 'proposed' AND NOT EXISTS (SELECT 1 FROM hand_in_event o
    WHERE o.hand_in_id = e.hand_in_id AND o.step IN ('disputed', 'settled'))
  GROUP BY e.hand_in_id LIMIT {COUNT}) AS proposed"""
VOIDS = f"""SELECT COUNT(*) AS number, MIN(asked_at) AS oldest FROM (SELECT asked_at FROM void
  WHERE state = 'asked' ORDER BY id LIMIT {COUNT}) AS asked"""
WRITE_OFFS = f"""SELECT COUNT(*) AS number, MIN(proposed_at) AS oldest FROM (SELECT proposed_at FROM write_off
  WHERE agreed_at IS NULL AND refused_at IS NULL ORDER BY kind, owner LIMIT {COUNT}) AS proposed"""
# A sale to another device, a device to another customer, cash out of a wallet: one asked for it, another one decides.
PROPOSALS = f"""SELECT COUNT(*) AS number, MIN(asked_at) AS oldest FROM (SELECT asked_at FROM proposal
  WHERE state = 'asked' LIMIT {COUNT}) AS proposed"""
# Who is to move money from now on: an owner asked for it, and another one decides.
PROMOTIONS = f"""SELECT COUNT(*) AS number, MIN(asked_at) AS oldest FROM (SELECT asked_at FROM office_promotion
  WHERE state = 'asked' LIMIT {COUNT}) AS asked"""
RECEIPTS = f"""SELECT COUNT(*) AS number, MIN(received_at) AS oldest FROM (SELECT received_at FROM receipt_text
  WHERE state = 'waiting' ORDER BY id LIMIT {COUNT}) AS waiting"""


class Pile(NamedTuple):
    """How much waits of one kind; `more` says that counting stopped."""

    number: int
    oldest: int  # since when, in milliseconds; 0 for nothing
    more: bool


@dataclass(frozen=True, slots=True)
class NamedTicket:
    """A ticket as a line names it."""

    id: int
    category: str
    customer: str
    due_at: int  # milliseconds

    @property
    def number(self) -> str:
        return f"K{self.id}"


@dataclass(frozen=True, slots=True)
class LostPayment:
    """A payment that nobody knows the use of. Money is in minor units."""

    id: int
    reference: str
    provider: str
    amount: int
    payer: str


@dataclass(frozen=True, slots=True)
class Dispute:
    """A hand-in that an agent does not agree with."""

    reference: str
    amount: int
    agent: int
    name: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """All that waits for a person, beside gateways, agents and messages (overview.py)."""

    late: Pile
    first_late: list[NamedTicket]
    not_assigned: Pile
    first_not_assigned: list[NamedTicket]
    payments: Pile
    first_payments: list[LostPayment]
    disputes: list[Dispute]
    settlements: Pile
    voids: Pile
    write_offs: Pile
    proposals: Pile
    promotions: Pile
    receipts: Pile


async def read() -> Waiting:
    """Ask everything, as it is now."""
    now = datetime.now(UTC)
    return Waiting(
        late=_pile(await _ask(LATE, now)),
        first_late=_tickets(await _ask(FIRST_LATE, now)),
        not_assigned=_pile(await _ask(NOT_ASSIGNED)),
        first_not_assigned=_tickets(await _ask(FIRST_NOT_ASSIGNED)),
        payments=_pile(await _ask(SUSPENSE)),
        first_payments=[
            LostPayment(row["id"], row["reference"], row["provider"], row["amount"], row["payer_name"])
            for row in await _ask(OLDEST_SUSPENSE)
        ],
        disputes=[Dispute(row["reference"], row["amount"], row["agent"], row["name"]) for row in await _ask(DISPUTED)],
        settlements=_pile(await _ask(SETTLEMENTS)),
        voids=_pile(await _ask(VOIDS)),
        write_offs=_pile(await _ask(WRITE_OFFS)),
        proposals=_pile(await _ask(PROPOSALS)),
        promotions=_pile(await _ask(PROMOTIONS)),
        receipts=_pile(await _ask(RECEIPTS)),
    )


async def _ask(question: str, *values: datetime) -> list[dict[str, Any]]:
    await asyncio.sleep(0)  # others get their turn between two of them
    return await execute(connection(), question, values)


def _pile(rows: list[dict[str, Any]]) -> Pile:
    [row] = rows
    return Pile(row["number"], _in_ms(row["oldest"]), row["number"] >= COUNT)


def _in_ms(stored: Any) -> int:
    """A moment as either kind of table keeps it; 0 for none."""
    if stored is None or isinstance(stored, int):
        return stored or 0
    return ms_of(read_moment(stored))


def _tickets(rows: list[dict[str, Any]]) -> list[NamedTicket]:
    return [
        NamedTicket(row["id"], row["category"], f"{row['name']} {row['surname']}", ms_of(read_moment(row["due_at"])))
        for row in rows
    ]
