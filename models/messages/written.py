"""What somebody of the office wrote to one person, and which of the texts that came in are answered.

A text waits for an answer when the machine had none: it was not understood, it came when the machine had already said
that often enough, or it broke us. Whoever writes to its sender answers it, and so does who marks it as answered."""

from collections.abc import Sequence
from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.sql import DAY_MS, HOUR_MS, ask_together, connection, execute, listed_rows, now_ms

UNCLEAR_OUTCOMES = ("not understood", "not answered", "failed")
# As in the partial indexes: SQLite would make a table of a list for each row that it tries against one.
UNCLEAR = "(" + " OR ".join(f"outcome = '{outcome}'" for outcome in UNCLEAR_OUTCOMES) + ")"
TO_ANSWER = f"answered_at = 0 AND {UNCLEAR}"
AT_ONCE = "office now "  # how the origin of a message begins that does not rest at night
ASKED_MS = 3 * DAY_MS  # so long after a text what we write to its sender is an answer
SOON_MS = 2 * HOUR_MS  # so long after a text its sender is awake
EXPECTED_MS = DAY_MS  # so long after a message of the office left, a text that is no command is an answer to it
STRANGERS = "stranger"  # under this name a unit of work expects phones whose texts may be answers to the office
LOOK = 20  # the newest texts of a phone, or messages of the office to it, that are looked at for that

LAST_TEXT = "SELECT id, received_at FROM inbox WHERE phone = $1 ORDER BY id DESC LIMIT 1"
# STOP asks for nothing, however often it comes: handlers/account/stop.py calls its outcome so.
LAST_ASKED = """SELECT received_at FROM inbox WHERE phone = $1 AND outcome <> 'stopped' ORDER BY id DESC LIMIT 1"""
LAST_WRITTEN = "SELECT id, author, created_at, origin FROM office_message WHERE phone = $1 ORDER BY id DESC LIMIT 1"
LAST_LEFT = f"""WITH asked (phone) AS ({{phones}}) SELECT asked.phone,
  (SELECT MAX(CASE WHEN sent_at > 0 THEN sent_at ELSE created_at END) FROM outbox
    WHERE state IN ('sending', 'uncertain', 'sent', 'delivered') AND origin IN
      (SELECT origin FROM office_message WHERE office_message.phone = asked.phone ORDER BY id DESC LIMIT {LOOK})) AS at
  FROM asked"""
# One that is handled beside this one has no outcome yet.
ANSWERS = f"""SELECT COUNT(*) AS n FROM (SELECT received_at, outcome FROM inbox
    WHERE phone = $1 AND id < $2 ORDER BY id DESC LIMIT {LOOK}) AS newest
  WHERE received_at >= $3 AND (outcome = '' OR {UNCLEAR})"""
STOPPED = "SELECT stopped_at FROM contact WHERE phone = $1 AND stopped_at > 0"
ADD = """INSERT INTO office_message (key, origin, phone, author, created_at) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (key) DO NOTHING RETURNING id"""
MARK = f"UPDATE inbox SET answered_at = $1 WHERE phone = $2 AND id <= $3 AND {TO_ANSWER} RETURNING id"


class OfficeMessage(Model):
    """A message that somebody of the office wrote to one person; its text is in the outbox."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)  # of the form: one that is sent twice is written once
    origin = fields.CharField(80, unique=True)  # of its row in the outbox
    phone = fields.CharField(16)
    author = fields.CharField(100)
    created_at = fields.BigIntField()  # ms

    class Meta:
        table = "office_message"
        indexes = (("phone", "id"),)


@dataclass(frozen=True, slots=True)
class Standing:
    """How we stand with a phone when the office is about to write to it. Times are milliseconds."""

    last_text: int  # the number of the last text that came from it; 0 for none
    last_text_at: int
    asked_at: int  # when the last text came that was not STOP
    last_written: int  # the number of the last message that the office wrote to it; 0 for none
    written_by: str  # and by whom
    written_at: int
    stopped_at: int  # when it said STOP; 0 when it did not, or said START again

    def is_answer(self, now: int) -> bool:
        """Whether what is written now answers something. STOP itself asks for nothing."""
        return self.asked_at > self.stopped_at + 1_000 and now - self.asked_at < ASKED_MS

    def is_awake(self, now: int) -> bool:
        """Whether somebody wrote from this phone a moment ago."""
        return now - self.last_text_at < SOON_MS

    def may_be_written_to(self, now: int) -> bool:
        """Whoever said STOP gets only what he asked for."""
        return not self.stopped_at or self.is_answer(now)


async def standing_of(phone: str) -> Standing:
    """How we stand with a phone."""
    db = connection()
    text = next(iter(await execute(db, LAST_TEXT, [phone])), {})
    asked = next(iter(await execute(db, LAST_ASKED, [phone])), {})
    written = next(iter(await execute(db, LAST_WRITTEN, [phone])), {})
    stopped = next(iter(await execute(db, STOPPED, [phone])), {})
    return Standing(
        last_text=text.get("id", 0),
        last_text_at=text.get("received_at", 0),
        asked_at=asked.get("received_at", 0),
        last_written=written.get("id", 0),
        written_by=written.get("author", ""),
        written_at=written.get("created_at", 0),
        stopped_at=stopped.get("stopped_at", 0),
    )


async def expects_since(phone: str, now: int) -> int:
    """When the last message left that the office wrote to this phone (ms); 0 when that is more than a day ago. One that
    waits, failed or was taken back is not known to whoever has the phone."""
    at = (await ask_together("last written", [phone], _last_left, of=STRANGERS))[phone]
    return at if now - at < EXPECTED_MS else 0


async def _last_left(phones: Sequence[str]) -> dict[str, int]:
    """When the last message left that the office wrote to each of these (ms); 0 for never."""
    listing, values = listed_rows([(phone,) for phone in phones], ("text",))
    rows = await execute(connection(), LAST_LEFT.format(phones=listing), values)
    return {row["phone"]: row["at"] or 0 for row in rows}


async def count_answers(phone: str, before: int, since: int) -> int:
    """How many texts of this phone the machine had no answer to since then (ms), before the text of this number."""
    return int((await execute(connection(), ANSWERS, [phone, before, since]))[0]["n"])


async def note_written(key: str, origin: str, phone: str, *, author: str) -> bool:
    """Note that somebody writes this now, in the transaction that enqueues it. False: it was written before."""
    return bool(await execute(connection(), ADD, [key, origin, phone, author, now_ms()]))


async def mark_answered(phone: str, up_to: int) -> int:
    """The texts of this phone up to this one need no answer any more, in the caller's transaction: how many did."""
    return len(await execute(connection(), MARK, [now_ms(), phone, up_to]))


async def mark_answered_by_hand(phone: str, up_to: int, *, actor: str) -> int:
    """The same where nothing is written, as after a call: how many needed an answer."""
    marked = await mark_answered(phone, up_to)
    if marked:
        await record(actor, "mark answered", phone, f"{marked} texts up to {up_to}")
    return marked
