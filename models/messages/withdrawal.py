"""Messages that need not go any more: what somebody stopped or took back, and reminders of what was paid meanwhile."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from models.sql import connection, execute, execute_many, for_update, marks, now_ms

# Why a row of the outbox expired, as the office reads it (bot/gateways).
STOPPED, PAID, ANSWERED, CANCELLED = "stopped", "paid", "answered", "cancelled"
WITHDRAWN = f"error IN ('{STOPPED}', '{PAID}', '{ANSWERED}', '{CANCELLED}')"
NOT_WITHDRAWN = f"NOT {WITHDRAWN}"
WAIT = timedelta(days=2)  # longer than a reminder may wait in the outbox
# The one statement outside of bot/outbound that writes the outbox: a payment withdraws reminders in its own
# transaction, and models may not know the machinery. tests/project/test_tables.py allows it by name.
# A message that is with a gateway cannot be called back, but it is not tried again: the error says so to the room that
# writes what came of it. The origin of one that did not go is free for another message.
WITHDRAW = """UPDATE outbox SET expires_at = $1, error = $2,
  origin = CASE WHEN state = 'sending' THEN origin ELSE origin || ' ' || CAST(id AS TEXT) END,
  state = CASE WHEN state = 'sending' THEN state ELSE 'expired' END
  WHERE {which} AND state IN ('waiting', 'scheduled', 'sending') RETURNING origin, state"""
# A test message of a gateway is nobody's reminder.
OPTIONAL = "phone = $3 AND kind IN ('reminder', 'broadcast') AND origin NOT LIKE 'canary %'"
WITHDRAW_QUESTIONS = """UPDATE outbox SET expires_at = $1, error = $2,
  state = CASE WHEN state = 'sending' THEN state ELSE 'expired' END
  WHERE id IN (SELECT id FROM outbox WHERE {which}
    AND state IN ('waiting', 'scheduled', 'uncertain', 'sending') ORDER BY id{lock})"""
# The conditions on `state` are those of the partial indexes. A token was paid for: nobody takes it back.
WITHDRAW_BY_OFFICE = """UPDATE outbox SET expires_at = $1, error = $2,
  state = CASE WHEN state = 'sending' THEN state ELSE 'expired' END WHERE id IN (
  SELECT id FROM outbox WHERE state = 'waiting' AND {which}
  UNION ALL SELECT id FROM outbox WHERE state IN ('scheduled', 'uncertain') AND {which}
  UNION ALL SELECT id FROM outbox WHERE state = 'sending' AND {which}) RETURNING state"""
ONE, OF_BROADCAST = "id = $3 AND kind <> 'token'", "kind = 'broadcast' AND origin LIKE $3"
# The first copy of a reply goes in any case: every message has its answer.
COPIES = "origin IN ({origins}) AND tries > 0"
ASKED = "phone = $3 AND origin LIKE $4"
REMINDED = "SELECT id FROM instalment WHERE contract_id IN ({}) AND (reminded_before > $1 OR reminded_after > $1)"
FORGET = "UPDATE instalment SET reminded_{kind} = NULL WHERE id = $1 AND paid < amount"


def reminder(instalment: int, kind: str) -> str:
    """The origin of a reminder; behind it comes the number of each message, of which the first is the customer's."""
    return f"reminder {instalment} {kind}"


async def withdraw_optional(phone: str) -> None:
    """This phone wants no more reminders and broadcasts: those that wait do not go."""
    await execute(connection(), WITHDRAW.format(which=OPTIONAL), [now_ms(), STOPPED, phone])


async def withdraw_questions(origins: Collection[str]) -> None:
    """The questions in these messages are answered, or left for another one: whoever reads one of them only now would
    answer what is open now. Those that were tried before do not go again."""
    if origins:
        which = COPIES.format(origins=marks(len(origins), 3))
        statement = WITHDRAW_QUESTIONS.format(which=which, lock=for_update())
        await execute(connection(), statement, [now_ms(), ANSWERED, *sorted(origins)])


def asking(about: str) -> str:
    """The end of the origin of a message that asks somebody about this."""
    return f" asks {about}"


async def withdraw_question_about(about: str, phone: str) -> None:
    """What this phone was asked about it is answered, or need not be any more: no copy of the question goes now."""
    statement = WITHDRAW_QUESTIONS.format(which=ASKED, lock=for_update())
    await execute(connection(), statement, [now_ms(), ANSWERED, phone, f"%{asking(about)}"])


async def withdraw_reminders(contracts: Collection[int]) -> None:
    """Something was paid on these contracts: reminders that wait would name a wrong amount. New ones go out for what is
    left."""
    values = [datetime.now(UTC) - WAIT, *contracts]
    rows = await execute(connection(), REMINDED.format(marks(len(contracts), 2)), values) if contracts else []
    names = [f"{reminder(row['id'], kind)} 1" for row in rows for kind in ("before", "after")]
    if not names:
        return
    statement = WITHDRAW.format(which=f"kind = 'reminder' AND origin IN ({marks(len(names), 3)})")
    for row in await execute(connection(), statement, [now_ms(), PAID, *names]):
        if row["state"] == "expired":
            instalment, kind = row["origin"].split()[1:3]
            await execute_many(connection(), FORGET.format(kind=kind), [(int(instalment),)])


async def withdraw_message(message: int) -> str:
    """Somebody of the office takes back one message that has not gone: the state in which it is left. `sending`: it is
    with its gateway and is not tried again. Empty: it is a token, or it has gone."""
    rows = await execute(connection(), WITHDRAW_BY_OFFICE.format(which=ONE), [now_ms(), CANCELLED, message])
    return str(rows[0]["state"]) if rows else ""


async def withdraw_broadcast(broadcast: int) -> int:
    """What waits of a message to many does not go: how many messages that is."""
    values = [now_ms(), CANCELLED, f"broadcast {broadcast} %"]
    return len(await execute(connection(), WITHDRAW_BY_OFFICE.format(which=OF_BROADCAST), values))
