"""The office hears once that a gateway is down and once that it is well again; test messages; airtime."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.alerts import Alerts, News, Webhook
from bot.canary import EVERY_MS, Canaries, Signs
from bot.database import Database
from bot.health import Health
from bot.parts import Mwanga
from bot.phone import Sender, SenderKind
from models.phones import Sim, write_sims
from models.vault import Vault
from tests.sending import MINUTE, SECOND, START, Bench
from tests.world import Phones

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
            return await self.signs.read(gateway, Sender(kind, "+255620000001"), text)

    async def state(self, name: str) -> dict[str, Any]:
        return (await self.bench.sql("SELECT * FROM gatewaystate WHERE name = $1", name))[0]


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    posts = Posts()
    app = web.Application()
    app.router.add_post("/", posts.take)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        office = Office(Bench(database), session, str(server.make_url("/")), posts)
        yield office
        for webhook in office.webhooks:
            await webhook.stop()


DOWN = "Gateway africastalking is down. Nothing could be handed to it, 3 times in a row."


async def test_down_and_well_again_are_told_once_each_by_another_gateway(office: Office) -> None:
    await office.alerts.look()
    await office.fails("africastalking")
    for _ in range(3):
        await office.alerts.look()
    await office.recovers("africastalking")
    for _ in range(3):
        await office.alerts.look()
    assert await office.texts() == [DOWN, "Gateway africastalking is well again."]
    assert await office.gateways() == ["kannel", "kannel"]
    first, second = await office.bench.sql("SELECT phone, former FROM outbox ORDER BY id")
    assert (first["phone"], first["former"], second["former"]) == (BOSS, "africastalking ", "")


async def test_a_gateway_that_is_tried_again_is_not_told_as_well(office: Office) -> None:
    await office.fails("africastalking")
    await office.alerts.look()
    office.bench.clock.now += 5 * MINUTE
    await office.alerts.look()
    assert office.bench.router.watch.state("africastalking") is Health.QUIET
    await office.fails("africastalking")
    await office.alerts.look()
    assert await office.texts() == [DOWN]


async def test_of_two_servers_one_tells(office: Office) -> None:
    await office.fails("africastalking")
    await asyncio.gather(office.alerts.look(), office.another().look())
    assert await office.texts() == [DOWN]
    await office.recovers("africastalking")
    await asyncio.gather(office.alerts.look(), office.another().look())
    assert len(await office.texts()) == 2


async def test_with_no_other_gateway_that_carries_it_only_the_webhook_tells(office: Office) -> None:
    await office.fails("africastalking", "kannel")
    await office.alerts.look()
    assert await office.texts() == []
    await told(office, 2)
    assert {json.loads(body)["gateway"] for _, body in office.posts.got} == {"africastalking", "kannel"}


async def told(office: Office, posts: int) -> None:
    async with asyncio.timeout(5):
        while len(office.posts.got) < posts:
            await asyncio.sleep(0)


async def test_the_webhook_gets_it_as_signed_json(office: Office) -> None:
    await office.fails("kannel")
    await office.alerts.look()
    await told(office, 1)
    headers, body = office.posts.got[0]
    reason = "Nothing could be handed to it, 3 times in a row."
    assert json.loads(body) == {
        "gateway": "kannel",
        "title": "kannel",
        "state": "down",
        "reason": reason,
        "at": START,
    }
    signed = hmac.new(SECRET.encode(), body + headers["X-Mwanga-Timestamp"].encode(), hashlib.sha256).hexdigest()
    assert headers["X-Mwanga-Signature"] == signed
    assert headers["Content-Type"] == "application/json"


async def test_a_webhook_that_fails_is_tried_thrice_and_holds_up_nothing(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.posts.status = 500
    await office.fails("kannel")
    await office.alerts.look()
    assert len(await office.texts()) == 1
    await told(office, 3)
    async with asyncio.timeout(5):
        while "took no word" not in caplog.text:
            await asyncio.sleep(0)
    assert len(office.posts.got) == 3


async def test_an_address_that_is_none_is_no_more_than_a_line_in_the_log(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    webhook = Webhook(office.session, "http://[", "", ())
    webhook.tell(News("kannel", "kannel", "down", "why", START))
    async with asyncio.timeout(5):
        while "took no word" not in caplog.text:
            await asyncio.sleep(0)
    await webhook.stop()


async def test_a_phone_is_told_by_the_name_that_the_office_gave_it(office: Office) -> None:
    phone = await office.bench.link()
    await office.bench.sql("UPDATE phone SET seen_at = $1", START - 91 * MINUTE)
    await office.alerts.look()
    sentence = f"Gateway Shop phone 1 ({phone}) is down. It has not been heard for an hour and a half."
    assert await office.texts() == [sentence]


async def test_every_gateway_with_a_number_texts_itself_once_an_hour(office: Office) -> None:
    phone = await office.bench.link(sims=write_sims([Sim(1, "+255620000001", "Halotel")]))
    await office.bench.link()  # its number is not known
    alerts = office.another({"kannel": "+255700000055"})
    for _ in range(61):
        await alerts.look()
        office.bench.clock.now += MINUTE
        await office.bench.sql("UPDATE phone SET seen_at = $1", office.bench.clock())
    at = START + EVERY_MS
    rows = await office.bench.sql("SELECT origin, phone, text, kind, gateway, expires_at FROM outbox ORDER BY gateway")
    assert [(row["gateway"], row["phone"], row["kind"]) for row in rows] == [
        ("kannel", "+255700000055", "reminder"),
        (phone, "+255620000001", "reminder"),
    ]
    assert [row["text"] for row in rows] == [office.signs.test(name, at) for name in ("kannel", phone)]
    assert {row["expires_at"] for row in rows} == {at + EVERY_MS}


async def test_of_two_servers_one_sends_the_test(office: Office) -> None:
    servers = [office.another({"kannel": BOSS}), office.another({"kannel": BOSS})]
    for _ in range(2):
        await asyncio.gather(*(server.look() for server in servers))
        office.bench.clock.now += EVERY_MS
    await asyncio.gather(*(server.look() for server in servers))
    assert len(await office.texts()) == 2


async def sent_test(office: Office) -> tuple[Alerts, str]:
    """A server, and the test message that it sent by Kannel this moment."""
    alerts = office.another({"kannel": BOSS})
    await alerts.look()
    office.bench.clock.now += EVERY_MS
    await alerts.look()
    return alerts, (await office.texts())[0]


async def test_what_comes_back_is_measured_once_and_only_when_it_is_ours(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.canary.now_ms", office.bench.clock)
    _, text = await sent_test(office)
    office.bench.clock.now += 7 * SECOND
    assert await office.read("kannel", "CANARY kannel 0123456789") == "test message"
    assert (await office.state("kannel"))["round_trip"] == 0
    assert await office.read("phone-1", f" {text.upper()} ") == "test message"
    assert (await office.state("kannel"))["round_trip"] == 7 * SECOND
    office.bench.clock.now += MINUTE
    assert await office.read("kannel", text) == "test message"
    assert (await office.state("kannel"))["round_trip"] == 7 * SECOND


async def test_tests_that_do_not_come_back_turn_a_gateway_quiet_then_down_and_one_that_does_heals_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.canary.now_ms", office.bench.clock)
    alerts, _ = await sent_test(office)
    states = []
    for minutes in (10, 50, 60, 60):
        await office.bench.sql("UPDATE outbox SET state = 'sent'")
        office.bench.clock.now += minutes * MINUTE
        await alerts.look()
        await office.bench.router.watch.look()
        states.append(office.bench.router.watch.state("kannel"))
    assert states == [Health.QUIET, Health.QUIET, Health.DOWN, Health.DOWN]
    text = (await office.bench.sql("SELECT text FROM outbox WHERE kind = 'reminder' ORDER BY id DESC LIMIT 1"))[0]
    await office.read("kannel", text["text"])
    await office.bench.router.watch.look()
    assert office.bench.router.watch.state("kannel") is Health.WELL


@pytest.mark.parametrize(
    ("kind", "text", "what", "left"),
    [
        (SenderKind.ALPHA, "Ndugu mteja, salio lako ni TZS 1,250.00 hadi 3/12", "airtime", "1,250.00"),
        (SenderKind.SHORT, "Salio lako ni 300", "airtime", "300"),
        (SenderKind.NUMBER, "Salio lako ni 300", "", None),
        (SenderKind.ALPHA, "Shinda zawadi leo!", "", None),
    ],
)
async def test_airtime_is_read_from_the_operators_own_text(
    office: Office, kind: SenderKind, text: str, what: str, left: str | None
) -> None:
    assert await office.read("phone-1", text, kind) == what
    rows = await office.bench.sql("SELECT airtime FROM gatewaystate WHERE name = 'phone-1'")
    assert [row["airtime"] for row in rows] == ([left] if left else [])


async def test_a_test_message_gets_no_reply_and_costs_nobody_a_turn(mwanga: Mwanga) -> None:
    phones = Phones(mwanga)
    assert await phones.text("Asha", "CANARY phone-1 0123456789") == []
    async with mwanga.database.work() as db:
        rows = await db.execute_query_dict("SELECT outcome FROM inbox")
    assert [row["outcome"] for row in rows] == ["test message"]
