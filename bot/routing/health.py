"""How each gateway is: facts out of the database, judged by one pure function, for the router and the office."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from bot.android import to_app as android
from models.messages.phones import PREFIX, read_sims
from models.messages.tables import Class, GatewayState
from models.sql import connection, execute, now_ms

MINUTE = 60_000
# An idle phone sleeps for a while without being dead: others raised their alarm from 30 to 90 minutes
# (nyaruka/rapidpro PR 6738). The app tells us every 5 minutes that it is there.
QUIET_MS, SILENT_MS = 15 * MINUTE, 90 * MINUTE
FAILURES = 3  # in a row: one may be chance
TRIAL_MS = 5 * MINUTE  # a gateway that was down gets one message after this long, to see
WAITED_MS = 5 * MINUTE
TEST_EVERY_MS = 60 * MINUTE
TEST_MS = 10 * MINUTE  # a test message takes seconds; an operator in trouble, minutes
LOST_TESTS = 2
BATTERY = 15  # percent
LOOK = 10_000  # waiting messages of one gateway counted, the most urgent

# With the last test message of each, if it left: one that nobody fetched or took says nothing of the way back.
STATES = """SELECT state.*, test.claimed_at AS test_left_at FROM gatewaystate AS state LEFT JOIN outbox AS test
  ON test.origin = 'canary ' || state.name || ' ' || state.tested_at AND test.claimed_at > 0
    AND (test.sent_at > 0 OR test.state = 'sending' OR test.error = 'no report')"""
PHONES = "SELECT * FROM phone WHERE linked_at > 0 AND unlinked_at = 0"
# One step along the index for each of them: nobody's backlog is read for it, nor hides the others.
HAVE_WAITING = """WITH RECURSIVE found(gateway) AS (SELECT MIN(gateway) FROM outbox WHERE state = 'waiting'
    UNION ALL SELECT (SELECT MIN(gateway) FROM outbox WHERE state = 'waiting' AND gateway > found.gateway)
      FROM found WHERE found.gateway IS NOT NULL)
  SELECT gateway FROM found WHERE gateway IS NOT NULL"""
# Reminders and broadcasts (priority 2 and 3) wait for the urgent ones by intention, perhaps for hours.
WAITING = f"""SELECT COUNT(*) AS waiting, MIN(given_at) AS oldest,
    MIN(CASE WHEN priority <= 1 THEN given_at END) AS urgent, MIN(due_at) AS since,
    COUNT(CASE WHEN priority <= 1 THEN 1 END) AS replies, COUNT(CASE WHEN priority = 0 THEN 1 END) AS tokens
  FROM (SELECT given_at, due_at, priority FROM outbox WHERE state = 'waiting' AND gateway = $1
        ORDER BY priority, given_at, id LIMIT {LOOK}) AS waiting"""


class Health(StrEnum):
    """`well` carries messages; `quiet` may, and is asked last; `down` does not; `paused` is not asked."""

    WELL = "well"
    QUIET = "quiet"
    DOWN = "down"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a gateway. Times are milliseconds, 0 for never; `oldest` is since when its oldest message
    waits, `urgent` since when its oldest token or reply does; `replies` counts both, `tokens` those alone. `stopped` is
    why a phone may send nothing, by its app or by its SIM cards, `title` what the office calls it, `number` its own."""

    name: str
    title: str = ""
    phone: bool = False
    paused: bool = False
    stopped: str = ""
    heard_at: int = 0
    sent_at: int = 0
    failures: int = 0
    failed_at: int = 0
    paused_until: int = 0
    alert: str = ""
    last_word: str = ""
    waiting: int = 0
    oldest: int = 0
    urgent: int = 0
    replies: int = 0
    tokens: int = 0
    battery: int | None = None
    charging: bool | None = None
    network: str = ""
    tested_at: int = 0
    test_left_at: int = 0
    returned_at: int = 0
    round_trip: int = 0
    lost_tests: int = 0
    airtime: str = ""
    airtime_at: int = 0
    told: str = ""
    told_at: int = 0
    carriers: tuple[str, ...] = ()
    number: str = ""

    @property
    def label(self) -> str:
        """As the office knows it: Shop phone (phone-1)."""
        return f"{self.title} ({self.name})" if self.title not in ("", self.name) else self.name


