"""The table `outbox` as a queue. After enqueue.py has added a row, this is the file that writes it.

    enqueue --> waiting -----> sending -----> sent -----> delivered
                 ^   |          |  |  |         |             ^
                 |   v          |  |  |         v             |  a late report
                 | scheduled <--'  |  |-----> failed ---------'
                 |   |             |  '-----> expired
                 |   | due         v
                 '---+-------- uncertain

    from                  to                         who, by which verb
    (no row)              waiting                    whoever owes somebody a message: enqueue (enqueue.py)
    waiting               sending                    a server, for a gateway of its own: claim
                                                     a phone, which pulls: hand_over
    sending               sent, scheduled,           the server that claimed it, by what the gateway answered:
                            uncertain, failed,         write_results
                            expired
    sending of a phone    sent                       the phone that pulled it: note_sent
                          scheduled, uncertain,      the phone that pulled it: write_verdict
                            failed, expired
                          waiting                    a phone that was paused: give_back
                          uncertain, failed          a phone that registers again, and has forgotten it: abandon
                          expired                    any server, when the phone has not reported in time: expire
    sending               uncertain                  any server, when the one that claimed it is gone: take_back. If
                                                       that one comes back, its write_results counts after all
    sending               expired                    the same verbs, when it was withdrawn meanwhile and would else go
                                                       again
    scheduled, uncertain  waiting                    any server, when it is due: promote
                                                     the office, when it has mended the gateway: hurry, which
                                                       makes due what was to be tried later
    waiting               scheduled                  a server whose gateway refused it in a pause: give_way, which
                                                       makes due later what is scheduled
    waiting               scheduled                  any server at night, where it may wake nobody: rest
    waiting, scheduled,   waiting for another        any server, when its gateway does not carry it: move
      uncertain             gateway
    waiting, scheduled,   waiting for another        whoever removes its gateway: release_from_stopped
      uncertain, sending    gateway
    sending of a phone    waiting for another        any server, when the phone has fallen silent: move
                            gateway
    sending               waiting for another        whoever claimed it, when its gateway refuses it and another one may
                            gateway                    take it: write_results
    uncertain             failed                     any server, when it has gone out as often as it may: give_up
    waiting, scheduled,   failed                     whoever removes its gateway, where that may have it and once more
      uncertain, sending                               would harm or be too often, or where it is its test:
                                                       release_from_stopped
    waiting               expired                    any server, when its time is over: expire
    whatever stands       sent, failed, delivered    a delivery report, up the order of RANK: write_reports; a phone
      below in RANK                                    also says by write_verdict that a sent message has failed
    waiting, scheduled,   expired                    the business, when somebody stopped it or has paid meanwhile, when
      uncertain                                        the question in it was answered meanwhile and this would be
                                                       another copy, or when the office takes it back:
                                                       models/messages/withdrawal.py, which may not know this room

The text of a message that has ended is emptied when it is old: PURGE.

No message has two senders: a claim changes the state in the statement that reads it, and its sender may write of it
only while the row is still of that claim (`claimed_at`). Times are milliseconds (UTC).

Conditions on `state` are written as in the partial indexes, since SQLite uses those for no other form. {lock} passes
over rows that another process holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tortoise.backends.base.client import BaseDBAsyncClient

from bot.message import Sent
from bot.outbound.retry import (
    CAP_MS,
    COPIES,
    DOUBT_WAITS,
    HANGING_MS,
    INTERRUPTED_MS,
    MOST_DOUBLINGS,
    Claimed,
    Verdict,
)
from bot.routing import NEVER
from bot.routing.health import FAILURES
from bot.runtime import Purge
from models.messages import MessageKind, State
from models.messages.withdrawal import WITHDRAWN
from models.messages.written import AT_ONCE
from models.sql import HOUR_MS, connection, cut, execute, execute_many, for_update, on_postgres

# A report moves a row up this order and never down; what is not here stands below. A phone that was switched off gets
# a message that the operator had reported as failed, so delivered beats failed.
RANK = {State.SENT: 1, State.FAILED: 2, State.DELIVERED: 3}

# From one evening to the next morning; on the day on which clocks are changed an hour more.
LONGEST_REST_MS = 25 * HOUR_MS

# --- Sending: a server's claim, and what came of it

# Whether the office has stopped everything that goes out: a claim asks that in the same trip.
_SWITCHED_OFF = "SELECT 1 FROM setting WHERE name = 'outgoing' AND value = 'off'"
CLAIMED = "id, priority, assigned_at, phone, text, kind, tries, unknowns, interrupted, expires_at, parts, tried_before"
CLAIM = f"""UPDATE outbox SET state = 'sending', claimed_by = $1, claimed_at = $2, tries = tries + 1
  WHERE id IN (SELECT id FROM outbox WHERE state = 'waiting' AND gateway = $3 AND NOT EXISTS ({_SWITCHED_OFF})
               ORDER BY priority, assigned_at, id LIMIT $4 {{lock}})
  RETURNING {CLAIMED}"""
# Of those, the first that have together so many parts; one longer than all that a second allows goes alone.
CLAIM_PARTS = f"""UPDATE outbox SET state = 'sending', claimed_by = $1, claimed_at = $2, tries = tries + 1
  WHERE id IN (SELECT id FROM (SELECT id, parts, SUM(parts) OVER (ORDER BY priority, assigned_at, id) AS total
    FROM (SELECT id, priority, assigned_at, parts FROM outbox
          WHERE state = 'waiting' AND gateway = $3 AND NOT EXISTS ({_SWITCHED_OFF})
          ORDER BY priority, assigned_at, id LIMIT $4 {{lock}}) AS first) AS added
    WHERE total <= $5 OR (total = parts AND $5 >= $6))
  RETURNING {CLAIMED}"""

# Of the claim that it is about, and no later one. A report with our own id may have come before the answer, and while
# the database was away another server may have taken the claim back: what is known after all counts.
_TAKEN_BACK = "(state IN ('uncertain', 'waiting') AND error = 'interrupted')"
_ONE_IF_TAKEN_BACK = f"CASE WHEN {_TAKEN_BACK} THEN 1 ELSE 0 END"
WRITE_SENT = f"""UPDATE outbox SET state = CASE WHEN state = 'delivered' THEN state ELSE 'sent' END, error = '',
  external_id = $2, parts = $3, cost = $4, sent_at = $5, unknowns = unknowns - {_ONE_IF_TAKEN_BACK},
  interrupted = interrupted - {_ONE_IF_TAKEN_BACK}
  WHERE id = $1 AND claimed_at = $6 AND (state IN ('sending', 'sent', 'delivered') OR {_TAKEN_BACK})"""
# What was withdrawn while it was with a gateway ends where it would else be tried again, and its error says why.
_ENDS = f"{WITHDRAWN} AND CAST($2 AS text) <> 'failed'"
WRITE_NOT_SENT = f"""UPDATE outbox SET state = CASE WHEN {_ENDS} THEN 'expired' ELSE CAST($2 AS text) END, due_at = $3,
  error = CASE WHEN {_ENDS} THEN error ELSE COALESCE(NULLIF($4, ''), error) END,
  tries = tries + $5, unknowns = unknowns + $6 - {_ONE_IF_TAKEN_BACK},
  interrupted = interrupted + $7 - {_ONE_IF_TAKEN_BACK}
  WHERE id = $1 AND claimed_at = $8 AND (state = 'sending' OR {_TAKEN_BACK})"""
# Delivery reports hold their messages in this order too (receipts.py), so that there is no deadlock.
HOLD = "SELECT 1 FROM outbox WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE"

# --- Time: what is due, what is over, whose sender is gone

# So many copies of a token, $2, or of a reply, $3, may go out.
_MOST = "CASE kind WHEN 'token' THEN CAST($2 AS int) ELSE CAST($3 AS int) END"
# What a gateway may have taken does not go to it again while it hangs, or only after long.
PROMOTE = f"""UPDATE outbox SET state = 'waiting' WHERE id IN
  (SELECT id FROM outbox WHERE state IN ('scheduled', 'uncertain') AND due_at <= $1 AND (state = 'scheduled'
     OR (unknowns - interrupted < {_MOST}
         AND (due_at <= $4 OR gateway NOT IN (SELECT name FROM gatewaystate WHERE failures >= $5)))) {{lock}})"""
# What has gone out as often as it may was never reported, and now ends with the error of its last try.
GIVE_UP = f"""UPDATE outbox SET state = 'failed' WHERE id IN
  (SELECT id FROM outbox WHERE state IN ('scheduled', 'uncertain') AND due_at <= $1 AND state = 'uncertain'
     AND unknowns - interrupted >= {_MOST} {{lock}})
  RETURNING gateway, state"""
# No token or reply is due so late, none with an unknown outcome later than $3, and what rests at night no later than
# $4: the clock was set back.
BRING_FORWARD = """UPDATE outbox SET due_at = $1 WHERE id IN (SELECT id FROM outbox
  WHERE state IN ('scheduled', 'uncertain') AND due_at > $2
    AND ((priority <= 1 AND (state = 'scheduled' OR due_at > $3)) OR due_at > $4) {lock})"""
# Who wrote a moment ago is awake, and gets the office's answer.
REST = f"""UPDATE outbox SET state = 'scheduled', due_at = $1 WHERE id IN
  (SELECT id FROM outbox WHERE state = 'waiting' AND kind IN ('office', 'reminder', 'broadcast')
     AND origin NOT LIKE 'canary %' AND origin NOT LIKE '{AT_ONCE}%' {{lock}})"""
# What a gateway did not take is tried again at once; what waits for its own hour stays.
HURRY = """UPDATE outbox SET due_at = $2 WHERE id IN (SELECT id FROM outbox
  WHERE state IN ('scheduled', 'uncertain') AND due_at > $2 AND state = 'scheduled' AND gateway = $1 AND error <> ''
  ORDER BY due_at LIMIT 1000 {lock})"""
# What a gateway refused in its pauses lets others find out whether it takes messages again.
GIVE_WAY = """UPDATE outbox SET state = 'scheduled', due_at = CASE WHEN expires_at < $3 THEN expires_at ELSE $3 END
  WHERE id IN (SELECT id FROM outbox
    WHERE id = $1 AND gateway = $2 AND state IN ('waiting', 'scheduled') AND due_at < $3 {lock})"""
NEXT_DUE = "SELECT MIN(due_at) AS due FROM outbox WHERE state IN ('scheduled', 'uncertain') AND due_at > $1"
# What kept it from being sent stays with it.
EXPIRE = """UPDATE outbox SET state = 'expired', error = CASE WHEN error <> '' THEN error
    WHEN gateway LIKE 'phone-%' THEN 'not fetched' WHEN gateway = 'none' THEN 'no gateway' ELSE 'expired' END
  WHERE id IN (SELECT id FROM outbox WHERE state = 'waiting' AND expires_at <= $1 {lock}) RETURNING gateway"""
# What a phone pulled is between it and us; but it does not keep it for ever.
UNREPORTED = f"""UPDATE outbox SET state = 'expired', error = CASE WHEN {WITHDRAWN} THEN error ELSE 'no report' END
  WHERE id IN (SELECT id FROM outbox WHERE state = 'sending' AND gateway LIKE 'phone-%' AND expires_at <= $1 {{lock}})
  RETURNING gateway"""
# The death of its sender says nothing of a message, of whatever kind: it is not counted as a try (retry.interrupted).
_DOUBLINGS = f"CASE WHEN interrupted < {MOST_DOUBLINGS} THEN interrupted ELSE {MOST_DOUBLINGS} END"
_AGAIN_AT = f"CAST($3 AS bigint) + $4 * (1 << {_DOUBLINGS})"
TAKE_BACK = f"""UPDATE outbox SET error = CASE WHEN {WITHDRAWN} THEN error ELSE 'interrupted' END,
    state = CASE WHEN {WITHDRAWN} THEN 'expired' ELSE 'uncertain' END, unknowns = unknowns + 1,
    interrupted = interrupted + 1,
    due_at = CASE WHEN expires_at < {_AGAIN_AT} THEN expires_at ELSE {_AGAIN_AT} END WHERE id IN
  (SELECT id FROM outbox WHERE state = 'sending' AND gateway NOT LIKE 'phone-%' AND claimed_by <> $1
     AND claimed_at <= $2 {{lock}}) RETURNING gateway, state"""
PURGE = Purge(
    "texts of ours",
    "UPDATE outbox SET text = '' WHERE id IN (SELECT id FROM outbox WHERE created_at < $1 AND text <> '' "
    "AND (state = 'sent' OR state = 'delivered' OR state = 'failed' OR state = 'expired') LIMIT $2) RETURNING id",
)

# --- Another gateway: decided by failover.py

# Whoever claimed or moved the row a moment ago keeps it. Another gateway may have taken it already where `unknowns` is
# not 0, and where a phone has it; of those only what harms nobody twice goes elsewhere (priority 0 and 1).
_HELD_BY_PHONE = "(state = 'sending' AND claimed_by = gateway AND gateway LIKE 'phone-%')"
MOVE = f"""UPDATE outbox SET gateway = $3, tried_before = $4, assigned_at = $5, due_at = $5, state = 'waiting',
    error = CASE WHEN {WITHDRAWN} THEN error ELSE '' END, sim = 0,
    unknowns = unknowns + CASE WHEN {_HELD_BY_PHONE} THEN 1 ELSE 0 END
  WHERE id = $1 AND gateway = $2 AND (state IN ('waiting', 'scheduled') OR (state = 'uncertain' AND due_at <= $5)
    OR {_HELD_BY_PHONE}) AND ((unknowns = 0 AND state <> 'sending') OR priority <= 1)"""
_MAY_GO_ON = f"(unknowns = 0 OR (priority <= 1 AND unknowns - interrupted < {_MOST}))"
RELEASE_FROM_STOPPED = f"""UPDATE outbox SET gateway = 'none', tried_before = SUBSTR(tried_before || $1 || ' ', 1, 200),
    assigned_at = $4, due_at = $4, state = 'waiting', error = CASE WHEN {WITHDRAWN} THEN error ELSE '' END, sim = 0,
    unknowns = unknowns + CASE WHEN state = 'sending' THEN 1 ELSE 0 END WHERE origin NOT LIKE 'canary %' AND id IN (
  SELECT id FROM outbox WHERE state = 'waiting' AND gateway = $1 AND {_MAY_GO_ON}
  UNION ALL SELECT id FROM outbox WHERE state IN ('scheduled', 'uncertain') AND gateway = $1 AND {_MAY_GO_ON}
  UNION ALL SELECT id FROM outbox WHERE state = 'sending' AND claimed_by = $1 AND priority <= 1
    AND unknowns - interrupted + 1 < {_MOST})"""
FAIL_OF_REMOVED = """UPDATE outbox SET state = 'failed', error = 'gateway gone' WHERE id IN (
  SELECT id FROM outbox WHERE state = 'waiting' AND gateway = $1
  UNION ALL SELECT id FROM outbox WHERE state IN ('scheduled', 'uncertain') AND gateway = $1
  UNION ALL SELECT id FROM outbox WHERE state = 'sending' AND claimed_by = $1)"""
# One server at a time moves messages: two that lock the same rows in another order would wait for each other.
TRY_TO_MOVE_ALONE = "SELECT pg_try_advisory_xact_lock(7269421) AS ours"
MOVE_ALONE = "SELECT pg_advisory_xact_lock(7269421)"

# --- Phones, which pull their messages and report on them: decided by bot/android/queue.py

HAND_OVER = """UPDATE outbox SET state = 'sending', claimed_by = $2, claimed_at = $3, tries = tries + 1,
  external_id = $4, sim = $5 WHERE id = $1 AND state = 'waiting' AND gateway = $2"""
NOTE_SENT = "UPDATE outbox SET state = 'sent', error = '', sent_at = $2, sim = $3, parts = $4 WHERE id = $1"
WRITE_VERDICT = f"""UPDATE outbox SET state = CASE WHEN {_ENDS} THEN 'expired' ELSE CAST($2 AS text) END, due_at = $3,
  error = CASE WHEN {_ENDS} THEN error ELSE $4 END, tries = tries + $5, unknowns = unknowns + $6,
  interrupted = interrupted + $7 WHERE id = $1"""
GIVE_BACK = "UPDATE outbox SET state = 'waiting' WHERE id = $1"
ABANDON = f"""UPDATE outbox SET
    state = CASE WHEN {WITHDRAWN} THEN 'expired' WHEN kind IN ('token', 'reply') THEN 'uncertain' ELSE 'failed' END,
    due_at = CASE WHEN expires_at < $2 THEN expires_at ELSE $2 END,
    error = CASE WHEN {WITHDRAWN} THEN error ELSE 'timeout' END,
    unknowns = unknowns + 1 WHERE id IN (SELECT id FROM outbox WHERE state = 'sending' AND claimed_by = $1)"""

# --- Delivery reports: decided by receipts.py, and for phones by bot/android/queue.py

IDENTIFY = "UPDATE outbox SET external_id = $2, sent_at = $3 WHERE id = $1"
WRITE_REPORT = "UPDATE outbox SET state = $2, error = $3, delivered_at = $4 WHERE id = $1"

# --- Questions

NOW = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint AS now"
SIZES = """SELECT gateway, state, COUNT(*) AS messages, MIN(created_at) AS oldest FROM outbox
  WHERE state = 'waiting' GROUP BY gateway, state UNION ALL
  SELECT gateway, state, COUNT(*), MIN(created_at) FROM outbox
  WHERE state IN ('scheduled', 'uncertain') GROUP BY gateway, state UNION ALL
  SELECT gateway, state, COUNT(*), MIN(created_at) FROM outbox
  WHERE state = 'sending' GROUP BY gateway, state"""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one message that was claimed."""

    gateway: str
    message: Claimed
    outcome: Sent | Verdict

    @property
    def state(self) -> State:
        return State.SENT if isinstance(self.outcome, Sent) else self.outcome.state

    @property
    def to(self) -> str:
        """Another gateway that gets it now; empty for none."""
        return self.outcome.to if isinstance(self.outcome, Verdict) else ""

    @property
    def move(self) -> "Move":
        return Move(self.message.id, self.gateway, self.to, f"{self.message.tried_before}{NEVER}{self.gateway} ")


