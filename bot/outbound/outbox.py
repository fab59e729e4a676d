"""Sends all SMS that leave: what a transaction has enqueued (enqueue.py) goes after its commit."""

import asyncio
import logging
import os
import secrets
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from tortoise.backends.base.client import BaseDBAsyncClient

from bot.gateways import Gateway
from bot.gateways.errors import Outcome, SendError
from bot.message import Outbound, Receipt, Sent
from bot.outbound import queue
from bot.outbound.failover import Failover
from bot.outbound.lanes import Lane
from bot.outbound.queue import Result
from bot.outbound.receipts import Receipts
from bot.outbound.retry import CAP_MS, COPIES, HARMLESS, TRIES, Claimed, Verdict, interrupted, judge
from bot.routing import NEVER, NOWHERE, Router, states
from bot.runtime import Database, Metrics
from bot.runtime.waiting import wait_for
from models.clock import CLOCK, Doubt
from models.messages import MessageKind, State
from models.sql import connection, now_ms

log = logging.getLogger(__name__)

# How often to look for what nobody told us of. On PostgreSQL other processes write and die; an embedded
# database is ours alone, and only the command line may have turned the switch.
LOOK_MS, LOOK_EMBEDDED_MS = 1_000, 10_000
MORE_MS = 100  # where the last look has left something to be moved
# A row that is with a sender for longer is of a process that died: a request ends after 10 s.
LEASE_MS = 60_000
# How long a token or a reply waits for a phone, or for a gateway that is down, before another one gets it.
FAILOVER_MS = 120_000
# While requests are under way turns are this far apart, so that what comes at once shares a transaction. When a gateway
# has none, what waits for it goes at once: nothing would share it, and another gateway may hang.
GATHER_S = 0.01
# A message comes to each of these once, and is counted then; it may be scheduled again and again.
COUNTED = frozenset((State.SENT, State.UNCERTAIN, State.FAILED, State.EXPIRED))


@dataclass
class _CameBack:
    """What gateways answered, and how it goes with them: written in one unit of work."""

    results: list[Result] = field(default_factory=list)
    changed: list[Lane] = field(default_factory=list)
    heard: list[Lane] = field(default_factory=list)


