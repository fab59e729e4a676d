"""A provider that is only described in mwanga.toml asks, is told, is looked up; what is described badly is named."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from bot.config import load
from bot.payments.description import read_providers
from tests.emulators.listener import Listener
from tests.world.people import PEOPLE
from tests.world.pushes import PushClock, asked, becomes, payments, settled
from tests.world.server import Serving, serving

pytestmark = pytest.mark.everyday_on_sqlite
PESA: dict[str, Any] = {
    "secret": "s" * 16,
    "title": "Pesa",
    "account": {"token": "t0"},
    "ask": {
        "url": "https://pesa.example.org/collect",
        "headers": {"Authorization": "Bearer {token}"},
        "json": {"payer": "{phone}", "amount": "{amount}", "ref": "{id}", "note": "{serial}", "call": "{callback_url}"},
        "success": {"path": "state", "in": ["QUEUED"]},
        "id": "transaction.id",
        "error": "error.code",
    },
    "callback": {
        "id": "transaction.id",
        "status": "state",
        "words": {"DONE": "paid", "FAILED": "failed", "EXPIRED": "expired"},
        "reason": "error.code",
        "reasons": {"NO_FUNDS": "low balance"},
        "receipt": "receipt",
        "amount": "amount",
        "phone": "payer",
    },
    "query": {"url": "https://pesa.example.org/collect/{external_id}", "method": "GET"},
}


@dataclass
class Pesa:
    """A provider in a few lines: it notes what it is asked, and answers as told."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, Any]] = field(default_factory=list)
    found: tuple[int, Any] = (200, {"state": "WAITING"})

    async def collect(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer t0"
        self.asked.append(await request.json())
        status, said = self.answers.pop(0) if self.answers else (200, {"state": "QUEUED", "transaction": {"id": 77}})
        return web.json_response(said, status=status)

    async def look(self, request: web.Request) -> web.Response:
        assert request.match_info["id"] == "77"
        return web.json_response(self.found[1], status=self.found[0])

    async def tell(self, said: Any) -> int:
        """Call back where the last one said."""
        async with aiohttp.ClientSession() as client, client.post(self.asked[-1]["call"], json=said) as answer:
            return answer.status

    async def tell_raw(self, form: str, said: dict[str, Any], cut: bytes) -> int:
        """The same in this form, with these bytes where a star stands."""
        if form == "json":
            body = json.dumps(said).encode().replace(b"*", cut)
        else:
            flat = {name: value for name, value in said.items() if isinstance(value, str)}
            body = urlencode(flat | {"transaction.id": 77}).encode().replace(b"%2A", quote(cut).encode())
        kind = {"json": "application/json"}.get(form, "application/x-www-form-urlencoded")
        async with aiohttp.ClientSession() as client:
            if form == "query":
                url = URL(f"{self.asked[-1]['call']}&{body.decode()}", encoded=True)
                async with client.get(url) as answer:
                    return answer.status
            async with client.post(self.asked[-1]["call"], data=body, headers={"Content-Type": kind}) as answer:
                return answer.status


@asynccontextmanager
async def selling(
    demo_url: str, settings: Mapping[str, Any] = MappingProxyType({}), **more: Any
) -> AsyncIterator[tuple[Serving, Pesa]]:
    pesa, app = Pesa(), web.Application()
    app.router.add_post("/collect", pesa.collect)
    app.router.add_get("/collect/{id}", pesa.look)
    listener = Listener(app)
    await listener.start()
    pesa.url = f"http://127.0.0.1:{listener.port}"
    table = PESA | {
        "ask": PESA["ask"] | {"url": f"{pesa.url}/collect"},
        "query": PESA["query"] | {"url": f"{pesa.url}/collect/{{external_id}}"},
    }
    try:
        async with serving(demo_url, payments={"pesa": table | more}, **settings) as at:
            yield at, pesa
    finally:
        await listener.close()


DONE = {"state": "DONE", "transaction": {"id": 77}, "receipt": "P1", "amount": "5000.00", "payer": "255710000002"}


async def test_a_customer_is_asked_and_pays(demo_url: str) -> None:
    async with selling(demo_url) as (at, pesa):
        request = await asked(at, provider="pesa")
        await becomes(at, "asked")
        [said] = pesa.asked
        call = said.pop("call")
        assert said == {"payer": PEOPLE["Baraka"][1:], "amount": "5000", "ref": request.reference, "note": "SHS0283"}
        assert call.endswith(f"/payments/pesa/{'s' * 16}/callback?mwanga_id={request.reference}")
        said["call"] = call
        assert await pesa.tell(DONE) == 200
        assert (await becomes(at, "paid"))["external_id"] == "77"
        assert await payments(at, "pesa") == [("P1", 5_000_00)]


async def test_who_texts_buy_is_asked_by_it(demo_url: str) -> None:
    """M-Pesa of the demo world can ask Kenyan phones alone."""
    async with selling(demo_url, {"daraja_prefixes": "+254"}) as (at, pesa):
        await at.emulator.sms(PEOPLE["Baraka"], "BUY 5000")
        assert (await at.emulator.read(PEOPLE["Baraka"])).endswith("Sent to your phone: enter your Pesa PIN.")
        await becomes(at, "asked")
        assert pesa.asked[0]["amount"] == "5000"
        assert await pesa.tell(DONE) == 200
        assert "Code" in await at.emulator.read(PEOPLE["Baraka"])


@pytest.mark.parametrize(
    ("said", "state", "reason"),
    [
        ({"state": "failed", "error": {"code": "no_funds"}}, "failed", "low balance"),
        ({"state": "FAILED", "error": {"code": "WHATEVER"}}, "failed", ""),
        ({"state": "EXPIRED"}, "expired", "no answer"),
    ],
)
async def test_what_a_callback_says(demo_url: str, said: dict[str, Any], state: str, reason: str) -> None:
    async with selling(demo_url) as (at, pesa):
        await asked(at, provider="pesa")
        await becomes(at, "asked")
        assert await pesa.tell({"transaction": {"id": 77}} | said) == 200
        assert (await becomes(at, state))["reason"] == reason


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        ((200, {"state": "NO", "error": {"code": "NO_FUNDS"}}), "failed", "low balance"),
        ((400, {"error": {"code": "BAD"}}), "failed", "setup"),
        ((200, {"state": "QUEUED"}), "unknown", ""),
        ((200, {}), "unknown", ""),
        ((502, {}), "unknown", ""),
    ],
)
async def test_what_the_answer_to_a_request_says(
    demo_url: str, answer: tuple[int, Any], state: str, reason: str
) -> None:
    async with selling(demo_url) as (at, pesa):
        pesa.answers.append(answer)
        await asked(at, provider="pesa")
        assert (await becomes(at, state))["reason"] == reason


