"""The outbox as a phone sees it: what it may pull, and what its reports make of that. A message that it pulled and has
not reported has an unknown outcome, and stays with it. bot/outbound/queue.py has the statements that write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from bot.android.from_app import Report
from bot.android.sims import GENERIC_FAILURES, note_failure, recover_sim
from bot.android.to_app import PERIOD_MS
from bot.gateways.errors import ERRORS, Error, Outcome
from bot.outbound import Claimed
from bot.outbound import queue as outbox
from bot.outbound.lanes import HOLDING
from bot.outbound.queue import RANK, HandedOver, Reported
from bot.outbound.retry import Verdict, delay, judge
from bot.routing import states
from bot.runtime import Purge
from models.messages import MessageKind, Phone, State, read_sims
from models.messages.phones import write_sims
from models.sql import change, execute, execute_many, for_update, marks

# So many waiting messages are read: more than a phone may get at once.
LOOK = 32

MESSAGE = "id, external_id, phone, text, kind, sim, created_at, expires_at"
MINE = f"SELECT {MESSAGE} FROM outbox WHERE state = 'sending' AND claimed_by = $1 ORDER BY priority, id"
# The first condition is the partial index's own, without which SQLite does not use it.
PULLED = """SELECT sim, claimed_at, parts FROM outbox WHERE claimed_by LIKE 'phone-%' AND claimed_by = $1
  AND claimed_at > $2 AND claimed_at <= $3 ORDER BY claimed_at"""
LAST_PULLS = """SELECT claimed_by, MAX(claimed_at) AS at FROM outbox WHERE claimed_by LIKE 'phone-%'
  AND claimed_by IN ({}) AND claimed_at > $1 GROUP BY claimed_by"""
WAITING = """SELECT id, phone, parts, tries, priority FROM outbox
  WHERE state = 'waiting' AND gateway = $1 AND expires_at > $2 ORDER BY priority, assigned_at, id LIMIT $3 {lock}"""
WITH_WAITING = """SELECT gateway, MIN(priority) AS priority FROM outbox
  WHERE state = 'waiting' AND gateway IN ({}) AND expires_at > $1 GROUP BY gateway"""
RECEIVER = """INSERT INTO phone_receiver (phone_id, sim, month, receiver) VALUES ($1, $2, $3, $4)
  ON CONFLICT (phone_id, sim, month, receiver) DO NOTHING"""
RECEIVERS = """SELECT sim, COUNT(*) AS receivers FROM phone_receiver WHERE phone_id = $1 AND month = $2 GROUP BY sim"""

FORGET_RECEIVERS = """DELETE FROM phone_receiver WHERE id IN
  (SELECT id FROM phone_receiver WHERE month < $1 LIMIT $2) RETURNING id"""

FIND = """SELECT id, state, claimed_by, external_id, phone, text, kind, tries, unknowns, interrupted, expires_at,
  claimed_at, sent_at, parts, sim, tried_before FROM outbox WHERE id = $1 {lock}"""
PART = """INSERT INTO phone_part (outbox_id, event_id) VALUES ($1, $2) ON CONFLICT (outbox_id, event_id) DO NOTHING"""
PARTS = "SELECT COUNT(*) AS parts FROM phone_part WHERE outbox_id = $1"
FORGET_PARTS = "DELETE FROM phone_part WHERE outbox_id = $1"
# Of messages that never arrived as a whole. Later messages have higher numbers.
PURGE = Purge(
    "parts that arrived",
    "DELETE FROM phone_part WHERE id IN (SELECT id FROM phone_part WHERE outbox_id < "
    "(SELECT id FROM outbox WHERE created_at >= $1 ORDER BY created_at LIMIT 1) LIMIT $2) RETURNING id",
)


@dataclass(frozen=True, slots=True)
class Effect:
    """What came of a report."""

    known: bool  # whether the phone may speak of that message
    state: State | None = None  # what the message came to; None where the report is no news
    sim: int = 0  # the SIM that carried it
    error: str = ""  # a name in ERRORS: why it failed; empty where it did not
    tries: int = 0  # how often it was tried then
    sends: bool = False  # whether it shows that messages go out: that an older one arrives does not


UNKNOWN, NO_NEWS = Effect(known=False), Effect(known=True)


async def unreported(db: BaseDBAsyncClient, gateway: str) -> list[dict[str, Any]]:
    """What a phone pulled and has not reported yet, as rows of the outbox."""
    return await execute(db, MINE, [gateway])


async def pulled_lately(db: BaseDBAsyncClient, gateway: str, now: int) -> list[dict[str, Any]]:
    """What a phone pulled within its last period, oldest first: SIM, time in ms, parts."""
    return await execute(db, PULLED, [gateway, now - PERIOD_MS, now])


async def last_pulls(db: BaseDBAsyncClient, gateways: Sequence[str], since: int) -> dict[str, int]:
    """When each of the phones last pulled messages, of those that did after this time."""
    rows = await execute(db, LAST_PULLS.format(marks(len(gateways), 2)), [since, *gateways])
    return {row["claimed_by"]: row["at"] for row in rows}


async def waiting_for(db: BaseDBAsyncClient, gateway: str, now: int) -> list[dict[str, Any]]:
    """What waits for a phone, the most urgent first; held until the end of the caller's unit of work."""
    return await execute(db, WAITING.format(lock=for_update(skip_locked=True)), [gateway, now, LOOK])


