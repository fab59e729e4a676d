"""Tells the office when the server's clock is in doubt, for nothing is sold meanwhile."""

import logging
from datetime import UTC, datetime, timedelta

from bot.runtime import Database
from models.alerts import raise_alert
from models.clock import CLOCK, SEEN_EVERY, Doubt, note_seen

log = logging.getLogger(__name__)

CLOCK_SENTENCES = {
    Doubt.BEHIND: "The server's clock went back, or is behind the last sale. Nothing is sold. Set it; or, if it is "
    "right, run: mwanga clock right",
    Doubt.AHEAD: "The server's clock is over a day ahead of the last sale. Nothing is sold. Set it; or, if it is "
    "right after a pause, run: mwanga clock right",
    Doubt.CLOSED: "A day is closed that is not over by the server's clock. Nothing is sold until it is over. If the "
    "clock is behind, set it.",
}


class ClockWatch:
    """Looks at the clock with the gateways, and raises an alert once for each doubt."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told: Doubt | None = None
        self._seen_at = datetime.min.replace(tzinfo=UTC)

    async def look(self) -> None:
        """Tell what is new."""
        doubt, now = await CLOCK.doubt(), datetime.now(UTC)
        if not doubt and not timedelta(0) <= now - self._seen_at < SEEN_EVERY:
            self._seen_at = now
            async with self._database.work():
                await note_seen(now)
        if doubt and doubt is not self._told:
            log.error("the clock is %s: nothing is sold", doubt.value)
            async with self._database.work():
                await raise_alert(CLOCK_SENTENCES[doubt])
        self._told = doubt
