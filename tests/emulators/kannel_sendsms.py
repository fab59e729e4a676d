"""A Kannel of a few lines, which notes what it is asked to send, and our side of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.gateways.kannel import Kannel

PHONE = "+255710000002"
PASSWORD, SECRET = "a password: 100 %", "kannel's secret / 100 %"
ADDRESS = "http://127.0.0.1:8080"


def gateway(session: object = None, url: str = "", **changes: str) -> Kannel:
    account = {"url": url, "username": "mwanga", "password": PASSWORD, "sender": "15054", "secret": SECRET} | changes
    return Kannel(session, Kannel.Settings(**account), address=ADDRESS, country="TZ")  # type: ignore[arg-type]


@dataclass
class Sendsms:
    """The sendsms address of a Kannel: notes what comes and answers as told."""

    url: str = ""
    answers: list[tuple[int, str]] = field(default_factory=list)
    requests: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    hangs: bool = False

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        self.bodies.append(await request.read())
        if self.hangs:
            await asyncio.Event().wait()
        status, text = self.answers.pop(0) if self.answers else (202, "0: Accepted for delivery")
        return web.Response(status=status, text=text, headers={"Location": "/"} if status == 302 else None)


@asynccontextmanager
async def listening() -> AsyncIterator[Sendsms]:
    """It listens at its `url`."""
    fake, app = Sendsms(), web.Application()
    app.router.add_route("*", "/{path:.*}", fake.handle)
    async with TestServer(app) as server:
        fake.url = str(server.make_url("/cgi-bin/sendsms"))
        yield fake
