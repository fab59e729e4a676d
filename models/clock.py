"""Whether the server's clock can be believed. Tokens of STS meters carry the minute in which they were made: a meter
that took one of the future refuses those of today, and nothing mends it. So nothing is sold while it is in doubt.

It is in doubt when it is an hour behind the last commit or a day ahead of it, or says that a day is not over which is
closed: another clock was ahead of it then, or it was set back since, and nothing can be booked before that day's end. A
server that was off for days is ahead of its last commit too: then what else tells the time decides, the kernel that
keeps the clock by the network, or a gateway's answer; and where nothing else tells it, the office does.
"""

import ctypes
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache

from models.audit import record
from models.settings import Setting
from models.sql import connection, execute, once, read_moment

BEHIND, AHEAD = timedelta(hours=1), timedelta(days=1)
# Settings: the number of the last entry, and when the office said that the clock is right; and when a server said last
# that it is running, for a company may sell nothing for days.
ACCEPTED, SEEN = "clock", "clock seen"
SEEN_EVERY = timedelta(minutes=10)
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
LAST = """SELECT e.id, e.created_at, s.value, seen.value AS seen,
  (SELECT MAX(ends_at) FROM day_close WHERE subject = '') AS closed FROM (SELECT 1) one
  LEFT JOIN setting s ON s.name = $1 LEFT JOIN setting seen ON seen.name = $2
  LEFT JOIN (SELECT id, created_at FROM entry ORDER BY id DESC LIMIT 1) e ON 1 = 1"""


class Doubt(StrEnum):
    """What seems to be wrong with the clock."""

    BEHIND = "behind"
    AHEAD = "ahead"
    CLOSED = "in a day that is closed"  # nobody can say that it is right: nothing is booked before that day's end


@dataclass(frozen=True)
class Evidence:
    """What this process knows of the time beside its clock. Elapsed times are in seconds since the machine started,
    which no setting of the clock moves."""

    began: datetime  # when this run began, by the clock
    began_at: float  # the same, elapsed
    before: datetime | None = None  # the last commit before it; None: it does not matter how old that is
    told: datetime | None = None  # what time a gateway said it is
    told_at: float = 0.0
    synchronised: bool = False  # whether the kernel keeps the clock by the network


@dataclass(frozen=True)
class LastCommit:
    """When money was booked last, a server ran, or the office said that the clock is right: the latest."""

    at: datetime | None
    accepted: str  # what the office said last; empty: nothing
    closed: datetime | None = None  # the end of the last day that is closed for everybody

    def closed_until(self, now: datetime) -> datetime | None:
        """The end of a day that is closed and not over yet; None where there is none."""
        return self.closed if self.closed and now < self.closed else None


def find_doubt(now: datetime, elapsed: float, last: datetime | None, evidence: Evidence) -> Doubt | None:
    """What is wrong with a clock that says `now`, as far as can be told."""
    if evidence.told:
        true = evidence.told + timedelta(seconds=elapsed - evidence.told_at)
        return Doubt.BEHIND if now < true - BEHIND else Doubt.AHEAD if now > true + AHEAD else None
    if last and now < last - BEHIND:
        return Doubt.BEHIND
    if evidence.synchronised:
        return None
    if evidence.before and evidence.began > evidence.before + AHEAD:
        return Doubt.AHEAD
    moved = now - evidence.began - timedelta(seconds=elapsed - evidence.began_at)
    return Doubt.AHEAD if moved > AHEAD else Doubt.BEHIND if moved < -BEHIND else None


class Clock:
    """The clock of this process: there is one, whatever the number of servers in it."""

    def __init__(self) -> None:
        self._evidence: Evidence | None = None
        self._accepted = ""

    async def begin(self, *, lenient: bool) -> None:
        """A run begins. A `lenient` one, of the demo world, goes on with a database of any age, and lets the clock be
        set ahead: nobody's meter is spoiled."""
        last = await read_last()
        self._accepted = last.accepted
        before = None if lenient else last.at
        self._evidence = None if lenient else Evidence(datetime.now(UTC), elapsed(), before)

    def note_answer(self, told: datetime) -> None:
        """Somebody else, far from here, says that it is this time."""
        if self._evidence:
            self._evidence = replace(self._evidence, told=told, told_at=elapsed())

    async def doubt(self) -> Doubt | None:
        """Whether the clock is in doubt now."""
        last, now = await once("the last commit", read_last), datetime.now(UTC)
        if last.closed_until(now):
            return Doubt.CLOSED
        if self._evidence is None:
            return Doubt.BEHIND if last.at and now < last.at - BEHIND else None
        if last.accepted != self._accepted:  # the office said that it is right as it is
            self._accepted, self._evidence = last.accepted, Evidence(now, elapsed())
        evidence = replace(self._evidence, synchronised=is_synchronised())
        return find_doubt(now, elapsed(), last.at, evidence)


CLOCK = Clock()


async def read_last() -> LastCommit:
    """When money was booked last. What was booked before the office said that the clock is right counts no more."""
    [row] = await execute(connection(), LAST, [ACCEPTED, SEEN])
    entry, _, moment = (row["value"] or "0 ").partition(" ")
    moments = [read_moment(row["created_at"])] if row["created_at"] and row["id"] > int(entry) else []
    moments += [datetime.fromisoformat(each) for each in (moment, row["seen"]) if each]
    closed = read_moment(row["closed"]) if row["closed"] else None
    return LastCommit(max(moments, default=None), row["value"] or "", closed)


async def note_seen(now: datetime) -> None:
    """A server runs, and its clock is in no doubt."""
    await Setting.update_or_create({"value": now.isoformat()}, name=SEEN)


async def accept_clock(actor: str) -> datetime:
    """The office says that the clock is right as it is now, in the caller's transaction; what it says."""
    now = datetime.now(UTC)
    [row] = await execute(connection(), "SELECT COALESCE(MAX(id), 0) AS last FROM entry")
    await Setting.update_or_create({"value": f"{row['last']} {now.isoformat()}"}, name=ACCEPTED)
    await note_seen(now)  # what was seen before counts no more
    await record(actor, "clock", now.isoformat(timespec="seconds"))
    return now


def elapsed() -> float:
    """Seconds since the machine started, those of its sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def is_synchronised() -> bool:
    """Whether the kernel keeps the clock by the network. False where it does not tell."""
    ask = _adjtimex()
    if ask is None:
        return False
    state: int = ask(ctypes.create_string_buffer(512))  # struct timex has some 208 bytes; zeros change nothing
    return 0 <= state < TIME_ERROR


@cache
def _adjtimex() -> "ctypes._NamedFuncPointer | None":
    return getattr(ctypes.CDLL(None), "adjtimex", None)
