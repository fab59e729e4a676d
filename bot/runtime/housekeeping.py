"""What happens by the clock: texts are purged after the time that the configuration says, and the business does
its chores."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bot.runtime.database import Database
from models.sql import DAY_MS, execute, now_ms

log = logging.getLogger(__name__)
EVERY_S = 3_600
SOME = 5_000  # rows in one statement, so that a purge never holds up a message
FEW = 100  # tickets and the like in one unit of work: each costs more than a row that is emptied
Chore = Callable[[int], Awaitable[int]]  # does some of what is due, at most so many, and says how many


@dataclass(frozen=True)
class Purge:
    """What a room forgets."""

    name: str
    statement: str  # empties or deletes up to $2 rows that are older than $1 (ms), and returns them
    older_than_ms: int | None = None  # None: as old as the operator lets texts become


class Housekeeping:
    """Purges and does the chores of the business."""

    def __init__(
        self,
        database: Database,
        retention_days: int,  # how long texts are kept, as the operator sets it
        purges: Sequence[Purge],
        chores: Sequence[Chore] = (),
    ) -> None:
        self._database, self._purges, self._chores = database, purges, chores
        self._retention_ms = retention_days * DAY_MS
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Purge and do the chores every hour until stopped."""
        while not self._stopping.is_set():
            for work in (self.purge, self.chores):
                try:
                    await work()
                except Exception:
                    log.exception("%s failed; it is tried again in an hour", work.__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), EVERY_S)

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
        done = 0
        while not self._stopping.is_set():
            async with self._database.work():
                some = await chore(FEW)
            done += some
            if not some:
                break
        return done

    async def purge(self) -> int:
        """Empty what is too old, a portion at a time. Returns how many rows."""
        purged = 0
        for purge in self._purges:
            age = self._retention_ms if purge.older_than_ms is None else purge.older_than_ms
            while not self._stopping.is_set():
                async with self._database.work() as db:
                    rows = await execute(db, purge.statement, [now_ms() - age, SOME])
                purged += len(rows)
                if len(rows) < SOME:
                    break
        return purged
