"""Time for emulated phones: it stands still until a test moves it, and what is due on the way runs then."""

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

START = 1_795_417_200.0  # 2026-11-23 07:00:00 UTC

Job = Callable[[], Awaitable[object]]
_numbers = itertools.count()


@dataclass(order=True)
class Timer:
    """A job that will run at this Unix time, in seconds, unless it is cancelled."""

    at: float
    number: int
    job: Job = field(compare=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Unix time in seconds. `moved` is told each new time, for a test that moves the server's time as well."""

    def __init__(self, now: float = START, moved: Callable[[float], object] = lambda _now: None) -> None:
        self._now = now
        self._moved = moved
        self._timers: list[Timer] = []

    def __call__(self) -> float:
        return self._now

    def later(self, seconds: float, job: Job) -> Timer:
        """Run a job once so much time has passed."""
        timer = Timer(self._now + seconds, next(_numbers), job)
        heapq.heappush(self._timers, timer)
        return timer

    async def forward(self, seconds: float) -> None:
        """Let time pass; each job runs at its own time, and what it schedules within the span runs as well."""
        until = self._now + seconds
        while self._timers and self._timers[0].at <= until:
            timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                self._set(max(self._now, timer.at))
                await timer.job()
        self._set(until)

    def _set(self, now: float) -> None:
        self._now = now
        self._moved(now)


class News:
    """Tells those who wait for something that something has changed."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()

    async def tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, true: Callable[[], object], timeout: float = 60.0) -> None:
        """Returns once it is true; looked at after each change. Raises TimeoutError after real seconds."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(lambda: bool(true()))