@dataclass(frozen=True, slots=True)
class Move:
    """A message that leaves one gateway for another."""

    id: int
    gateway: str  # where it waits
    to: str  # where it goes
    tried_before: str  # the gateways that it has left then, a space after each


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A message that a phone gets."""

    id: int
    external_id: str  # under which the phone knows it
    sim: int  # by which it goes; 0 lets the phone choose


@dataclass(frozen=True, slots=True)
class Reported:
    """What a delivery report makes of a message."""

    id: int
    state: State
    error: str = ""
    delivered_at: int = 0


class Size(NamedTuple):
    """What one gateway has yet to send in one state."""

    gateway: str
    state: State
    messages: int
    oldest: int  # when the oldest of them was enqueued


async def claim(
    db: BaseDBAsyncClient,
    gateway: str,
    most: int,
    *,
    parts: int,
    per_second: int,
    me: str,
    now: int,
    ahead: int = 0,
) -> list[Claimed]:
    """Take up to `most` messages of one gateway, the most urgent first; of one that is paced (`per_second` is not 0)
    those that have together at most `parts` parts. None while the office has stopped everything. Nobody else gets them
    until they are written or taken back. The clock that all servers share is `ahead` milliseconds ahead of ours."""
    stamp = now + ahead
    if per_second:
        rows = await execute(db, _locking(CLAIM_PARTS), (me, stamp, gateway, most, parts, per_second))
    else:
        rows = await execute(db, _locking(CLAIM), (me, stamp, gateway, most))
    rows.sort(key=lambda row: (row["priority"], row["assigned_at"], row["id"]))
    return [_claimed(row, now, stamp) for row in rows]


def _claimed(row: Mapping[str, Any], now: int, stamp: int) -> Claimed:
    return Claimed(
        id=row["id"],
        phone=row["phone"],
        text=row["text"],
        kind=MessageKind(row["kind"]),
        tries=row["tries"],
        unknowns=row["unknowns"],
        interrupted=row["interrupted"],
        expires_at=row["expires_at"],
        claimed_at=now,
        parts=row["parts"],
        stamp=stamp,
        tried_before=row["tried_before"],
    )


async def write_results(db: BaseDBAsyncClient, results: Sequence[Result], now: int) -> None:
    """Write what came of messages that were claimed. What a gateway said is cut to its column."""
    sent, not_sent = [], []
    for result in results:
        message, outcome = result.message, result.outcome
        if isinstance(outcome, Sent):
            external_id, cost, parts = cut(outcome.external_id, 120), cut(outcome.cost, 20), min(outcome.parts, 99)
            sent.append((message.id, external_id, parts, cost, now, message.stamp))
        else:
            not_sent.append((*_verdict(message.id, outcome), message.stamp))
    if len(results) > 1 and on_postgres():
        await execute(db, HOLD, [[each.message.id for each in results]])
    await execute_many(db, WRITE_SENT, sent)
    await execute_many(db, WRITE_NOT_SENT, not_sent)
    await move(db, [each.move for each in results if each.to], now)


def _verdict(message: int, verdict: Verdict) -> tuple[int, State, int, str, int, int, int]:
    """The first seven values of WRITE_NOT_SENT, and all of WRITE_VERDICT."""
    added = verdict.tries, verdict.unknowns, verdict.interrupted
    return message, verdict.state, verdict.due_at, verdict.error, *added


def dues(results: Sequence[Result]) -> list[int]:
    """When the messages that are to be looked at again will be due."""
    verdicts = [each.outcome for each in results if isinstance(each.outcome, Verdict)]
    again = (State.SCHEDULED, State.UNCERTAIN)
    return [verdict.due_at for verdict in verdicts if verdict.state in again and not verdict.to]


async def take_back(db: BaseDBAsyncClient, me: str, before: int, now: int) -> list[tuple[str, State]]:
    """Take messages from other senders that claimed them before this time and never wrote of them: they may have gone.
    For a moment a report may say so; then they wait again for the same gateway. Returns each one's gateway and new
    state."""
    rows = await execute(db, _locking(TAKE_BACK), (me, before, now, INTERRUPTED_MS))
    return [(row["gateway"], State(row["state"])) for row in rows]


async def give_up(
    db: BaseDBAsyncClient, now: int, copies: Mapping[MessageKind, int] = COPIES
) -> list[tuple[str, State]]:
    """End what is due and has gone out so often (`copies`) without an outcome. What is due later than any message of
    its kind can be is due now: a clock was set back. Returns the gateway and the new state of what ended."""
    await execute(db, _locking(BRING_FORWARD), (now, now + CAP_MS, now + DOUBT_WAITS[-1], now + LONGEST_REST_MS))
    ended = await execute(db, _locking(GIVE_UP), (now, *_most(copies)))
    return [(row["gateway"], State(row["state"])) for row in ended]


async def promote(db: BaseDBAsyncClient, now: int, copies: Mapping[MessageKind, int] = COPIES) -> None:
    """Let wait what is due, but for what has gone out so often without an outcome."""
    await execute(db, _locking(PROMOTE), (now, *_most(copies), now - HANGING_MS, FAILURES))


async def hurry(db: BaseDBAsyncClient, gateway: str, now: int) -> None:
    """What this gateway did not take is due now."""
    await execute(db, _locking(HURRY), (gateway, now))


async def give_way(db: BaseDBAsyncClient, gateway: str, messages: Iterable[int], until: int) -> None:
    """Let these messages of a gateway wait until this time, so that others go before them."""
    await execute_many(db, _locking(GIVE_WAY), [(message, gateway, until) for message in messages])


def _most(copies: Mapping[MessageKind, int]) -> tuple[int, int]:
    """The two values of _MOST."""
    return copies[MessageKind.TOKEN], copies[MessageKind.REPLY]


async def rest(db: BaseDBAsyncClient, morning: int) -> None:
    """Let what may wake nobody be due in the morning."""
    await execute(db, _locking(REST), (morning,))


async def next_due(db: BaseDBAsyncClient, now: int) -> int | None:
    """When the next message will be due, if there is one."""
    due: int | None = (await execute(db, NEXT_DUE, (now,)))[0]["due"]
    return due


async def expire(db: BaseDBAsyncClient, now: int) -> list[tuple[str, State]]:
    """End what is too old to send. Returns each one's gateway and new state."""
    ended = [row for each in (EXPIRE, UNREPORTED) for row in await execute(db, _locking(each), (now,))]
    return [(row["gateway"], State.EXPIRED) for row in ended]


