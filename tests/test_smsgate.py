"""Gateway phones over HTTP: how one is linked, gets its messages and reports on them, and what is refused."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import aiohttp
import pytest

from bot import linking
from models.messages import Class
from models.phones import Phone
from models.sql import execute, now_ms
from tests.handset import AGENT, API, BARAKA, Events, Handset, linked, promised
from tests.server import Server, Serving, serving

TOKEN = "a private token of the shop"


@pytest.fixture
async def at(demo_url: str) -> AsyncIterator[Serving]:
    async with serving(demo_url, smsgate_token=TOKEN, public_url="https://mwanga.example.org") as running:
        yield running


async def state(at: Serving, origin: str) -> tuple[str, str]:
    (row,) = await at.rows("SELECT state, error FROM outbox WHERE origin = $1", [origin])
    return row["state"], row["error"]


def refused(at: Serving, gateway: str, reason: str) -> float:
    return at.metric("mwanga_callbacks_refused_total", gateway=gateway, reason=reason)


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
    assert at.mwanga.phones.linked() == [] or at.mwanga.phones.names() == ["phone-1"]


async def test_a_message_is_pulled_sent_and_delivered(at: Serving) -> None:
    phone = await linked(at)
    await promised(at, "phone-1", "Code 944 953 797", kind=Class.TOKEN)
    (message,) = await phone.pull()
    (row,) = await at.rows("SELECT id, created_at FROM outbox")
    created, until = message.pop("createdAt"), message.pop("validUntil")
    assert message == {
        "id": f"m{row['id']}-1",
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
        await promised(at, "phone-1", "one", "two")
        assert await events.next() == ("MessageEnqueued", {})
        assert [each["textMessage"]["text"] for each in await phone.pull()] == ["one"]
        assert await events.next() == ("MessageEnqueued", {}), "two seconds later"
        assert [each["textMessage"]["text"] for each in await phone.pull()] == ["one", "two"]


async def test_a_wrong_code_is_refused_and_five_end_it(at: Serving) -> None:
    async with at.mwanga.database.work():
        _, code = await linking.add("Shop phone", at.mwanga.site.vault)
    phone, wrong = Handset(at), f"{(int(code) + 1) % 1_000_000:06d}"
    for _ in range(5):
        assert await phone.register(f"Code {wrong}") == 401
    assert await phone.register(f"Code {code}") == 401
    assert refused(at, "phones", "code") == 6


async def test_a_code_works_once(at: Serving) -> None:
    async with at.mwanga.database.work():
        _, code = await linking.add("Shop phone", at.mwanga.site.vault)
    assert await Handset(at).register(f"Code {code}") == 201
    assert await Handset(at).register(f"Code {code}") == 401


async def test_a_code_ends_after_15_minutes(at: Serving) -> None:
    async with at.mwanga.database.work():
        _, code = await linking.add("Shop phone", at.mwanga.site.vault, now_ms() - 15 * 60_000)
    assert await Handset(at).register(f"Code {code}") == 401


async def test_a_phone_registers_with_the_private_token_and_is_named_by_its_model(at: Serving) -> None:
    one, two = Handset(at), Handset(at)
    assert await one.register(f"Bearer {TOKEN}") == 201
    assert await two.register(f"Bearer {TOKEN}") == 201
    assert [(await each.row()).name for each in (one, two)] == ["Tecno KF6", "Tecno KF6 2"]
    assert await Handset(at).register("Bearer wrong") == 401
    assert refused(at, "phones", "private token") == 1


async def test_without_the_setting_no_private_token_is_right(demo_url: str) -> None:
    async with serving(demo_url) as at:
        for token in ("Bearer ", "Bearer x", ""):
            assert await Handset(at).register(token) == 401


async def test_a_phone_that_registers_again_keeps_its_name_key_and_stream(at: Serving) -> None:
    phone = await linked(at)
    former, key = dict(phone.headers), phone.key
    async with Events(phone) as events:
        assert await phone.register(phone.basic) == 201
        assert (phone.device, phone.key, phone.password) == ("phone-1", key, None)
        await promised(at, "phone-1", "one")
        names = [(await events.next())[0] for _ in range(3)]
        assert names == ["WebhooksUpdated", "SettingsUpdated", "MessageEnqueued"]
    current, phone.headers = phone.headers, former
    async with Events(phone) as events:
        assert (await events.next())[0] == "WebhooksUpdated", "the app reads the token of its stream once"
    phone.headers = current


async def test_a_handset_that_another_one_replaced_gets_no_messages(at: Serving) -> None:
    old = await linked(at)
    new = await linked(at)
    assert new.device == old.device == "phone-1"
    await promised(at, "phone-1", "one")
    assert (await old.call("GET", "/message"))[0] == 401
    assert len((await new.call("GET", "/message"))[1]) == 1


async def test_a_code_of_the_phone_itself_registers_it_again(at: Serving) -> None:
    phone = await linked(at)
    status, answer = await phone.call("GET", "/user/code", Authorization=phone.basic)
    assert status == 200 and answer["validUntil"].endswith("Z")
    assert await phone.register(f"Code {answer['code']}") == 201 and phone.device == "phone-1"
    assert (await phone.call("GET", "/user/code", Authorization="Basic bm86bm8="))[0] == 401


async def test_a_wrong_signature_is_refused_and_nothing_is_stored(at: Serving) -> None:
    phone = await linked(at)
    assert await phone.post(b"{}", sign="0" * 64) == 401
    assert await phone.post(b"{}", sign="") == 401
    assert refused(at, "phone-1", "signature") == 2
    assert await at.rows("SELECT 1 FROM inbox") == []


async def test_wrong_signatures_are_counted_until_one_is_right(at: Serving) -> None:
    phone = await linked(at)
    before, seen_at = now_ms(), (await phone.row()).seen_at
    assert await phone.post(b"{}", sign="0" * 64) == 401
    row = await phone.row()
    assert (row.wrong_signatures, row.seen_at) == (1, seen_at)
    assert before <= row.wrong_signature_at <= now_ms()
    assert await phone.post(b"{}", sign="0" * 64) == 401
    await at.rows("UPDATE phone SET wrong_signature_at = 0")
    assert await phone.post(b"{}", sign="0" * 64) == 401
    assert (await phone.row()).wrong_signatures == 3
    assert await phone.gets("BAL") == 200
    assert (await phone.row()).wrong_signatures == 0


@pytest.mark.parametrize("clock", [-301, 301, 86_400])
async def test_an_old_timestamp_is_refused_and_the_wrong_clock_is_known(at: Serving, clock: int) -> None:
    phone = await linked(at)
    assert await phone.tell("sms:received", clock=clock) == 401
    assert refused(at, "phone-1", "stale") == 1
    assert abs((await phone.row()).clock_offset - clock) <= 1
    assert await phone.gets("BAL") == 200, "mended"
    assert abs((await phone.row()).clock_offset) <= 1


@pytest.mark.parametrize("timestamp", ["soon", "-5", "1e9", "9" * 30])
async def test_a_timestamp_that_is_no_time_is_refused(at: Serving, timestamp: str) -> None:
    phone = await linked(at)
    assert await phone.post(b"{}", timestamp=timestamp) == 401
    assert refused(at, "phone-1", "stale") == 1


async def test_another_phones_key_address_and_device_do_not_go_together(at: Serving) -> None:
    one, two = await linked(at, "one"), await linked(at, "two")
    body = json.dumps({"id": "e", "event": "sms:received", "deviceId": "phone-1", "payload": {}}).encode()
    assert await one.post(body, to="phone-2") == 401
    assert refused(at, "phone-2", "signature") == 1
    assert await two.post(body) == 401
    assert refused(at, "phone-2", "device") == 1


async def test_another_phones_token_cannot_report_or_change(at: Serving) -> None:
    one, two = await linked(at, "one"), await linked(at, "two")
    await promised(at, "phone-1", "hello")
    (message,) = await one.pull()
    assert await two.pull() == []
    assert await two.report(message["id"], "Delivered") == 404
    assert refused(at, "phone-2", "message") == 1
    assert await state(at, "hello") == ("sending", "")
    device = {"id": "phone-1", "pushToken": None, "simCards": []}
    assert (await two.call("PATCH", "/device", device))[0] == 404
    assert refused(at, "phone-2", "device") == 1


@pytest.mark.parametrize("external_id", ["m999-1", "m0-1", "42", "", "m" + "9" * 30, "m1'--"])
async def test_an_unknown_message_is_refused(at: Serving, external_id: str) -> None:
    phone = await linked(at)
    assert await phone.report(external_id, "Sent") == 404
    assert refused(at, "phone-1", "message") == 1
    sent = {"messageId": external_id, "recipient": BARAKA, "simNumber": 1, "partsCount": 1}
    assert await phone.tell("sms:sent", **sent) == 200, "else the app tells it for two days"
    assert refused(at, "phone-1", "message") == 2


async def test_an_unlinked_phone_is_nobody_at_once(at: Serving) -> None:
    phone = await linked(at)
    await promised(at, "phone-1", "on it", "waits")
    await at.rows("UPDATE outbox SET state = 'scheduled', due_at = $1 WHERE origin = 'waits'", [now_ms() + 9_000_000])
    await phone.pull()
    async with Events(phone) as events:
        async with at.mwanga.database.work():
            await linking.unlink(await linking.find("Shop phone"))
        assert (await phone.call("GET", "/message"))[0] == 401
        assert await phone.gets("BAL") == 404
        assert await phone.register(phone.basic) == 401
        assert refused(at, "phones", "unlinked") == 1 and refused(at, "phones", "token") == 1
        while (await events.next())[0]:
            pass
    assert await state(at, "on it") == ("failed", "gateway gone")
    (row,) = await at.rows("SELECT gateway FROM outbox WHERE origin = 'waits'")
    assert row["gateway"] != "phone-1"


@pytest.mark.parametrize("call", ["webhook", "message", "device"])
async def test_a_large_body_is_refused_whoever_sends_it(at: Serving, call: str) -> None:
    phone = await linked(at)
    body = b"x" * 1_000_000
    if call == "webhook":
        assert await phone.post(body) == 413
    else:
        method = "PATCH" if call == "message" else "POST"
        async with at.client.request(method, f"{API}/{call}", data=body, headers=phone.headers) as answer:
            assert answer.status == 413
    assert refused(at, "phones" if call == "device" else "phone-1", "size") == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{}", b'{"payload": {}}', b"\xff", b"[" * 60_000, b'{"payload": [], "event": 1}'],
)
async def test_what_cannot_be_read_is_400(at: Serving, body: bytes) -> None:
    phone = await linked(at)
    assert await phone.post(body) in (400, 401)
    async with at.client.patch(f"{API}/message", data=body, headers=phone.headers) as answer:
        assert answer.status in (400, 204)
    async with at.client.post(f"{API}/device", data=body, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
        assert answer.status in (400, 201)
    assert await at.rows("SELECT 1 FROM inbox") == []


@pytest.mark.parametrize("text", ["1 482915", "1482915", "PIN 482915 730582", "482915"])
async def test_an_sms_that_cannot_be_read_is_kept_without_its_pin(at: Serving, text: str) -> None:
    phone = await linked(at)
    assert await phone.tell("sms:received", messageId="1", message=text, sender=BARAKA) == 400
    (kept,) = await at.rows("SELECT gateway, reason, body FROM refused")
    assert kept["gateway"] == "phone-1" and "date" in kept["reason"]
    assert "82915" not in kept["body"] and "730582" not in kept["body"]


@pytest.mark.parametrize("header", ["Authorization", "X-Signature", "X-Timestamp", "User-Agent"])
async def test_a_header_that_is_no_text_is_refused_like_any_other(at: Serving, header: str) -> None:
    phone = await linked(at)
    for method, path in (("GET", f"{API}/message"), ("POST", f"{API}/device"), ("POST", "/smsgate/webhooks/phone-1")):
        assert await _raw(at, f"{method} {path}", f"{header}: Bearer \xff\xfe") in (400, 401)
    assert await phone.pull() == []


async def _raw(at: Serving, request: str, header: str) -> int:
    """The status of a request with bytes that no client library would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", at.mwanga.config.port)
    lines = [f"{request} HTTP/1.1", "Host: x", "X-Timestamp: 1", header, "Content-Length: 2", "", "{}"]
    writer.write("\r\n".join(lines).encode("latin-1"))
    status = await reader.readline()
    writer.close()
    return int(status.split()[1])


