"""What happens by the clock: texts are purged after the time that the configuration says, and the business does
its chores."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from bot.runtime.database import Database
from bot.talks.drafts import KEPT_MS
from models.sql import execute, now_ms

log = logging.getLogger(__name__)
DAY_MS = 24 * 3_600_000
EVERY_S = 3_600
TURNS_MS = DAY_MS  # a network repeats a turn within seconds; a day is plenty
TALKS_MS = 2 * DAY_MS  # a question is open, and its answer is said again, for a day at most
SOME = 5_000  # rows in one statement, so that a purge never holds up a message
FEW = 100  # tickets and the like in one unit of work: each costs more than a row that is emptied
Chore = Callable[[int], Awaitable[int]]  # does some of what is due, at most so many, and says how many
PURGES = {
    "UPDATE inbox SET text = '', error = '' WHERE id IN (SELECT id FROM inbox WHERE received_at < $1 "
    "AND text <> '' AND state <> 'new' LIMIT $2) RETURNING id": "retention",
    "UPDATE outbox SET text = '' WHERE id IN (SELECT id FROM outbox WHERE created_at < $1 AND text <> '' "
    "AND state IN ('sent', 'delivered', 'failed', 'expired') LIMIT $2) RETURNING id": "retention",
    "DELETE FROM refused WHERE id IN (SELECT id FROM refused WHERE created_at < $1 LIMIT $2) RETURNING id": "retention",
    "UPDATE contact SET talk = '' WHERE phone IN (SELECT phone FROM contact WHERE replies_since < $1 AND talk <> '' "
    "LIMIT $2) AND replies_since < $1 RETURNING phone": "talks",
    "DELETE FROM draft WHERE name IN (SELECT name FROM draft WHERE updated_at < $1 LIMIT $2) RETURNING name": "drafts",
    "DELETE FROM ussdturn WHERE id IN (SELECT t.id FROM ussdturn t JOIN ussdsession s ON s.id = t.session_id "
    "WHERE s.updated_at < $1 LIMIT $2) RETURNING id": "turns",
    "DELETE FROM ussdsession WHERE id IN (SELECT id FROM ussdsession WHERE updated_at < $1 LIMIT $2) "
    "RETURNING id": "turns",
}


class Housekeeping:
    def __init__(self, database: Database, retention_days: int, chores: Sequence[Chore] = ()) -> None:
        self._database, self._chores = database, chores
        self._stopping = asyncio.Event()
        self._age = {"retention": retention_days * DAY_MS, "turns": TURNS_MS, "talks": TALKS_MS, "drafts": KEPT_MS}

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
        for statement, kind in PURGES.items():
            while not self._stopping.is_set():
                async with self._database.work() as db:
                    rows = await execute(db, statement, [now_ms() - self._age[kind], SOME])
                purged += len(rows)
                if len(rows) < SOME:
                    break
        return purged
