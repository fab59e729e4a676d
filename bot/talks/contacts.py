"""What is known of a phone that writes to us, and the lock that keeps its messages one behind the other."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields

from tortoise.exceptions import OperationalError

from bot.message import OptOut
from bot.runtime import Purge
from bot.talks.state import TalkState, kept_of
from models.messages import withdrawal
from models.people import Caller
from models.people.callers import find_called, read_callers
from models.sql import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    connection,
    execute,
    listed_rows,
    marks,
    now_ms,
    on_postgres,
    unit_of_work,
)

# What a unit of work leaves for its end under these names: what is known of phones by now, what is on their screens.
STATES, SCREENS = "contacts", "dialled turns"
MOST_IN_A_ROW = 5  # texts that were not understood, answered before there is silence
MOST_REPEATED = 2  # texts that were understood, and that came within the hour already
MOST_MIXED = 3  # of both together, so that two machines hear five answers whatever they say
REMEMBERED, DIGEST = 5, 12  # of those that came last, and letters that are kept of each hash
# A question is open, and its answer is said again, for a day at most.
PURGE = Purge(
    "talks with phones",
    "UPDATE contact SET talk = '' WHERE phone IN (SELECT phone FROM contact WHERE replies_since < $1 AND talk <> '' "
    "LIMIT $2) AND replies_since < $1 RETURNING phone",
    older_than_ms=2 * DAY_MS,
)
SCREEN_MS = 3 * MINUTE_MS  # no network leaves a dialled session open for longer
ON_SCREEN = "SELECT talk FROM ussdsession WHERE phone = $1 AND open AND updated_at > $2 ORDER BY id DESC LIMIT 1"
HOLD_NOW = """SELECT bool_and(pg_try_advisory_xact_lock(hashtextextended(phone, 7269420))) AS held
  FROM unnest($1::text[]) AS phone"""
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(phone, 7269420)) FROM unnest($1::text[]) AS phone"


@dataclass
class PhoneState:
    """One row of the table of contacts: what we know of a phone that writes to us. Times are in milliseconds. One that
    is still to come, by more than it may be, says nothing: the clock was set back."""

    phone: str
    language: str = ""
    talk: str = ""  # the SMS side, as bot/inbound/conversation.py writes it
    stopped_at: int = 0  # since when no reminders and broadcasts are wanted; 0: they are
    silent_until: int = 0  # a stranger hears nothing more until then
    bad_text: str = ""  # the beginnings of the keyed hashes of the last texts that were no commands
    bad_count: int = 0  # how many came in a row that were not understood
    bad_repeats: int = 0  # how many of the others had come within the hour already
    bad_since: int = 0  # when the last one came
    replies: int = 0  # in the hour that began at `replies_since`
    replies_since: int = 0
    network: str = ""

    @property
    def wants_pin(self) -> bool:
        """Whether a question of this phone's own is open, or may be, to which 1 and a PIN is the answer."""
        asked = json.loads(self.talk) if self.talk else {}
        return any(state and state.get("signing") for state in (asked.get("open"), asked.get("aside")))

    def note_understood(self) -> None:
        """A command came, or the answer to a question: whoever sends those is no machine."""
        self.bad_text, self.bad_count, self.bad_repeats, self.bad_since = "", 0, 0, 0

    def note_no_command(self, digest: str, now: int, *, understood: bool) -> None:
        """Count a text that was no command, by its keyed hash. One whose meaning was found ends the row, unless it came
        within the hour already: two machines that answer each other may write of tokens and thanks without end. A row
        with a day between two texts is none, as long as it is not full."""
        known = [self.bad_text[at : at + DIGEST] for at in range(0, len(self.bad_text), DIGEST)]
        if abs(now - self.bad_since) > HOUR_MS:
            known, self.bad_repeats = [], 0
        if abs(now - self.bad_since) > DAY_MS and self.bad_count < MOST_IN_A_ROW:
            self.bad_count = 0
        if not understood:
            self.bad_count += 1
        elif digest[:DIGEST] in known:
            self.bad_repeats += 1
        else:
            self.bad_count = 0
        self.bad_text = "".join([*known[1 - REMEMBERED :], digest[:DIGEST]])
        self.bad_since = now

    @property
    def goes_on_and_on(self) -> bool:
        """Whether too many texts in a row were no commands for the last one to be answered."""
        mixed = self.bad_repeats > 0 and self.bad_count + self.bad_repeats > MOST_MIXED
        return self.bad_count > MOST_IN_A_ROW or self.bad_repeats > MOST_REPEATED or mixed

    def was_told(self, now: int) -> bool:
        """Whether a stranger was told within a day that we do not know the number."""
        return now < self.silent_until <= now + DAY_MS

    def note_told(self, now: int) -> None:
        """Tell this stranger nothing more for a day."""
        self.silent_until = now + DAY_MS

    def allow_reminders(self) -> None:
        """Undo stop_reminders: reminders and broadcasts come again."""
        self.stopped_at = 0

    def may_get_reply(self, cap: int, now: int) -> bool:
        """Whether one more reply is within the cap for an hour; 0 means no cap."""
        return not cap or abs(now - self.replies_since) > HOUR_MS or self.replies < cap

    def count_reply(self, now: int) -> None:
        if abs(now - self.replies_since) > HOUR_MS:
            self.replies, self.replies_since = 0, now
        self.replies += 1


