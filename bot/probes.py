"""What watches a server: whether it answers, whether it works, and its figures for Prometheus."""

import asyncio

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.outbound import queue
from bot.server import SERVER
from models.sql import execute, now_ms

TAKES_WRITES_S = 2
MOVES_MS = 60_000  # an outbox that did not look at its rows for so long hangs


async def health(_request: web.Request) -> web.Response:
    """The process answers."""
    return web.json_response({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """The database takes writes and the outbox moves: 200, else 503 with what does not."""
    server = request.app[SERVER]
    problems = []
    try:
        async with asyncio.timeout(TAKES_WRITES_S), server.database.work() as db:
            await execute(db, "UPDATE setting SET value = value WHERE name = 'demo'")
    except Exception:
        problems.append("the database takes no writes")
    if now_ms() - (server.outbox.turned_at or server.outbox.started_at) > MOVES_MS:
        problems.append("the outbox does not move")
    return web.json_response({"ready": not problems, "problems": problems}, status=503 if problems else 200)


async def metrics(request: web.Request) -> web.Response:
    server = request.app[SERVER]
    server.metrics.set_queues(await queue.sizes(), now_ms())
    server.metrics.set_gateways((name, each.state) for name, (_, each) in server.router.watch.gateways.items())
    return web.Response(body=server.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


ROUTES = [web.get("/health", health), web.get("/ready", ready), web.get("/metrics", metrics)]
