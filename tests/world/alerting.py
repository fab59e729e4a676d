"""An office that is told of its gateways: who gets an SMS, and a webhook that keeps what it gets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.monitor import Alerts, Canaries, Signs, Webhook
from bot.runtime import Database
from bot.text.numbers import Sender, SenderKind
from models.vault import Vault
from tests.world.outbox_rig import Bench

BOSS = "+255700000009"
SECRET = "a secret of the webhook"
AIRTIME = r"salio lako ni (?:TZS )?([0-9.,]+)"


class Posts:
    """The webhook: what it got, and the status that it answers."""

    def __init__(self) -> None:
        self.status, self.got = 200, list[tuple[Any, bytes]]()

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((request.headers, await request.read()))
        return web.Response(status=self.status)


class Office:
    """Two gateways, two phones, somebody who is told by SMS, and a webhook that keeps what it gets."""

    def __init__(self, bench: Bench, session: aiohttp.ClientSession, url: str, posts: "Posts") -> None:
        self.bench, self.session, self.url, self.posts = bench, session, url, posts
        self.signs = Signs(Vault("s" * 32), AIRTIME)
        self.webhooks: list[Webhook] = []
        self.alerts = self.another()

    def another(self, numbers: dict[str, str] | None = None) -> Alerts:
        """What one more server would run."""
        bench, webhook = self.bench, Webhook(self.session, self.url, SECRET, (0.0, 0.0))
        self.webhooks.append(webhook)
        canaries = Canaries(self.signs, bench.router.watch, numbers or {})
        return Alerts(bench.database, bench.router, bench.outbox, canaries, webhook, BOSS, bench.clock)

    async def fails(self, *names: str) -> None:
        for name in names:
            await self.bench.sql(
                "INSERT INTO gatewaystate (name, heard_at, sent_at, last_word, paused_until, alert, failures, "
                "failed_at) VALUES ($1, 0, 0, '', 0, '', 3, $2) "
                "ON CONFLICT (name) DO UPDATE SET failures = 3, failed_at = $2",
                name,
                self.bench.clock(),
            )

    async def recovers(self, name: str) -> None:
        await self.bench.sql("UPDATE gatewaystate SET failures = 0 WHERE name = $1", name)

    async def texts(self) -> list[str]:
        return [row["text"] for row in await self.bench.sql("SELECT text FROM outbox ORDER BY id")]

    async def gateways(self) -> list[str]:
        return [row["gateway"] for row in await self.bench.sql("SELECT gateway FROM outbox ORDER BY id")]

    async def read(self, gateway: str, text: str, kind: SenderKind = SenderKind.NUMBER) -> str:
        async with self.bench.database.work():
            sender = Sender(kind, "+255620000001")
            return await self.signs.note_test(text) or await self.signs.note_airtime(gateway, sender, text)

    async def state(self, name: str) -> dict[str, Any]:
        return (await self.bench.sql("SELECT * FROM gatewaystate WHERE name = $1", name))[0]


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[Office]:
    """An office over this database, until the end of the test."""
    posts = Posts()
    app = web.Application()
    app.router.add_post("/", posts.take)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        office = Office(Bench(database), session, str(server.make_url("/")), posts)
        yield office
        for webhook in office.webhooks:
            await webhook.stop()
