"""Messages that leave a gateway before it has them: it does not pull, is down, asks us to wait, is no longer ours. Part
of each look that the outbox takes at its queue.

Two gateways never carry one message unless the first is known not to have taken it: what is being sent, and what has
an unknown outcome, stays where it is or ends.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from bot.routing.health import Condition, Facts, Health
from bot.routing.router import NEVER, NOWHERE, Router
from models.messages.phones import PREFIX
from models.messages.tables import MessageKind
from models.sql import execute, execute_many, on_postgres

# So many rows of a gateway are read in one look, so that a flood holds up nothing; the next look goes on behind them.
BATCH = 256
# What leaves a dead gateway comes to another one in such portions, so that its own messages do not wait behind all of
# that: as much as a paced one sends in so many seconds, of a phone's 28 in half an hour so many.
PORTION_S, PORTION_OF_PHONE = 10, 8

# Conditions on `state` are written as in the partial indexes, as in bot/outbound/queue.py.
_PARKED = "id, origin, phone, kind, priority, gateway, tried_before, assigned_at"
WAITING = f"""SELECT {_PARKED} FROM outbox WHERE state = 'waiting' AND gateway = $1 AND priority <= $2
  AND unknowns = 0 AND (priority, assigned_at, id) > ($3, $4, $5) ORDER BY priority, assigned_at, id LIMIT {BATCH}"""
# Tokens and replies have the two first priorities. So many rows are looked at, whatever is scheduled.
SCHEDULED = f"""SELECT {_PARKED} FROM (SELECT {_PARKED}, state, unknowns FROM outbox
    WHERE state IN ('scheduled', 'uncertain') ORDER BY due_at LIMIT 1000) AS scheduled
  WHERE state = 'scheduled' AND priority <= 1 AND unknowns = 0"""
# Whoever claimed or moved the row a moment ago keeps it.
MOVE = """UPDATE outbox SET gateway = $3, tried_before = $4, assigned_at = $5, due_at = $5, state = 'waiting',
    error = '', sim = 0
  WHERE id = $1 AND gateway = $2 AND state IN ('waiting', 'scheduled') AND unknowns = 0"""
RELEASE_FROM_STOPPED = """UPDATE outbox SET gateway = 'none', tried_before = SUBSTR(tried_before || $1 || ' ', 1, 200),
    assigned_at = $2, due_at = $2, state = 'waiting', error = '', sim = 0 WHERE id IN (
  SELECT id FROM outbox WHERE state = 'waiting' AND gateway = $1 AND unknowns = 0 AND origin NOT LIKE 'canary %'
  UNION ALL SELECT id FROM outbox WHERE state IN ('scheduled', 'uncertain') AND state = 'scheduled'
    AND gateway = $1 AND unknowns = 0 AND origin NOT LIKE 'canary %')"""
FAIL_OF_REMOVED = """UPDATE outbox SET state = 'failed', error = 'gateway gone' WHERE id IN (
  SELECT id FROM outbox WHERE state = 'waiting' AND gateway = $1
  UNION ALL SELECT id FROM outbox WHERE state IN ('scheduled', 'uncertain') AND gateway = $1
  UNION ALL SELECT id FROM outbox WHERE state = 'sending' AND claimed_by = $1)"""
# One server at a time moves messages: two that lock the same rows in another order would wait for each other.
TRY, HOLD = "SELECT pg_try_advisory_xact_lock(7269421) AS ours", "SELECT pg_advisory_xact_lock(7269421)"
URGENT, ALL, FIRST = 1, 9, (-1, 0, 0)


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that waits, as moving it needs: `tried_before` are the gateways it has left, a space after each."""

    id: int
    origin: str
    phone: str
    kind: MessageKind
    priority: int
    gateway: str
    tried_before: str
    assigned_at: int

    @property
    def tried(self) -> set[str]:
        return {*self.tried_before.split(), f"{NEVER}{self.gateway}"}

    @property
    def leaving(self) -> str:
        """`tried_before` after it has left this gateway too."""
        known = self.gateway == NOWHERE or self.gateway in self.tried_before.split()
        return self.tried_before if known else f"{self.tried_before}{self.gateway} "


async def release_from_stopped(db: BaseDBAsyncClient, gateway: str, now: int) -> None:
    """Take a gateway's messages from it for good, in the caller's transaction: what it certainly has not waits for
    another one, what it may have taken ends, and so does its test message. Then `Outbox.notify`, where there is one."""
    if on_postgres():
        await execute(db, HOLD)
    await execute(db, RELEASE_FROM_STOPPED, (gateway, now))
    await execute(db, FAIL_OF_REMOVED, (gateway,))


