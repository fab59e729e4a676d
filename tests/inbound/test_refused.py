"""Callbacks that are refused, or parked: with which status, counted once by its reason, and nothing is written."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from bot.android import linking
from tests.emulators.android_calls import BARAKA, Handset, enqueued, linked
from tests.world.server import SECRET, Serving, serving

MEGABYTE = b"x" * 1_000_000
Metrics = dict[tuple[str, str], float]


@dataclass
class Shop:
    """A server with two phones, of which the first has pulled a message."""

    at: Serving
    one: Handset
    two: Handset
    message: str

    async def written(self) -> dict[str, object]:
        """All that a callback may change in the business."""
        tables = ("inbox", "outbox", "refused", "contact")
        return {table: await self.at.rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables}

    def counted(self) -> Metrics:
        """What is counted of them: gateway and reason."""
        found: Metrics = {}
        for metric in (self.at.mwanga.metrics.refused, self.at.mwanga.metrics.unknown_receipts):
            for sample in (sample for each in metric.collect() for sample in each.samples):
                if sample.name.endswith("_total"):
                    found[sample.labels["gateway"], sample.labels.get("reason", "unknown receipt")] = sample.value
        return found

    async def aggregator(self, kind: str, body: bytes) -> int:
        """A callback of Africa's Talking."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        url = f"/gateways/africastalking/{SECRET}/{kind}"
        async with self.at.client.post(url, data=body, headers=headers) as answer:
            return answer.status


@pytest.fixture
async def shop(demo_url: str) -> AsyncIterator[Shop]:
    async with serving(demo_url, public_url="https://mwanga.example.org") as at:
        one, two = await linked(at, "one"), await linked(at, "two")
        await enqueued(at, one.device, "hello")
        (message,) = await one.pull()
        yield Shop(at, one, two, message["id"])


async def wrong_signature(shop: Shop) -> int:
    return await shop.one.post(b"{}", sign="0" * 64)


async def old_timestamp(shop: Shop) -> int:
    return await shop.one.tell("sms:received", clock=-301)


async def another_phones_event(shop: Shop) -> int:
    event = {"id": "e", "event": "sms:received", "deviceId": shop.one.device, "payload": {}}
    return await shop.two.post(json.dumps(event).encode())


async def another_phones_token(shop: Shop) -> int:
    return (await shop.two.call("PATCH", "/device", {"id": shop.one.device, "pushToken": None, "simCards": []}))[0]


async def another_phones_message(shop: Shop) -> int:
    return await shop.two.report(shop.message, "Delivered")


async def unlinked_phone(shop: Shop) -> int:
    async with shop.at.mwanga.database.work():
        await linking.unlink(await linking.find("two"), actor="office")
    return await shop.two.gets("BAL")


async def unlinked_phones_token(shop: Shop) -> int:
    async with shop.at.mwanga.database.work():
        await linking.unlink(await linking.find("two"), actor="office")
    return (await shop.two.call("GET", "/message"))[0]


async def unknown_message(shop: Shop) -> int:
    return await shop.one.report("m999-1", "Sent")


async def unknown_message_by_webhook(shop: Shop) -> int:
    return await shop.one.tell("sms:sent", messageId="m999-1", recipient=BARAKA, simNumber=1, partsCount=1)


async def unknown_message_of_an_aggregator(shop: Shop) -> int:
    return await shop.aggregator("delivery", b"id=ATXid_unknown&status=Success&phoneNumber=%2B255710000002")


async def large_event(shop: Shop) -> int:
    return await shop.one.post(MEGABYTE)


REFUSED: dict[Callable[[Shop], Awaitable[int]], tuple[int, str, str]] = {
    wrong_signature: (404, "phone-1", "signature"),
    old_timestamp: (401, "phone-1", "stale"),
    another_phones_event: (401, "phone-2", "device"),
    another_phones_token: (404, "phone-2", "device"),
    another_phones_message: (404, "phone-2", "message"),
    unlinked_phone: (404, "phones", "unlinked"),
    unlinked_phones_token: (401, "phones", "token"),
    unknown_message: (404, "phone-1", "message"),
    unknown_message_by_webhook: (200, "phone-1", "message"),  # else the app tells it for two days
    unknown_message_of_an_aggregator: (200, "africastalking", "unknown receipt"),  # kept for a message on its way
    large_event: (413, "phone-1", "size"),
}


@pytest.mark.parametrize("call", REFUSED, ids=lambda call: call.__name__)
@pytest.mark.everyday_on_sqlite
async def test_what_is_refused_has_its_status_one_count_and_no_effect(
    shop: Shop, call: Callable[[Shop], Awaitable[int]]
) -> None:
    status, gateway, reason = REFUSED[call]
    before = await shop.written()
    assert await call(shop) == status
    assert shop.counted() == {(gateway, reason): 1}
    assert await shop.written() == before


async def test_of_a_large_callback_the_beginning_is_kept_for_who_looks_into_it(shop: Shop) -> None:
    before = await shop.written()
    assert await shop.aggregator("sms", MEGABYTE) == 413
    assert shop.counted() == {("africastalking", "size"): 1}
    after = await shop.written()
    (kept,) = await shop.at.rows("SELECT gateway, reason FROM refused")
    assert kept == {"gateway": "africastalking", "reason": "the body is larger than 8192 bytes"}
    assert before | {"refused": after["refused"]} == after


@pytest.mark.parametrize("path", [f"/gateways/africastalking/{SECRET}/sms", "/smsgate/mobile/v1/device", "/login"])
@pytest.mark.everyday_on_sqlite
async def test_a_packed_body_is_refused(shop: Shop, path: str) -> None:
    before = await shop.written()
    async with shop.at.client.post(path, data=b"text=BAL", headers={"Content-Encoding": "gzip"}) as answer:
        assert (answer.status, await answer.text()) == (415, "send the body as it is, without Content-Encoding\n")
    assert await shop.written() == before