KINDS = ["bigint" if column.type is int else "text" for column in fields(PhoneState)]
COLUMNS = [column.name for column in fields(PhoneState)]
# By name: a column that a newer server beside us has added is none of ours.
FIND = f"SELECT {', '.join(COLUMNS)} FROM contact WHERE phone IN ({{}})"
JOINED = "LEFT JOIN contact ON contact.phone = called.phone"
BESIDE = [f"contact.{column}" for column in COLUMNS]
SAVE = f"INSERT INTO contact ({', '.join(COLUMNS)}) {{}} ON CONFLICT (phone) DO UPDATE SET " + ", ".join(
    f"{column} = excluded.{column}" for column in COLUMNS[1:]
)


async def hold(phones: Sequence[str]) -> None:
    """One person at a time, in any process, until the end of the caller's unit of work. An embedded database
    has one writer and needs no more."""
    if phones and on_postgres():
        held = sorted(set(phones))
        await connection().execute_query(LOCK, [held])
        if unit := unit_of_work():
            unit.alone = len(held) == 1


async def hold_too(phones: Sequence[str]) -> None:
    """The same for those about whom a message turns out to be: all at once, and before their rows or anything else that
    they may want themselves. While somebody else handles what one of them said, only who holds one phone alone waits:
    two who hold many might wait for each other. Others raise OperationalError: run each of them alone."""
    if not phones or not on_postgres():
        return
    unit, wanted = unit_of_work(), sorted(set(phones))
    if unit and unit.alone:
        await connection().execute_query(LOCK, [wanted])
    elif not (await execute(connection(), HOLD_NOW, [wanted]))[0]["held"]:
        raise OperationalError("One of these phones says something at this moment.")


async def contacts(phones: Sequence[str]) -> dict[str, PhoneState]:
    """What is known of these phones, also by what this unit of work has handled already."""
    if unit := unit_of_work():
        await unit.do_now(STATES)
    rows = await execute(connection(), FIND.format(marks(len(phones))), phones)
    known = {row["phone"]: PhoneState(**row) for row in rows}
    return {phone: known.get(phone) or PhoneState(phone) for phone in phones}


async def callers_and_contacts(phones: Sequence[str]) -> tuple[dict[str, Caller], dict[str, PhoneState]]:
    """Who is behind each of these phones, and what is known of it, in one trip to the database."""
    columns = "".join(f', {column} AS "{column}"' for column in BESIDE)
    rows = await find_called(phones, columns, JOINED)
    known = {phone: PhoneState(phone) for phone in phones}
    for row in rows:
        if row["contact.phone"] is not None:
            known[row["called.phone"]] = PhoneState(*[row[name] for name in BESIDE])
    return read_callers(phones, rows), known


async def asked_room(phone: str) -> int:
    """What of an agent's room a yes would take that is wanted of this phone now, by SMS or on its screen, in minor
    units. Hold the phone before, so that it is asked nothing else until the commit."""
    contact = (await contacts([phone]))[phone]
    if unit := unit_of_work():
        await unit.do_now(SCREENS)
    by_sms = json.loads(contact.talk) if contact.talk else {}
    states = [_state(each) for each in (by_sms.get("open"), by_sms.get("aside")) if each]
    states = [state for state in states if not state.is_expired]
    rows = await execute(connection(), ON_SCREEN, [phone, now_ms() - SCREEN_MS])
    states += [_state(json.loads(row["talk"])) for row in rows if row["talk"]]
    return sum(state.holds for state in states if state.signing)


def _state(stored: dict[str, object]) -> TalkState:
    return TalkState(**kept_of(TalkState, stored))


async def save(changed: Sequence[PhoneState]) -> None:
    """Write what is known of these phones; the same one may be among them several times."""
    rows = [contact for _phone, contact in sorted({contact.phone: contact for contact in changed}.items())]
    if rows:
        listing, values = listed_rows([[getattr(contact, column) for column in COLUMNS] for contact in rows], KINDS)
        await execute(connection(), SAVE.format(listing), values)


async def stop_reminders(contact: PhoneState) -> None:
    """No more reminders and broadcasts to this phone: those that wait do not go. The caller saves the contact."""
    contact.stopped_at = contact.stopped_at or now_ms()
    await withdrawal.withdraw_optional(contact.phone)


async def note_opt_out(notice: OptOut) -> None:
    """Do as a gateway says of this number: that it wants no more reminders and broadcasts, or wants them again."""
    await hold([notice.phone])
    contact = (await contacts([notice.phone]))[notice.phone]
    if notice.stopped:
        await stop_reminders(contact)
    else:
        contact.allow_reminders()
    await save([contact])
