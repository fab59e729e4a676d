"""The outbox as a phone sees it: the statements by which it pulls its messages and reports on them. What it pulled
and has not reported is an unknown outcome, which stays with it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple

from tortoise.backends.base.client import BaseDBAsyncClient

from bot.android.from_app import Report
from bot.android.sims import GENERIC_FAILURES, note_failure, recover_sim
from bot.android.to_app import PERIOD_MS
from bot.gateways.errors import ERRORS, Outcome
from bot.outbound.lanes import HOLDING
from bot.outbound.receipts import RANK
from bot.outbound.retry import UNKNOWN_MS, Claimed, Verdict, delay, judge
from models.messages.phones import Phone, read_sims, write_sims
from models.messages.tables import MessageKind, State
from models.sql import execute, execute_many, marks, on_postgres

# More than a phone may get at once.
LOOK = 32

MESSAGE = "id, external_id, phone, text, kind, sim, created_at, expires_at"
MINE = f"SELECT {MESSAGE} FROM outbox WHERE state = 'sending' AND claimed_by = $1 ORDER BY priority, id"
# The first condition is the partial index's own, without which SQLite does not use it.
WENT = """SELECT sim, claimed_at, parts FROM outbox WHERE claimed_by LIKE 'phone-%' AND claimed_by = $1
  AND claimed_at > $2 AND claimed_at <= $3 ORDER BY claimed_at"""
SERVED = """SELECT claimed_by, MAX(claimed_at) AS at FROM outbox WHERE claimed_by LIKE 'phone-%' AND claimed_by IN ({})
  AND claimed_at > $1 GROUP BY claimed_by"""
WAITING = """SELECT id, phone, parts, tries, priority FROM outbox
  WHERE state = 'waiting' AND gateway = $1 AND expires_at > $2 ORDER BY priority, assigned_at, id LIMIT $3 {lock}"""
WITH_WAITING = """SELECT gateway, MIN(priority) AS priority FROM outbox
  WHERE state = 'waiting' AND gateway IN ({}) AND expires_at > $1 GROUP BY gateway"""
HAND = """UPDATE outbox SET state = 'sending', claimed_by = $2, claimed_at = $3, tries = tries + 1, external_id = $4,
  sim = $5 WHERE id = $1 AND state = 'waiting' AND gateway = $2"""
RECEIVER = """INSERT INTO phone_receiver (phone_id, sim, month, receiver) VALUES ($1, $2, $3, $4)
  ON CONFLICT (phone_id, sim, month, receiver) DO NOTHING"""
RECEIVERS = """SELECT sim, COUNT(*) AS receivers FROM phone_receiver WHERE phone_id = $1 AND month = $2 GROUP BY sim"""

FORGET_RECEIVERS = """DELETE FROM phone_receiver WHERE id IN
  (SELECT id FROM phone_receiver WHERE month < $1 LIMIT $2) RETURNING id"""

FIND = """SELECT id, state, claimed_by, external_id, phone, text, kind, tries, unknowns, expires_at, claimed_at,
  sent_at, parts, sim FROM outbox WHERE id = $1 {lock}"""
SENT = """UPDATE outbox SET state = 'sent', error = '', sent_at = $2, sim = $3, parts = $4 WHERE id = $1"""
DELIVERED = "UPDATE outbox SET state = 'delivered', error = '', delivered_at = $2 WHERE id = $1"
FAILED = """UPDATE outbox SET state = $2, due_at = $3, error = $4, tries = tries + $5, unknowns = unknowns + $6
  WHERE id = $1"""
RETURNED = "UPDATE outbox SET state = 'waiting' WHERE id = $1"
ABANDON = """UPDATE outbox SET state = CASE WHEN kind IN ('token', 'reply') AND unknowns = 0 THEN 'uncertain'
    ELSE 'failed' END, due_at = CASE WHEN expires_at < $2 THEN expires_at ELSE $2 END, error = 'timeout',
    unknowns = unknowns + 1 WHERE id IN (SELECT id FROM outbox WHERE state = 'sending' AND claimed_by = $1)"""
PART = """INSERT INTO phone_part (outbox_id, event_id) VALUES ($1, $2) ON CONFLICT (outbox_id, event_id) DO NOTHING"""
PARTS = "SELECT COUNT(*) AS parts FROM phone_part WHERE outbox_id = $1"

WENT_WELL = "UPDATE gatewaystate SET sent_at = $2, last_word = 'sent', failures = 0 WHERE name = $1"
WENT_WRONG = "UPDATE gatewaystate SET last_word = $2, failures = failures + 1, failed_at = $3 WHERE name = $1"
# The phone refused one message, or asks to wait: it works all the same.
SAID = "UPDATE gatewaystate SET last_word = $2 WHERE name = $1"


class Told(NamedTuple):
    """What a report was: whether the phone may speak of that message, the state that the message came to, if any
    now, the SIM that carried it, how often that was tried, and whether it says that messages go: that an older one
    arrives does not."""

    known: bool
    state: State | None = None
    sim: int = 0
    tries: int = 0
    went: bool = False


UNKNOWN, NO_NEWS = Told(False), Told(True)


async def unreported(db: BaseDBAsyncClient, gateway: str) -> list[dict[str, Any]]:
    """What a phone pulled and has not reported yet, as rows of the outbox."""
    return await execute(db, MINE, [gateway])


async def went(db: BaseDBAsyncClient, gateway: str, now: int) -> list[dict[str, Any]]:
    """What a phone pulled within its last period, oldest first: SIM, time in ms, parts."""
    return await execute(db, WENT, [gateway, now - PERIOD_MS, now])


async def served(db: BaseDBAsyncClient, gateways: Sequence[str], since: int) -> dict[str, int]:
    """When each of the phones last got messages, of those that did after this time."""
    rows = await execute(db, SERVED.format(marks(len(gateways), 2)), [since, *gateways])
    return {row["claimed_by"]: row["at"] for row in rows}


async def waiting(db: BaseDBAsyncClient, gateway: str, now: int) -> list[dict[str, Any]]:
    """What waits for a phone, the most urgent first; held until the end of the caller's unit of work."""
    lock = "FOR UPDATE SKIP LOCKED" if on_postgres() else ""
    return await execute(db, WAITING.format(lock=lock), [gateway, now, LOOK])


