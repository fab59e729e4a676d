"""A connection to a gateway on which nothing goes: who ends it."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.app import outgoing


async def test_we_end_it_before_a_gateway_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """Node.js ends it after 5 s: what is written then is lost, and nobody knows that."""
    came_by, passed = [], 0.0

    async def take(request: web.Request) -> web.Response:
        assert request.transport
        came_by.append(request.transport.get_extra_info("peername"))
        return web.Response()

    monkeypatch.setattr("aiohttp.connector.monotonic", lambda: passed)
    app = web.Application()
    app.router.add_get("/", take)
    async with TestServer(app) as gateway, aiohttp.ClientSession(connector=outgoing()) as session:
        for seconds in (0, 1, 4):
            passed += seconds
            async with session.get(gateway.make_url("/")) as answer:
                await answer.read()
    first, second, third = came_by
    assert first == second != third
