"""Messages that need not go any more: what somebody stopped or took back, and reminders of what was paid meanwhile."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from models.sql import connection, execute, execute_many, for_update, marks, now_ms, unit_of_work

ANSWERS = "answers to be written"  # what a unit of work leaves for its end under this name: rows of the outbox
# Why a row of the outbox expired, as the office reads it (bot/gateways).
STOPPED, PAID, ANSWERED, CANCELLED = "stopped", "paid", "answered", "cancelled"
WITHDRAWN = f"error IN ('{STOPPED}', '{PAID}', '{ANSWERED}', '{CANCELLED}')"
NOT_WITHDRAWN = f"NOT {WITHDRAWN}"
WAIT = timedelta(days=2)  # longer than a reminder may wait in the outbox
# The one statement outside of bot/outbound that writes the outbox: a payment withdraws reminders in its own
# transaction, and models may not know the machinery. tests/project/test_tables.py allows it by name.
# A message that is with a gateway cannot be called back, but it is not tried again: the error says so to the room that
# writes what came of it. Nor is one that a dead server may have sent. The origin of one that did not go is free for
# another message; that of a message to many stays, since its receiver is found by it.
FREE = "state IN ('waiting', 'scheduled') AND kind <> 'broadcast'"
WITHDRAW = f"""UPDATE outbox SET expires_at = $1, error = $2,
  origin = CASE WHEN {FREE} THEN origin || ' ' || CAST(id AS TEXT) ELSE origin END,
  state = CASE WHEN state = 'sending' THEN state ELSE 'expired' END
  WHERE {{which}} AND state IN ('waiting', 'scheduled', 'uncertain', 'sending') RETURNING origin"""
# Of all that a phone ever got only the newest can still wait: a question does so for six hours, a reminder for a day.
NEWEST = """phone = $3
  AND id >= COALESCE((SELECT id FROM outbox WHERE phone = $3 ORDER BY id DESC LIMIT 1 OFFSET 499), 0)"""
# A test message of a gateway is nobody's reminder.
OPTIONAL = f"{NEWEST} AND kind IN ('reminder', 'broadcast') AND origin NOT LIKE 'canary %'"
WITHDRAW_QUESTIONS = """UPDATE outbox SET expires_at = $1, error = $2,
  state = CASE WHEN state = 'sending' THEN state ELSE 'expired' END
  WHERE id IN (SELECT id FROM outbox WHERE {which}
    AND state IN ('waiting', 'scheduled', 'uncertain', 'sending') ORDER BY id{lock})"""
# Rows are held before they are changed, in the order of their numbers as others hold them: what a gateway took
# meanwhile has gone, and stays so. The conditions on `state` are those of the partial indexes. A token was paid for:
# nobody takes it back, unless its sale is.
HOLD_BY_OFFICE = """SELECT id, state FROM outbox WHERE id IN (
    SELECT id FROM outbox WHERE state = 'waiting' AND {which}
    UNION ALL SELECT id FROM outbox WHERE state IN ('scheduled', 'uncertain') AND {which}
    UNION ALL SELECT id FROM outbox WHERE state = 'sending' AND {which})
  AND state IN ('waiting', 'scheduled', 'uncertain', 'sending') ORDER BY id{lock}"""
WITHDRAW_BY_OFFICE = """UPDATE outbox SET expires_at = $1, error = $2,
  state = CASE WHEN state = 'sending' THEN state ELSE 'expired' END WHERE id IN ({numbers})"""
MOST_AT_ONCE = 500  # rows that one statement names
ONE, OF_BROADCAST = "id = $1 AND kind <> 'token'", "kind = 'broadcast' AND origin LIKE $1"
# Whoever sent a text is answered in any case: `sms 12` is the answer, `sms 12 1` is for somebody else.
WITH_CODE = "kind = 'token' AND text LIKE $1 AND NOT (origin LIKE 'sms %' AND origin NOT LIKE 'sms % %')"
# The first copy of a reply goes in any case: every message has its answer.
COPIES = "origin IN ({origins}) AND tries > 0"
ASKED = f"{NEWEST} AND origin LIKE $4"
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
    """What this phone was asked about it is answered, or need not be any more: no copy of the question goes now, also
    of one that was put in this very unit of work."""
    if unit := unit_of_work():
        await unit.do_now(ANSWERS)
    statement = WITHDRAW_QUESTIONS.format(which=ASKED, lock=for_update())
    await execute(connection(), statement, [now_ms(), ANSWERED, phone, f"%{asking(about)}"])


async def withdraw_code(code: str) -> None:
    """A code, as people read it, counts no more: to whom it has not gone yet it does not go."""
    await _withdraw_by_office(WITH_CODE, f"%{code}%")


async def withdraw_reminders(contracts: Collection[int]) -> None:
    """Something was paid or taken back on these contracts, or they have another owner, another device or an end:
    reminders that wait would name a wrong amount. New ones go out for what is left. Within a unit of work at its end,
    for all that was paid in it."""
    if unit := unit_of_work():
        unit.at_end("reminders", _withdraw_reminders).extend(contracts)
    else:
        await _withdraw_reminders([*contracts])


async def _withdraw_reminders(contracts: Sequence[int]) -> None:
    contracts = sorted({*contracts})
    values = [datetime.now(UTC) - WAIT, *contracts]
    rows = await execute(connection(), REMINDED.format(marks(len(contracts), 2)), values) if contracts else []
    names = [f"{reminder(row['id'], kind)} 1" for row in rows for kind in ("before", "after")]
    if not names:
        return
    statement = WITHDRAW.format(which=f"kind = 'reminder' AND origin IN ({marks(len(names), 3)})")
    for row in await execute(connection(), statement, [now_ms(), PAID, *names]):
        if row["origin"] not in names:
            instalment, kind = row["origin"].split()[1:3]
            await execute_many(connection(), FORGET.format(kind=kind), [(int(instalment),)])


async def withdraw_message(message: int) -> str:
    """Somebody of the office takes back one message that has not gone, in the caller's transaction: the state in which
    it is left. `sending`: it is with its gateway and is not tried again. `uncertain`: it is not tried again either, and
    may have gone. Empty: it is a token, or it has gone."""
    held = await _withdraw_by_office(ONE, message)
    return "".join(state if state in ("sending", "uncertain") else "expired" for state in held)


async def withdraw_broadcast(broadcast: int) -> int:
    """What waits of a message to many does not go: how many messages that is."""
    return len(await _withdraw_by_office(OF_BROADCAST, f"broadcast {broadcast} %"))


async def _withdraw_by_office(which: str, value: int | str) -> list[str]:
    """Take these back: the states in which they were."""
    held = await execute(connection(), HOLD_BY_OFFICE.format(which=which, lock=for_update()), [value])
    for start in range(0, len(held), MOST_AT_ONCE):
        numbers = [row["id"] for row in held[start : start + MOST_AT_ONCE]]
        statement = WITHDRAW_BY_OFFICE.format(numbers=marks(len(numbers), 3))
        await execute(connection(), statement, [now_ms(), CANCELLED, *numbers])
    return [str(row["state"]) for row in held]
