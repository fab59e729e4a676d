"""Gateway phones over HTTP: how one is linked, gets its messages and reports on them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import aiohttp
import pytest

from models.messages import MessageKind
from tests.emulators.android_calls import BARAKA, TOKEN, Events, Handset, enqueued, linked, refused, state
from tests.world.server import ServerProcess, Serving, serving

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
async def at(demo_url: str) -> AsyncIterator[Serving]:
    async with serving(demo_url, smsgate_token=TOKEN, public_url="https://mwanga.example.org") as running:
        yield running


async def test_a_phone_is_linked_by_a_code_and_gets_its_settings_and_webhooks(at: Serving) -> None:
    phone = await linked(at)
    assert phone.device == "phone-1" and phone.login and phone.password
    assert len(phone.key) == 64
    _, settings = await phone.call("GET", "/settings")
    assert settings == {
        "gateway": {"notification_channel": "SSE_ONLY"},
        "messages": {
            "processing_order": "FIFO",
            "limit_period": "Per30Minutes",
            "limit_value": 28,
            "send_interval_min": 2,
            "send_interval_max": 6,
        },
        "ping": {"interval_seconds": 300},
        "webhooks": {"signing_key": phone.key, "retry_count": 15},
    }
    _, hooks = await phone.call("GET", "/webhooks")
    assert {hook["url"] for hook in hooks} == {"https://mwanga.example.org/smsgate/webhooks/phone-1"}
    events = ["sms:received", "sms:sent", "sms:delivered", "sms:failed", "system:ping", "app:started"]
    assert [hook["event"] for hook in hooks] == events
    assert (await phone.call("GET", "/webhooks"))[1] == hooks, "its ids stay"
    row = await phone.row()
    assert (row.name, row.model, row.version, row.push) == ("Shop phone", "Tecno KF6", "1.67.0", False)
    assert at.mwanga.phones.names() == ["phone-1"]


async def test_a_message_is_pulled_sent_and_delivered(at: Serving) -> None:
    phone = await linked(at)
    await enqueued(at, "phone-1", "Code 944 953 797", kind=MessageKind.TOKEN)
    (message,) = await phone.pull()
    (row,) = await at.rows("SELECT id, created_at, claimed_at FROM outbox")
    created, until = message.pop("createdAt"), message.pop("validUntil")
    assert message == {
        "id": f"m{row['id']}-1-{row['claimed_at']:x}",
        "textMessage": {"text": "Code 944 953 797"},
        "phoneNumbers": [BARAKA],
        "simNumber": 1,
        "withDeliveryReport": True,
        "priority": 30,
        "state": "Pending",
    }
    assert all(len(date) == len("2026-11-24T07:00:00.000Z") for date in (created, until))
    assert [again["id"] for again in await phone.pull()] == [message["id"]], "until it is reported"
    for word, reached in (
        ("Processed", "sending"),
        ("Sent", "sent"),
        ("Delivered", "delivered"),
        ("Sent", "delivered"),
    ):
        assert await phone.report(message["id"], word) == 204
        assert await state(at, "Code 944 953 797") == (reached, "")
    assert await phone.pull() == []
    for name in ("sent", "delivered"):
        assert at.metric("mwanga_messages_total", direction="out", gateway="phone-1", state=name) == 1


async def test_an_sms_comes_in_once_however_often_it_is_told(at: Serving) -> None:
    phone = await linked(at)
    assert await phone.gets("BAL") == 200
    assert await phone.gets("BAL") == 200, "the same emission again"
    assert await phone.gets("BAL", at="2026-11-24T07:00:00.000+00:00") == 200, "a re-export, in another zone"
    await at.handled()
    rows = await at.rows("SELECT gateway, external_id, phone, text FROM inbox")
    assert rows == [
        {"gateway": "phone-1", "external_id": "1a2b3c4d 1795503600000", "phone": BARAKA, "text": "BAL"},
    ]
    assert await phone.gets("BAL", at="2026-11-24T10:00:05.000+03:00") == 200, "a new message with an old hash"
    await at.handled()
    assert len(await at.rows("SELECT 1 FROM inbox")) == 2


async def test_the_stream_says_that_messages_wait(at: Serving) -> None:
    phone = await linked(at)
    async with Events(phone) as events:
        assert await events.next() == ("WebhooksUpdated", {})
        assert await events.next() == ("SettingsUpdated", {})
        await enqueued(at, "phone-1", "one", "two")
        assert await events.next() == ("MessageEnqueued", {})
        fetched = [each["textMessage"]["text"] for each in await phone.pull()]
        assert fetched == ["one"]
        for _turn in range(2):  # a look that falls into a pull tells once more of what is just fetched
            if fetched == ["one"]:
                assert await events.next() == ("MessageEnqueued", {}), "two seconds later"
                fetched = [each["textMessage"]["text"] for each in await phone.pull()]
        assert fetched == ["one", "two"]


async def test_a_phone_registers_with_the_private_token_and_is_named_by_its_model(at: Serving) -> None:
    one, two = Handset(at), Handset(at)
    assert await one.register(f"Bearer {TOKEN}") == 201
    assert await two.register(f"Bearer {TOKEN}") == 201
    assert [(await each.row()).name for each in (one, two)] == ["Tecno KF6", "Tecno KF6 2"]
    assert await Handset(at).register("Bearer wrong") == 401
    assert refused(at, "phones", "private token") == 1


async def test_a_phone_that_registers_again_keeps_its_name_key_and_stream(at: Serving) -> None:
    phone = await linked(at)
    former, key = dict(phone.headers), phone.key
    async with Events(phone) as events:
        assert await phone.register(phone.basic) == 201
        assert (phone.device, phone.key, phone.password) == ("phone-1", key, None)
        await enqueued(at, "phone-1", "one")
        names = [(await events.next())[0] for _ in range(3)]
        assert names == ["WebhooksUpdated", "SettingsUpdated", "MessageEnqueued"]
    current, phone.headers = phone.headers, former
    async with Events(phone) as events:
        assert (await events.next())[0] == "WebhooksUpdated", "the app reads the token of its stream once"
    phone.headers = current


async def test_a_code_of_the_phone_itself_registers_it_again(at: Serving) -> None:
    phone = await linked(at)
    status, answer = await phone.call("GET", "/user/code", Authorization=phone.basic)
    assert status == 200 and answer["validUntil"].endswith("Z")
    assert await phone.register(f"Code {answer['code']}") == 201 and phone.device == "phone-1"
    assert (await phone.call("GET", "/user/code", Authorization="Basic bm86bm8="))[0] == 401


async def test_a_stop_ends_the_streams_at_once(demo_url: str) -> None:
    async with serving(demo_url) as at:
        phone = await linked(at)
        async with Events(phone) as events:
            at.mwanga.phones.stop()
            while (await events.next())[0]:
                pass


async def test_sigterm_ends_open_streams_and_the_server_stops_in_time(demo_url: str) -> None:
    server = ServerProcess(demo_url, smsgate_token=TOKEN)
    async with server, aiohttp.ClientSession(server.address) as client:
        phone = Handset(Serving(cast(Any, None), cast(Any, None), client))
        assert await phone.register(f"Bearer {TOKEN}") == 201
        async with Events(phone) as events:
            assert await events.next() == ("WebhooksUpdated", {})
            assert await server.stop() == 0
            while (await events.next())[0]:
                pass


async def test_failures_go_the_way_of_the_error_table(at: Serving) -> None:
    phone = await linked(at)
    results = {
        "Send result: RESULT_ERROR_GENERIC_FAILURE (Generic failure cause)": ("scheduled", "gateway fault"),
        "Send result: RESULT_ERROR_NO_SERVICE (Failed because …)": ("scheduled", "unreachable"),
        "Send result: RESULT_ERROR_LIMIT_EXCEEDED (…)": ("scheduled", "throttled"),
        "Send result: RESULT_INVALID_ARGUMENTS (…)": ("failed", "refused"),
        "TTL expired": ("scheduled", "gateway fault"),  # it is not yet, by our clock
        "Delivery result from SC +2557: 64": ("failed", "undelivered"),
        "something new": ("scheduled", "gateway fault"),
        "sendSMS: " + "at android.os.Parcel.createException " * 40: ("scheduled", "gateway fault"),
    }
    await enqueued(at, "phone-1", *(reason[:60] for reason in results))
    ids = {message["textMessage"]["text"]: message["id"] for message in await phone.pull()}
    for reason, expected in results.items():
        external_id = ids[reason[:60]]
        assert await phone.report(external_id, "Failed", reason) == 204
        sent = {"messageId": external_id, "recipient": BARAKA, "simNumber": 1, "reason": reason}
        assert await phone.tell("sms:failed", id=external_id, **sent) == 200, "the app tells it both ways"
        assert await state(at, reason[:60]) == expected
        assert at.metric("mwanga_callbacks_refused_total", gateway="phone-1", reason="message") == 0


async def test_many_webhooks_at_once_are_all_answered(at: Serving) -> None:
    phone = await linked(at)
    told = await asyncio.gather(*(phone.gets("BAL", id=f"{n:08x}") for n in range(50)))
    assert told == [200] * 50
    assert len(await at.rows("SELECT 1 FROM inbox")) == 50


async def test_an_answer_goes_back_by_the_phone_that_its_question_came_in_by(at: Serving) -> None:
    phone = await linked(at)
    async with Events(phone) as events:
        assert [(await events.next())[0] for _ in range(2)] == ["WebhooksUpdated", "SettingsUpdated"]
        assert await phone.gets("BAL") == 200
        assert await events.next() == ("MessageEnqueued", {})
    (message,) = await phone.pull()
    assert message["phoneNumbers"] == [BARAKA] and message["textMessage"]["text"].startswith("SHS0283")
    assert at.emulator.messages == []
