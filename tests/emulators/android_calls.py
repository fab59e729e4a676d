"""A gateway phone for the server's own tests: one call at a time, each as the app makes it. It decides nothing."""

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.android import linking
from bot.android.to_app import date, signature
from bot.outbound import NewMessage, enqueue
from models.messages import MessageKind, Phone
from models.sql import now_ms
from tests.world.server import Serving

API = "/smsgate/mobile/v1"
AGENT = "me.capcom.smsgateway/1.67.0"
SIM = {"slotIndex": 0, "simNumber": 1, "phoneNumber": "+255740000001", "carrierName": "Vodacom", "iccid": "***1234"}
BARAKA = "+255710000002"
TOKEN = "a private token of the shop"


@dataclass
class Handset:
    """Headers are those of the last registration; `key` is what the settings said."""

    at: Serving
    device: str = ""
    login: str = ""
    password: str | None = None
    key: str = ""
    headers: dict[str, str] = field(default_factory=lambda: {"User-Agent": AGENT})

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """The status and the JSON of an answer, or its text."""
        async with self.at.client.request(method, API + path, json=body, headers=self.headers | headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if answer.content_type == "application/json" else text

    async def register(self, authorization: str, **device: Any) -> int:
        body = {"name": "Tecno/KF6", "pushToken": None, "simCards": [SIM]} | device
        status, answer = await self.call("POST", "/device", body, Authorization=authorization)
        if status == 201:
            self.device, self.login, self.password = answer["id"], answer["login"], answer["password"]
            self.headers["Authorization"] = f"Bearer {answer['token']}"
            _, settings = await self.call("GET", "/settings")
            self.key = settings["webhooks"]["signing_key"]
        return status

    @property
    def basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.login}:{self.password}".encode()).decode()

    async def pull(self) -> list[dict[str, Any]]:
        status, messages = await self.call("GET", "/message?order=fifo")
        assert status == 200
        return list(messages)

    async def report(self, external_id: str, state: str, error: str | None = None) -> int:
        receiver = {"phoneNumber": BARAKA, "state": state, "error": error}
        states = {"Pending": date(now_ms()), state: date(now_ms())}
        patch = [{"id": external_id, "state": state, "recipients": [receiver], "states": states}]
        return (await self.call("PATCH", "/message", patch))[0]

    async def tell(self, event: str, *, id: str = "e1", clock: int = 0, **payload: Any) -> int:
        """A webhook, by a clock that is so many seconds ahead."""
        body = {"id": id, "webhookId": "w", "event": event, "deviceId": self.device, "payload": payload}
        return await self.post(json.dumps(body).encode(), timestamp=str(int(time.time()) + clock))

    async def post(
        self, body: bytes, *, timestamp: str = "", to: str = "", sign: str | None = None, sent: Any = None
    ) -> int:
        """A body is `sent` whole, or as this yields it."""
        timestamp = timestamp or str(int(time.time()))
        signed = signature(self.key, body, timestamp) if sign is None else sign
        headers = {"X-Timestamp": timestamp, "X-Signature": signed, "User-Agent": AGENT}
        url = f"/smsgate/webhooks/{to or self.device}"
        async with self.at.client.post(url, data=sent or body, headers=headers) as answer:
            return answer.status

    async def gets(self, text: str, *, id: str = "1a2b3c4d", at: str = "2026-11-24T10:00:00.000+03:00") -> int:
        """An SMS of Baraka comes in, and the phone tells of it."""
        return await self.tell(
            "sms:received", messageId=id, message=text, sender=BARAKA, recipient=None, simNumber=1, receivedAt=at
        )

    async def row(self) -> Phone:
        return await Phone.get(id=int(self.device.removeprefix("phone-")))


async def linked(at: Serving, name: str = "Shop phone", **device: Any) -> Handset:
    """A phone that the office added and that registered with its code."""
    handset = Handset(at)
    async with at.mwanga.database.work():
        _, code = await linking.add(name, at.mwanga.company.vault, actor="office")
    assert await handset.register(f"Code {code}", **device) == 201
    return handset


async def enqueued(at: Serving, gateway: str, *texts: str, kind: MessageKind = MessageKind.REPLY) -> None:
    """Messages to Baraka by a phone; each text is its origin."""
    async with at.mwanga.database.work():
        await enqueue([NewMessage(text, BARAKA, text, kind, gateway) for text in texts], now_ms())
    at.mwanga.outbox.notify()


async def state(at: Serving, origin: str) -> tuple[str, str]:
    """Of a message: its state and its error."""
    (row,) = await at.rows("SELECT state, error FROM outbox WHERE origin = $1", [origin])
    return row["state"], row["error"]


def refused(at: Serving, gateway: str, reason: str) -> float:
    """How many calls were refused for this reason; by `phones` when nobody knows whose they are."""
    return at.metric("mwanga_callbacks_refused_total", gateway=gateway, reason=reason)


class Events:
    """The open stream of a handset, read event by event."""

    def __init__(self, handset: Handset) -> None:
        self._handset = handset
        self._response: aiohttp.ClientResponse | None = None

    async def __aenter__(self) -> "Events":
        self._response = await self._handset.at.client.get(API + "/events", headers=self._handset.headers)
        assert self._response.status == 200 and self._response.content_type == "text/event-stream"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._response
        self._response.close()

    async def next(self) -> tuple[str, Any]:
        """The next event and its data; empty at the end of the stream."""
        assert self._response
        event, data = "", ""
        async with asyncio.timeout(60):
            async for line in self._response.content:
                words = line.decode().rstrip("\n")
                if words.startswith("event: "):
                    event = words.removeprefix("event: ")
                elif words.startswith("data: "):
                    data = words.removeprefix("data: ")
                elif not words and event:
                    return event, json.loads(data)
        return "", None