async def try_to_move_alone(db: BaseDBAsyncClient) -> bool:
    """Keep other servers from moving messages until the end of the caller's unit of work. False when one does now."""
    return not on_postgres() or bool((await execute(db, TRY_TO_MOVE_ALONE))[0]["ours"])


async def move(db: BaseDBAsyncClient, moves: Iterable[Move], now: int) -> None:
    """Give messages to other gateways, but for those that were claimed or moved meanwhile."""
    await execute_many(db, MOVE, [(each.id, each.gateway, each.to, each.tried_before[-200:], now) for each in moves])


async def release_from_stopped(
    db: BaseDBAsyncClient, gateway: str, now: int, copies: Mapping[MessageKind, int] = COPIES
) -> None:
    """Take a gateway's messages from it for good, in the caller's transaction. Tokens and replies wait for another one
    unless so many copies may be out, and so does all that it certainly has not; what else it may have taken ends, and
    so does its test message. Then `Outbox.notify`, where there is one."""
    if on_postgres():
        await execute(db, MOVE_ALONE)
    await execute(db, RELEASE_FROM_STOPPED, (gateway, *_most(copies), now))
    await execute(db, FAIL_OF_REMOVED, (gateway,))


async def hand_over(db: BaseDBAsyncClient, phone: str, messages: Iterable[HandedOver], now: int) -> None:
    """Give messages that wait for a phone to it."""
    await execute_many(db, HAND_OVER, [(each.id, phone, now, each.external_id, each.sim) for each in messages])


