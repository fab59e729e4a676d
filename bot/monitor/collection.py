"""Counts every hour what of the instalments was paid and what is at risk, beside all work, where there are too many to
count while somebody waits (models/selling/collection.py)."""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.runtime import Database
from bot.runtime.aside import read_aside
from models.selling import collection
from models.selling.collection import CollectionRow

log = logging.getLogger(__name__)
FRESH = timedelta(hours=1)
LOOK_S = 300


class CollectionCount:
    """Once an hour, whoever starts meanwhile: of several servers mostly the first. The last count stands."""

    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self._database, self._zone = database, zone
        self._stopping = asyncio.Event()
        self._counting: asyncio.Task[None] | None = None
        self._counted_at: datetime | None = None  # a count that finds nothing writes nothing

    async def run(self) -> None:
        """Look whether it is time, until stopped."""
        while not self._stopping.is_set():
            try:
                if await self.is_due() and not self._stopping.is_set():
                    self._counting = asyncio.create_task(self.count(), name="count collection")
                    await self._counting
            except asyncio.CancelledError:
                if not self._stopping.is_set():
                    raise
            except Exception:
                log.exception("the instalments could not be counted; it is tried again")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_S)

    def stop(self) -> None:
        """End, in the middle of it too: nothing is written before all is read."""
        self._stopping.set()
        if self._counting:
            self._counting.cancel()

    async def is_due(self) -> bool:
        """Whether nobody has counted within the hour what is too much to count while somebody waits. With a million
        customers it keeps a core busy for seconds, which each start would take from whoever writes to us then."""
        last, now = await CollectionRow.all().order_by("-id").first(), datetime.now(UTC)
        counts = [self._counted_at, last.counted_at if last else None]
        if any(at and abs(now - at) < FRESH for at in counts):  # one of the far future: a clock was set back
            return False
        return await collection.are_many()

    async def count(self) -> None:
        """Count everything and keep it."""
        today = datetime.now(self._zone).date()
        async with read_aside(self._database.url) as ask:
            parts = await collection.count(today, ask)
        async with self._database.work():
            await collection.keep(parts, today)
        self._counted_at = datetime.now(UTC)
