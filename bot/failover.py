"""Messages that leave a gateway before it has them: it does not pull, is down, is no longer ours. Part of each look
that the outbox takes at its queue.

Two gateways never carry one message unless the first is known not to have taken it: what is being sent, and what has
an unknown outcome, stays where it is or ends.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tortoise.backends.base.client import BaseDBAsyncClient

from bot.health import Health
from bot.routing import NOWHERE, Router
from models.messages import Class
from models.sql import execute, execute_many, marks, on_postgres

# Conditions on `state` are written as in the partial indexes, as in bot/queue.py.
_PARKED = "id, phone, kind, gateway, former, unknowns"
STRAYS = f"""SELECT {_PARKED} FROM outbox
    WHERE state = 'waiting' AND gateway NOT LIKE 'phone-%' AND gateway NOT IN ({{names}}) UNION ALL
  SELECT {_PARKED} FROM outbox
    WHERE state IN ('scheduled', 'uncertain') AND gateway NOT LIKE 'phone-%' AND gateway NOT IN ({{names}})"""
HOMELESS = f"""SELECT {_PARKED} FROM outbox WHERE state = 'waiting' AND gateway = '{NOWHERE}'
  ORDER BY priority, id LIMIT 256"""
# Tokens and replies have the two first priorities. So many rows are looked at, the most urgent, whatever waits.
_URGENT = f"""SELECT {_PARKED} FROM (SELECT {_PARKED}, origin, given_at FROM outbox
      WHERE state = 'waiting' AND gateway = $1 AND priority <= 1 ORDER BY priority, id LIMIT 1000) AS waiting
    WHERE unknowns = 0 AND ({{which}})
  UNION ALL SELECT {_PARKED} FROM (SELECT {_PARKED}, origin, given_at, state, priority FROM outbox
      WHERE state IN ('scheduled', 'uncertain') ORDER BY due_at LIMIT 1000) AS scheduled
    WHERE state = 'scheduled' AND gateway = $1 AND priority <= 1 AND unknowns = 0 AND ({{which}})"""
OVERDUE = _URGENT.format(which="given_at <= $2 OR given_at > $3")
ALERTS = _URGENT.format(which="origin LIKE 'alert %'")
# Whoever claimed or moved the row a moment ago keeps it.
MOVE = """UPDATE outbox SET gateway = $3, former = $4, given_at = $5, due_at = $5, state = 'waiting', error = '',
    sim = 0
  WHERE id = $1 AND gateway = $2 AND state IN ('waiting', 'scheduled') AND unknowns = 0"""
END = """UPDATE outbox SET state = 'failed', error = 'gateway gone'
  WHERE id = $1 AND gateway = $2 AND state IN ('waiting', 'scheduled', 'uncertain') AND unknowns > 0"""
FORSAKE = """UPDATE outbox SET gateway = 'none', former = former || $1 || ' ', given_at = $2, due_at = $2,
    state = 'waiting', error = '', sim = 0 WHERE id IN (
  SELECT id FROM outbox WHERE state = 'waiting' AND gateway = $1 AND unknowns = 0 AND origin NOT LIKE 'canary %'
  UNION ALL SELECT id FROM outbox WHERE state IN ('scheduled', 'uncertain') AND state = 'scheduled'
    AND gateway = $1 AND unknowns = 0 AND origin NOT LIKE 'canary %')"""
BEREAVE = """UPDATE outbox SET state = 'failed', error = 'gateway gone' WHERE id IN (
  SELECT id FROM outbox WHERE state = 'waiting' AND gateway = $1
  UNION ALL SELECT id FROM outbox WHERE state IN ('scheduled', 'uncertain') AND gateway = $1
  UNION ALL SELECT id FROM outbox WHERE state = 'sending' AND claimed_by = $1)"""
NEVER = 2**62  # later than any moment
# One server at a time moves messages: two that lock the same rows in another order would wait for each other.
TRY, HOLD = "SELECT pg_try_advisory_xact_lock(7269421) AS ours", "SELECT pg_advisory_xact_lock(7269421)"


@dataclass(frozen=True, slots=True)
class Parked:
    """A message that waits, as moving it needs: `former` are the gateways it has left, a space after each."""

    id: int
    phone: str
    kind: Class
    gateway: str
    former: str
    unknowns: int

    @property
    def left(self) -> set[str]:
        return {*self.former.split(), self.gateway}

    @property
    def leaving(self) -> str:
        """`former` after it has left this gateway too."""
        known = self.gateway == NOWHERE or self.gateway in self.former.split()
        return self.former if known else f"{self.former}{self.gateway} "


async def forsake(db: BaseDBAsyncClient, gateway: str, now: int) -> None:
    """Take a gateway's messages from it for good, in the caller's transaction: what it certainly has not waits for
    another one, what it may have taken ends, and so does its test message. Then `Outbox.notify`, where there is one."""
    if on_postgres():
        await execute(db, HOLD)
    await execute(db, FORSAKE, (gateway, now))
    await execute(db, BEREAVE, (gateway,))


class Failover:
    """`after_ms` is how long a token or a reply waits for a phone, or for a gateway that is down."""

    def __init__(self, router: Router, after_ms: int) -> None:
        self._router, self._after = router, after_ms

    async def look(self, db: BaseDBAsyncClient, now: int) -> int:
        """Move what has waited too long, and what has no gateway. Returns how many rows were to be moved."""
        if on_postgres() and not (await execute(db, TRY))[0]["ours"]:
            return 0  # another server is at it
        moved, watch = 0, self._router.watch
        await watch.look()  # a phone that was linked a second ago counts
        for name in watch.orphans:
            await forsake(db, name, now)
        for name, (facts, condition) in watch.gateways.items():
            down = condition.state is Health.DOWN
            if down:  # that a gateway is down does not wait for another that is down
                moved += await self._move(db, await _read(db, ALERTS, name), now)
            if facts.phone or down:
                # what was promised since it is down is a trial, and has failed
                since = facts.told_at if down and facts.told else NEVER
                rows = await _read(db, OVERDUE, name, now - self._after, since)
                moved += await self._move(db, rows, now)
        homeless = await _read(db, HOMELESS)
        return moved + await self._move(db, homeless, now, must=True)

    async def settle(self, db: BaseDBAsyncClient, gateways: Sequence[str], now: int) -> None:
        """At the start: messages of a gateway that is no longer configured go by one that is, unless it may have
        taken them."""
        found = await _read(db, STRAYS.format(names=marks(len(gateways))), *gateways)
        await execute_many(db, END, [(each.id, each.gateway) for each in found if each.unknowns])
        await self._move(db, [each for each in found if not each.unknowns], now, must=True)

    async def _move(self, db: BaseDBAsyncClient, found: Iterable[Parked], now: int, *, must: bool = False) -> int:
        choose = self._router.gateway_for if must else self._router.next_gateway
        chosen = [(each, choose(each.phone, each.kind, each.left)) for each in found]
        rows = [
            (each.id, each.gateway, gateway, each.leaving[-200:], now)
            for each, gateway in chosen
            if gateway and gateway != each.gateway
        ]
        await execute_many(db, MOVE, rows)
        return len(rows)


async def _read(db: BaseDBAsyncClient, question: str, *values: Any) -> list[Parked]:
    return [Parked(**row | {"kind": Class(row["kind"])}) for row in await execute(db, question, values)]
