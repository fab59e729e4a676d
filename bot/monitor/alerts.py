"""Tells the office when a gateway turns down and when it is well again, and what else it has to know at once: by SMS,
of a gateway through another one, and by webhook."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from bot.monitor.canary import Canaries
from bot.monitor.clock import ClockWatch
from bot.monitor.webhook import News, Notice, Webhook
from bot.outbound import NewMessage, Outbox, enqueue
from bot.routing import Condition, Facts, Health, Router, states
from bot.routing.health import QUIET_MS
from bot.runtime import Database
from bot.text import plain
from models import alerts
from models.audit import record
from models.messages import MessageKind, beats
from models.sql import DAY_MS, MINUTE_MS, connection, execute, now_ms

log = logging.getLogger(__name__)

LOOK_S = 5.0
AWAY_MS = 2 * MINUTE_MS  # without a look: we were off, or the database was, or the clock was set
LONGEST = 160  # one SMS
LIFE_MS = 3 * DAY_MS  # of that SMS: all gateways may be away for a night and longer

# One that is quiet may carry messages.
BEATS = {
    Health.WELL: beats.UP,
    Health.QUIET: beats.UP,
    Health.DOWN: beats.DOWN,
    Health.PAUSED: beats.PAUSED,
}
HAS_SMS = "SELECT 1 FROM outbox WHERE origin = $1"


class Alerts:
    """Looks at all gateways every few seconds, and tells what is new."""

    def __init__(
        self,
        database: Database,
        router: Router,
        outbox: Outbox,
        canaries: Canaries,
        webhook: Webhook,
        phone: str,  # whom an SMS tells; empty for nobody
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._database, self._router, self._outbox = database, router, outbox
        self._canaries, self._webhook, self._phone, self._clock = canaries, webhook, phone, clock
        self._clock_watch = ClockWatch(database)
        self._stopping = asyncio.Event()
        self._looked_at = 0
        self._noted_at = 0  # when it was written down how each gateway is
        self._back_at = 0  # when we looked again after we, or the database, were away

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
        """Take one look: tell what is new, once, and send the tests that are due."""
        now, watch = self._clock(), self._router.watch
        await watch.look()
        if not 0 <= now - self._looked_at <= AWAY_MS:
            self._back_at = now
        self._looked_at = now
        await self._clock_watch.look()
        await self._note_beats(now)
        await self._tell_notices(now)
        turned = [
            (facts, condition)
            for facts, condition in watch.gateways.values()
            if _is_news(facts, condition) and not self._may_come_back(facts, now)
        ]
        untold, due = await self._find_untold(), self._canaries.due(now)
        if not turned and not untold and not due:
            return
        async with self._database.work():
            told = [news for facts, condition in turned if (news := await self._begin_to_tell(facts, condition, now))]
            messages = [message for news in (*told, *untold) if (message := self._message(news))]
            await enqueue(messages, now)
            tested = [await self._canaries.send(facts, number, now) for facts, number in due]
        if messages or any(tested):
            self._outbox.notify()
        for news in told:
            log.warning("%s", news.sentence)
            self._webhook.tell(news)

    async def _note_beats(self, now: int) -> None:
        """Write down once a minute how each gateway is, for the bars of the office's first page."""
        if 0 <= now - self._noted_at < MINUTE_MS:
            return
        watched = {name: condition.state for name, (_facts, condition) in self._router.watch.gateways.items()}
        states = dict.fromkeys(self._outbox.gateways, Health.WELL) | watched  # the simulator is always well
        async with self._database.work():
            await beats.note({name: BEATS[state] for name, state in states.items()}, now)
        self._noted_at = now

    def test_number(self, gateway: str) -> str:
        """Where the test messages of a gateway go; empty where nobody knows."""
        return self._canaries.number_of(gateway)

    async def test_now(self, gateway: str, *, actor: str) -> bool:
        """Send a test message by this gateway now. False where it has no number to go to."""
        async with self._database.work():
            sent = await self._canaries.send_now(gateway, self._clock())
            if sent:
                await record(actor, "gateway test", gateway)
        if sent:
            self._outbox.notify()
        return sent

    async def _tell_notices(self, now: int) -> None:
        """Tell what was written down with what happened."""
        if not await alerts.is_any_untold():
            return
        async with self._database.work():
            told = [Notice(each.id, each.sentence, each.created_at) for each in await alerts.take_untold()]
            if self._phone:
                await enqueue([self._notice(each) for each in told], now)
        if self._phone:
            self._outbox.notify()
        for each in told:
            log.warning("the office is told", extra={"notice": each.id})
            self._webhook.tell(each)

    def _notice(self, notice: Notice) -> NewMessage:
        gateway = self._router.gateway_for(self._phone, MessageKind.REPLY)
        text = plain(notice.sentence)[:LONGEST]
        return NewMessage(notice.origin, self._phone, text, MessageKind.REPLY, gateway, life=LIFE_MS)

    def _may_come_back(self, facts: Facts, now: int) -> bool:
        """Whether a phone could not reach us, since we were away, and has not had the time to come back."""
        return facts.phone and facts.heard_at < self._back_at and now < self._back_at + QUIET_MS

    async def _begin_to_tell(self, facts: Facts, condition: Condition, now: int) -> News | None:
        """Write that the office is told, and return the news; nothing when another server tells it."""
        down = condition.state is Health.DOWN
        tell = states.tell_down if down else states.tell_well
        if not await tell(connection(), facts.name, now):
            return None
        return News(facts.name, facts.title, "down" if down else "well", condition.reason, now)

    async def _find_untold(self) -> list[News]:
        """What no SMS could tell so far, since all gateways were down together."""
        told = [(facts, condition) for facts, condition in self._router.watch.gateways.values() if facts.told]
        news = [
            News(facts.name, facts.title, "down", condition.reason, facts.told_at)
            for facts, condition in told
            if self._phone and condition.state is Health.DOWN
        ]
        return [each for each in news if not await execute(connection(), HAS_SMS, (each.origin,))]

    def _message(self, news: News) -> NewMessage | None:
        """The SMS that tells it, by a gateway that works: never by the dead one. It is sent once."""
        if not self._phone:
            return None
        down = news.state == "down"
        gateway = self._router.next_gateway(self._phone, MessageKind.REPLY, {news.gateway})
        gateway = gateway or ("" if down else news.gateway)
        if not gateway:
            return None
        never, text = news.gateway if down else "", plain(news.sentence)[:LONGEST]
        return NewMessage(news.origin, self._phone, text, MessageKind.REPLY, gateway, never=never, life=LIFE_MS)


def _is_news(facts: Facts, condition: Condition) -> bool:
    """Whether the office was told otherwise. A gateway that is quiet or paused is as it was told before."""
    return condition.state is (Health.WELL if facts.told else Health.DOWN)
