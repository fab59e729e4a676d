"""What one gateway may be given now: how much at once, until when it is paused, how often in a row it failed."""

from collections.abc import Sequence
from random import Random

from bot.gateways import Gateway
from bot.gateways.errors import Error, Outcome
from bot.outbound.pacing import Bucket
from bot.outbound.retry import CAP_MS, Claimed, delay
from bot.routing.health import FAILURES

# Errors after which a gateway was not heard, and those with which it works but wants us to wait.
SILENT = frozenset(("unreachable", "timeout"))
HOLDING = frozenset(("throttled", "risk hold"))
# A gateway calls or answers more often than is worth writing down.
HEARD_MS = 5_000
# 1,000 messages a second at 150 ms are 150 under way (Little's law); a gateway may be thrice as slow.
UNDER_WAY = 512
# One claim: rows written in one statement, some 2 ms on the loop.
BATCH = 256


class Lane:
    """One gateway's share of the outbox: how many requests may be under way, until when it is paused, how often in a
    row it failed. At most `per_second` message parts leave by it in each second; 0 is as many as there are.

    After a pause one request goes out to see; each that is taken makes room for one more, so that a gateway
    which asked us to slow down is not met by everything at once.
    """

    def __init__(self, gateway: Gateway, random: Random, per_second: int = 0) -> None:
        self.gateway = gateway
        self.under_way = 0
        self.more = True
        self.paused_until = 0
        self.alert = ""
        self.word = ""
        self.sent_at = 0
        self.heard_at = 0
        self.failures = 0
        self.failed_at = 0
        self.changed = False
        self.was_heard = False
        self._random = random
        self._limit = UNDER_WAY
        self._pauses = 0
        self.per_second = per_second
        self._bucket = Bucket(per_second, within_ms=1_000, every_ms=0)
        self._full_at = 0

    def clock_was_set_back(self, now: int) -> None:
        """What was to end at a time by the former clock ends now."""
        self.paused_until, self._full_at = min(self.paused_until, now), min(self._full_at, now)
        self.sent_at, self.heard_at = min(self.sent_at, now), min(self.heard_at, now)

    def wake(self) -> None:
        """Rows were committed: one of them may be more urgent, or shorter, than what has to wait."""
        self.more, self._full_at = True, 0

    def room(self, now: int) -> int:
        """How many messages to claim now."""
        if not self.more or max(self.paused_until, self._full_at) > now:
            return 0
        room = min(self._limit - self.under_way, BATCH)
        return max(0, min(room, self.parts(now)) if self.per_second else room)

    def parts(self, now: int) -> int:
        """How many parts those may have together, of a gateway that is paced."""
        return self._bucket.room(now)

    def claimed(self, messages: Sequence[Claimed], room: int, now: int) -> None:
        """These are going out; there was room for so many."""
        self.more = self.more or len(messages) == room
        if not self.per_second:
            return
        if messages:
            self._bucket.take(now, sum(message.parts for message in messages))
            self.more = True
        elif self.parts(now) < self.per_second:
            # the next one may be longer than what is left: once all is free, nothing claimed is nothing there
            self.more, self._full_at = True, self._bucket.ready_at(now, self.per_second)

    def resumes(self, now: int) -> int:
        """When there will be room for what waits, in milliseconds; 0 when nothing but an answer makes room."""
        if not self.more:
            return 0
        ready = self._bucket.ready_at(now) if self.per_second else now
        resumes = max(self.paused_until, self._full_at, ready)
        return resumes if resumes > now else 0

    def heard(self, now: int) -> None:
        """The gateway called us or answered; worth writing down every few seconds."""
        if now - self.heard_at >= HEARD_MS:
            self.heard_at, self.was_heard = now, True

    def took(self, message: Claimed, now: int) -> None:
        """The gateway took a message. One that set out before a pause says nothing about it."""
        self.sent_at, self.word, self.failures, self.changed = now, "sent", 0, True
        self.heard(now)
        if message.claimed_at >= self.paused_until:
            self.paused_until, self.alert, self._pauses = 0, "", 0
            self._limit = min(self._limit + 1, UNDER_WAY)

    def failed(self, message: Claimed, error: Error, detail: str, now: int) -> int:
        """The gateway answered with this error. Returns the milliseconds its message has to wait."""
        self.word, self.changed = f"{error.name}: {detail}" if detail else error.name, True
        self._count(error, now)
        pauses = error.outcome in (Outcome.PAUSE, Outcome.STOP_SENDER)
        hangs = error.outcome is Outcome.UNKNOWN and self.failures >= FAILURES  # it would swallow all that waits
        if (pauses or hangs or error.name == "throttled") and message.claimed_at >= self.paused_until:
            self._pauses += 1
            self.pause(now + delay(self._pauses, self._random))
        if pauses:
            self.alert = error.sentence
            return max(self.paused_until - now, 0)
        return delay(message.tries, self._random)

    def _count(self, error: Error, now: int) -> None:
        """A refusal of one message is a gateway at work; to be asked to wait says nothing either way."""
        if error.outcome is Outcome.PERMANENT:
            self.failures = 0
        elif error.name not in HOLDING:
            self.failures += 1
            self.failed_at = now
        if error.name not in SILENT:
            self.heard(now)

    def adopt(self, until: int, alert: str, now: int) -> None:
        """Respect a pause that another process began, or this one before it was started again; one that is longer than
        any is of a clock that was set back since."""
        if self.paused_until < until <= now + CAP_MS:
            self.pause(until)
            self.alert = alert

    def pause(self, until: int) -> None:
        """Send nothing before this time, and then one message to see."""
        self.paused_until, self._limit = until, 1
