"""New rows of the outbox, written in the transaction that caused them. outbox.py sends them after its commit; queue.py
says what may become of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.routing import NEVER
from bot.text.gsm import parts
from models.messages import LIFE, MessageKind
from models.sql import HOUR_MS, connection, execute_many

PRIORITY = {kind: place for place, kind in enumerate(MessageKind)}

# All else has the database's defaults: it waits, and nobody has tried it.
ENQUEUE = """INSERT INTO outbox (origin, phone, text, kind, priority, gateway, created_at, due_at, assigned_at,
  expires_at, parts, tried_before) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $7, $8, $9, $10)
  ON CONFLICT (origin) DO NOTHING"""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """One SMS to be sent."""

    origin: str  # names what it answers; of two messages of one name the first is sent
    phone: str
    text: str  # as it goes out, in the receiver's language
    kind: MessageKind
    gateway: str
    never: str = ""  # a gateway by which it never goes
    life: int = 0  # how long it is worth sending, in milliseconds; 0 is as long as its kind


async def enqueue(outgoing: Iterable[NewMessage], now: int) -> None:
    """Write the rows in the caller's transaction. After its commit, `Outbox.notify` has them sent at once."""
    await execute_many(connection(), ENQUEUE, [_row(each, now) for each in outgoing])


def _row(message: NewMessage, now: int) -> tuple[str | int, ...]:
    """The values of ENQUEUE."""
    return (
        message.origin,
        message.phone,
        message.text,
        message.kind,
        PRIORITY[message.kind],
        message.gateway,
        now,
        now + (message.life or LIFE[message.kind] * HOUR_MS),
        parts(message.text),
        f"{NEVER}{message.never} " if message.never else "",
    )
