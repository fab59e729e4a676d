"""Messages leave a gateway that cannot take them now. The outbox looks for such messages each time it reads its queue.

A gateway cannot take them when it does not pull, is down, asks us to wait, or is no longer ours.

Two gateways never carry one message unless the first is known not to have taken it: a message that is being sent, or
that has an unknown outcome, stays where it is or ends. The statements that move messages are in queue.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from bot.outbound import queue
from bot.routing import NEVER, NOWHERE, Condition, Facts, Health, Router, is_silent
from models.messages import PREFIX, MessageKind
from models.sql import execute

# One look reads so many rows of a gateway, so that a flood holds up nothing; the next look goes on behind them.
BATCH = 256
# The messages of a dead gateway come to another one in portions, so that its own do not wait behind all of them: as
# many as a paced gateway sends in so many seconds; for a phone, which sends 28 in half an hour, so many.
PORTION_S, PORTION_OF_PHONE = 10, 8

# Conditions on `state` are written as in the partial indexes, as in bot/outbound/queue.py.
_KNOWN = "id, origin, phone, kind, priority, gateway, tried_before, assigned_at"
_PARKED = f"{_KNOWN}, unknowns - interrupted AS copies"
WAITING = f"""SELECT {_PARKED} FROM outbox WHERE state = 'waiting' AND gateway = $1 AND priority <= $2
  AND (unknowns = 0 OR priority <= 1) AND (priority, assigned_at, id) > ($3, $4, $5)
  ORDER BY priority, assigned_at, id LIMIT {BATCH}"""
# Tokens and replies have the first two priorities. At most 1000 rows are read, however much is scheduled.
SCHEDULED = f"""SELECT {_PARKED} FROM (SELECT {_KNOWN}, state, unknowns, interrupted FROM outbox
    WHERE state IN ('scheduled', 'uncertain') ORDER BY due_at LIMIT 1000) AS scheduled
  WHERE state = 'scheduled' AND priority <= 1"""
# Tokens and replies that are due again and may have gone: so often as there are `copies` a gateway was asked and nobody
# knows what came of it, nor has it reported since.
IN_DOUBT = f"""SELECT {_PARKED} FROM (SELECT {_KNOWN}, state, unknowns, interrupted FROM outbox
    WHERE state IN ('scheduled', 'uncertain') AND due_at <= $1 ORDER BY due_at LIMIT 1000) AS due
  WHERE state = 'uncertain' AND priority <= 1"""
SILENT_TIMES = 2  # so often it stays with one gateway
# What a phone has pulled and not reported.
HELD_BY_PHONE = f"""SELECT {_KNOWN}, unknowns - interrupted + 1 AS copies FROM outbox
  WHERE state = 'sending' AND claimed_by = $1 AND claimed_at <= $2
  AND priority <= 1 ORDER BY priority, id LIMIT {BATCH}"""
URGENT, ALL, FIRST = 1, 9, (-1, 0, 0)


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that waits, with what has to be known to move it."""

    id: int
    origin: str
    phone: str
    kind: MessageKind
    priority: int
    gateway: str
    tried_before: str  # the gateways that it has left, a space after each
    assigned_at: int  # when it was given to this one
    copies: int  # how many may be out

    @property
    def tried(self) -> set[str]:
        return {*self.tried_before.split(), f"{NEVER}{self.gateway}"}

    @property
    def leaving(self) -> str:
        """`tried_before` after it has left this gateway too."""
        known = self.gateway == NOWHERE or self.gateway in self.tried_before.split()
        return self.tried_before if known else f"{self.tried_before}{self.gateway} "


