"""This month's sales by day. They are added up beside all work and kept for a while: of a large company that is a
million rows, and the page waits for none of them."""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from zoneinfo import ZoneInfo

from bot.runtime.aside import read_aside
from models.office.overview import SOLD_BETWEEN

log = logging.getLogger(__name__)
FRESH_S = 600.0  # a sale may be taken back, or moved, days later
WAIT_S = 0.05  # as long a page waits for the figures; a small company's are there by then


@dataclass(frozen=True, slots=True)
class DaySold:
    """One day before today. Money is in minor units."""

    day: date
    sales: int
    amount: int


class Month:
    """The days of this month before today, as they were added up last."""

    def __init__(self, url: str, zone: ZoneInfo) -> None:
        self._url, self._zone = url, zone
        self._days: tuple[date, list[DaySold]] | None = None
        self._at = 0.0
        self._adding: asyncio.Task[None] | None = None

    async def before(self, today: date) -> list[DaySold] | None:
        """Each of them, the first of the month first; None while they are being added up for the first time."""
        if self._is_stale(today) and (self._adding is None or self._adding.done()):
            self._adding = asyncio.create_task(self._add_up(today), name="this month's sales")
        if self._adding and not self._adding.done():
            await asyncio.wait([self._adding], timeout=WAIT_S)
        return self._days[1] if self._days and self._days[0] == today else None

    def stop(self) -> None:
        """Give up what is being added up."""
        if self._adding:
            self._adding.cancel()

    def _is_stale(self, today: date) -> bool:
        return self._days is None or self._days[0] != today or time.monotonic() - self._at > FRESH_S

    async def _add_up(self, today: date) -> None:
        days = [today - timedelta(back) for back in range(1, today.day)][::-1]
        found = []
        try:
            async with read_aside(self._url) as ask:
                for day in days:
                    [row] = await ask(SOLD_BETWEEN.format(since=self._midnight(day), until=self._midnight(day, 1)))
                    found.append(DaySold(day, int(row["sales"]), int(row["amount"])))
        except Exception as error:  # the page is whole without them
            log.warning("this month's sales could not be added up: %s", type(error).__name__)
            return
        self._days, self._at = (today, found), time.monotonic()

    def _midnight(self, day: date, later: int = 0) -> str:
        """When a day begins where the operator is, as both engines compare it."""
        moment = datetime.combine(day + timedelta(later), clock_time(), self._zone)
        return moment.astimezone(ZoneInfo("UTC")).isoformat(" ")