async def test_a_login_that_is_no_text_is_unknown(at: Serving) -> None:
    for login in (b"\0:x", b"\xff:x", b"x", b"", b":"):
        assert await Handset(at).register("Basic " + base64.b64encode(login).decode()) == 401


@pytest.mark.parametrize("path", ["/message", "/webhooks", "/settings", "/events"])
@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer x", "Basic x", f"Bearer {TOKEN}"])
async def test_nobody_else_gets_anything(at: Serving, path: str, authorization: str) -> None:
    status, _ = await Handset(at).call("GET", path, Authorization=authorization)
    assert status == 401


async def test_an_old_app_is_linked_and_gets_no_messages(at: Serving) -> None:
    phone = await linked(at)
    await promised(at, "phone-1", "hello")
    phone.headers["User-Agent"] = "me.capcom.smsgateway/1.66.1"
    assert await phone.pull() == []
    assert (await phone.row()).version == "1.66.1"
    await at.mwanga.phones.look()
    assert at.mwanga.phones.names() == []
    phone.headers["User-Agent"] = AGENT
    assert len(await phone.pull()) == 1


async def test_a_ping_tells_how_the_phone_is(at: Serving) -> None:
    phone = await linked(at)
    checks = {
        "battery:level": {"status": "pass", "observedValue": 71, "observedUnit": "percent"},
        "battery:charging": {"status": "pass", "observedValue": 3, "observedUnit": "flags"},
        "connection:transport": {"status": "pass", "observedValue": 2, "observedUnit": "flags"},
        "connection:cellular": {"status": "pass", "observedValue": 4, "observedUnit": "index"},
    }
    assert await phone.tell("system:ping", health={"status": "pass", "version": "1.68.0", "checks": checks}) == 200
    row = await phone.row()
    assert (row.battery, row.charging, row.network) == (71, True, "mobile 4G")
    (heard,) = await at.rows("SELECT heard_at FROM gatewaystate WHERE name = 'phone-1'")
    assert heard["heard_at"] > 0


