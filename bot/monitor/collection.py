"""Counts every hour what of the instalments was paid and what is at risk, beside all work, where there are too many to
count while somebody waits (models/selling/collection.py)."""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.runtime import Database
from bot.runtime.aside import read_aside
from models.selling import collection

log = logging.getLogger(__name__)
EVERY_S = 3_600


class CollectionCount:
    """Once an hour. Several servers may do it: the last count stands."""

    def __init__(self, database: Database, zone: ZoneInfo) -> None:
        self._database, self._zone = database, zone
        self._stopping = asyncio.Event()
        self._counting: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Count now and every hour, until stopped."""
        while not self._stopping.is_set():
            try:
                if await collection.are_many():
                    self._counting = asyncio.create_task(self.count(), name="count collection")
                    await self._counting
            except asyncio.CancelledError:
                if not self._stopping.is_set():
                    raise
            except Exception:
                log.exception("the instalments could not be counted; it is tried again")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), EVERY_S)

    def stop(self) -> None:
        """End, in the middle of it too: nothing is written before all is read."""
        self._stopping.set()
        if self._counting:
            self._counting.cancel()

    async def count(self) -> None:
        """Count everything and keep it."""
        today = datetime.now(self._zone).date()
        async with read_aside(self._database.url) as ask:
            parts = await collection.count(today, ask)
        async with self._database.work():
            await collection.keep(parts, today)