@dataclass(frozen=True, slots=True)
class Condition:
    """A gateway's state, and the sentence why; none is needed for one that is well."""

    state: Health
    reason: str = ""


def judged(facts: Facts, now: int) -> Condition:
    """How a gateway is. The gravest is said first."""
    if facts.paused:
        return Condition(Health.PAUSED, "The office has paused it.")
    if sentence := _down(facts, now):
        return Condition(Health.DOWN, sentence)
    if facts.paused_until > now:
        return Condition(Health.PAUSED, facts.alert or "It asked us to slow down.")
    if sentence := _quiet(facts, now):
        return Condition(Health.QUIET, sentence)
    return Condition(Health.WELL)


def _down(facts: Facts, now: int) -> str:
    if facts.phone and facts.heard_at <= now - SILENT_MS:
        battery = f" Its battery was at {facts.battery} % and not charging." if _battery_low(facts) else ""
        return f"It has not been heard for an hour and a half.{battery}"
    if facts.stopped:
        return facts.stopped
    if _failing(facts) and facts.failed_at <= now < facts.failed_at + TRIAL_MS:
        return _refusal(facts)
    if facts.lost_tests >= LOST_TESTS:
        return f"The last {facts.lost_tests} test messages did not come back."
    return ""


def _quiet(facts: Facts, now: int) -> str:
    tests = facts.lost_tests or test_is_lost(facts, now)
    for true, sentence in (
        (_failing(facts), f"{_refusal(facts)} One message tries it again."),
        (facts.phone and facts.heard_at <= now - QUIET_MS, "It has not been heard for a quarter of an hour."),
        (facts.urgent and facts.urgent <= now - WAITED_MS, "Messages wait long for it."),
        (_battery_low(facts), f"Its battery is at {facts.battery} % and is not charging."),
        (tests, "Its last test message did not come back."),
    ):
        if true:
            return sentence
    return ""


def test_is_lost(facts: Facts, now: int) -> bool:
    """Whether the last test message left, long enough ago, and did not come back. Where the next one is overdue the
    gateway was silent or paused meanwhile, and the test says nothing."""
    back = facts.returned_at >= facts.tested_at
    overdue = facts.tested_at <= now - TEST_EVERY_MS - MINUTE
    return not back and not overdue and 0 < facts.test_left_at <= now - TEST_MS


def _failing(facts: Facts) -> bool:
    refused = bool(facts.alert) or facts.failures >= FAILURES
    return refused and facts.failed_at >= facts.sent_at


def _refusal(facts: Facts) -> str:
    return facts.alert or f"Nothing could be handed to it, {facts.failures} times in a row."


def _battery_low(facts: Facts) -> bool:
    return facts.battery is not None and facts.battery <= BATTERY and not facts.charging


