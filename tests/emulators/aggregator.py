"""An aggregator in a few lines: the one that PIGEON describes, or another by the answers that it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class Aggregator:
    """Takes forms, notes them with the keys that came along, and answers as told."""

    url: str = ""
    answers: list[tuple[int, str]] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)
    hangs: bool = False
    let_go: asyncio.Event = field(default_factory=asyncio.Event)  # it hangs no longer
    breaks: bool = False  # the connection, when it has the message

    async def handle(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        async with self.came:
            self.keys.append(request.headers.get("Authorization", ""))
            self.forms.append({name: str(value) for name, value in form.items()})
            self.came.notify_all()
        if self.hangs:
            await self.let_go.wait()
        if self.breaks and request.transport:
            request.transport.close()
            return web.Response()
        status, text = self.answers.pop(0) if self.answers else (200, self.taken(len(self.forms)))
        response = web.StreamResponse(status=status, headers={"Location": "/"} if status == 302 else None)
        await response.prepare(request)
        for piece in filter(None, (text[:9], text[9:])):  # an answer need not come in one
            await response.write(piece.encode())
        return response

    @staticmethod
    def taken(number: int) -> str:
        return f'{{"ok": true, "data": [{{"id": "p{number}", "cost": "TZS 20"}}]}}'

    async def wait_for(self, count: int) -> list[dict[str, str]]:
        async with asyncio.timeout(60), self.came:
            await self.came.wait_for(lambda: len(self.forms) >= count)
        return self.forms


@asynccontextmanager
async def listening() -> AsyncIterator[Aggregator]:
    """It listens at its `url`."""
    fake, app = Aggregator(), web.Application()
    app.router.add_route("*", "/{path:.*}", fake.handle)
    async with TestServer(app) as server:
        fake.url = str(server.make_url("/send"))
        yield fake
