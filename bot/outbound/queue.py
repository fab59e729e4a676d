"""The outbox table as a queue: the statements that bot/outbound/outbox.py runs in its turns, each for many rows."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from tortoise.backends.base.client import BaseDBAsyncClient

from bot.message import Sent
from bot.outbound.lanes import Lane
from bot.outbound.retry import CAP_MS, HANGING_MS, INTERRUPTED_MS, Claimed, Verdict
from bot.routing.health import FAILURES
from bot.runtime.housekeeping import Purge
from models.messages.tables import MessageKind, State
from models.sql import connection, execute, execute_many, on_postgres

# Conditions on `state` are written as in the partial indexes, since SQLite uses those for no other form.
# {lock} passes over rows that another process holds.
CLAIM = """UPDATE outbox SET state = 'sending', claimed_by = $1, claimed_at = $2, tries = tries + 1
  WHERE id IN (SELECT id FROM outbox WHERE state = 'waiting' AND gateway = $3
               ORDER BY priority, assigned_at, id LIMIT $4 {lock})
  RETURNING id, priority, assigned_at, phone, text, kind, tries, unknowns, expires_at, parts"""
# Of those, the first that have together so many parts; one longer than all that a second allows goes alone.
CLAIM_PARTS = """UPDATE outbox SET state = 'sending', claimed_by = $1, claimed_at = $2, tries = tries + 1
  WHERE id IN (SELECT id FROM (SELECT id, parts, SUM(parts) OVER (ORDER BY priority, assigned_at, id) AS total
    FROM (SELECT id, priority, assigned_at, parts FROM outbox WHERE state = 'waiting' AND gateway = $3
          ORDER BY priority, assigned_at, id LIMIT $4 {lock}) AS first) AS added
    WHERE total <= $5 OR (total = parts AND $5 >= $6))
  RETURNING id, priority, assigned_at, phone, text, kind, tries, unknowns, expires_at, parts"""
PURGE = Purge(
    "texts of ours",
    "UPDATE outbox SET text = '' WHERE id IN (SELECT id FROM outbox WHERE created_at < $1 AND text <> '' "
    "AND state IN ('sent', 'delivered', 'failed', 'expired') LIMIT $2) RETURNING id",
)
# What a gateway may have taken does not go to it again while it hangs, or only after long.
PROMOTE = """UPDATE outbox SET state = 'waiting' WHERE id IN
  (SELECT id FROM outbox WHERE state IN ('scheduled', 'uncertain') AND due_at <= $1 AND (state = 'scheduled'
     OR due_at <= $2 OR gateway NOT IN (SELECT name FROM gatewaystate WHERE failures >= $3)) {lock})"""
# No token or reply is due so late: the clock was set back.
BRING_FORWARD = """UPDATE outbox SET due_at = $1 WHERE id IN (SELECT id FROM outbox
  WHERE state IN ('scheduled', 'uncertain') AND due_at > $2 AND priority <= 1 {lock})"""
REST = """UPDATE outbox SET state = 'scheduled', due_at = $1 WHERE id IN
  (SELECT id FROM outbox WHERE state = 'waiting' AND kind IN ('reminder', 'broadcast')
     AND origin NOT LIKE 'canary %' {lock})"""
# What kept it from being sent stays with it.
EXPIRE = """UPDATE outbox SET state = 'expired', error = CASE WHEN error <> '' THEN error
    WHEN gateway LIKE 'phone-%' THEN 'not fetched' WHEN gateway = 'none' THEN 'no gateway' ELSE 'expired' END
  WHERE id IN (SELECT id FROM outbox WHERE state = 'waiting' AND expires_at <= $1 {lock}) RETURNING gateway"""
# What a phone pulled is between it and us; but it does not keep it for ever.
UNREPORTED = """UPDATE outbox SET state = 'expired', error = 'no report' WHERE id IN
  (SELECT id FROM outbox WHERE state = 'sending' AND gateway LIKE 'phone-%' AND expires_at <= $1 {lock})
  RETURNING gateway"""
TAKE_BACK = """UPDATE outbox SET error = 'interrupted', unknowns = unknowns + 1,
    state = CASE WHEN kind IN ('token', 'reply') AND unknowns = 0 THEN 'uncertain' ELSE 'failed' END,
    due_at = CASE WHEN expires_at < $3 THEN expires_at ELSE $3 END WHERE id IN
  (SELECT id FROM outbox WHERE state = 'sending' AND gateway NOT LIKE 'phone-%' AND claimed_by <> $1
     AND claimed_at <= $2 {lock}) RETURNING gateway, state"""
NEXT_DUE = "SELECT MIN(due_at) AS due FROM outbox WHERE state IN ('scheduled', 'uncertain') AND due_at > $1"

# Of the claim that it is about, and no later one. A report with our own id may have come before the answer, and while
# the database was away another server may have taken the claim back: what is known after all counts.
_TAKEN_BACK = "(state IN ('uncertain', 'waiting', 'failed') AND error = 'interrupted')"
WRITE_SENT = f"""UPDATE outbox SET state = CASE WHEN state = 'delivered' THEN state ELSE 'sent' END, error = '',
  external_id = $2, parts = $3, cost = $4, sent_at = $5, unknowns = unknowns - CASE WHEN {_TAKEN_BACK} THEN 1 ELSE 0 END
  WHERE id = $1 AND claimed_at = $6 AND (state IN ('sending', 'sent', 'delivered') OR {_TAKEN_BACK})"""
WRITE_NOT_SENT = f"""UPDATE outbox SET state = $2, due_at = $3,
  error = COALESCE(NULLIF($4, ''), NULLIF(error, ''), 'expired'), tries = tries + $5,
  unknowns = unknowns + $6 - CASE WHEN {_TAKEN_BACK} THEN 1 ELSE 0 END
  WHERE id = $1 AND claimed_at = $7 AND (state = 'sending' OR {_TAKEN_BACK})"""
# Delivery reports hold their messages in this order too (receipts.py), so that there is no deadlock.
HOLD = "SELECT 1 FROM outbox WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"
WRITE_GATEWAY = """INSERT INTO gatewaystate (name, heard_at, sent_at, last_word, paused_until, alert, failures,
  failed_at) VALUES ($1, 0, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO UPDATE SET last_word = excluded.last_word,
  sent_at = CASE WHEN gatewaystate.sent_at BETWEEN excluded.sent_at AND $8 THEN gatewaystate.sent_at
    ELSE excluded.sent_at END,
  paused_until = excluded.paused_until, alert = excluded.alert, failures = excluded.failures,
  failed_at = CASE WHEN gatewaystate.failed_at BETWEEN excluded.failed_at AND $8 THEN gatewaystate.failed_at
    ELSE excluded.failed_at END"""
WRITE_HEARD = """INSERT INTO gatewaystate (name, heard_at, sent_at, last_word, paused_until, alert)
  VALUES ($1, $2, 0, '', 0, '') ON CONFLICT (name) DO UPDATE SET heard_at = excluded.heard_at"""
# Two servers that write of the same gateways hold them in one order, so that there is no deadlock.
HOLD_GATEWAYS = "SELECT 1 FROM gatewaystate WHERE name = ANY($1::text[]) ORDER BY name FOR UPDATE"
NOW = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint AS now"

SIZES = """SELECT gateway, state, COUNT(*) AS messages, MIN(created_at) AS oldest FROM outbox
  WHERE state = 'waiting' GROUP BY gateway, state UNION ALL
  SELECT gateway, state, COUNT(*), MIN(created_at) FROM outbox
  WHERE state IN ('scheduled', 'uncertain') GROUP BY gateway, state UNION ALL
  SELECT gateway, state, COUNT(*), MIN(created_at) FROM outbox
  WHERE state = 'sending' GROUP BY gateway, state"""


class Result(NamedTuple):
    """What came of one message that was claimed."""

    lane: Lane
    message: Claimed
    outcome: Sent | Verdict

    @property
    def state(self) -> State:
        return State.SENT if isinstance(self.outcome, Sent) else self.outcome.state


class Size(NamedTuple):
    """What one gateway has yet to send in one state; `oldest` is when the oldest was promised, in ms."""

    gateway: str
    state: State
    messages: int
    oldest: int


async def sizes() -> list[Size]:
    """What is still to be sent, for the gauges and the office."""
    rows = await execute(connection(), SIZES)
    return [Size(row["gateway"], State(row["state"]), row["messages"], row["oldest"]) for row in rows]


async def switched_off(db: BaseDBAsyncClient) -> bool:
    """Whether the office has stopped everything that goes out."""
    return bool(await execute(db, "SELECT 1 FROM setting WHERE name = 'outgoing' AND value = 'off'"))


async def shared_time(db: BaseDBAsyncClient, now: int) -> int:
    """The time in ms by the clock of the database, where several servers may share it; else `now`."""
    return int((await execute(db, NOW))[0]["now"]) if on_postgres() else now


async def claim(db: BaseDBAsyncClient, lane: Lane, room: int, me: str, now: int, ahead: int = 0) -> list[Claimed]:
    """Take up to `room` messages of one gateway, the most urgent first. Nobody else gets them until they are
    written back or taken back. The clock that all servers share is so many milliseconds ahead of ours."""
    values = me, now + ahead, lane.gateway.name, room
    if lane.per_second:
        rows = await execute(db, _locking(CLAIM_PARTS), (*values, lane.parts(now), lane.per_second))
    else:
        rows = await execute(db, _locking(CLAIM), values)
    rows.sort(key=lambda row: (row.pop("priority"), row.pop("assigned_at"), row["id"]))
    return [
        Claimed(**row | {"kind": MessageKind(row["kind"]), "claimed_at": now, "stamp": now + ahead}) for row in rows
    ]


def dues(results: Sequence[Result]) -> list[int]:
    """When the messages that are to be looked at again will be due."""
    verdicts = [each.outcome for each in results if isinstance(each.outcome, Verdict)]
    return [verdict.due_at for verdict in verdicts if verdict.state in (State.SCHEDULED, State.UNCERTAIN)]


async def write(db: BaseDBAsyncClient, results: Sequence[Result], now: int) -> None:
    """Write what came of messages that were claimed. What a gateway said is cut to its column: PostgreSQL
    would refuse the whole batch."""
    sent, not_sent = [], []
    for _, message, outcome in results:
        if isinstance(outcome, Sent):
            sent.append(
                (
                    message.id,
                    _cut(outcome.external_id, 120),
                    min(outcome.parts, 99),
                    _cut(outcome.cost, 20),
                    now,
                    message.stamp,
                )
            )
        else:
            not_sent.append((message.id, *outcome, message.stamp))
    if len(results) > 1 and on_postgres():
        await execute(db, HOLD, [[each.message.id for each in results]])
    await execute_many(db, WRITE_SENT, sent)
    await execute_many(db, WRITE_NOT_SENT, not_sent)


async def hold_gateways(db: BaseDBAsyncClient, names: Collection[str]) -> None:
    """Keep other servers from writing of these until the end of the caller's unit of work."""
    if len(names) > 1 and on_postgres():
        await execute(db, HOLD_GATEWAYS, [sorted(names)])


async def write_gateways(db: BaseDBAsyncClient, lanes: Sequence[Lane], now: int) -> None:
    """Write the gateways' last words, failures and pauses; the later of two times, unless it is still to come."""
    rows = [
        (name, each.sent_at, _cut(each.word, 200), each.paused_until, each.alert, each.failures, each.failed_at, now)
        for name, each in ((lane.gateway.name, lane) for lane in lanes)
    ]
    await execute_many(db, WRITE_GATEWAY, rows)


async def write_heard(db: BaseDBAsyncClient, heard: Sequence[tuple[str, int]]) -> None:
    """Write when gateways were last heard, by name, in milliseconds."""
    await execute_many(db, WRITE_HEARD, heard)


async def pauses(db: BaseDBAsyncClient) -> dict[str, tuple[int, str]]:
    """Which gateways are paused, or were and have not sent since: until when, and the alert."""
    rows = await execute(db, "SELECT name, paused_until, alert FROM gatewaystate WHERE paused_until > 0")
    return {row["name"]: (row["paused_until"], row["alert"]) for row in rows}


async def take_back(db: BaseDBAsyncClient, me: str, before: int, now: int) -> list[tuple[str, State]]:
    """Messages that other senders claimed before this time and never wrote back: they may have gone. For a moment a
    report may say so; then tokens and replies wait again, once, for the same gateway. Returns each one's gateway and
    what it came to."""
    rows = await execute(db, _locking(TAKE_BACK), (me, before, now + INTERRUPTED_MS))
    return [(row["gateway"], State(row["state"])) for row in rows]


async def promote(db: BaseDBAsyncClient, now: int, morning: int = 0) -> int | None:
    """Let wait what is due; at night, what may wake nobody is due in the morning. Returns when the next will be, if
    there is one."""
    await execute(db, _locking(BRING_FORWARD), (now, now + CAP_MS))
    await execute(db, _locking(PROMOTE), (now, now - HANGING_MS, FAILURES))
    if morning:
        await execute(db, _locking(REST), (morning,))
    due: int | None = (await execute(db, NEXT_DUE, (now,)))[0]["due"]
    return due


async def expire(db: BaseDBAsyncClient, now: int) -> list[tuple[str, State]]:
    """End what is too old to send; returns each one's gateway and what it came to."""
    ended = [row for each in (EXPIRE, UNREPORTED) for row in await execute(db, _locking(each), (now,))]
    return [(row["gateway"], State.EXPIRED) for row in ended]


def _locking(statement: str) -> str:
    return statement.format(lock="FOR UPDATE SKIP LOCKED" if on_postgres() else "")


def _cut(text: str, length: int) -> str:
    return text.replace("\0", "")[:length]