async def hand_over(
    db: BaseDBAsyncClient, phone: Phone, chosen: Sequence[tuple[Mapping[str, Any], int]], now: int
) -> None:
    """Give messages to a phone, each with the SIM by which it goes. Each try has an id of its own, since the app sends
    an id once. The time is in it, since the app may know the same numbers from another database: that of a demo, or of
    before a backup was restored."""
    messages = [HandedOver(row["id"], f"m{row['id']}-{row['tries'] + 1}-{now:x}", sim) for row, sim in chosen]
    await outbox.hand_over(db, phone.gateway, messages, now)
    await execute_many(db, RECEIVER, [(phone.id, sim, month(now), row["phone"]) for row, sim in chosen])


async def with_waiting(db: BaseDBAsyncClient, gateways: Sequence[str], now: int) -> dict[str, int]:
    """Those of the phones for whom something waits, with the priority of the most urgent."""
    rows = await execute(db, WITH_WAITING.format(marks(len(gateways), 2)), [now, *gateways])
    return {row["gateway"]: row["priority"] for row in rows}


async def receivers(db: BaseDBAsyncClient, phone: Phone, now: int) -> dict[int, int]:
    """How many different people each SIM of a phone wrote to this month."""
    return {row["sim"]: row["receivers"] for row in await execute(db, RECEIVERS, [phone.id, month(now)])}


async def forget_receivers(db: BaseDBAsyncClient, now: int, most: int) -> int:
    """Forget some of whom the SIM cards wrote to before this month. Returns how many."""
    return len(await execute(db, FORGET_RECEIVERS, [month(now), most]))


async def apply(db: BaseDBAsyncClient, phone: Phone, report: Report, now: int, random: Random) -> Effect:
    """Write what a phone says of a message that it pulled: forward only, by RANK."""
    number = _number(report.external_id)
    rows = await execute(db, FIND.format(lock=for_update()), [number]) if number else []
    if not rows or phone.gateway not in (rows[0]["claimed_by"], *rows[0]["tried_before"].split()):
        return UNKNOWN
    row = rows[0]
    elsewhere = row["claimed_by"] != phone.gateway
    if elsewhere and report.state is not State.DELIVERED:
        return NO_NEWS  # another gateway has it by now; that it arrived by this one after all ends it there too
    if report.state is None or row["external_id"] != report.external_id or row["state"] == State.DELIVERED:
        return NO_NEWS  # also where it is of a try that failed: the message has gone out again since
    if report.state is State.FAILED:
        return await _apply_failure(db, row, report, now, random)
    if report.state is State.WAITING:
        return await _take_back(db, row)
    state = await _state_of(db, row, report)
    if RANK[state] <= RANK.get(row["state"], 0) or (elsewhere and state is not State.DELIVERED):
        return NO_NEWS  # of several parts one that arrived is not the message
    if state is State.DELIVERED:
        await outbox.write_reports(db, [Reported(row["id"], state, delivered_at=now)])
        await execute(db, FORGET_PARTS, [row["id"]])
    else:
        parts = max(report.parts, row["parts"])
        await outbox.note_sent(db, row["id"], now, sim=report.sim or row["sim"], parts=parts)
    return Effect(True, state, report.sim or row["sim"], sends=not row["sent_at"])


