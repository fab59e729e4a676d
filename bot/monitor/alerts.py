"""Tells the office when a gateway turns down and when it is well again: by SMS through another one, and by webhook."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from bot.monitor.canary import Canaries
from bot.monitor.webhook import News, Webhook
from bot.outbound.enqueue import NewMessage, enqueue
from bot.outbound.outbox import Outbox
from bot.routing.health import MINUTE, QUIET_MS, Condition, Facts, Health
from bot.routing.router import Router
from bot.runtime.database import Database
from bot.text.gsm import plain
from models.messages.tables import MessageKind
from models.sql import connection, execute, now_ms

log = logging.getLogger(__name__)

LOOK_S = 5.0
AWAY_MS = 2 * MINUTE  # without a look: we were off, or the database was, or the clock was set
LONGEST = 160  # one SMS

# Of several servers the one that changes the row tells it.
DOWN = """INSERT INTO gatewaystate (name, heard_at, sent_at, last_word, paused_until, alert, told, told_at)
  VALUES ($1, 0, 0, '', 0, '', 'down', $2) ON CONFLICT (name) DO UPDATE SET told = 'down', told_at = $2
  WHERE gatewaystate.told <> 'down' RETURNING name"""
AGAIN = "UPDATE gatewaystate SET told = '', told_at = $2 WHERE name = $1 AND told = 'down' RETURNING name"
TEXTED = "SELECT 1 FROM outbox WHERE origin = $1"


class Alerts:
    """Looks at all gateways every few seconds. `phone` is whom an SMS tells, empty for nobody."""

    def __init__(
        self,
        database: Database,
        router: Router,
        outbox: Outbox,
        canaries: Canaries,
        webhook: Webhook,
        phone: str,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._database, self._router, self._outbox = database, router, outbox
        self._canaries, self._webhook, self._phone, self._clock = canaries, webhook, phone, clock
        self._stopping = asyncio.Event()
        self._looked_at = self._back_at = 0

    async def run(self) -> None:
        """Look until stopped. A database that is away is looked at again at the next turn."""
        while not self._stopping.is_set():
            try:
                await self.look()
            except Exception as error:
                log.error("the gateways could not be looked at: %s", type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_S)
        await self._webhook.stop()

    def stop(self) -> None:
        self._stopping.set()

    async def look(self) -> None:
        """One look: what is new is told once, tests that are due go out."""
        now, watch = self._clock(), self._router.watch
        await watch.look()
        if not 0 <= now - self._looked_at <= AWAY_MS:
            self._back_at = now
        self._looked_at = now
        turned = [
            (facts, condition)
            for facts, condition in watch.gateways.values()
            if _turned(facts, condition) and not self._may_come_back(facts, now)
        ]
        late, due = await self._late(), self._canaries.due(now)
        if not turned and not late and not due:
            return
        async with self._database.work():
            told = [news for facts, condition in turned if (news := await self._told(facts, condition, now))]
            texts = [text for news in (*told, *late) if (text := self._text(news))]
            await enqueue(texts, now)
            tested = [await self._canaries.send(facts, number, now) for facts, number in due]
        if texts or any(tested):
            self._outbox.notify()
        for news in told:
            log.warning("%s", news.sentence)
            self._webhook.tell(news)

    def _may_come_back(self, facts: Facts, now: int) -> bool:
        """Whether a phone could not reach us, since it was we who were away, and has had no time to since."""
        return facts.phone and facts.heard_at < self._back_at and now < self._back_at + QUIET_MS

    async def _told(self, facts: Facts, condition: Condition, now: int) -> News | None:
        """The news, unless another server has told it."""
        down = condition.state is Health.DOWN
        if not await execute(connection(), DOWN if down else AGAIN, (facts.name, now)):
            return None
        return News(facts.name, facts.title, "down" if down else "well", condition.reason, now)

    async def _late(self) -> list[News]:
        """What no SMS could tell while all gateways were down together."""
        told = [(facts, condition) for facts, condition in self._router.watch.gateways.values() if facts.told]
        news = [
            News(facts.name, facts.title, "down", condition.reason, facts.told_at)
            for facts, condition in told
            if self._phone and condition.state is Health.DOWN
        ]
        return [each for each in news if not await execute(connection(), TEXTED, (each.origin,))]

    def _text(self, news: News) -> NewMessage | None:
        """The SMS that tells it, by a gateway that works: never by the dead one. It is promised once."""
        if not self._phone:
            return None
        down = news.state == "down"
        gateway = self._router.next_gateway(self._phone, MessageKind.REPLY, {news.gateway})
        gateway = gateway or ("" if down else news.gateway)
        never, text = news.gateway if down else "", plain(news.sentence)[:LONGEST]
        return NewMessage(news.origin, self._phone, text, MessageKind.REPLY, gateway, never=never) if gateway else None


def _turned(facts: Facts, condition: Condition) -> bool:
    """Whether there is news: one that is quiet or paused is as it was told before."""
    return condition.state is (Health.WELL if facts.told else Health.DOWN)