class Watch:
    """What every gateway was like at the last look. `names` are those that the outbox itself sends by; a gateway
    that nothing is known of is well. `orphans` are names that messages wait for and that are neither among these nor a
    linked phone's, with the time since when, and that at which one was last tried."""

    def __init__(self, names: Sequence[str] = (), clock: Callable[[], int] = now_ms) -> None:
        self._names = names
        self._clock = clock
        self._facts: dict[str, Facts] = {}
        self._conditions: dict[str, Condition] = {}
        self._given: Counter[tuple[str, Class]] = Counter()
        self._tried: dict[str, int] = {}
        self.orphans: dict[str, tuple[int, int]] = {}

    @property
    def gateways(self) -> dict[str, tuple[Facts, Condition]]:
        """All that can send, by name."""
        return {name: (facts, self._conditions[name]) for name, facts in sorted(self._facts.items())}

    async def look(self) -> None:
        """Read the facts again, by short questions of which none reads the history."""
        db, now = connection(), self._clock()
        states = {row["name"]: row for row in await execute(db, STATES)}
        # before the phones: a message for a phone that is linked in between finds it
        waiting = await _waiting(db)
        phones = {f"{PREFIX}{row['id']}": row for row in await execute(db, PHONES)}
        known = {*self._names, *phones}
        self.orphans = {
            name: (row["since"], _tried_at(states.get(name, {}))) for name, row in waiting.items() if name not in known
        }
        self._given.clear()
        self._facts = {
            name: _facts(name, states.get(name, {}), waiting.get(name, {}), phones.get(name))
            for name in (*self._names, *phones)
        }
        self._conditions = {name: judged(facts, now) for name, facts in self._facts.items()}

    def facts(self, name: str) -> Facts:
        return self._facts.get(name) or Facts(name)

    def state(self, name: str) -> Health:
        condition = self._conditions.get(name)
        return condition.state if condition else Health.WELL

    def heard(self, name: str) -> Health:
        """A message of this gateway is before us: judge it again, with that in mind."""
        if self.state(name) is not Health.WELL:
            now = self._clock()
            self._facts[name] = replace(self._facts[name], heard_at=now)
            self._conditions[name] = judged(self._facts[name], now)
        return self.state(name)

    def on_trial(self, name: str) -> bool:
        """Whether this gateway was down and one message may try it now; true once in `TRIAL_MS`."""
        now = self._clock()
        if self.state(name) is not Health.QUIET or not self.failing(name):
            return False
        if 0 <= now - self._tried.get(name, 0) < TRIAL_MS:
            return False
        self._tried[name] = now
        return True

    def failing(self, name: str) -> bool:
        """Whether nothing went by it since it failed or refused us."""
        return _failing(self.facts(name))

    def waiting(self, name: str) -> int:
        """How many messages wait for it, those given to it since the last look included."""
        return self.facts(name).waiting + sum(self._given[name, kind] for kind in Class)

    def ahead(self, name: str, kind: Class) -> int:
        """How many wait for it of those that go before the next token, or before the next reply."""
        facts, tokens = self.facts(name), self._given[name, Class.TOKEN]
        if kind is Class.TOKEN:
            return facts.tokens + tokens
        return facts.replies + tokens + self._given[name, Class.REPLY]

    def given(self, name: str, kind: Class) -> None:
        """One more message goes by it."""
        self._given[name, kind] += 1


KEPT = (
    *("heard_at", "sent_at", "failures", "failed_at", "paused_until", "alert", "last_word", "tested_at"),
    *("returned_at", "round_trip", "lost_tests", "airtime", "airtime_at", "told", "told_at"),
)


def known(state: GatewayState) -> Facts:
    """The facts of a gateway that nothing is sent by."""
    return Facts(state.name, state.name, **{column: getattr(state, column) for column in KEPT})


async def _waiting(db: BaseDBAsyncClient) -> dict[str, dict[str, Any]]:
    """What waits for each gateway for which something does, also for one that is gone."""
    names = [row["gateway"] for row in await execute(db, HAVE_WAITING)]
    rows = {name: (await execute(db, WAITING, [name]))[0] for name in names}
    return {name: row for name, row in rows.items() if row["waiting"]}  # it may have gone since


def _tried_at(state: dict[str, Any]) -> int:
    return int(max(state.get("sent_at", 0), state.get("failed_at", 0)))


def _facts(name: str, state: dict[str, Any], waiting: dict[str, Any], phone: dict[str, Any] | None) -> Facts:
    known = {column: state[column] for column in KEPT if column in state}
    known |= {column: waiting.get(column) or 0 for column in ("waiting", "oldest", "urgent", "replies", "tokens")}
    known["test_left_at"] = state.get("test_left_at") or 0
    facts = Facts(name, name, **known)
    if phone is None:
        return facts
    sims = read_sims(phone["sims"])
    unable = sims[0].stopped if sims and all(sim.stopped for sim in sims) else ""
    return replace(
        facts,
        title=phone["name"],
        phone=True,
        paused=bool(phone["paused"]),
        stopped=android.outdated(phone["version"]) or unable,
        heard_at=max(facts.heard_at, phone["seen_at"]),
        battery=phone["battery"],
        charging=None if phone["charging"] is None else bool(phone["charging"]),
        network=phone["network"],
        carriers=tuple(sim.carrier for sim in sims if not sim.stopped),
        number=next((sim.phone for sim in sims if sim.phone and not sim.stopped), ""),
    )
