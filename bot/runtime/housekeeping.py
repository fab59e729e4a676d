"""What happens by the clock: texts are purged after the time that the configuration says, and the business does
its chores."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bot.runtime.database import Database
from models.clock import CLOCK, Doubt
from models.sql import DAY_MS, execute, now_ms

log = logging.getLogger(__name__)
EVERY_S = 3_600
SOME = 5_000  # rows in one statement at most
FEW = 100  # tickets and the like in one unit of work: each costs more than a row that is emptied
FIRST = 1
# The embedded database has the loop's own thread: while a portion is done nobody is answered. PostgreSQL works beside
# it, and half a dozen trips take 2 to 5 ms there, however few the rows are.
ENOUGH_EMBEDDED_S, ENOUGH_S = 0.008, 0.02
Chore = Callable[[int], Awaitable[int]]  # does some of what is due, at most so many, and says how many


@dataclass(frozen=True)
class Purge:
    """What a room forgets."""

    name: str
    statement: str  # empties or deletes up to $2 rows that are older than $1 (ms), and returns them
    older_than_ms: int | None = None  # None: as old as the operator lets texts become


class _Portions:
    """How much is done at once: as much as takes some milliseconds on this machine, for it differs by a hundred times
    between a row to be emptied and a reminder to be written."""

    def __init__(self, most: int, enough_s: float) -> None:
        self.size, self._most, self._enough_s = FIRST, most, enough_s

    def learn(self, took_s: float) -> None:
        """Make the next portion smaller or larger: twice as much takes no more than twice as long."""
        if took_s > self._enough_s:
            self.size = max(1, self.size // 2)
        elif took_s < self._enough_s / 2:
            self.size = min(self._most, self.size * 2)


class Housekeeping:
    """Purges and does the chores of the business."""

    def __init__(
        self,
        database: Database,
        retention_days: int,  # how long texts are kept, as the operator sets it
        purges: Sequence[Purge],
        chores: Sequence[Chore] = (),
        every_s: float = EVERY_S,
    ) -> None:
        self._database, self._purges, self._chores = database, purges, chores
        self._stopping, self._every_s = asyncio.Event(), every_s
        self._enough_s = ENOUGH_EMBEDDED_S if database.embedded else ENOUGH_S
        self.keep_texts(retention_days)

    def keep_texts(self, days: int) -> None:
        """From now on texts are kept for so long."""
        self._retention_ms = days * DAY_MS

    async def run(self) -> None:
        """Purge and do the chores at the start and at the beginning of each hour, or as often as told, until stopped:
        what is to be done at a set hour is not up to an hour late."""
        while not self._stopping.is_set():
            for work in (self.purge, self.chores):
                try:
                    await work()
                except Exception:
                    log.exception("%s failed; it is tried again in %d min", work.__name__, self._every_s // 60)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._every_s - time.time() % self._every_s + 1)

    def stop(self) -> None:
        """End between two statements: a statement that is cut off leaves its connection unusable."""
        self._stopping.set()

    async def chores(self) -> int:
        """Do what is due, each portion in a unit of work of its own. Returns how much it was. A chore that fails keeps
        none of the others from being done; then it raises."""
        done, errors = 0, []
        for chore in self._chores:
            try:
                done += await self._do(chore)
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0] if len(errors) == 1 else ExceptionGroup("chores", errors)
        return done

    async def _do(self, chore: Chore) -> int:
        done, portions = 0, _Portions(FEW, self._enough_s)
        while not self._stopping.is_set():
            began = time.perf_counter()
            async with self._database.work():
                some = await chore(portions.size)
            done += some
            if not some:
                break
            await self._rest(portions, time.perf_counter() - began)
        return done

    async def _rest(self, portions: _Portions, took_s: float) -> None:
        """Leave the time to others that this portion took."""
        portions.learn(took_s)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), took_s)

    async def purge(self) -> int:
        """Empty what is too old, a portion at a time. Returns how many rows. None while the clock seems to be ahead: by
        it what came today is too old, and nothing brings it back."""
        if await CLOCK.doubt() is Doubt.AHEAD:
            return 0
        purged = 0
        for purge in self._purges:
            age = self._retention_ms if purge.older_than_ms is None else purge.older_than_ms
            portions = _Portions(SOME, self._enough_s)
            while not self._stopping.is_set():
                began = time.perf_counter()
                async with self._database.work() as db:
                    rows = await execute(db, purge.statement, [now_ms() - age, portions.size])
                purged += len(rows)
                if len(rows) < portions.size:
                    break
                await self._rest(portions, time.perf_counter() - began)
        return purged
