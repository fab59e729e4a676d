"""Tells the office when the server's clock is in doubt, for nothing is sold meanwhile: by SMS and by webhook."""

import logging

from bot.monitor.webhook import News, Webhook
from bot.outbound import NewMessage, Outbox, enqueue
from bot.routing import Router
from bot.runtime import Database
from models.clock import CLOCK, Doubt
from models.messages import MessageKind

log = logging.getLogger(__name__)

CLOCK_SENTENCES = {
    Doubt.BEHIND: "The server's clock went back, or is behind the last sale. Nothing is sold. Set it; or, if it is "
    "right, run: mwanga clock right",
    Doubt.AHEAD: "The server's clock is over a day ahead of the last sale. Nothing is sold. Set it; or, if it is "
    "right after a pause, run: mwanga clock right",
}


class ClockWatch:
    """Looks at the clock with the gateways, and tells a doubt once."""

    def __init__(self, database: Database, router: Router, outbox: Outbox, webhook: Webhook, phone: str) -> None:
        self._database, self._router, self._outbox = database, router, outbox
        self._webhook, self._phone = webhook, phone
        self._told: Doubt | None = None

    async def look(self, now: int) -> None:
        """Tell what is new; `now` in milliseconds."""
        doubt = await CLOCK.doubt()
        if doubt and doubt is not self._told:
            log.error("the clock is %s: nothing is sold", doubt.value)
            self._webhook.tell(News("", "clock", doubt.value, CLOCK_SENTENCES[doubt], now))
            if self._phone:
                await self._write(doubt, now)
        self._told = doubt

    async def _write(self, doubt: Doubt, now: int) -> None:
        gateway = self._router.gateway_for(self._phone, MessageKind.REPLY)
        origin = f"clock {doubt.value} {now}"
        async with self._database.work():
            await enqueue([NewMessage(origin, self._phone, CLOCK_SENTENCES[doubt], MessageKind.REPLY, gateway)], now)
        self._outbox.notify()
