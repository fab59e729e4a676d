"""A server of a few lines for the emulated gateway phone, which shares nothing with ours."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.emulators.android.clock import Clock
from tests.emulators.android.phone import Phone

BARAKA = "+255710000002"
KEY = "a signing key of the server"


class Fake:
    """Answers what the app asks for; a test changes what."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.settings: dict[str, Any] = {"messages": {"processing_order": "FIFO"}, "webhooks": {"signing_key": KEY}}
        self.events = ["WebhooksUpdated", "SettingsUpdated"]
        self.registered: list[str] = []
        self.reports: list[tuple[str, str]] = []
        self.hooks: list[tuple[dict[str, str], str]] = []
        self.hook_status, self.patch_status, self.stream_status = 200, 204, 200
        self.silent = asyncio.Event()
        self.silent.set()
        self.url = ""
        self._streams: list[asyncio.Queue[str | None]] = []

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/device", self._device)
        app.router.add_patch("/device", self._device)
        app.router.add_get("/message", self._pull)
        app.router.add_patch("/message", self._report)
        app.router.add_get("/webhooks", self._webhooks)
        app.router.add_get("/settings", self._settings)
        app.router.add_get("/events", self._stream)
        app.router.add_post("/hook", self._hook)
        return app

    def enqueue(self, number: int, text: str = "Code 123 456 789", **more: Any) -> None:
        message = {"id": f"m{number}", "textMessage": {"text": text}, "phoneNumbers": [BARAKA]}
        self.messages.append(message | {"createdAt": f"2026-11-23T06:00:{number:02d}.000Z"} | more)

    def say(self, event: str, **data: Any) -> None:
        for stream in self._streams:
            stream.put_nowait(f"event: {event}\ndata: {json.dumps(data)}\n\n")

    def end_streams(self) -> None:
        for stream in self._streams:
            stream.put_nowait(None)
        self._streams.clear()

    async def _device(self, request: web.Request) -> web.Response:
        self.registered.append(request.headers["Authorization"])
        given = {"id": "dev_1", "token": "t" * 64, "login": "op1", "password": "secret"}
        return web.json_response(given, status=201)

    async def _pull(self, _request: web.Request) -> web.Response:
        return web.json_response(self.messages)

    async def _report(self, request: web.Request) -> web.Response:
        (report,) = await request.json()
        self.reports.append((report["id"], report["state"]))
        return web.Response(status=self.patch_status)

    async def _webhooks(self, _request: web.Request) -> web.Response:
        events = ("sms:received", "sms:sent", "sms:delivered", "sms:failed", "system:ping", "app:started")
        return web.json_response([{"id": f"wh-{event}", "url": f"{self.url}/hook", "event": event} for event in events])

    async def _settings(self, _request: web.Request) -> web.Response:
        return web.json_response(self.settings)

    async def _hook(self, request: web.Request) -> web.Response:
        self.hooks.append((dict(request.headers), await request.text()))
        await self.silent.wait()
        return web.Response(status=self.hook_status)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self.stream_status != 200:
            return web.Response(status=self.stream_status)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._streams.append(queue)
        await response.write(b":keepalive\n\nevent: Nothing\n\n")
        for event in self.events:
            self.say(event)
        while (said := await queue.get()) is not None:
            await response.write(said.encode())
        return response

    def bodies(self, event: str) -> list[dict[str, Any]]:
        return [body for _, text in self.hooks if (body := json.loads(text))["event"] == event]


@asynccontextmanager
async def listening() -> AsyncIterator[Fake]:
    """It answers at its `url`."""
    fake = Fake()
    async with TestServer(fake.application(), shutdown_timeout=0) as server:
        fake.url = str(server.make_url("")).rstrip("/")
        yield fake
        fake.end_streams()
        fake.silent.set()


@asynccontextmanager
async def linked(fake: Fake, clock: Clock) -> AsyncIterator[Phone]:
    """A phone that is registered there and has its lists."""
    async with Phone(fake.url, clock) as phone:
        await phone.register(code="123456")
        await phone.sync()
        yield phone
