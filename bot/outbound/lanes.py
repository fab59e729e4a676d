"""What one gateway may be given now: how much at once, how fast, and after which pause."""

from collections.abc import Sequence
from random import Random

from bot.gateways import Gateway
from bot.gateways.errors import Error, Outcome
from bot.outbound.pacing import Bucket
from bot.outbound.retry import CAP_MS, Claimed, delay
from bot.routing.health import FAILURES
from bot.routing.states import Sending

# The errors by which we hear nothing of a gateway, and those by which it says that it works but wants us to wait.
SILENT = frozenset(("unreachable", "timeout"))
HOLDING = frozenset(("throttled", "risk hold"))
# So much later than its pause ends what a gateway refused again may go: before it, another one finds out.
BEHIND_MS = 1_000
# A gateway calls and answers often; that is written so often at the most.
HEARD_MS = 5_000
# One claim: rows written in one statement, some 2 ms on the loop.
BATCH = 256


class Lane:
    """One gateway's share of the outbox. Times are milliseconds.

    After a pause one request goes out to see; each that is taken makes room for one more, so that a gateway
    which asked us to slow down is not met by everything at once. What was refused in its pauses gives way to the rest:
    a gateway may refuse one message with words that are true of all.
    """

    def __init__(self, gateway: Gateway, random: Random, per_second: int = 0) -> None:
        self.gateway = gateway
        self.per_second = per_second  # how many message parts may leave in each second; 0 is as many as there are
        self.under_way = 0  # requests
        self.may_have_more = True  # whether messages may wait that were not claimed yet
        self.paused_until = 0
        self.alert = ""  # the sentence why it is paused, where somebody has to do something
        self.last_word = ""
        self.sent_at = 0
        self.heard_at = 0
        self.failures = 0  # in a row
        self.failed_at = 0
        self.changed = False  # whether its state is to be written
        self.was_heard = False  # whether `heard_at` is to be written
        self._random = random
        self._limit = gateway.at_once
        self._pauses = 0  # in a row
        self._refused: set[int] = set()  # the messages that each of them began with, but for the first
        self._bucket = Bucket(per_second, within_ms=1_000, every_ms=0)
        self._full_at = 0  # of one that is paced: nothing fits before this time

    @property
    def name(self) -> str:
        return self.gateway.name

    @property
    def sending(self) -> Sending:
        """How its sending goes, to be written."""
        return Sending(
            gateway=self.name,
            sent_at=self.sent_at,
            last_word=self.last_word,
            paused_until=self.paused_until,
            alert=self.alert,
            failures=self.failures,
            failed_at=self.failed_at,
        )

    @property
    def giving_way(self) -> tuple[list[int], int]:
        """The messages that let others go first after this pause, and until when."""
        return sorted(self._refused), self.paused_until + BEHIND_MS

    def forget_future(self, now: int) -> None:
        """The clock was set back: what was to end at a time by the former clock ends now."""
        self.paused_until, self._full_at = min(self.paused_until, now), min(self._full_at, now)
        self.sent_at, self.heard_at = min(self.sent_at, now), min(self.heard_at, now)

    def wake(self) -> None:
        """Rows were committed: one of them may be more urgent, or shorter, than what has to wait."""
        self.may_have_more, self._full_at = True, 0

    def room(self, now: int) -> int:
        """How many messages to claim now."""
        if not self.may_have_more or max(self.paused_until, self._full_at) > now:
            return 0
        room = min(self._limit - self.under_way, BATCH)
        return max(0, min(room, self.room_for_parts(now)) if self.per_second else room)

    def room_for_parts(self, now: int) -> int:
        """How many parts those may have together, where the gateway is paced."""
        return self._bucket.room(now)

    def note_claimed(self, messages: Sequence[Claimed], room: int, now: int) -> None:
        """These are going out; there was room for so many."""
        self.may_have_more = self.may_have_more or len(messages) == room
        if not self.per_second:
            return
        if messages:
            self._bucket.spend(now, sum(message.parts for message in messages))
            self.may_have_more = True
        elif self.room_for_parts(now) < self.per_second:
            # the next one may be longer than the room that is left: only when all is free we know that there is none
            self.may_have_more, self._full_at = True, self._bucket.ready_at(now, self.per_second)

    def resumes_at(self, now: int) -> int:
        """When there will be room for what waits, in milliseconds; 0 when nothing but an answer makes room."""
        if not self.may_have_more:
            return 0
        ready = self._bucket.ready_at(now) if self.per_second else now
        resumes_at = max(self.paused_until, self._full_at, ready)
        return resumes_at if resumes_at > now else 0

    def note_heard(self, now: int) -> None:
        """The gateway called us or answered; that is written every few seconds."""
        if now - self.heard_at >= HEARD_MS:
            self.heard_at, self.was_heard = now, True

    def note_sent(self, message: Claimed, now: int) -> None:
        """The gateway took a message. A message that was claimed before a pause says nothing about the pause."""
        self.sent_at, self.last_word, self.failures, self.changed = now, "sent", 0, True
        self.note_heard(now)
        if message.claimed_at >= self.paused_until:
            self.paused_until, self.alert, self._pauses = 0, "", 0
            self._refused.clear()
            self._limit = min(self._limit + 1, self.gateway.at_once)

    def note_failure(self, message: Claimed, error: Error, detail: str, now: int) -> int:
        """The gateway answered with this error. Returns the milliseconds that its message has to wait."""
        self.last_word, self.changed = f"{error.name}: {detail}" if detail else error.name, True
        self._count_failure(error, now)
        pauses = error.outcome in (Outcome.PAUSE, Outcome.STOP_SENDER)
        hangs = error.outcome is Outcome.UNKNOWN and self.failures >= FAILURES  # it would swallow all that waits
        if (pauses or hangs or error.name == "throttled") and message.claimed_at >= self.paused_until:
            if pauses and self._pauses:
                self._refused.add(message.id)
            self._pauses += 1
            self.pause(now + min(delay(self._pauses, self._random), CAP_MS - BEHIND_MS))
        if pauses:
            self.alert = error.sentence
            return max(self.paused_until - now, 0)
        return delay(message.tries, self._random)

    def _count_failure(self, error: Error, now: int) -> None:
        """A gateway that refuses one message works; one that asks us to wait neither works nor fails."""
        if not error.retryable:
            self.failures = 0
        elif error.name not in HOLDING:
            self.failures += 1
            self.failed_at = now
        if error.name not in SILENT:
            self.note_heard(now)

    def adopt_pause(self, until: int, alert: str, now: int) -> None:
        """Respect a pause that another process began, or this one before it was started again. A pause that is longer
        than any can be was begun before the clock was set back: it does not count."""
        if self.paused_until < until <= now + CAP_MS:
            self.pause(until)
            self.alert = alert

    def end_pause(self) -> None:
        """What paused it is mended: one message goes out at once to see."""
        self.paused_until, self.alert, self.failures, self._pauses = 0, "", 0, 0
        self._refused.clear()
        self.changed = self.may_have_more = True

    def pause(self, until: int) -> None:
        """Send nothing before this time, and then one message to see."""
        self.paused_until, self._limit = until, 1
