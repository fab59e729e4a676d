"""After a failed request: when its message is tried again, if ever, and how long its gateway is paused."""

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from bot.gateways.errors import Error, Outcome
from models.messages.tables import LIFE, MessageKind, State

FIRST_MS = 3_000
CAP_MS = 300_000
# An unknown outcome may still turn out well; a delivery report takes seconds, seldom more than a minute.
UNKNOWN_MS = 60_000
# What a process was sending when it died has waited already, for us to start again.
INTERRUPTED_MS = 10_000
# So long does an unknown outcome wait for a gateway that hangs.
HANGING_MS = 30 * UNKNOWN_MS
# A message at the cap is tried every 150 s at the most: with this bound its life ends before its tries do.
TRIES = {kind: hours * 3_600_000 // (CAP_MS // 2) + 10 for kind, hours in LIFE.items()}

# Who gets these twice loses nothing: a token works once, and a reply says the same again.
HARMLESS = frozenset((MessageKind.TOKEN, MessageKind.REPLY))


def delay(failures: int, random: Random) -> int:
    """Milliseconds to wait after so many failures in a row: 1.5 to 3 s, then 3 to 6 s, up to 150 to 300 s.

    The spans touch, so that a wait is never shorter than the one before until the cap; a message comes to at
    most five requests in its first 30 s.
    """
    span = min(FIRST_MS << min(failures - 1, 16), CAP_MS)
    return random.randint(span // 2, span)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours to send. `tries` counts this one; times are milliseconds. `stamp` is when it was claimed
    by the clock that all servers share."""

    id: int
    phone: str
    text: str
    kind: MessageKind
    tries: int
    unknowns: int
    expires_at: int
    claimed_at: int
    parts: int = 1
    stamp: int = 0


class Verdict(NamedTuple):
    """What becomes of a message that was not sent. `due_at` is when it ended if it did; the last two are
    added to its counts."""

    state: State
    due_at: int
    error: str
    tries: int = 0
    unknowns: int = 0


def judge(message: Claimed, error: Error, now: int, wait: int) -> Verdict:
    """What becomes of a message after this error. `wait` is in milliseconds, for a retry.

    An unknown outcome is waited for and then sent once more by the same gateway, where that is harmless and it does
    not hang; a second one ends it as failed with that error, since it may well have arrived twice. A message is never
    due after its end, so that it expires on time.
    """
    match error.outcome:
        case Outcome.PERMANENT:
            return Verdict(State.FAILED, now, error.name)
        case Outcome.PAUSE | Outcome.STOP_SENDER:
            # the gateway's fault and not the message's: this try does not count
            return Verdict(State.SCHEDULED, min(now + wait, message.expires_at), error.name, tries=-1)
        case Outcome.UNKNOWN if message.unknowns or message.kind not in HARMLESS:
            return Verdict(State.FAILED, now, error.name, unknowns=1)
        case Outcome.UNKNOWN:
            return Verdict(State.UNCERTAIN, min(now + UNKNOWN_MS, message.expires_at), error.name, unknowns=1)
        case Outcome.RETRY:
            if message.tries >= TRIES[message.kind]:
                return Verdict(State.FAILED, now, "too many tries")
            return Verdict(State.SCHEDULED, min(now + wait, message.expires_at), error.name)
