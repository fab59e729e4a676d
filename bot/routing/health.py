"""How a gateway is: one pure function judges the facts out of the database, for the router and the office."""

from dataclasses import dataclass
from enum import StrEnum

from bot.text.i18n import N_, Say, in_english
from models.messages.phones import FRESH_S
from models.sql import MINUTE_MS

# An idle phone sleeps for a while without being dead: others raised their alarm from 30 to 90 minutes
# (nyaruka/rapidpro PR 6738). The app tells us every 5 minutes that it is there.
QUIET_MS, SILENT_MS = 15 * MINUTE_MS, 90 * MINUTE_MS
FAILURES = 3  # in a row: one may be chance
TRIAL_MS = 5 * MINUTE_MS  # a gateway that was down gets one message after this long, to see
WAITED_MS = 5 * MINUTE_MS
TEST_EVERY_MS = 60 * MINUTE_MS
TEST_MS = 10 * MINUTE_MS  # a test message takes seconds; an operator in trouble, minutes
LOST_TESTS = 2
BATTERY = 15  # percent


class Health(StrEnum):
    """Whether a gateway carries messages."""

    WELL = "well"  # it does
    QUIET = "quiet"  # it may: it is asked last
    DOWN = "down"  # it does not
    PAUSED = "paused"  # it would, but is not asked now


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a gateway. Times are milliseconds, 0 for never."""

    name: str
    title: str = ""  # what the office calls it
    number: str = ""  # its own phone number
    # Of a gateway phone
    phone: bool = False
    paused: bool = False  # by the office
    stopped: str = ""  # why it may send nothing: its app, or its SIM cards
    battery: int | None = None  # percent
    charging: bool | None = None
    clock_offset: int = 0  # by how many seconds its clock is ahead; much, and nothing comes in by it
    network: str = ""  # by which it reaches us
    carriers: tuple[str, ...] = ()  # the operators of its SIM cards that send
    # How it answers
    heard_at: int = 0
    sent_at: int = 0
    failures: int = 0  # in a row
    failed_at: int = 0
    paused_until: int = 0  # it asked us to wait
    alert: str = ""  # the sentence why, where somebody has to do something
    last_word: str = ""
    # What waits for it
    waiting: int = 0  # messages
    oldest: int = 0  # since when the oldest of them waits
    urgent: int = 0  # since when the oldest token or reply waits
    replies: int = 0  # how many tokens and replies wait
    tokens: int = 0  # how many tokens wait
    # Its test messages
    tested_at: int = 0  # when the last one was enqueued
    test_left_at: int = 0  # when the gateway got it
    returned_at: int = 0  # when one came back last
    round_trip: int = 0  # how many milliseconds that took
    lost_tests: int = 0  # in a row
    airtime: str = ""  # what is left, in the operator's words
    airtime_at: int = 0
    told: str = ""  # what the office was told of it: `down`, or nothing
    told_at: int = 0

    @property
    def label(self) -> str:
        """As the office knows it: Shop phone (phone-1)."""
        return f"{self.title} ({self.name})" if self.title not in ("", self.name) else self.name


@dataclass(frozen=True, slots=True)
class Condition:
    """A gateway's state, and the sentence why; none is needed for one that is well."""

    state: Health
    reason: str = ""


def condition_of(facts: Facts, now: int, say: Say = in_english) -> Condition:
    """How a gateway is, with the gravest reason."""
    if facts.paused:
        return Condition(Health.PAUSED, say(N_("The office has paused it.")))
    if sentence := _down(facts, now, say):
        return Condition(Health.DOWN, sentence)
    if facts.paused_until > now:
        return Condition(Health.PAUSED, say(facts.alert or N_("It asked us to slow down.")))
    if sentence := _quiet(facts, now, say):
        return Condition(Health.QUIET, sentence)
    return Condition(Health.WELL)


def _down(facts: Facts, now: int, say: Say) -> str:
    if is_silent(facts, now):
        silent = say(N_("It has not been heard for an hour and a half."))
        if not _battery_low(facts):
            return silent
        battery = say(N_("Its battery was at {percent} % and not charging."), percent=facts.battery)
        return f"{silent} {battery}"
    if facts.stopped:
        return say(facts.stopped)
    if abs(facts.clock_offset) > FRESH_S:
        clock = N_("Its clock is {span} ahead.") if facts.clock_offset > 0 else N_("Its clock is {span} late.")
        return say(clock, span=span(abs(facts.clock_offset), say))
    if is_failing(facts) and facts.failed_at <= now < facts.failed_at + TRIAL_MS:
        return _refusal(facts, say)
    if facts.lost_tests >= LOST_TESTS:
        return say(N_("The last {count} test messages did not come back."), count=facts.lost_tests)
    return ""


def _quiet(facts: Facts, now: int, say: Say) -> str:
    tests = facts.lost_tests or test_is_lost(facts, now)
    if is_failing(facts):
        trial = say(N_("One message tries it again."))
        return f"{_refusal(facts, say)} {trial}"
    for true, sentence in (
        (facts.phone and facts.heard_at <= now - QUIET_MS, N_("It has not been heard for a quarter of an hour.")),
        (facts.urgent and facts.urgent <= now - WAITED_MS, N_("Messages wait long for it.")),
        (_battery_low(facts), N_("Its battery is at {percent} % and is not charging.")),
        (tests, N_("Its last test message did not come back.")),
    ):
        if true:
            return say(sentence, percent=facts.battery)
    return ""


def is_silent(facts: Facts, now: int) -> bool:
    """Whether this is a phone of which nobody hears any more, whatever else is said of it."""
    return facts.phone and facts.heard_at <= now - SILENT_MS


def test_is_lost(facts: Facts, now: int) -> bool:
    """Whether the last test message left, long enough ago, and did not come back. Where the next test is overdue, the
    gateway was silent or paused meanwhile: then this one says nothing."""
    back = facts.returned_at >= facts.tested_at
    overdue = facts.tested_at <= now - TEST_EVERY_MS - MINUTE_MS
    return not back and not overdue and 0 < facts.test_left_at <= now - TEST_MS


def is_failing(facts: Facts) -> bool:
    """Whether nothing went by it since it failed or refused us."""
    refused = bool(facts.alert) or facts.failures >= FAILURES
    return refused and facts.failed_at >= facts.sent_at


def _refusal(facts: Facts, say: Say) -> str:
    if facts.alert:
        return say(facts.alert)
    return say(N_("Nothing could be handed to it, {count} times in a row."), count=facts.failures)


def _battery_low(facts: Facts) -> bool:
    return facts.battery is not None and facts.battery <= BATTERY and not facts.charging


def span(seconds: int, say: Say) -> str:
    """90 s, 12 min, 5 h, 3 days."""
    for length, unit in ((86_400, N_("{n} days")), (3_600, N_("{n} h")), (60, N_("{n} min"))):
        if seconds >= 2 * length:
            return say(unit, n=seconds // length)
    return say(N_("{n} s"), n=seconds)
