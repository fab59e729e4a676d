"""The phone's connection: requests and the event stream, as the app makes them, when there is a network."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import aiohttp

from tests.emulators.android.clock import Clock, Job, News, Timer

STREAM_SILENCE_S = 3_600  # the app's read time-out on the stream; the server's keep-alive comes each 15 s


class NoAnswer(Exception):
    """No network, no server, or silence for too long."""


class Answer(NamedTuple):
    status: int
    body: Any

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class Call:
    """One request that was answered."""

    method: str
    path: str
    status: int


class Line:
    """Requests with the app's patience: 30 s in all, `silence` seconds to connect and between bytes."""

    def __init__(self, agent: str) -> None:
        self.online = True
        self.silence = 5.0
        self.calls: list[Call] = []
        self.agent = agent
        self._waiting: list[Job] = []
        self._client: aiohttp.ClientSession | None = None

    @property
    def client(self) -> aiohttp.ClientSession:
        if self._client is None:
            self._client = aiohttp.ClientSession(headers={"User-Agent": self.agent})
        return self._client

    async def close(self) -> None:
        if self._client:
            await self._client.close()

    async def request(self, method: str, url: str, body: Any = None, **headers: str) -> Answer:
        """The answer, its body read as JSON where it is. Raises NoAnswer."""
        if not self.online:
            raise NoAnswer("no network")
        data = body if body is None or isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        kind = {} if data is None else {"Content-Type": "application/json"}
        patience = aiohttp.ClientTimeout(total=30, sock_connect=self.silence, sock_read=self.silence)
        try:
            async with self.client.request(
                method, url, data=data, headers=kind | headers, timeout=patience
            ) as response:
                text = await response.text()
                self.calls.append(Call(method, response.url.path, response.status))
                is_json = response.content_type == "application/json" and text
                return Answer(response.status, json.loads(text) if is_json else text)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoAnswer(type(error).__name__) from error

    async def when_online(self, job: Job) -> None:
        """Run a job now, or once there is a network."""
        if self.online:
            await job()
        else:
            self._waiting.append(job)

    async def comes_online(self) -> None:
        """What waited for a network runs, in its order."""
        self.online = True
        waiting, self._waiting = self._waiting, []
        for job in waiting:
            await self.when_online(job)


class Stream:
    """The event stream. When it breaks it is opened again after 5 s five times, then 30 s to the tenth, then 60 s.

    Each start of the app opens one more and forgets the one before, which stays open. The end of any of them cuts the
    newest as well, and each of those cut is opened again. `opened` runs on each opening, `heard` for each event with
    its data; a nameless event is MessageEnqueued.
    """

    def __init__(
        self,
        line: Line,
        url: str,
        clock: Clock,
        news: News,
        opened: Callable[[], Coroutine[Any, Any, None]],
        heard: Callable[[str, Mapping[str, Any]], Coroutine[Any, Any, None]],
    ) -> None:
        self.url, self.token = url, ""
        self.open = 0
        self.events: list[str] = []
        self.failures = 0
        self.keep_alives = 0
        self._line, self._clock, self._news = line, clock, news
        self._opened, self._heard = opened, heard
        self._newest: asyncio.Task[None] | None = None
        self._sources: set[asyncio.Task[None]] = set()
        self._working: set[asyncio.Task[None]] = set()
        self._again: list[Timer] = []
        self._dropped = False

    async def connect(self) -> None:
        """Try once; on failure the next try is scheduled. Returns when the stream is open or has failed."""
        self._dropped = False
        answered = asyncio.get_running_loop().create_future()
        source = self._newest = asyncio.create_task(self._listen(answered))
        self._sources.add(source)
        source.add_done_callback(lambda _: self._ended(source, answered))
        await answered

    async def drop(self) -> None:
        """Close all and schedule nothing."""
        self._dropped = True
        for timer in self._again:
            timer.cancel()
        await self._cut()

    async def close(self) -> None:
        """Drop it and let what it began come to its end."""
        await self.drop()
        if self._working:
            await asyncio.wait(self._working)

    async def fail(self) -> None:
        """The network is gone: as if the connections broke."""
        await self._cut()

    async def _cut(self) -> None:
        sources = self._sources - {asyncio.current_task()}
        for source in sources:
            source.cancel()
        if sources:
            await asyncio.wait(sources)

    async def _listen(self, answered: "asyncio.Future[None]") -> None:
        # Cancelled by `drop`, with the network, or by the end of another one.
        with suppress(aiohttp.ClientError, TimeoutError, NoAnswer, asyncio.CancelledError):
            await self._follow(answered)

    def _ended(self, source: "asyncio.Task[None]", answered: "asyncio.Future[None]") -> None:
        """Called for one that was cut before it began as well, of which `_listen` knows nothing."""
        self._sources.discard(source)
        if not answered.done():
            answered.set_result(None)
        if not self._dropped:
            self._reconnect(source)
        self._begin(self._news.tell())

    async def _follow(self, answered: "asyncio.Future[None]") -> None:
        if not self._line.online:
            raise NoAnswer("no network")
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=STREAM_SILENCE_S)
        # The stream is another client of the app's than the one that names the version.
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "text/event-stream", "User-Agent": "okhttp"}
        async with self._line.client.get(self.url, headers=headers, timeout=timeout) as response:
            self._line.calls.append(Call("GET", response.url.path, response.status))
            if response.status != 200 or response.content_type != "text/event-stream":
                raise NoAnswer(f"{response.status} {response.content_type}")
            self.open, self.failures = self.open + 1, 0
            try:
                answered.set_result(None)
                await self._work(self._opened())
                await self._read(response.content)
            finally:
                self.open -= 1

    def _reconnect(self, after: "asyncio.Task[None]") -> None:
        self.failures += 1
        if self._newest and self._newest is not after:
            self._newest.cancel()
        self._newest = None
        seconds = 5 if self.failures <= 5 else 30 if self.failures <= 10 else 60
        self._again.append(self._clock.later(seconds, self.connect))

    async def _read(self, lines: aiohttp.StreamReader) -> None:
        name, data = "", None
        while line := await lines.readline():
            field, _, value = line.decode().rstrip("\r\n").partition(":")
            match field:
                case "event":
                    name = value.removeprefix(" ")
                case "data":
                    data = value.removeprefix(" ")
                case "" if value or line.startswith(b":"):
                    self.keep_alives += 1
                case "":
                    if data is not None:  # an event without data is none
                        await self._event(name or "MessageEnqueued", data)
                    name, data = "", None

    async def _event(self, name: str, data: str) -> None:
        await self._work(self._heard(name, json.loads(data) if data.strip() else {}))
        self.events.append(name)
        await self._news.tell()

    async def _work(self, job: Coroutine[Any, Any, None]) -> None:
        """The app's workers go on when the stream that woke them breaks."""
        await asyncio.shield(self._begin(job))

    def _begin(self, job: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(job)
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return task
