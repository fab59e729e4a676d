"""SMS that leave are promised: rows in the transaction that caused them, for outbox.py after its commit."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.routing.router import NEVER
from bot.text.gsm import parts
from models.messages.tables import LIFE, MessageKind
from models.sql import connection, execute_many

PRIORITY = {kind: place for place, kind in enumerate(MessageKind)}

ENQUEUE = """INSERT INTO outbox (origin, phone, text, kind, priority, gateway, created_at, expires_at, parts,
  state, due_at, claimed_by, claimed_at, tries, unknowns, external_id, error, cost, sent_at, delivered_at,
  assigned_at, tried_before, sim)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', $7, '', 0, 0, 0, '', '', '', 0, 0, $7, $10, 0)
  ON CONFLICT (origin) DO NOTHING"""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """One SMS to be sent. `origin` names what it answers and is promised once; `text` is final. It never goes by the
    gateway `never`; it lives as long as its kind, or `life` milliseconds."""

    origin: str
    phone: str
    text: str
    kind: MessageKind
    gateway: str
    never: str = ""
    life: int = 0


async def enqueue(outgoing: Iterable[NewMessage], now: int) -> None:
    """Write the rows in the caller's transaction. After its commit, `Outbox.notify` has them sent at once."""
    await execute_many(connection(), ENQUEUE, [_row(each, now) for each in outgoing])


def _row(message: NewMessage, now: int) -> tuple[str | int, ...]:
    kind, ends = message.kind, now + (message.life or LIFE[message.kind] * 3_600_000)
    what = message.origin, message.phone, message.text, kind, PRIORITY[kind]
    tried_before = f"{NEVER}{message.never} " if message.never else ""
    return (*what, message.gateway, now, ends, parts(message.text), tried_before)