async def hand(db: BaseDBAsyncClient, phone: Phone, chosen: Sequence[tuple[Mapping[str, Any], int]], now: int) -> None:
    """Give messages to a phone, each under an id of its own for each try: the app sends an id once. It may know those
    of another database with the same numbers, of a demo or from before a backup was restored: the time differs."""
    rows = [(row["id"], phone.gateway, now, f"m{row['id']}-{row['tries'] + 1}-{now:x}", sim) for row, sim in chosen]
    await execute_many(db, HAND, rows)
    await execute_many(db, RECEIVER, [(phone.id, sim, month(now), row["phone"]) for row, sim in chosen])


async def abandon(db: BaseDBAsyncClient, gateway: str, now: int) -> None:
    """Another handset, or the same one without its memory, came in the place of the one that pulled these: it would
    send again what may have gone. Like any unknown outcome they go once more at the most, and only where harmless."""
    await execute(db, ABANDON, [gateway, now + UNKNOWN_MS])


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


async def apply(db: BaseDBAsyncClient, phone: Phone, report: Report, now: int, random: Random) -> Told:
    """Write what a phone says of a message that it pulled: forward only, by the order of bot/outbound/receipts.py."""
    number = _number(report.external_id)
    lock = "FOR UPDATE" if on_postgres() else ""
    rows = await execute(db, FIND.format(lock=lock), [number]) if number else []
    if not rows or rows[0]["claimed_by"] != phone.gateway:
        return UNKNOWN
    row = rows[0]
    if report.state is None or row["external_id"] != report.external_id or row["state"] == State.DELIVERED:
        return NO_NEWS  # also of a try that failed before: the message has gone out again since
    if report.state is State.FAILED:
        return await _failed(db, row, report, now, random)
    if report.state is State.WAITING:
        return await _returned(db, row)
    state = await _reached(db, row, report)
    if RANK[state] <= RANK.get(row["state"], 0):
        return NO_NEWS
    if state is State.DELIVERED:
        await execute(db, DELIVERED, [row["id"], now])
        await execute(db, "DELETE FROM phone_part WHERE outbox_id = $1", [row["id"]])
    else:
        await execute(db, SENT, [row["id"], now, report.sim or row["sim"], max(report.parts, row["parts"])])
    return Told(True, state, report.sim or row["sim"], went=not row["sent_at"])


