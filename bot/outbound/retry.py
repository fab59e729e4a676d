"""What becomes of a message after a failed request: when it is tried again, if ever. How long one waits after several
failures in a row holds for its gateway's pauses too."""

from dataclasses import dataclass
from random import Random

from bot.gateways.errors import Error, Outcome
from models.messages import LIFE, MessageKind, State
from models.sql import HOUR_MS, MINUTE_MS

FIRST_MS = 3_000
CAP_MS = 300_000
# An unknown outcome may still turn out well; a delivery report takes seconds, seldom more than a minute.
UNKNOWN_MS = MINUTE_MS
# So long a message waits after each outcome that nobody knows: a minute, then ever more rarely. With the last wait six
# copies take 28 hours, and a token lives for 72.
DOUBT_WAITS = tuple(minutes * UNKNOWN_MS for minutes in (1, 5, 30, 180, 720))
# What a process was sending when it died has waited already, until somebody took it back. Where that happens again and
# again the message may be what kills the process: each time it waits twice as long, up to 85 minutes.
INTERRUPTED_MS, MOST_DOUBLINGS = 10_000, 9
# So long a message with an unknown outcome waits for a gateway that hangs.
HANGING_MS = 30 * UNKNOWN_MS
# A message at the cap is tried every 150 s at the most: with this bound any life ends before the tries do, also that of
# a message that is worth sending for longer than others of its kind.
TRIES = max(LIFE.values()) * HOUR_MS // (CAP_MS // 2) + 10

# Whoever gets one of these twice loses nothing: a token works once, and a reply says the same again.
HARMLESS = frozenset((MessageKind.TOKEN, MessageKind.REPLY))
# How often each of them goes out where nobody knows whether it arrived, unless the operator says otherwise.
COPIES = {MessageKind.TOKEN: 6, MessageKind.REPLY: 3}


def delay(failures: int, random: Random) -> int:
    """Milliseconds to wait after so many failures in a row: 1.5 to 3 s, then 3 to 6 s, up to 150 to 300 s.

    The spans touch, so that a wait is never shorter than the one before until the cap; a message comes to at
    most five requests in its first 30 s.
    """
    span = min(FIRST_MS << min(failures - 1, 16), CAP_MS)
    return random.randint(span // 2, span)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours to send. Times are milliseconds."""

    id: int
    phone: str
    text: str
    kind: MessageKind
    tries: int  # this one included
    unknowns: int  # how many tries before had an unknown outcome
    interrupted: int  # how many of those the death of their sender cut off
    expires_at: int
    claimed_at: int  # by our own clock
    parts: int = 1
    stamp: int = 0  # when it was claimed by the clock that all servers share, as its row has it
    tried_before: str = ""  # the gateways that it has left, a space after each


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a message that was not sent."""

    state: State
    due_at: int  # when it is tried again; where it has ended, when it did
    error: str
    tries: int = 0  # added to its count
    unknowns: int = 0  # added to its count
    interrupted: int = 0  # added to its count
    to: str = ""  # another gateway, which gets it now


def judge(message: Claimed, error: Error, now: int, wait: int) -> Verdict:
    """What becomes of a message after this error. `wait` is in milliseconds, for a retry.

    A message with an unknown outcome waits for a report. Then it is sent again where that is harmless, ever more
    rarely, until it has gone out as often as it may (`queue.give_up`). A message is never due after its end, so that it
    expires on time.
    """
    match error.outcome:
        case Outcome.PERMANENT | Outcome.REFUSED:
            return Verdict(State.FAILED, now, error.name)
        case Outcome.PAUSE | Outcome.STOP_SENDER:
            # the gateway's fault and not the message's: this try does not count
            return Verdict(State.SCHEDULED, min(now + wait, message.expires_at), error.name, tries=-1)
        case Outcome.UNKNOWN if message.kind not in HARMLESS:
            return Verdict(State.FAILED, now, error.name, unknowns=1)
        case Outcome.UNKNOWN:
            before = min(message.unknowns - message.interrupted, len(DOUBT_WAITS) - 1)
            due_at = min(now + DOUBT_WAITS[before], message.expires_at)
            return Verdict(State.UNCERTAIN, due_at, error.name, unknowns=1)
        case Outcome.RETRY:
            if message.tries >= TRIES:
                return Verdict(State.FAILED, now, "too many tries")
            return Verdict(State.SCHEDULED, min(now + wait, message.expires_at), error.name)


def interrupted(message: Claimed, now: int) -> Verdict:
    """What becomes of a message whose request we cut off ourselves: of any kind, it goes again in a moment."""
    wait = INTERRUPTED_MS << min(message.interrupted, MOST_DOUBLINGS)
    return Verdict(State.UNCERTAIN, min(now + wait, message.expires_at), "interrupted", unknowns=1, interrupted=1)