async def learn(db: BaseDBAsyncClient, phone: Phone, effects: Sequence[tuple[Report, Effect]], now: int) -> None:
    """Write how a phone that is held and its SIM cards do, as its reports show.

    Three generic failures in a row mean that a SIM has no credit. A message that failed more often than that does not
    count: its receiver's number may be wrong, and it would stop phone after phone. A message that is sent shows that
    its SIM is well."""
    sims = before = read_sims(phone.sims)
    for report, effect in effects:
        if effect.sends:
            await states.note_sent(db, phone.gateway, now)
            sims = [recover_sim(sim) if sim.number == effect.sim else sim for sim in sims]
        elif effect.error:
            await _note_failure_of_phone(db, phone.gateway, effect.error, now)
            counts = report.generic and effect.tries <= GENERIC_FAILURES
            sims = [note_failure(sim) if counts and sim.number == effect.sim else sim for sim in sims]
    if sims != before:
        phone.sims = write_sims(sims)
        await change("phone", phone.id, sims=phone.sims)


async def _note_failure_of_phone(db: BaseDBAsyncClient, gateway: str, error: str, now: int) -> None:
    """A phone that refused one message, or that asks us to wait, works all the same."""
    if ERRORS[error].outcome is Outcome.RETRY and error not in HOLDING:
        await states.note_failure(db, gateway, error, now)
    else:
        await states.note_word(db, gateway, error)


async def _state_of(db: BaseDBAsyncClient, row: Mapping[str, Any], report: Report) -> State:
    """What a message comes to by this report. One of several parts is delivered with the last of them: by a webhook the
    app tells of each part, but by its other way it says delivered as soon as one has come."""
    if report.state is not State.DELIVERED or row["parts"] == 1:
        return report.state or State.SENT
    if report.event:
        await execute(db, PART, [row["id"], report.event])
    delivered = (await execute(db, PARTS, [row["id"]]))[0]["parts"]
    return State.DELIVERED if delivered >= row["parts"] else State.SENT


async def _apply_failure(
    db: BaseDBAsyncClient, row: Mapping[str, Any], report: Report, now: int, random: Random
) -> Effect:
    """The phone did not send it, or the operator did not deliver it. The app says it twice; the first counts."""
    if row["state"] not in (State.SENDING, State.SENT):
        return NO_NEWS
    error = _meaning(row, ERRORS[report.error], now)
    if error.name == "expired":
        verdict = Verdict(State.EXPIRED, now, error.name)
    elif row["state"] == State.SENT:
        verdict = Verdict(State.FAILED, now, "undelivered")
    else:
        verdict = judge(_claimed(row), error, now, delay(row["tries"], random))
    await outbox.write_verdict(db, row["id"], verdict)
    return Effect(True, verdict.state, row["sim"], error.name, row["tries"])


def _meaning(row: Mapping[str, Any], error: Error, now: int) -> Error:
    """What an error says of this message. What the phone finds too late by its own clock is not, unless it is by ours;
    of several parts, one that failed says nothing of the others."""
    if error.name == "expired" and now < row["expires_at"]:
        return ERRORS["gateway fault"]
    return replace(error, outcome=Outcome.UNKNOWN) if row["parts"] > 1 and error.outcome is Outcome.RETRY else error


async def _take_back(db: BaseDBAsyncClient, row: Mapping[str, Any]) -> Effect:
    """The phone has not sent it, and gives it back."""
    if row["state"] != State.SENDING:
        return NO_NEWS
    await outbox.give_back(db, row["id"])
    return Effect(True, State.WAITING, row["sim"])


def _claimed(row: Mapping[str, Any]) -> Claimed:
    fields = ("id", "phone", "text", "tries", "unknowns", "interrupted", "expires_at", "claimed_at")
    return Claimed(kind=MessageKind(row["kind"]), **{name: row[name] for name in fields})


def _number(external_id: str) -> int:
    """The row in `m<row>-<try>-<time>`; 0 for what is none of ours."""
    number = external_id.removeprefix("m").partition("-")[0]
    ours = external_id.startswith("m") and number.isascii() and number.isdigit() and len(number) < 19
    return int(number) if ours else 0


def month(now: int) -> int:
    """202611 for a time of November 2026, in UTC."""
    moment = datetime.fromtimestamp(now / 1000, UTC)
    return moment.year * 100 + moment.month
