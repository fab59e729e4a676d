"""What every gateway was like at the last look, as the tables say."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from bot.routing.health import TRIAL_MS, Condition, Facts, Health, condition_of, is_failing
from models.messages import PREFIX, GatewayState, MessageKind, Phone, read_sims
from models.sql import columns_of, connection, execute, now_ms

LOOK = 10_000  # so many waiting messages of one gateway are counted, the most urgent
# With the last test message of each, if it left: a message that nobody fetched or took says nothing of the way back.
STATES = """SELECT {}, test.claimed_at AS test_left_at FROM gatewaystate AS state LEFT JOIN outbox AS test
  ON test.origin = 'canary ' || state.name || ' ' || state.tested_at AND test.claimed_at > 0
    AND (test.sent_at > 0 OR test.state = 'sending' OR test.error = 'no report')"""
PHONES = "SELECT {} FROM phone WHERE linked_at > 0 AND unlinked_at = 0"
# One step along the index for each gateway: nobody's backlog is read, nor does it hide the others.
HAVE_WAITING = """WITH RECURSIVE found(gateway) AS (SELECT MIN(gateway) FROM outbox WHERE state = 'waiting'
    UNION ALL SELECT (SELECT MIN(gateway) FROM outbox WHERE state = 'waiting' AND gateway > found.gateway)
      FROM found WHERE found.gateway IS NOT NULL)
  SELECT gateway FROM found WHERE gateway IS NOT NULL"""
# The office's own, reminders and broadcasts (priority 2 to 4) wait for the urgent ones by intention, perhaps for hours.
WAITING = f"""SELECT COUNT(*) AS waiting, MIN(assigned_at) AS oldest,
    MIN(CASE WHEN priority <= 1 THEN assigned_at END) AS urgent, MIN(due_at) AS since,
    COUNT(CASE WHEN priority <= 1 THEN 1 END) AS replies, COUNT(CASE WHEN priority = 0 THEN 1 END) AS tokens
  FROM (SELECT assigned_at, due_at, priority FROM outbox WHERE state = 'waiting' AND gateway = $1
        ORDER BY priority, assigned_at, id LIMIT {LOOK}) AS waiting"""


@dataclass(frozen=True, slots=True)
class Orphan:
    """A gateway that messages wait for, and that is neither one of ours nor a linked phone. Times are milliseconds."""

    since: int  # when the first of them began to wait
    tried_at: int  # when the gateway was last tried


class Watch:
    """What every gateway was like at the last look. A gateway that nothing is known of is well."""

    def __init__(self, names: Sequence[str] = (), clock: Callable[[], int] = now_ms) -> None:
        self._names = names  # the gateways that the outbox itself sends by
        self._clock = clock
        self._facts: dict[str, Facts] = {}
        self._conditions: dict[str, Condition] = {}
        self._given: Counter[tuple[str, MessageKind]] = Counter()  # messages since the last look
        self._tried: dict[str, int] = {}  # when each one that was down got a message, to see
        self.orphans: dict[str, Orphan] = {}  # by name

    @property
    def gateways(self) -> dict[str, tuple[Facts, Condition]]:
        """All that can send, by name."""
        return {name: (facts, self._conditions[name]) for name, facts in sorted(self._facts.items())}

    async def look(self) -> None:
        """Read the facts again, by short questions of which none reads the history."""
        db, now = connection(), self._clock()
        states = {row["name"]: row for row in await execute(db, STATES.format(columns_of(GatewayState, "state")))}
        # before the phones: a message for a phone that is linked in between finds it
        waiting = await _waiting(db)
        phones = {f"{PREFIX}{row['id']}": row for row in await execute(db, PHONES.format(columns_of(Phone)))}
        known = {*self._names, *phones}
        self.orphans = {
            name: Orphan(row["since"], _tried_at(states.get(name, {})))
            for name, row in waiting.items()
            if name not in known
        }
        self._given.clear()
        self._facts = {
            name: _facts(name, states.get(name, {}), waiting.get(name, {}), phones.get(name))
            for name in (*self._names, *phones)
        }
        self._conditions = {name: condition_of(facts, now) for name, facts in self._facts.items()}

    def facts(self, name: str) -> Facts:
        return self._facts.get(name) or _no_facts(name)

    def state(self, name: str) -> Health:
        condition = self._conditions.get(name)
        return condition.state if condition else Health.WELL

    def note_heard(self, name: str) -> None:
        """A message of this gateway is before us: judge it again, with that in mind."""
        if self.state(name) is not Health.WELL:
            now = self._clock()
            self._facts[name] = replace(self._facts[name], heard_at=now)
            self._conditions[name] = condition_of(self._facts[name], now)

    def may_try(self, name: str) -> bool:
        """Whether this gateway was down, and a message may try it now: one in `TRIAL_MS`."""
        if self.state(name) is not Health.QUIET or not self.is_failing(name):
            return False
        return not 0 <= self._clock() - self._tried.get(name, 0) < TRIAL_MS

    def note_trial(self, name: str) -> None:
        """A message tries this gateway now."""
        self._tried[name] = self._clock()

    def is_failing(self, name: str) -> bool:
        """Whether nothing went by it since it failed or refused us."""
        return is_failing(self.facts(name))

    def waiting(self, name: str) -> int:
        """How many messages wait for it, those given to it since the last look included."""
        return self.facts(name).waiting + sum(self._given[name, kind] for kind in MessageKind)

    def ahead(self, name: str, kind: MessageKind) -> int:
        """How many of the messages that wait for it go before one more of this kind: a token, or a reply."""
        facts, tokens = self.facts(name), self._given[name, MessageKind.TOKEN]
        if kind is MessageKind.TOKEN:
            return facts.tokens + tokens
        return facts.replies + tokens + self._given[name, MessageKind.REPLY]

    def note_given(self, name: str, kind: MessageKind) -> None:
        """One more message goes by it."""
        self._given[name, kind] += 1


# The facts that `gatewaystate` keeps, by its columns.
KEPT = (
    *("heard_at", "sent_at", "failures", "failed_at", "paused_until", "alert", "last_word", "tested_at"),
    *("returned_at", "round_trip", "lost_tests", "airtime", "airtime_at", "told", "told_at"),
)


def facts_of_unused(state: GatewayState) -> Facts:
    """The facts of a gateway that nothing is sent by."""
    return Facts(state.name, state.name, **{column: getattr(state, column) for column in KEPT})


async def _waiting(db: BaseDBAsyncClient) -> dict[str, dict[str, Any]]:
    """What waits for each gateway for which something does, also for one that is gone."""
    names = [row["gateway"] for row in await execute(db, HAVE_WAITING)]
    rows = {name: (await execute(db, WAITING, [name]))[0] for name in names}
    return {name: row for name, row in rows.items() if row["waiting"]}  # it may have been sent since


@cache
def _no_facts(name: str) -> Facts:
    return Facts(name)


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
    return replace(
        facts,
        title=phone["name"],
        phone=True,
        paused=bool(phone["paused"]),
        stopped=Phone(**phone).stopped,
        heard_at=max(facts.heard_at, phone["seen_at"]),
        battery=phone["battery"],
        charging=None if phone["charging"] is None else bool(phone["charging"]),
        clock_offset=phone["clock_offset"],
        network=phone["network"],
        carriers=tuple(sim.carrier for sim in sims if not sim.stopped),
        number=next((sim.phone for sim in sims if sim.phone and not sim.stopped), ""),
    )