class Failover:
    """Moves messages to other gateways.

    Another server may send by gateways that we do not know: their messages are theirs, unless they have waited for
    `grace_ms` and the gateway tried none in that time.
    """

    def __init__(
        self,
        router: Router,
        paces: Mapping[str, int],  # our own gateways: how many parts a second each sends, 0 for as many as there are
        after_ms: int,  # how long a token or a reply waits before another gateway gets it
        grace_ms: int,
        copies: Mapping[MessageKind, int],  # how many of a token and of a reply may go out
    ) -> None:
        self._router, self._paces = router, paces
        self._after, self._grace = after_ms, grace_ms
        self._copies = copies
        # By gateway, the row (priority, assigned_at, id) behind which this look and the next one begin to read.
        self._from: dict[str, tuple[int, int, int]] = {}
        self._places: dict[str, tuple[int, int, int]] = {}

    async def look(self, db: BaseDBAsyncClient, now: int, *, starting: bool) -> bool:
        """Move what has waited too long, and what has no gateway. Returns whether there is more to be moved."""
        if not await queue.try_to_move_alone(db):
            return False  # another server does it
        self._from, self._places = self._places, {}
        await self._router.watch.look()  # a phone that was linked a second ago counts
        await self._release_orphans(db, now, starting)
        found = await _read(db, SCHEDULED)
        gateways = self._router.watch.gateways
        for name, (facts, condition) in gateways.items():
            if _may_keep_waiting(facts, condition):
                found += await self._read_waiting(db, name, URGENT)
        late = [each for each in found if self._has_waited_too_long(each, gateways, now)]
        late += [*await self._read_doubts(db, gateways, now), *await self._read_held(db, gateways, now)]
        moved = await self._move(db, [*late, *await self._read_waiting(db, NOWHERE, ALL)], now)
        return bool(moved or self._places)

    async def _release_orphans(self, db: BaseDBAsyncClient, now: int, starting: bool) -> None:
        """Take messages from gateways that nobody sends by any more."""
        for name, orphan in self._router.watch.orphans.items():
            tried = now - self._grace < orphan.tried_at <= now
            waited = starting or orphan.since <= now - self._grace
            abandoned = name.startswith(PREFIX) or (waited and not tried)
            if abandoned and name != NOWHERE and name not in self._paces:
                await queue.release_from_stopped(db, name, now, self._copies)

    def _has_waited_too_long(self, message: Parked, gateways: Mapping[str, tuple[Facts, Condition]], now: int) -> bool:
        """Whether a message has waited too long for a phone, or for a gateway that is down or asks us to wait."""
        if message.gateway not in gateways:
            return False
        facts, condition = gateways[message.gateway]
        if condition.state is Health.DOWN:
            # what came to it after the office was told is a trial, which failed; an alert is never to wait for it
            trial = facts.told and message.assigned_at > facts.told_at
            if trial or message.origin.startswith("alert "):
                return True
        # a message that was given to it in the future got there before the clock was set back
        return _may_keep_waiting(facts, condition) and not now - self._after < message.assigned_at <= now + self._after

    async def _read_doubts(
        self, db: BaseDBAsyncClient, gateways: Mapping[str, tuple[Facts, Condition]], now: int
    ) -> list[Parked]:
        """What is due again, and whose gateway has been silent for too long to be asked once more."""
        rows = await execute(db, IN_DOUBT, (now,))
        down = {name for name, (_, condition) in gateways.items() if condition.state is Health.DOWN}
        silent = [row for row in rows if row["copies"] >= SILENT_TIMES or row["gateway"] in down]
        return [_parked(row) for row in silent if row["gateway"] in gateways]

    async def _read_held(
        self, db: BaseDBAsyncClient, gateways: Mapping[str, tuple[Facts, Condition]], now: int
    ) -> list[Parked]:
        """What phones have that went down with it."""
        gone = [name for name, (facts, found) in gateways.items() if facts.phone and _is_gone(facts, found, now)]
        return [each for name in gone for each in await _read(db, HELD_BY_PHONE, name, now - self._after)]

    async def _read_waiting(self, db: BaseDBAsyncClient, gateway: str, priority: int) -> list[Parked]:
        """The next rows that wait for a gateway, the most urgent first, from where the last look ended."""
        rows = await _read(db, WAITING, gateway, priority, *self._from.get(gateway, FIRST))
        if len(rows) == BATCH:
            self._places[gateway] = rows[-1].priority, rows[-1].assigned_at, rows[-1].id
        return rows

    async def _move(self, db: BaseDBAsyncClient, found: Iterable[Parked], now: int) -> int:
        moves, names = [], list(self._router.watch.gateways)
        for each in found:
            if each.copies >= self._copies.get(each.kind, 1):
                continue  # it stays where it is, and ends there
            full = {f"{NEVER}{name}" for name in names if self._is_full(name, each.kind)}
            if gateway := self._choose(each, full, now):
                moves.append(queue.Move(each.id, each.gateway, to=gateway, tried_before=each.leaving))
            elif full:
                self._places.pop(each.gateway, None)  # the most urgent are the first again when there is room
        await queue.move(db, moves, now)
        return len(moves)

    def _choose(self, message: Parked, full: set[str], now: int) -> str:
        router, known = self._router, self._router.watch.gateways.get(message.gateway)
        gone = known is None or _is_gone(*known, now)
        chosen = router.next_gateway(message.phone, message.kind, message.tried | full, quiet=gone)
        if chosen or message.gateway != NOWHERE or full:
            return chosen
        chosen = router.gateway_for(message.phone, message.kind, message.tried)
        return "" if chosen == NOWHERE else chosen

    def _is_full(self, gateway: str, kind: MessageKind) -> bool:
        """Whether as many messages wait for a gateway, of this kind or more urgent ones, as it gets at once."""
        portion = min(BATCH, self._paces.get(gateway, 0) * PORTION_S) or BATCH
        portion = PORTION_OF_PHONE if gateway.startswith(PREFIX) else portion
        return self._router.watch.ahead(gateway, kind) >= portion


def _is_gone(facts: Facts, condition: Condition, now: int) -> bool:
    """Whether a gateway carries nothing any more. The office may have paused a phone because it is broken."""
    return condition.state is Health.DOWN or is_silent(facts, now)


def _may_keep_waiting(facts: Facts, condition: Condition) -> bool:
    """Whether messages may wait long for a gateway that is like this."""
    return facts.phone or condition.state in (Health.DOWN, Health.PAUSED)


async def _read(db: BaseDBAsyncClient, question: str, *values: Any) -> list[Parked]:
    return [_parked(row) for row in await execute(db, question, values)]


def _parked(row: dict[str, Any]) -> Parked:
    return Parked(**row | {"kind": MessageKind(row["kind"])})
