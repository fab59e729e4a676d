"""The phone's SIMs and what they carried; and the app's queue before them, with its order, pauses and limit."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.emulators.android.clock import Clock, News, Timer
from tests.emulators.android.wire import PERIODS, Outgoing, Sim, parts

# Android stops an app that sends more SMS parts than this in 30 minutes.
SYSTEM_PARTS, SYSTEM_S = 30, 1_800
URGENT = 100  # from this priority on the app knows neither pause nor limit


@dataclass(frozen=True)
class Sms:
    """One message that left by radio, or that the radio refused when there is an `error`."""

    id: str
    phone: str
    text: str
    sim: int
    parts: int
    at: float
    error: str = ""


class Radio:
    """`messages` left, `refused` did not. `refuses` decides: an error's name, or nothing for yes."""

    def __init__(self, clock: Clock, news: News, sims: Sequence[Sim]) -> None:
        self.messages: list[Sms] = []
        self.refused: list[Sms] = []
        self.refuses: Callable[[Sms], str] = lambda _sms: ""
        self.delivers = True
        self._clock, self._news = clock, news
        self._sims = [sim.number for sim in sims]
        self._unread: defaultdict[str, asyncio.Queue[str]] = defaultdict(asyncio.Queue)

    async def send(self, message: Outgoing) -> Sms:
        """By the SIM that was asked for, else by the first."""
        sim = self._sims[0] if message.sim is None else message.sim
        sms = Sms(message.id, message.phone, message.text, sim, parts(message.text), self._clock())
        error = self._missing(sim) or self._system_limit(sms) or self.refuses(sms)
        if error:
            sms = Sms(sms.id, sms.phone, sms.text, sms.sim, sms.parts, sms.at, error)
            self.refused.append(sms)
        else:
            self.messages.append(sms)
            self._unread[sms.phone].put_nowait(sms.text)
        await self._news.tell()
        return sms

    def unread(self, phone: str) -> bool:
        """Whether a receiver has messages to read."""
        return not self._unread[phone].empty()

    async def read(self, phone: str, timeout: float = 60.0) -> str:
        """The oldest message that this receiver has not read yet. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            return await self._unread[phone].get()

    def _missing(self, sim: int) -> str:
        return "" if sim in self._sims else "SIM not found"

    def _system_limit(self, sms: Sms) -> str:
        lately = sum(each.parts for each in self.messages if each.at > sms.at - SYSTEM_S)
        return "RESULT_ERROR_LIMIT_EXCEEDED" if lately + sms.parts > SYSTEM_PARTS else ""


class Queue:
    """What is to be sent, newest first until FIFO is asked for. A new message ends a pause between messages; a
    limit counts messages, and once it is full the app waits a whole period after the last one."""

    def __init__(self, clock: Clock, random: Random, send: Callable[[Outgoing], Awaitable[None]]) -> None:
        self.order = "LIFO"
        self.pause_s = (0, 0)
        self.limit, self.period = 0, "Disabled"
        self.held = False  # the radio is off: nothing leaves
        self.waiting: list[Outgoing] = []
        self._clock, self._random, self._send = clock, random, send
        self._sent_at: list[float] = []
        self._timer: Timer | None = None
        self._working = asyncio.Lock()

    async def work(self) -> None:
        """Send what may go now."""
        if self._timer:
            self._timer.cancel()
        if self._working.locked():
            return  # who works now sees what was added
        async with self._working:
            while self.waiting and not self.held:
                message = self._next()
                if wait := self._limited(message):
                    self._again(wait)
                    return
                self.waiting.remove(message)
                self._sent_at.append(self._clock())
                await self._send(message)
                pause = self._random.uniform(*self.pause_s)
                if pause and self.waiting and self._next().priority < URGENT:
                    self._again(pause)
                    return

    async def rest(self) -> None:
        """Returns when nothing is being sent or reported."""
        async with self._working:
            pass

    def cancel(self, message: Outgoing) -> bool:
        """Whether it was still waiting."""
        if message not in self.waiting:
            return False
        self.waiting.remove(message)
        return True

    def _next(self) -> Outgoing:
        turn = 1 if self.order == "FIFO" else -1
        return min(self.waiting, key=lambda each: (-each.priority, turn * each.created_at))

    def _limited(self, message: Outgoing) -> float:
        period = PERIODS[self.period]
        if not (period and self.limit) or message.priority >= URGENT:
            return 0
        lately = [at for at in self._sent_at if at > self._clock() - period]
        return max(0, lately[-1] + period - self._clock()) if len(lately) >= self.limit else 0

    def _again(self, seconds: float) -> None:
        self._timer = self._clock.later(seconds, self.work)