async def note_sent(db: BaseDBAsyncClient, message: int, now: int, *, sim: int, parts: int) -> None:
    """A phone has sent a message, in so many parts."""
    await execute(db, NOTE_SENT, [message, now, sim, parts])


async def write_verdict(db: BaseDBAsyncClient, message: int, verdict: Verdict) -> None:
    """A phone could not send a message: this becomes of it."""
    await execute(db, WRITE_VERDICT, _verdict(message, verdict))


async def give_back(db: BaseDBAsyncClient, message: int) -> None:
    """A phone has not sent a message and will not: it waits again."""
    await execute(db, GIVE_BACK, [message])


async def abandon(db: BaseDBAsyncClient, phone: str, due_at: int) -> None:
    """Another handset, or the same one without its memory, came in the place of the one that pulled these: it would
    send again what may have gone. Like after any unknown outcome they go once more, and only where harmless."""
    await execute(db, ABANDON, [phone, due_at])


async def identify(db: BaseDBAsyncClient, external_ids: Mapping[int, str], now: int) -> None:
    """Messages whose request was never answered well were sent after all, each under this id of its gateway's."""
    await execute_many(db, IDENTIFY, [(message, external_id, now) for message, external_id in external_ids.items()])


async def write_reports(db: BaseDBAsyncClient, reports: Iterable[Reported]) -> None:
    """Write what delivery reports make of messages; the caller holds the rows and has compared by RANK."""
    await execute_many(db, WRITE_REPORT, [(each.id, each.state, each.error, each.delivered_at) for each in reports])


async def sizes() -> list[Size]:
    """What is still to be sent, for the gauges and the office."""
    rows = await execute(connection(), SIZES)
    return [Size(row["gateway"], State(row["state"]), row["messages"], row["oldest"]) for row in rows]


async def switched_off(db: BaseDBAsyncClient) -> bool:
    """Whether the office has stopped everything that goes out."""
    return bool(await execute(db, _SWITCHED_OFF))


async def shared_time(db: BaseDBAsyncClient, now: int) -> int:
    """The time in ms by the clock of the database, where several servers may share it; else `now`."""
    return int((await execute(db, NOW))[0]["now"]) if on_postgres() else now


def _locking(statement: str) -> str:
    return statement.format(lock=for_update(skip_locked=True))