async def learn(db: BaseDBAsyncClient, phone: Phone, told: Sequence[tuple[Report, Told]], now: int) -> None:
    """How its SIM cards do. Three generic failures in a row read as no credit, but not those of a message that failed
    as often before: its receiver's number may be wrong, and it would stop phone after phone. What is sent after all
    says that a SIM is well."""
    fresh = await Phone.get(id=phone.id) if told else phone
    sims = before = read_sims(fresh.sims)
    for report, each in told:
        if each.went:
            await execute(db, WENT_WELL, [phone.gateway, now])
            sims = [recover_sim(sim) if sim.number == each.sim else sim for sim in sims]
        elif each.state is not None and report.state is State.FAILED:
            broken = ERRORS[report.error].outcome is Outcome.RETRY and report.error not in HOLDING
            await execute(db, WENT_WRONG if broken else SAID, [phone.gateway, report.error, now][: 2 + broken])
            counts = report.generic and each.tries <= GENERIC_FAILURES
            sims = [note_failure(sim) if counts and sim.number == each.sim else sim for sim in sims]
    if sims != before:
        phone.sims = fresh.sims = write_sims(sims)
        await fresh.save(update_fields=["sims"])


async def _reached(db: BaseDBAsyncClient, row: Mapping[str, Any], report: Report) -> State:
    """A message of several parts is delivered with the last of them. The app tells of each by a webhook, but by its
    other way as soon as one part came."""
    if report.state is not State.DELIVERED or row["parts"] == 1:
        return report.state or State.SENT
    if report.event:
        await execute(db, PART, [row["id"], report.event])
    delivered = (await execute(db, PARTS, [row["id"]]))[0]["parts"]
    return State.DELIVERED if delivered >= row["parts"] else State.SENT


async def _failed(db: BaseDBAsyncClient, row: Mapping[str, Any], report: Report, now: int, random: Random) -> Told:
    """It was not sent, or the operator did not deliver it. The app tells this twice, of which the first counts."""
    if row["state"] not in (State.SENDING, State.SENT):
        return NO_NEWS
    error = ERRORS[report.error]
    if error.name == "expired":
        verdict = Verdict(State.EXPIRED, now, error.name)
    elif row["state"] == State.SENT:
        verdict = Verdict(State.FAILED, now, "undelivered")
    else:
        if row["parts"] > 1 and error.outcome is Outcome.RETRY:
            error = replace(error, outcome=Outcome.UNKNOWN)  # its other parts may have gone
        verdict = judge(_claimed(row), error, now, delay(row["tries"], random))
    await execute(db, FAILED, [row["id"], *verdict])
    return Told(True, verdict.state, row["sim"], row["tries"])


async def _returned(db: BaseDBAsyncClient, row: Mapping[str, Any]) -> Told:
    if row["state"] != State.SENDING:
        return NO_NEWS
    await execute(db, RETURNED, [row["id"]])
    return Told(True, State.WAITING, row["sim"])


def _claimed(row: Mapping[str, Any]) -> Claimed:
    fields = ("id", "phone", "text", "tries", "unknowns", "expires_at", "claimed_at")
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
