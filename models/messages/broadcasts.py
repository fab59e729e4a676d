"""What the office writes to many: one row for all of it, and one for each person, made in portions as it goes out.

    send --> going --> done
               |         |
               '---------'--> stopped     by the office: what waits is taken back, and nobody else is written to

A receiver's row is made in the transaction that enqueues the message, so that whoever has one is never written to
again. What became of a message is in the outbox; when that is final, `settle` keeps it here, to be counted."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.messages.withdrawal import CANCELLED, STOPPED, withdraw_broadcast
from models.people import Customer
from models.sql import DAY_MS, connection, execute, for_update, listed_rows, marks, now_ms

CREATE = """INSERT INTO broadcast (key, author, created_at, audience, texts, state, people, parts, last_customer,
  changed_at) VALUES ($1, $2, $3, $4, $5, 'going', $6, $7, 0, $3) ON CONFLICT (key) DO NOTHING RETURNING id"""
TAKE = """SELECT id, author, audience, texts, last_customer FROM broadcast WHERE state = 'going'
  AND id > $1 ORDER BY id LIMIT 1{lock}"""
ADVANCE = """UPDATE broadcast SET last_customer = $2, state = CASE WHEN $3 = 1 THEN 'done' ELSE state END,
  changed_at = $4 WHERE id = $1"""
STOP = "UPDATE broadcast SET state = 'stopped', changed_at = $2 WHERE id = $1 AND state = $3 RETURNING id"
COUNTS = "SELECT result, COUNT(*) AS people FROM broadcast_receiver WHERE broadcast_id = $1 GROUP BY result"
# The condition is the partial index's own. What was sent may still be reported as delivered.
TO_SETTLE = """SELECT r.id, o.state, o.error, o.sent_at FROM broadcast_receiver r
  JOIN outbox o ON o.origin = 'broadcast ' || CAST(r.broadcast_id AS text) || ' ' || CAST(r.id AS text)
  WHERE r.result = 'queued' AND r.id > $1 ORDER BY r.id LIMIT $2"""
SETTLE = "UPDATE broadcast_receiver SET result = $2 WHERE id = $1 AND result = 'queued'"
FINAL_MS = DAY_MS  # after so long a message that was sent is not reported any more


class Sending(StrEnum):
    """How far a message to many is."""

    GOING = "going"
    STOPPED = "stopped"
    DONE = "done"


class Result(StrEnum):
    """What became of it for one person."""

    QUEUED = "queued"  # it is in the outbox
    SENT = "sent"  # a gateway took it, and said no more within a day
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"  # the office stopped it
    STOP = "stop"  # the person wants no such messages
    NO_PHONE = "no phone"
    SHARED = "shared"  # somebody else with this phone comes before: what became of it there holds here
    NO_TEXT = "no text"  # there is nothing to be filled into a gap
    NO_GATEWAY = "no gateway"  # none may carry it to this phone


class Broadcast(Model):
    """One message to many people."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)  # of the form: one that is sent twice is sent once
    author = fields.CharField(100)
    created_at = fields.BigIntField()  # ms
    audience = fields.TextField()  # who was chosen, as models/office/audience.py writes it
    texts = fields.TextField()  # by language, as JSON
    state = fields.CharField(8)  # a Sending
    people = fields.IntField()  # how many they were when it was sent
    parts = fields.IntField()  # how many SMS that was thought to be
    last_customer = fields.BigIntField()  # the number of the last one who was looked at
    changed_at = fields.BigIntField()  # ms

    class Meta:
        table = "broadcast"


class BroadcastReceiver(Model):
    """One person of them."""

    id = fields.BigIntField(primary_key=True)
    broadcast: fields.ForeignKeyRelation[Broadcast] = fields.ForeignKeyField(
        "models.Broadcast", on_delete=fields.RESTRICT
    )
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField("models.Customer", on_delete=fields.RESTRICT)
    phone = fields.CharField(16, default="", db_default="")  # that it goes to; empty where it goes to none
    result = fields.CharField(10)  # a Result

    class Meta:
        table = "broadcast_receiver"
        unique_together = (("broadcast", "customer"),)
        indexes = (("broadcast_id", "result"), ("broadcast_id", "id"))


def origin_of(broadcast: int, receiver: int) -> str:
    """The origin of the message to one person, in the outbox."""
    return f"broadcast {broadcast} {receiver}"