async def test_a_started_app_shows_its_sim_cards_whole(at: Serving) -> None:
    hidden = {"slotIndex": 0, "simNumber": 1, "phoneNumber": "*********0001", "carrierName": "***acom"}
    phone = await linked(at, simCards=[hidden])
    whole = hidden | {"phoneNumber": "0740 000 001", "carrierName": "Vodacom"}
    assert await phone.tell("app:started", simCards=[whole]) == 200
    assert (await phone.call("PATCH", "/device", {"id": "phone-1", "pushToken": "x", "simCards": [hidden]}))[0] == 204
    row = await phone.row()
    assert json.loads(row.sims) == [
        {"number": 1, "phone": "+255740000001", "carrier": "Vodacom", "failures": 0, "stopped": ""}
    ]
    assert row.push, "slow until it is restarted"


async def test_a_phone_that_was_silent_is_asked_for_what_it_got_meanwhile(at: Serving) -> None:
    phone = await linked(at)
    since = now_ms() - 50 * 3_600_000
    async with at.mwanga.database.work() as db:
        await execute(db, "UPDATE phone SET webhook_at = $1", [since])
    assert await phone.gets("BAL") == 200
    assert "silent for 50 h" in (await phone.row()).lost
    async with Events(phone) as events:
        asked: dict[str, Any] = {}
        while "MessagesExportRequested" not in asked:
            name, asked[name] = await events.next()
    request = asked["MessagesExportRequested"]
    assert request["messageTypes"] == "SMS" and request["triggerWebhooks"] is True
    assert request["since"].endswith("Z") and request["since"] < request["until"]
    assert (await Phone.get()).export_since == 0


async def test_a_stop_ends_the_streams_at_once(demo_url: str) -> None:
    async with serving(demo_url) as at:
        phone = await linked(at)
        async with Events(phone) as events:
            at.mwanga.phones.stop()
            while (await events.next())[0]:
                pass


async def test_sigterm_ends_open_streams_and_the_server_stops_in_time(demo_url: str) -> None:
    server = Server(demo_url, smsgate_token=TOKEN)
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
        "TTL expired": ("expired", "expired"),
        "Delivery result from SC +2557: 64": ("failed", "undelivered"),
        "something new": ("scheduled", "gateway fault"),
        "sendSMS: " + "at android.os.Parcel.createException " * 40: ("scheduled", "gateway fault"),
    }
    await promised(at, "phone-1", *(reason[:60] for reason in results))
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
