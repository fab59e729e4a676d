"""The gateway phones at work: they pull what waits for them, report on it, and are told by their streams when there
is more. One of several servers may be asked at any time, so that all that matters is in the database."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from random import Random
from typing import Any

from bot.android import linking, queue, to_app
from bot.android.from_app import Report
from bot.android.sims import SimChoice, choose_sims
from bot.android.streams import Stream, Streams
from bot.outbound.queue import switched_off
from bot.routing import states
from bot.runtime import Database, Metrics
from bot.runtime.waiting import wait_for
from models.messages import Phone, State, read_sims
from models.rows import find_rows
from models.sql import DAY_MS, HOUR_MS, change, connection, execute, holding, now_ms
from models.vault import Vault

log = logging.getLogger(__name__)
HEARD_MS = 5_000  # a phone calls often; that is written so often at the most
LOOK_MS = 2_000  # how soon we see what another process did: the command line unlinks, another server enqueues
TOLD_MS = 60_000  # a phone that was told and did not ask is told again: it may have lost its network for a moment
MOST_URGENT = 0
# Turns are this far apart, so that what comes at once is one look. What is for a phone that waits for it goes at once.
GATHER_S = 0.05
# The app tries a webhook for some 45 h, and then an export does not bring it again.
LOST_MS = 45 * HOUR_MS
COUNTED = frozenset((State.SENT, State.DELIVERED, State.FAILED, State.UNCERTAIN, State.EXPIRED))

COUNT_WRONG_SIGNATURES = """UPDATE phone SET wrong_signatures = wrong_signatures + $2, wrong_signature_at = $3
  WHERE id = $1"""


class Phones:
    """Gives phones their messages and takes their reports. `run` keeps streams and names up to date, `notify` says that
    rows were committed, `stop` ends all streams."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        metrics: Metrics,
        *,
        network_of: Callable[[str], str] = lambda _phone: "",  # a number's mobile network, or nothing
        clock: Callable[[], int] = now_ms,
        random: Random | None = None,
    ) -> None:
        self.vault, self.clock = vault, clock
        self._database, self._metrics = database, metrics
        self._network_of, self._random = network_of, random or Random()
        self._linked: dict[str, Phone] = {}
        self._streams: dict[str, Streams] = {}
        self._choices: dict[str, SimChoice] = {}
        self._heard: dict[tuple[str, bool], int] = {}
        self._wrong_signatures: Counter[str] = Counter()
        self._asked: dict[str, int] = {}
        self._paused: set[str] = set()
        self._wake = asyncio.Event()
        self._gathered = asyncio.Event()  # the next turn has not to wait for more
        self._look_at = self.turned_at = 0
        self._stopping = False

    def names(self) -> list[str]:
        """The phones to which messages may be given: linked, not paused, new enough, with a SIM that sends."""
        return [name for name, phone in self._linked.items() if _works(phone)]

    def linked(self) -> list[Phone]:
        """All linked phones as they were two seconds ago."""
        return list(self._linked.values())

    async def pull(self, phone: Phone) -> list[dict[str, Any]]:
        """What a phone has pulled and not reported, and what it may carry now: rows of the outbox."""
        now, name = self.clock(), phone.gateway
        streams = self._streams.get(name)
        if streams:
            streams.told_at = 0  # before looking: a row that is committed meanwhile is told again
        async with self._database.work() as db:
            held = await linking.hold(phone)
            if held is None:
                return []
            if _works(held) and not await switched_off(db):
                waiting = await queue.waiting_for(db, name, now)
                pulled = await queue.pulled_lately(db, name, now) if waiting else []
                sims, spaced = read_sims(held.sims), streams is not None
                choice = choose_sims(sims, pulled, waiting, now, spaced=spaced, network_of=self._network_of)
                await queue.hand_over(db, held, choice.chosen, now)
                self._choices[name] = replace(choice, chosen=[])
                self._wake.set()
            return await queue.unreported(db, name)

    async def report(self, phone: Phone, reports: Iterable[Report]) -> int:
        """Write what a phone says of messages, committed on return. Returns how many of them it never pulled."""
        effects = []
        async with self._database.work() as db:
            now = self.clock()
            # What it asks and says in the same moment goes in turn.
            [held] = await find_rows(Phone, f"id = $1{holding('phone')}", [phone.id])
            for report in reports:
                effects.append((report, await queue.apply(db, phone, report, now, self._random)))
            await queue.learn(db, held, effects, now)
        phone.sims = held.sims
        for _, effect in effects:
            if effect.error:
                self._metrics.send_errors.labels(phone.gateway, effect.error).inc()
            if effect.state in COUNTED:
                self._metrics.messages.labels("out", phone.gateway, effect.state).inc()
        return sum(not effect.known for _, effect in effects)

    async def note_heard(self, phone: Phone, *, webhook: bool = False, **news: Any) -> None:
        """A phone called. These fields of it are written where they are new."""
        now = self.clock()
        if webhook:
            news |= _news_after_silence(phone, now)
        news = {field: value for field, value in news.items() if getattr(phone, field) != value}
        late = not 0 <= now - self._heard.get((phone.gateway, webhook), 0) < HEARD_MS
        if late or news:
            news |= {"seen_at": now} | ({"webhook_at": now} if webhook else {})
            async with self._database.work() as db:
                await change("phone", phone.id, **news)
                await states.note_heard(db, {phone.gateway: now})
            vars(phone).update(news)
            self._heard[phone.gateway, webhook] = now
        if webhook and phone.export_since and phone.export_since != self._asked.get(phone.gateway):
            await self._ask_export(phone)

    async def count_wrong_signature(self, phone: Phone) -> None:
        """An event in its name was signed by another key. Anybody can do that: so it does not mean that the phone was
        heard, and it is written every few seconds at the most."""
        now, name = self.clock(), phone.gateway
        self._wrong_signatures[name] += 1
        if now - phone.wrong_signature_at >= HEARD_MS:
            async with self._database.work() as db:
                await execute(db, COUNT_WRONG_SIGNATURES, [phone.id, self._wrong_signatures.pop(name, 0), now])

    async def open_stream(self, phone: Phone) -> Stream:
        """A phone opens its stream. It has asked for webhooks and settings before it was registered, and then asks for
        them only after a day, unless it is told to."""
        stream = self._streams.setdefault(phone.gateway, Streams()).open()
        if self._stopping:
            stream.close()
        stream.send("WebhooksUpdated")
        stream.send("SettingsUpdated")
        try:
            await self.note_heard(phone, push=False)
            if not phone.export_since and 0 < phone.webhook_at < self.clock() - HOUR_MS:
                phone.export_since = phone.webhook_at
            if phone.export_since:
                await self._ask_export(phone)
            if phone.paused:
                await self._ask_back(phone.gateway)
        except BaseException:
            self.close_stream(phone, stream)
            raise
        self.notify([phone.gateway])
        return stream

    def close_stream(self, phone: Phone, stream: Stream) -> None:
        """The stream has ended."""
        streams = self._streams[phone.gateway]
        streams.remove(stream)
        if not streams:
            del self._streams[phone.gateway]

    async def _ask_export(self, phone: Phone) -> None:
        """Ask for the SMS that it got since its last webhook. The app chooses them by the time at which the operator's
        centre got each: that time may be hours wrong, and the SMS long on its way, so we ask for a day more on both
        sides. The app tells nothing twice. What is older than the link is none of ours."""
        streams, now = self._streams.get(phone.gateway), self.clock()
        if streams is None:
            return
        self._asked[phone.gateway] = phone.export_since
        since = max(phone.linked_at, phone.export_since - DAY_MS)
        streams.send("MessagesExportRequested", to_app.export_request(since, now + DAY_MS))
        async with self._database.work():
            await change("phone", phone.id, export_since=0)

    def remember(self, phone: Phone) -> None:
        """This is a linked phone as it was read just now: it need not wait for the next look."""
        self._linked[phone.gateway] = phone

    def notify(self, gateways: Collection[str] | None = None) -> None:
        """Rows were committed, for these gateways where it is known: tell the phones that wait. One that was told, or
        that rests between two messages, is at work: what comes for it meanwhile is gathered, as is what comes for
        nobody here, or for whom is not known, which most often is no phone."""
        self._wake.set()
        now = self.clock()
        if any(self._listens(name, now) and self._is_rested(name, now) for name in gateways or ()):
            self._gathered.set()

    async def run(self) -> None:
        """Tell phones of what waits for them until `stop` is called."""
        while not self._stopping:
            self._wake.clear()
            self._gathered.clear()
            try:
                await self.turn()
            except Exception as error:
                log.error("the phones could not use the database: %s", type(error).__name__)
                self._look_at = self.clock() + LOOK_MS
            await wait_for(self._gathered, min(GATHER_S, self._wait()))
            await wait_for(self._wake, self._wait())

    def stop(self) -> None:
        """End all streams at once: the phones come again when we are back."""
        self._stopping = True
        for streams in self._streams.values():
            streams.close()
        self._wake.set()
        self._gathered.set()

    async def turn(self) -> None:
        """See who is linked, and tell those of messages for whom some wait and may go."""
        now = self.clock()
        if now < self.turned_at:  # the clock was set back
            self._look_at, self._choices = 0, {}
            for each in self._streams.values():
                each.told_at = 0
        self.turned_at = now
        if now >= self._look_at:
            await self.look()
            self._look_at = now + LOOK_MS
        asked = [name for name in self._streams if self._listens(name, now) and self._may_go(name, MOST_URGENT, now)]
        waiting = await queue.with_waiting(connection(), asked, now) if asked else {}
        for name, priority in waiting.items():
            if (streams := self._streams.get(name)) and self._may_go(name, priority, now):
                streams.told_at = now
                streams.send("MessageEnqueued")

    def _listens(self, name: str, now: int) -> bool:
        """Whether this is a phone that can be told: it has a stream, and was not told already."""
        phone, streams = self._linked.get(name), self._streams.get(name)
        return bool(phone and _works(phone) and streams and streams.told_at <= now - TOLD_MS)

    def _is_rested(self, name: str, now: int) -> bool:
        """Whether its pace allows a phone one more message."""
        last = self._choices.get(name)
        return last is None or last.ready_at <= now

    def _may_go(self, name: str, priority: int, now: int) -> bool:
        """Whether a phone may get such a message: its pace allows one, or it is more urgent than what has to wait."""
        return self._is_rested(name, now) or priority < self._choices[name].priority

    async def look(self) -> None:
        """See who is linked, which another process may have changed."""
        rows = await find_rows(Phone, "linked_at > 0 AND unlinked_at = 0 ORDER BY id")
        self._linked = {phone.gateway: phone for phone in rows}
        for name in self._streams.keys() - self._linked.keys():  # unlinked
            self._streams[name].close()
        paused = {name for name, phone in self._linked.items() if phone.paused}
        for name in paused - self._paused:
            await self._ask_back(name)
        self._paused = paused
        for phone in self.linked():  # a webhook may have come to another server
            if phone.export_since and phone.export_since != self._asked.get(phone.gateway):
                await self._ask_export(phone)
        await self._see_who_asked()

    async def _see_who_asked(self) -> None:
        """A phone that was told here may have asked another server."""
        told = {name: streams for name, streams in self._streams.items() if streams.told_at}
        if told:
            since = min(streams.told_at for streams in told.values())
            for name, at in (await queue.last_pulls(connection(), list(told), since)).items():
                if at > told[name].told_at:
                    told[name].told_at = 0

    async def _ask_back(self, name: str) -> None:
        """Ask a phone that was paused for what it has not sent yet. It reports what it gives back."""
        if streams := self._streams.get(name):
            for row in await queue.unreported(connection(), name):
                streams.send("MessageCancelled", {"messageId": row["external_id"]})

    async def forget_receivers(self, most: int) -> int:
        """Forget whom the SIM cards wrote to before this month, at most so many, in the caller's unit of work.
        Returns how many."""
        return await queue.forget_receivers(connection(), self.clock(), most)

    def _wait(self) -> float:
        """Seconds until the next look, or until a phone may get more, which the last turn has not seen yet. The clock
        may have been set back within that turn."""
        waiting = [each.ready_at for name, each in self._choices.items() if name in self._streams]
        due = min([self._look_at, *(at for at in waiting if at > self.turned_at)])
        return max(0, min(LOOK_MS, due - self.clock())) / 1000


def _works(phone: Phone) -> bool:
    """Whether messages may be given to a phone."""
    return not phone.paused and not phone.unlinked_at and not phone.stopped


def _news_after_silence(phone: Phone, now: int) -> dict[str, Any]:
    """What changes of a phone when a webhook comes after more than an hour without one."""
    silent = now - phone.webhook_at
    if not phone.webhook_at or silent <= HOUR_MS:
        return {}
    news: dict[str, Any] = {"export_since": phone.export_since or phone.webhook_at}
    if silent > LOST_MS:
        since = to_app.date(phone.webhook_at)[:16].replace("T", " ")
        news["lost"] = f"It was silent for {silent // HOUR_MS} h from {since} UTC: SMS of that time may be lost."
    return news
