"""What happens by the clock: texts are purged after the time that the configuration says."""

import asyncio
import logging
from contextlib import suppress

from bot.database import Database
from models.sql import execute, now_ms

log = logging.getLogger(__name__)
DAY_MS = 24 * 3_600_000
EVERY_S = 3_600
TURNS_MS = DAY_MS  # a network repeats a turn within seconds; a day is plenty
SOME = 5_000  # rows in one statement, so that a purge never holds up a message
PURGES = {
    "UPDATE inbox SET text = '', error = '' WHERE id IN (SELECT id FROM inbox WHERE received_at < $1 "
    "AND text <> '' AND state <> 'new' LIMIT $2) RETURNING id": "retention",
    "UPDATE outbox SET text = '' WHERE id IN (SELECT id FROM outbox WHERE created_at < $1 AND text <> '' "
    "AND state IN ('sent', 'delivered', 'failed', 'expired') LIMIT $2) RETURNING id": "retention",
    "DELETE FROM refused WHERE id IN (SELECT id FROM refused WHERE created_at < $1 LIMIT $2) RETURNING id": "retention",
    "DELETE FROM ussdturn WHERE id IN (SELECT t.id FROM ussdturn t JOIN ussdsession s ON s.id = t.session_id "
    "WHERE s.updated_at < $1 LIMIT $2) RETURNING id": "turns",
    "DELETE FROM ussdsession WHERE id IN (SELECT id FROM ussdsession WHERE updated_at < $1 LIMIT $2) "
    "RETURNING id": "turns",
}


class Housekeeping:
    def __init__(self, database: Database, retention_days: int) -> None:
        self._database = database
        self._stopping = asyncio.Event()
        self._age = {"retention": retention_days * DAY_MS, "turns": TURNS_MS}

    async def run(self) -> None:
        """Purge every hour until stopped."""
        while not self._stopping.is_set():
            try:
                await self.purge()
            except Exception:
                log.exception("the purge failed; it is tried again in an hour")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), EVERY_S)

    def stop(self) -> None:
        """End between two statements: a statement that is cut off leaves its connection unusable."""
        self._stopping.set()

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