class Failover:
    """`paces` are the outbox's own gateways with how many parts a second each sends, 0 for as many as there are;
    `after_ms` is how long a token or a reply waits before another gateway gets it. Another server may send by gateways
    that we do not know: their messages are theirs unless they have waited for `grace_ms` in which none was tried."""

    def __init__(self, router: Router, paces: Mapping[str, int], after_ms: int, grace_ms: int) -> None:
        self._router, self._paces = router, paces
        self._after, self._grace = after_ms, grace_ms
        self._from: dict[str, tuple[int, int, int]] = {}
        self._places: dict[str, tuple[int, int, int]] = {}

    async def look(self, db: BaseDBAsyncClient, now: int, *, starting: bool) -> bool:
        """Move what has waited too long, and what has no gateway. Returns whether there is more to be moved."""
        if on_postgres() and not (await execute(db, TRY))[0]["ours"]:
            return False  # another server is at it
        watch = self._router.watch
        self._from, self._places = self._places, {}
        await watch.look()  # a phone that was linked a second ago counts
        for name, orphan in watch.orphans.items():
            waited = starting or orphan.since <= now - self._grace
            theirs = now - self._grace < orphan.tried_at <= now or not waited
            if (name.startswith(PREFIX) or not theirs) and name != NOWHERE and name not in self._paces:
                await release_from_stopped(db, name, now)
        found = await _read(db, SCHEDULED)
        gateways = watch.gateways
        for name, (facts, condition) in gateways.items():
            if _holds(facts, condition):
                found += await self._waiting(db, name, URGENT)
        late = [each for each in found if self._too_long(each, gateways, now)]
        moved = await self._move(db, [*late, *await self._waiting(db, NOWHERE, ALL)], now)
        return bool(moved or self._places)

    def _too_long(self, message: Parked, gateways: Mapping[str, tuple[Facts, Condition]], now: int) -> bool:
        """Whether a message has waited too long for a phone, or for a gateway that is down or asks us to wait."""
        if message.gateway not in gateways:
            return False
        facts, condition = gateways[message.gateway]
        if condition.state is Health.DOWN:
            # what was promised since it is down is a trial, and has failed; an alert is not for one that is down
            trial = facts.told and message.assigned_at > facts.told_at
            if trial or message.origin.startswith("alert "):
                return True
        # one that was given in the future was so before the clock was set back
        return _holds(facts, condition) and not now - self._after < message.assigned_at <= now + self._after

    async def _waiting(self, db: BaseDBAsyncClient, gateway: str, priority: int) -> list[Parked]:
        """The next rows that wait for a gateway, the most urgent first, from where the last look ended."""
        rows = await _read(db, WAITING, gateway, priority, *self._from.get(gateway, FIRST))
        if len(rows) == BATCH:
            self._places[gateway] = rows[-1].priority, rows[-1].assigned_at, rows[-1].id
        return rows

    async def _move(self, db: BaseDBAsyncClient, found: Iterable[Parked], now: int) -> int:
        rows, names = [], list(self._router.watch.gateways)
        for each in found:
            full = {f"{NEVER}{name}" for name in names if self._is_full(name, each.kind)}
            if gateway := self._choose(each, full):
                rows.append((each.id, each.gateway, gateway, each.leaving[-200:], now))
            elif full:
                self._places.pop(each.gateway, None)  # the most urgent are the first again when there is room
        await execute_many(db, MOVE, rows)
        return len(rows)

    def _choose(self, message: Parked, full: set[str]) -> str:
        router = self._router
        down = message.gateway == NOWHERE or router.watch.state(message.gateway) is Health.DOWN
        chosen = router.next_gateway(message.phone, message.kind, message.tried | full, quiet=down)
        if chosen or message.gateway != NOWHERE or full:
            return chosen
        chosen = router.gateway_for(message.phone, message.kind, message.tried)
        return "" if chosen == NOWHERE else chosen

    def _is_full(self, gateway: str, kind: MessageKind) -> bool:
        """Whether as many messages wait for a gateway, of this kind or more urgent ones, as it gets at once."""
        portion = min(BATCH, self._paces.get(gateway, 0) * PORTION_S) or BATCH
        portion = PORTION_OF_PHONE if gateway.startswith(PREFIX) else portion
        return self._router.watch.ahead(gateway, kind) >= portion


def _holds(facts: Facts, condition: Condition) -> bool:
    """Whether messages may wait for long at a gateway as it is."""
    return facts.phone or condition.state in (Health.DOWN, Health.PAUSED)


async def _read(db: BaseDBAsyncClient, question: str, *values: Any) -> list[Parked]:
    return [Parked(**row | {"kind": MessageKind(row["kind"])}) for row in await execute(db, question, values)]
