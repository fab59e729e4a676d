"""A callback's body is read once, nobody copies it, and it is parsed once: at thousands a second each costs."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from yarl import URL

from bot.android import from_app
from bot.android.to_app import date
from bot.gateways import described, wire
from bot.inbound import callbacks
from models.sql import now_ms
from tests.emulators.android_calls import API, Handset, linked
from tests.world.described import PIGEON
from tests.world.people import PEOPLE
from tests.world.server import Serving, serving

pytestmark = pytest.mark.everyday_on_sqlite

SECRET = "s" * 16
NOWHERE = "http://127.0.0.1:1/"  # where answers would go
AFRICASTALKING, KANNEL = "/gateways/africastalking/demo", "/gateways/kannel/demo"
ASHA = {"from": PEOPLE["Asha"], "to": "15054", "text": "CASH"}
DIALLED = {"sessionId": "s1", "serviceCode": "*384*20#", "phoneNumber": PEOPLE["Asha"]}
# Whatever comes as a form, or as JSON, by the gateways that are described in words.
FORMS = {
    f"{AFRICASTALKING}/sms": ASHA | {"id": "m1"},
    f"{AFRICASTALKING}/delivery": {"id": "m1", "status": "Success", "phoneNumber": PEOPLE["Asha"]},
    f"{AFRICASTALKING}/ussd": DIALLED | {"text": ""},
    f"{AFRICASTALKING}/ussd-end": DIALLED | {"status": "Success", "input": "", "lastAppResponse": "END Bye"},
    f"{AFRICASTALKING}/optout": {"senderId": "15054", "phoneNumber": PEOPLE["Asha"]},
    f"{KANNEL}/sms": ASHA | {"id": "k1"},
    f"/gateways/pigeon/{SECRET}/sms": {"msg": "m1", "msisdn": "255700000001", "shortcode": "15054", "body": "CASH"},
    f"/gateways/pigeon/{SECRET}/delivery": {"msg": "m1", "state": "DELIVRD"},
}
FORM, JSON = {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "application/json"}


@dataclass
class Seen:
    """What was read from requests and given to the parsers, without what is empty."""

    read: list[bytes] = field(default_factory=list)
    parsed: list[Any] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)  # the bodies of callbacks, as their gateways got them

    def hold(self, body: bytes, parsed: list[str | bytes]) -> None:
        """The body came in one read, and is that same object wherever it is kept or parsed as it came."""
        mine = [piece for piece in self.read if piece in body]
        assert mine == ([body] if body else []) and self.parsed == parsed
        assert all(one is mine[0] for one in [*self.kept, *self.parsed] if isinstance(one, bytes) and one)


@pytest.fixture
async def at(demo_url: str) -> AsyncIterator[Serving]:
    pigeon = PIGEON | {"secret": SECRET, "send": PIGEON["send"] | {"url": NOWHERE}}
    table = {"pigeon": pigeon, "egret": pigeon | {"callbacks": "json"}}
    account = {"kannel_url": NOWHERE, "kannel_username": "u", "kannel_password": "p"}
    async with serving(demo_url, gateways=table, **account) as running:
        yield running


@pytest.fixture
async def phone(at: Serving) -> Handset:
    return await linked(at)


@pytest.fixture
def seen(phone: Handset, monkeypatch: pytest.MonkeyPatch) -> Seen:
    seen = Seen()
    read, read_callback = aiohttp.StreamReader.read, callbacks.read_callback

    async def reading(stream: aiohttp.StreamReader, n: int = -1) -> bytes:
        seen.read += filter(None, [piece := await read(stream, n)])
        return piece

    async def keeping(*what: Any) -> Any:
        callback = await read_callback(*what)
        seen.kept.append(callback.body)
        return callback

    def parsing(parse: Any) -> Any:
        def parsed(data: Any, *how: Any, **more: Any) -> Any:
            seen.parsed += filter(None, [data])
            return parse(data, *how, **more)

        return parsed

    monkeypatch.setattr(aiohttp.StreamReader, "read", reading)
    monkeypatch.setattr(callbacks, "read_callback", keeping)
    for place, name in ((wire, "parse_qsl"), (described, "_parse_json"), (from_app, "read_json")):
        monkeypatch.setattr(place, name, parsing(getattr(place, name)))
    return seen


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_is_read_and_parsed_once(at: Serving, seen: Seen, path: str) -> None:
    body = urlencode(FORMS[path]).encode()
    async with at.client.post(path, data=body, headers=FORM) as answer:
        assert answer.status == 200
    seen.hold(body, [body.decode()])


async def test_what_is_in_an_address_is_parsed_once(at: Serving, seen: Seen) -> None:
    query = urlencode(ASHA | {"id": "k1"})
    async with at.client.get(URL(f"{KANNEL}/sms?{query}", encoded=True)) as answer:
        assert answer.status == 200
    seen.hold(b"", [query])


async def test_a_body_that_is_the_text_is_not_parsed(at: Serving, seen: Seen) -> None:
    query = urlencode({"id": "k1", "from": PEOPLE["Asha"], "to": "15054"})
    plain = {"Content-Type": "text/plain"}
    async with at.client.post(URL(f"{KANNEL}/sms?{query}", encoded=True), data=b"CASH", headers=plain) as answer:
        assert answer.status == 200
    seen.hold(b"CASH", [query])


async def test_json_of_a_described_gateway_is_parsed_once(at: Serving, seen: Seen) -> None:
    body = json.dumps({"msg": "m1", "msisdn": "255700000001", "body": "CASH"}).encode()
    async with at.client.post(f"/gateways/egret/{SECRET}/sms", data=body, headers=JSON) as answer:
        assert answer.status == 200
    seen.hold(body, [body.decode()])


@pytest.mark.parametrize("event", ["sms:received", "sms:delivered", "system:ping"])
async def test_an_event_of_a_gateway_phone_is_read_and_parsed_once(phone: Handset, seen: Seen, event: str) -> None:
    payload: dict[str, Any] = {
        "messageId": "m1-1-0",
        "message": "CASH",
        "sender": PEOPLE["Asha"],
        "receivedAt": date(now_ms()),
    }
    payload |= {"health": {"checks": {}}}
    about = {"id": "e1", "webhookId": "w", "event": event, "deviceId": phone.device, "payload": payload}
    body = json.dumps(about).encode()
    assert await phone.post(body) == 200
    seen.hold(body, [body])


async def test_a_report_of_a_gateway_phone_is_read_and_parsed_once(at: Serving, phone: Handset, seen: Seen) -> None:
    body = json.dumps([{"id": "m1-1-0", "state": "Sent", "recipients": []}]).encode()
    async with at.client.patch(f"{API}/message", data=body, headers=phone.headers | JSON) as answer:
        assert answer.status == 404  # for it never got that message
    seen.hold(body, [body])
