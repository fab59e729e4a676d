"""What the office asks about single messages that leave: the newest, and one with all that is known of it."""

import re
from collections.abc import Sequence
from typing import Any

from models.messages import State
from models.messages.withdrawal import NOT_WITHDRAWN
from models.office.listed import Listed
from models.sql import DAY_MS, connection, execute, marks, now_ms

LOOK = 10_000  # rows read for one page, the newest
MOST = 50
COLUMNS = (
    "id, phone, text, kind, gateway, state, error, parts, cost, sim, tried_before, tries, "
    "created_at, claimed_at, due_at, expires_at, sent_at, delivered_at"
)
LOST_FOR_MS = 7 * DAY_MS
# The condition on `state` is that of the partial index.
LOST = f"""SELECT {COLUMNS} FROM (SELECT {COLUMNS} FROM outbox WHERE state IN ('failed', 'expired') AND id < $1
    ORDER BY id DESC LIMIT {LOOK}) AS newest
  WHERE created_at >= $2 AND {NOT_WITHDRAWN} ORDER BY id DESC LIMIT $3"""
# The office's words, for one that asks "where is my token". With the gateway means on the phone, where that is one.
STATES: dict[str, tuple[State, ...]] = {
    "queued": (State.WAITING, State.SCHEDULED),
    "on phone": (State.SENDING,),
    "unknown": (State.UNCERTAIN,),
    "sent": (State.SENT,),
    "delivered": (State.DELIVERED,),
    "failed": (State.FAILED,),
    "expired": (State.EXPIRED,),
}
# A token is 9 digits or 20, in groups (OpenPAYGO, STS), a phone number has more than 8; a PIN is six digits that stand
# alone. What follows a letter is a serial, and so are eleven digits in one: a meter's (IEC 62055-41). After a plus, ten
# to fifteen digits in one are a phone number whom people were told to call (E.164; no token is as long).
_LONG = re.compile(r"(?<![0-9A-Za-z])(?:[0-9][ -]?){8,}[0-9]")
_PIN = re.compile(r"(?<![0-9A-Za-z,.])[0-9]{6}(?![0-9])")
_METER = re.compile(r"[0-9]{11}")
_PHONE = re.compile(r"((?<![0-9A-Za-z])\+[0-9]{10,15}(?![0-9]))")


def mask(text: str) -> str:
    """The text with stars for the digits of tokens and PINs, and of phone numbers without a plus, which are as long."""
    pieces = _PHONE.split(text)
    pieces[::2] = [_PIN.sub(_star, _LONG.sub(_star, piece)) for piece in pieces[::2]]
    return "".join(pieces)


def _star(found: re.Match[str]) -> str:
    return found[0] if _METER.fullmatch(found[0]) else re.sub("[0-9]", "*", found[0])


def word_for(state: str) -> str:
    """The office's word for a state."""
    return next((word for word, states in STATES.items() if state in states), state)


async def newest(*, gateway: str, state: str, phone: str, before: int, most: int = MOST) -> Listed[dict[str, Any]]:
    """The newest messages below this id, of one gateway, state (a word of STATES) and receiver where these are given.
    Gateway and state are looked for among `LOOK` rows at a time."""
    inner, values = "id < $1", [before, *([phone] if phone else [])]
    if phone:
        inner += " AND phone = $2"
    looked = f"SELECT id FROM outbox WHERE {inner} ORDER BY id DESC LIMIT 1 OFFSET {LOOK - 1}"
    last = await execute(connection(), looked, values[:]) if gateway or state in STATES else []
    outer = []
    if gateway:
        values.append(gateway)
        outer.append(f"gateway = ${len(values)}")
    if states := STATES.get(state):
        outer.append(f"state IN ({marks(len(states), len(values) + 1)})")
        values += [each.value for each in states]
    question = f"""SELECT {COLUMNS} FROM (SELECT {COLUMNS} FROM outbox WHERE {inner} ORDER BY id DESC LIMIT {LOOK})
      AS newest {"WHERE " + " AND ".join(outer) if outer else ""} ORDER BY id DESC LIMIT {most}"""
    rows = await execute(connection(), question, values)
    if len(rows) == most:
        return Listed(rows, int(rows[-1]["id"]))
    return Listed(rows, int(last[0]["id"]), LOOK) if last else Listed(rows, 0)


async def lost(*, before: int, most: int = MOST) -> Listed[dict[str, Any]]:
    """What failed or came too late in the last days, the newest below this id; not what need not go any more."""
    rows = await execute(connection(), LOST, [before, now_ms() - LOST_FOR_MS, most])
    return Listed(rows, int(rows[-1]["id"]) if len(rows) == most else 0)


async def sent_again(messages: Sequence[int]) -> dict[int, int]:
    """The numbers of the messages that these were sent again as."""
    if not messages:
        return {}
    names = {f"again {number} 1": number for number in messages}
    rows = await execute(connection(), f"SELECT id, origin FROM outbox WHERE origin IN ({marks(len(names))})", [*names])
    return {names[row["origin"]]: int(row["id"]) for row in rows}


async def one(message_id: int) -> dict[str, Any] | None:
    rows = await execute(connection(), f"SELECT {COLUMNS} FROM outbox WHERE id = $1", [message_id])
    return rows[0] if rows else None


async def find(origin: str) -> int:
    """The number of the message that has this origin; 0 for none."""
    rows = await execute(connection(), "SELECT id FROM outbox WHERE origin = $1", [origin])
    return int(rows[0]["id"]) if rows else 0