class Outbox:
    """Sends what is waiting. `run` is its loop, `notify` wakes it after a commit, `stop` drains it.

    In each turn one transaction writes what came back and claims what may go; requests run beside it. Where there is
    one writer, a unit of work that handles messages does both as well.
    """

    def __init__(  # noqa: PLR0913 - all that decides when a message leaves
        self,
        database: Database,
        gateways: Mapping[str, Gateway],
        router: Router,
        metrics: Metrics,
        clock: Callable[[], int] = now_ms,
        random: Random | None = None,
        *,
        failover_ms: int = FAILOVER_MS,
        copies: Mapping[MessageKind, int] = COPIES,
        per_second: Mapping[str, int] | None = None,
        until_morning: Callable[[int], int] = lambda _now: 0,
        on_notify: Sequence[Callable[[Collection[str] | None], None]] = (),
    ) -> None:
        self._database, self._router = database, router
        random, pace = random or Random(), {name: (per_second or {}).get(name, 0) for name in sorted(gateways)}
        self._failover = Failover(router, pace, failover_ms, 0 if database.embedded else LEASE_MS, copies)
        usual = LOOK_EMBEDDED_MS if database.embedded else LOOK_MS
        self._look_every = min(usual, max(LOOK_MS, failover_ms // 10))
        self._copies = copies
        self._metrics = metrics
        self._clock = clock
        self._receipts = Receipts(database, metrics, clock)
        self._lanes = {name: Lane(gateways[name], random, parts) for name, parts in pace.items()}
        self.on_notify = list(on_notify)
        self.shared_time: Callable[[BaseDBAsyncClient, int], Awaitable[int]] = queue.shared_time
        self.until_morning = until_morning
        self._me = _new_name()  # among the senders
        self._results: list[Result] = []  # to be written in the next turn
        self._write_soon: asyncio.TimerHandle | None = None  # calls that turn where nothing else does
        self._along = _CameBack()  # what a unit of work writes that is not committed yet
        self._goes_along = True  # unless such a unit was undone: then a turn writes it alone
        self._requests: set[asyncio.Task[None]] = set()
        self._turning = asyncio.Lock()
        self._wake = asyncio.Event()
        self._gathered = asyncio.Event()  # the next turn has not to wait for more
        self._ahead = 0  # how far the database's clock is ahead of ours
        self._in_doubt = False  # whether our clock seems to be far ahead: nothing ends by it then
        self._look_at = 0  # when the next look is due
        self._running = self._stopping = False
        self.turned_at = 0
        self.started_at = clock()

    @property
    def gateways(self) -> list[str]:
        """The names of the gateways that it sends by."""
        return list(self._lanes)

    @property
    def under_way(self) -> int:
        """How many requests are under way now."""
        return len(self._requests)

    def notify(self, gateways: Collection[str] | None = None) -> None:
        """Rows were committed, for these gateways where it is known: look now. What phones fetch is no work here, so
        that one phone's flood costs the others nothing."""
        lanes = [self._lanes[name] for name in (self._lanes if gateways is None else gateways) if name in self._lanes]
        for lane in lanes:
            lane.wake()
            self._wake.set()
        self._hurry_if_idle(lanes)
        for tell in self.on_notify:
            tell(gateways)

    def note_heard(self, gateway: str) -> None:
        """A gateway called us. A turn that comes anyway writes it down."""
        if lane := self._lanes.get(gateway):
            lane.note_heard(self._clock())

    async def try_again(self, gateway: str) -> None:
        """The office has mended a gateway: forget that it was paused or failed, in the caller's unit of work. Call
        `resume` after its commit."""
        db = connection()
        await states.try_again(db, gateway)
        await queue.hurry(db, gateway, self._clock())

    def resume(self, gateway: str) -> None:
        """Send by a gateway that was mended, and look for what is due."""
        if lane := self._lanes.get(gateway):
            lane.end_pause()
        self._look_at = 0
        self.notify()

    async def claim(self, gateways: Iterable[str]) -> list[tuple[Lane, Claimed]]:
        """Claim what may go by these gateways, in the caller's unit of work, which has just written rows for them, and
        write what came back: neither needs a transaction of its own. Only where `run` sends and has looked how the
        gateways stand, and on an embedded database, whose one writer no other claim comes between. Around the unit of
        work stands `starting`."""
        if not (self._running and self.turned_at and self._database.embedded):
            return []
        db, now = connection(), self._clock()
        if self._may_go_along():
            self._along = self._take()
            await self._write(db, self._along, now)
        lanes = [self._lanes[name] for name in gateways if name in self._lanes]
        for lane in lanes:
            lane.wake()
        return await self._claim_by(lanes, now)

    @asynccontextmanager
    async def starting(self, claimed: Sequence[tuple[Lane, Claimed]]) -> AsyncIterator[None]:
        """Around a unit of work: send what it has claimed when its commit is on the disk. Of one that was undone what
        waits is looked for, by whichever gateway: it may have failed in the middle of claiming. It may also have failed
        by what came back, so that a turn writes that, and no message suffers for it again."""
        try:
            yield
        except BaseException:
            self._goes_along = False
            self._put_back(self._along)
            self._along = _CameBack()
            self.notify()
            raise
        written, self._along = self._along.results, _CameBack()
        self._count(written, [])
        for lane, message in claimed:
            self._start(lane, message)
        if self._has_room():
            self._wake.set()

    async def record_receipt(self, receipt: Receipt) -> bool:
        """Write a delivery report, committed on return; False when no message has its id (yet)."""
        return await self._receipts.record(receipt)

    async def run(self) -> None:
        """Send until `stop` is called. A database that is away is tried again every second."""
        self._running = True
        while not self._stopping:
            self._wake.clear()
            self._gathered.clear()
            try:
                wait = await self.turn()
            except Exception as error:
                log.error("the outbox could not use the database: %s", type(error).__name__)
                wait = 1.0
            await wait_for(self._gathered, GATHER_S)
            await wait_for(self._wake, wait)

    async def stop(self, within: float = 8.0) -> None:
        """Claim nothing more, give the requests under way so many seconds, and write what came of them. One
        that has not ended by then is cut off, and goes again after the next start."""
        self._stopping = True
        self._wake.set()
        self._gathered.set()
        async with self._turning:
            pass  # what a turn has claimed it also starts
        if self._requests:
            _, late = await asyncio.wait(self._requests, timeout=within)
            for request in late:
                request.cancel()
            await asyncio.gather(*late)
        await self.turn()

    async def turn(self) -> float:
        """Write what came back, look after what is due, start what may go. Returns the seconds until the next
        turn has something to do."""
        async with self._turning:
            now = self._clock()
            if now < self.turned_at:
                for lane in self._lanes.values():
                    lane.forget_future(now)
            looking = not self.turned_at <= now < self._look_at
            async with self._writing(now) as (db, results):
                found = await self._look(db, now) if looking else []
                claimed = await self._claim_by(self._lanes.values(), now)
            for lane, message in claimed:
                self._start(lane, message)
            self.turned_at = now
            self._look_at = min([self._look_at, *queue.dues(results)])
        self._count(results, found)
        sent = [each.outcome.external_id for each in results if isinstance(each.outcome, Sent)]
        await self._receipts.settle(None if looking else sent)
        return self._wait()

    def _wait(self) -> float:
        now = self._clock()
        lanes = self._lanes.values()
        if self._results or (not self._stopping and any(lane.room(now) for lane in lanes)):
            return 0
        resuming = [at for lane in lanes if (at := lane.resumes_at(now))]
        # Not longer than to the next look: the clock may have been set back within the turn.
        return max(0, min([self._look_every, *(at - now for at in (self._look_at, *resuming))])) / 1000

    @asynccontextmanager
    async def _writing(self, now: int) -> AsyncIterator[tuple[BaseDBAsyncClient, list[Result]]]:
        """A transaction that begins with writing what came back; if it fails, the next one writes that."""
        back = _CameBack()
        try:
            async with self._database.work() as db:
                back = self._take()  # not before: what was under way may have written it
                await self._write(db, back, now)
                yield db, back.results
        except BaseException:
            self._put_back(back)
            self._look_at = 0  # what it saw to and claimed is to be done again
            if not self._database.embedded:
                # The connection may have broken after the commit. What was claimed then is sent by nobody: under a
                # name that is not ours any more it is taken back, like that of a process that died.
                self._me = _new_name()
            raise
        self._goes_along = True

    def _take(self) -> _CameBack:
        """What came back, for whoever writes it."""
        results, self._results = self._results, []
        if self._write_soon:
            self._write_soon.cancel()
            self._write_soon = None
        lanes = self._lanes.values()
        back = _CameBack(results, [lane for lane in lanes if lane.changed], [lane for lane in lanes if lane.was_heard])
        for lane in lanes:
            lane.changed = lane.was_heard = False
        return back

    async def _write(self, db: BaseDBAsyncClient, back: _CameBack, now: int) -> None:
        await queue.write_results(db, back.results, now)
        for lane in (self._lanes.get(each.to) for each in back.results):
            if lane:
                lane.may_have_more = True
        for lane in back.changed:
            await queue.give_way(db, lane.name, *lane.giving_way)
        await states.hold(db, {lane.name for lane in (*back.changed, *back.heard)})
        await states.write_sending(db, [lane.sending for lane in back.changed], now)
        await states.note_heard(db, {lane.name: lane.heard_at for lane in back.heard})

    def _put_back(self, back: _CameBack) -> None:
        """It was not committed."""
        self._results = back.results + self._results
        for lane in back.changed:
            lane.changed = True
        for lane in back.heard:
            lane.was_heard = True

    def _may_go_along(self) -> bool:
        """Whether what came back may be written beside other work. A turn writes what has to be looked at afterwards:
        what was not sent, and what has a report already."""
        sent = [each.outcome.external_id for each in self._results if isinstance(each.outcome, Sent)]
        return self._goes_along and len(sent) == len(self._results) and not self._receipts.waits_for(sent)

    async def _look(self, db: BaseDBAsyncClient, now: int) -> list[tuple[str, State]]:
        """See to what nobody tells us of: time passes, processes die. Returns the gateway and the state of each row
        that ended by that, or has an unknown outcome."""
        embedded = self._database.embedded
        shared = await self.shared_time(db, now)
        self._ahead = shared - now
        # nobody else sends from an embedded database, whatever the times say: the clock may have been set back
        taken_back = await queue.take_back(db, self._me, sys.maxsize if embedded else shared - LEASE_MS, now)
        given_up = await queue.give_up(db, now, self._copies)  # before the look: it would carry them on
        more = await self._failover.look(db, now, starting=not self.turned_at)
        await queue.promote(db, now, self._copies)  # after the look: what is due may leave its gateway
        if morning := self.until_morning(now):
            await queue.rest(db, morning)
        next_due = await queue.next_due(db, now)
        self._in_doubt = await CLOCK.doubt() is Doubt.AHEAD
        expired = [] if self._in_doubt else await queue.expire(db, now)  # nothing would bring it back
        for name, (until, alert) in (await states.pauses(db)).items():
            if name in self._lanes:
                self._lanes[name].adopt_pause(until, alert, now)
        for lane in self._lanes.values():
            lane.may_have_more = True
        self._look_at = min(now + (MORE_MS if more else self._look_every), next_due or sys.maxsize)
        return taken_back + given_up + expired

    async def _claim_by(self, lanes: Iterable[Lane], now: int) -> list[tuple[Lane, Claimed]]:
        """Claim what may go by these lanes, in the unit of work that is under way."""
        db = connection()
        ready = [] if self._stopping else [lane for lane in lanes if lane.room(now)]
        claimed = []
        for lane in ready:
            room = lane.room(now)
            lane.may_have_more = False  # before looking: notify() may say otherwise meanwhile
            messages = await self._claim_for(lane, room, db, now)
            lane.note_claimed(messages, room, now)
            claimed += [(lane, message) for message in messages]
        return claimed

    async def _claim_for(self, lane: Lane, room: int, db: BaseDBAsyncClient, now: int) -> list[Claimed]:
        parts, per_second = lane.room_for_parts(now), lane.per_second
        return await queue.claim(
            db, lane.name, room, parts=parts, per_second=per_second, me=self._me, now=now, ahead=self._ahead
        )

    def _start(self, lane: Lane, message: Claimed) -> None:
        if message.expires_at <= message.claimed_at:
            # a look ends it, when it has seen that the clock is in no doubt
            again_at = message.claimed_at + (CAP_MS if self._in_doubt else 0)
            self._finish(lane, message, Verdict(State.SCHEDULED, again_at, "", tries=-1))
        elif message.tries > TRIES:
            self._finish(lane, message, Verdict(State.FAILED, message.claimed_at, "too many tries"))
        else:
            lane.under_way += 1
            request = asyncio.create_task(self._request(lane, message))
            self._requests.add(request)
            request.add_done_callback(self._requests.discard)

    async def _request(self, lane: Lane, message: Claimed) -> None:
        outcome = await self._send(lane, message)
        lane.under_way -= 1
        self._finish(lane, message, outcome)

    async def _send(self, lane: Lane, message: Claimed) -> Sent | Verdict:
        try:
            sent = await lane.gateway.send(Outbound(message.id, message.phone, message.text, message.kind))
        except SendError as error:
            trouble = error
        except asyncio.CancelledError:  # by stop()
            return interrupted(message, self._clock())
        except Exception as error:
            # not the error's own words, which may quote the message
            log.error("gateway %s: %s while sending message %d", lane.name, type(error).__name__, message.id)
            trouble = SendError("strange answer")
        else:
            lane.note_sent(message, self._clock())
            return sent
        return self._judge(lane, message, trouble)

    def _judge(self, lane: Lane, message: Claimed, trouble: SendError) -> Verdict:
        now, error = self._clock(), trouble.error
        if error.loggable:
            log.warning("gateway %s: message %d: %s", lane.name, message.id, error.name)
        self._metrics.send_errors.labels(lane.name, error.name).inc()
        wait = lane.note_failure(message, error, trouble.detail, now)
        if error.outcome is Outcome.REFUSED and (other := self._choose_other(lane, message)):
            return Verdict(State.SCHEDULED, now, error.name, to=other)
        return judge(message, error, now, wait)

    def _choose_other(self, lane: Lane, message: Claimed) -> str:
        """Another gateway for a token or a reply that this one refuses, also one that it has to wait for, as for a new
        message: empty when there is none. To one that refused it never goes again."""
        if message.kind not in HARMLESS:
            return ""
        tried = {*message.tried_before.split(), f"{NEVER}{lane.name}"}
        chosen = self._router.gateway_for(message.phone, message.kind, tried)
        return "" if chosen == NOWHERE else chosen

    def _finish(self, lane: Lane, message: Claimed, outcome: Sent | Verdict) -> None:
        self._results.append(Result(lane.name, message, outcome))
        if self._has_room():
            self._wake.set()
            self._hurry_if_idle([lane])
        elif not self._write_soon:  # nothing waits for this to be written: more come back meanwhile
            self._write_soon = asyncio.get_running_loop().call_later(GATHER_S, self._wake.set)

    def _hurry_if_idle(self, lanes: Collection[Lane]) -> None:
        """End the gathering when something may go by these, and none of them has a request under way."""
        if not any(lane.under_way for lane in lanes) and self._has_room(lanes):
            self._gathered.set()

    def _has_room(self, lanes: Iterable[Lane] | None = None) -> bool:
        """Whether a message may wait that may go, by these lanes or by any."""
        now = self._clock()
        return any(lane.room(now) for lane in (self._lanes.values() if lanes is None else lanes))

    def _count(self, results: list[Result], found: list[tuple[str, State]]) -> None:
        reached = Counter((each.gateway, each.state) for each in results)
        reached.update(found)
        for (gateway, state), messages in reached.items():
            if state in COUNTED:
                self._metrics.messages.labels("out", gateway, state).inc(messages)


def _new_name() -> str:
    return f"{os.getpid()}-{secrets.token_hex(4)}"
