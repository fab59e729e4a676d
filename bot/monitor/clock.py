"""Tells the office when the server's clock is in doubt, for nothing is sold meanwhile."""

import logging

from bot.runtime import Database
from models.alerts import raise_alert
from models.clock import CLOCK, Doubt

log = logging.getLogger(__name__)

CLOCK_SENTENCES = {
    Doubt.BEHIND: "The server's clock went back, or is behind the last sale. Nothing is sold. Set it; or, if it is "
    "right, run: mwanga clock right",
    Doubt.AHEAD: "The server's clock is over a day ahead of the last sale. Nothing is sold. Set it; or, if it is "
    "right after a pause, run: mwanga clock right",
}


class ClockWatch:
    """Looks at the clock with the gateways, and raises an alert once for each doubt."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told: Doubt | None = None

    async def look(self) -> None:
        """Tell what is new."""
        doubt = await CLOCK.doubt()
        if doubt and doubt is not self._told:
            log.error("the clock is %s: nothing is sold", doubt.value)
            async with self._database.work():
                await raise_alert(CLOCK_SENTENCES[doubt])
        self._told = doubt