async def create_broadcast(key: str, audience: str, texts: str, *, people: int, parts: int, actor: str) -> int:
    """Begin to write to many, in the caller's transaction: its number. What was begun with this key is the same."""
    rows = await execute(connection(), CREATE, [key, actor, now_ms(), audience, texts, people, parts])
    if not rows:
        return int((await execute(connection(), "SELECT id FROM broadcast WHERE key = $1", [key]))[0]["id"])
    await record(actor, "write to many", f"broadcast {rows[0]['id']}", f"{people} people, {audience}")
    return int(rows[0]["id"])


async def take_broadcast(after: int = 0) -> dict[str, Any] | None:
    """The next one behind this number that goes on, held until the end of the caller's transaction: no other server
    works on it."""
    rows = await execute(connection(), TAKE.format(lock=for_update(skip_locked=True)), [after])
    return rows[0] if rows else None


async def anything_going() -> bool:
    """Whether there is one to go on with. The condition is a partial index's."""
    return bool(await execute(connection(), "SELECT 1 FROM broadcast WHERE state = 'going' LIMIT 1"))


async def advance(broadcast: int, last_customer: int, *, done: bool) -> None:
    """Note how far it is."""
    await execute(connection(), ADVANCE, [broadcast, last_customer, int(done), now_ms()])


async def add_receivers(broadcast: int, rows: Sequence[tuple[int, str, Result]]) -> dict[int, int]:
    """Keep these people (customer, phone, result). Returns the numbers of the new rows by customer: whoever is not
    among them was there before."""
    if not rows:
        return {}
    receivers = [(broadcast, customer, phone, result.value) for customer, phone, result in rows]
    listing, values = listed_rows(receivers, ("bigint", "bigint", "text", "text"))
    statement = f"""INSERT INTO broadcast_receiver (broadcast_id, customer_id, phone, result)
      {listing} ON CONFLICT DO NOTHING RETURNING id, customer_id"""
    return {int(row["customer_id"]): int(row["id"]) for row in await execute(connection(), statement, values)}


async def phones_written_to(broadcast: int, phones: Sequence[str]) -> set[str]:
    """Those of the phones that it went to already."""
    if not phones:
        return set()
    statement = f"""SELECT phone FROM broadcast_receiver WHERE broadcast_id = $1 AND phone <> ''
      AND phone IN ({marks(len(phones), 2)})"""
    return {str(row["phone"]) for row in await execute(connection(), statement, [broadcast, *phones])}


async def stopped_phones(phones: Sequence[str]) -> set[str]:
    """Those of the phones that want no such messages."""
    if not phones:
        return set()
    statement = f"SELECT phone FROM contact WHERE stopped_at > 0 AND phone IN ({marks(len(phones))})"
    return {str(row["phone"]) for row in await execute(connection(), statement, list(phones))}


async def stop_broadcast(broadcast: int, *, actor: str) -> bool:
    """Write to nobody else and take back what waits, in the caller's transaction; also where all is handed over and
    some of it waits for its gateway. False: it is over already."""
    going = await execute(connection(), STOP, [broadcast, now_ms(), Sending.GOING])
    taken = await withdraw_broadcast(broadcast)
    if not going and not (taken and await execute(connection(), STOP, [broadcast, now_ms(), Sending.DONE])):
        return False
    await record(actor, "stop writing to many", f"broadcast {broadcast}", f"{taken} messages taken back")
    return True


async def count_results(broadcast: int) -> dict[Result, int]:
    """How many people there are of each result so far."""
    rows = await execute(connection(), COUNTS, [broadcast])
    return {Result(row["result"]): int(row["people"]) for row in rows}


async def settle(after: int, most: int) -> int:
    """Keep what became of some of the messages that are in the outbox, of those behind this receiver, in the caller's
    transaction: the number of the last one that was looked at, 0 at the end."""
    rows = await execute(connection(), TO_SETTLE, [after, most])
    for row in rows:
        if result := final_result(row["state"], row["error"], row["sent_at"]):
            await execute(connection(), SETTLE, [row["id"], result.value])
    return int(rows[-1]["id"]) if len(rows) == most else 0


def final_result(state: str, error: str, sent_at: int) -> Result | None:
    """What became of a message, when nothing more will; else None."""
    if state == "sent":
        return Result.SENT if now_ms() - sent_at > FINAL_MS else None
    if state == "expired" and error in (CANCELLED, STOPPED):
        return Result.CANCELLED if error == CANCELLED else Result.STOP
    return {"delivered": Result.DELIVERED, "failed": Result.FAILED, "expired": Result.FAILED}.get(state)
