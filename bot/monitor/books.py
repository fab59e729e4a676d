"""Adds up the books every night, beside all work, and tells the office of the first thing that is wrong."""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.runtime import Database
from bot.runtime.aside import read_aside
from models.alerts import raise_alert_once
from models.money.books import Passing, find_fault, keep_check, last_check, must_return_to_zero
from models.sql import HOUR_MS, now_ms

log = logging.getLogger(__name__)
NIGHT = range(1, 5)  # o'clock, where the operator is
FRESH_MS, LATE_MS = 20 * HOUR_MS, 30 * HOUR_MS  # not twice in a night; by day where the machine sleeps at night
TOLD_MS = 12 * HOUR_MS  # what stays where it is is told once a night, however many servers look
LOOK_S = 600


class NightlyBooks:
    """Once a night, or when it was missed. Of several servers the first does it, as a rule."""

    def __init__(self, database: Database, zone: ZoneInfo, suspense_days: int) -> None:
        self._database, self._zone = database, zone
        self.allow_suspense(suspense_days)
        self._stopping = asyncio.Event()
        self._checking: asyncio.Task[str] | None = None

    def allow_suspense(self, days: int) -> None:
        """From now on money may be where it should only pass for so long."""
        self._suspense = timedelta(days=days)

    async def run(self) -> None:
        """Look whether it is time, until stopped."""
        while not self._stopping.is_set():
            try:
                if await self._is_due():
                    self._checking = asyncio.create_task(self.check(), name="books")
                    await self._checking
            except asyncio.CancelledError:
                if not self._stopping.is_set():
                    raise
            except Exception:
                log.exception("the books could not be added up; it is tried again")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_S)

    def stop(self) -> None:
        """End, in the middle of it too: nothing is written before all is read."""
        self._stopping.set()
        if self._checking:
            self._checking.cancel()

    async def _is_due(self) -> bool:
        last = await last_check()
        age = abs(now_ms() - last.at) if last else LATE_MS  # one of the far future: the clock was set back
        return age >= LATE_MS or (age >= FRESH_MS and datetime.now(self._zone).hour in NIGHT)

    def check_now(self) -> "asyncio.Task[str]":
        """Add up everything beside all work, or go on with what is being added up."""
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self.check(), name="books now")
        return self._checking

    @property
    def is_checking(self) -> bool:
        """Whether everything is being added up at the moment."""
        return self._checking is not None and not self._checking.done()

    async def check(self) -> str:
        """Add up everything and keep what was found: the first fault in one sentence, or nothing."""
        async with read_aside(self._database.url) as ask:
            fault = await find_fault(ask)
            old = [each for each in await must_return_to_zero(ask) if datetime.now(UTC) - each.since > self._suspense]
        async with self._database.work():
            await keep_check(fault)
            if old:
                await raise_alert_once(_describe(old), TOLD_MS)
        if fault:
            log.error("the books do not add up", extra={"fault": fault})
        return fault


def _describe(old: list[Passing]) -> str:
    """One sentence on money that stays where it should only pass."""
    days = (datetime.now(UTC) - old[0].since).days
    payments, providers = (sum(each.kind == kind for each in old) for kind in ("unapplied", "clearing"))
    parts = [f"{payments} payment{'s' * (payments != 1)} that nobody applied"] if payments else []
    parts += [f"money with {providers} provider{'s' * (providers != 1)}"] if providers else []
    return f"Waits too long, the oldest {days} days: {' and '.join(parts)}. See `mwanga check --books`."