@pytest.mark.parametrize("cut", ["é".encode()[:1], "é".encode("latin-1")], ids=["half a letter", "another charset"])
@pytest.mark.parametrize("form", ["json", "form", "query"])
async def test_a_name_that_cannot_be_read_refuses_no_money(demo_url: str, cut: bytes, form: str) -> None:
    where = PESA["callback"] | {"name": "who"}
    async with selling(demo_url, callbacks=form, callback=where) as (at, pesa):
        await asked(at, provider="pesa")
        await becomes(at, "asked")
        assert await pesa.tell_raw(form, DONE | {"who": "ANDR*"}, cut) == 200
        await becomes(at, "paid")
        names = await at.rows("SELECT payer_name FROM payment WHERE provider = 'pesa'")
        assert [row["payer_name"] for row in names] == ["ANDR\ufffd"]


async def test_a_callback_that_never_comes_is_looked_up(demo_url: str, push_clock: PushClock) -> None:
    async with selling(demo_url) as (at, pesa):
        await asked(at, provider="pesa")
        await becomes(at, "asked")
        pesa.found = (200, DONE)
        push_clock.forward(181)
        at.mwanga.payments.notify()
        await becomes(at, "paid")
        assert await payments(at, "pesa") == [("P1", 5_000_00)]


async def test_where_a_query_has_to_confirm_a_callback_alone_counts_for_nothing(demo_url: str) -> None:
    async with selling(demo_url, confirm=True) as (at, pesa):
        await asked(at, provider="pesa")
        await becomes(at, "asked")
        assert await pesa.tell(DONE) == 200
        await asyncio.sleep(0)
        assert await payments(at, "pesa") == []
        pesa.found = (200, DONE)
        assert await pesa.tell(DONE | {"again": True}) == 200
        await becomes(at, "paid")


async def test_a_sign_may_come_again_in_the_same_words(demo_url: str, push_clock: PushClock) -> None:
    """As of a provider that calls whenever anything has changed, and says no more than that."""
    async with selling(demo_url, confirm=True) as (at, pesa):
        await asked(at, provider="pesa")
        await becomes(at, "asked")
        sign = {"transaction": {"id": 77}}
        assert [await pesa.tell(sign), await pesa.tell(sign)] == [200, 200]
        await settled(at)
        assert len(await at.rows("SELECT 1 FROM notice")) == 1
        pesa.found = (200, DONE)
        push_clock.forward(1)
        assert await pesa.tell(sign) == 200
        await becomes(at, "paid")


async def test_paid_without_a_receipt_is_kept_for_a_person(demo_url: str) -> None:
    async with selling(demo_url) as (at, pesa):
        await asked(at, provider="pesa")
        await becomes(at, "asked")
        assert await pesa.tell(DONE | {"receipt": ""}) == 200
        async with asyncio.timeout(60):
            while not await at.rows("SELECT 1 FROM alert WHERE sentence LIKE '%could not be handled%'"):
                await asyncio.sleep(0)
        assert await payments(at, "pesa") == []


ASK = PESA["ask"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"secret": "short"}, "payments.pesa.secret: it needs 16 characters"),
        ({"titel": "x"}, "payments.pesa.titel: there is no such key: did you mean title?"),
        ({"ask": ASK | {"url": "pesa.example.org"}}, "ask.url: a whole address"),
        ({"ask": ASK | {"json": {"payer": "{phone}"}}}, "ask: {amount} is nowhere in the request"),
        ({"ask": ASK | {"headers": {"X": "{key}"}}}, "ask: {key} is none of ours and not in account"),
        ({"ask": ASK | {"form": {"a": "{amount}"}}}, "ask: a request has one body"),
        ({"account": {"phone": "1"}}, "account.phone: phone is a name of ours"),
        ({"callback": PESA["callback"] | {"words": {"DONE": "money"}}}, "callback.words.DONE"),
        ({"callback": PESA["callback"] | {"reasons": {"X": "poor"}}}, "callback.reasons.X"),
        ({"query": None, "confirm": True}, "confirm: there is no query"),
        ({"sources": "everywhere"}, "sources: addresses like"),
    ],
)
def test_what_is_described_badly_is_named(changed: dict[str, Any], words: str) -> None:
    table = {name: value for name, value in (PESA | changed).items() if value is not None}
    found, problems = read_providers({"pesa": table})
    assert not found and any(words in problem for problem in problems), problems
    assert any(words in problem for problem in load(payments={"pesa": table}).problems())


@pytest.mark.parametrize("name", ["daraja", "cash", "wallet", "Pesa", "p" * 21])
def test_a_name_that_means_something_else_is_refused(name: str) -> None:
    found, problems = read_providers({name: PESA})
    assert not found and len(problems) == 1
