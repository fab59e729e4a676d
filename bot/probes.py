"""What watches a server: whether it answers, whether it works, and its figures for Prometheus. The last two are for who
has the token; however often they are asked for, they are worked out a few times a second at most."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.edge import may_look
from bot.outbound import queue
from bot.server import SERVER, Server
from models.selling import requests
from models.settings import CURRENCY
from models.sql import execute, now_ms

T = TypeVar("T")
TAKES_WRITES_S = 2
WRITE = "UPDATE setting SET value = value WHERE name = $1"  # of a row that each database has
MOVES_MS = 60_000  # an outbox that did not look at its rows for so long hangs
READY_S, METRICS_S = 1.0, 0.25  # an answer is fresh for so long: /ready writes, /metrics counts what waits
WHO = "Set MWANGA_METRICS_TOKEN and send it as a bearer token, or ask from this machine.\n"


class Remembered(Generic[T]):
    """What is worked out by one at a time, and not again while it is fresh."""

    def __init__(self, work_out: Callable[[Server], Awaitable[T]]) -> None:
        self._work_out, self._one = work_out, asyncio.Lock()
        self._found: T | None = None
        self._at = 0.0

    async def get(self, server: Server, fresh_s: float) -> T:
        async with self._one:
            if self._found is None or time.monotonic() - self._at > fresh_s:
                self._found = await self._work_out(server)
                self._at = time.monotonic()
            return self._found


async def health(_request: web.Request) -> web.Response:
    """The process answers."""
    return web.json_response({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """The database takes writes and the outbox moves: 200, else 503 with what does not."""
    _check(request)
    problems = await request.app[READY].get(request.app[SERVER], READY_S)
    return web.json_response({"ready": not problems, "problems": problems}, status=503 if problems else 200)


async def metrics(request: web.Request) -> web.Response:
    """All figures in Prometheus' text format."""
    _check(request)
    text = await request.app[METRICS].get(request.app[SERVER], METRICS_S)
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _check(request: web.Request) -> None:
    token = request.app[SERVER].config.metrics_token.get_secret_value()
    if not may_look(request, token):
        raise web.HTTPUnauthorized(text=WHO, headers={"WWW-Authenticate": "Bearer"})


async def _problems(server: Server) -> list[str]:
    problems = []
    try:
        async with asyncio.timeout(TAKES_WRITES_S), server.database.work() as db:
            await execute(db, WRITE, [CURRENCY])
    except Exception:
        problems.append("the database takes no writes")
    if now_ms() - (server.outbox.turned_at or server.outbox.started_at) > MOVES_MS:
        problems.append("the outbox does not move")
    return problems


async def _figures(server: Server) -> bytes:
    server.metrics.set_queues(await queue.sizes(), now_ms())
    server.metrics.set_gateways((name, each.state) for name, (_, each) in server.router.watch.gateways.items())
    server.metrics.set_requests(await requests.count_open())
    return server.metrics.text()


READY = web.AppKey("ready", Remembered[list[str]])
METRICS = web.AppKey("metrics", Remembered[bytes])


def add_to(app: web.Application) -> None:
    """Hook the probes into the server."""
    app[READY], app[METRICS] = Remembered(_problems), Remembered(_figures)
    app.add_routes([web.get("/health", health), web.get("/ready", ready), web.get("/metrics", metrics)])
