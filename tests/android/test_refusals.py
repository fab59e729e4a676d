"""Gateway phones over HTTP: who and what is refused, and what is kept of it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator

import pytest

from bot.android import linking
from models.messages import MessageKind
from models.sql import now_ms
from tests.emulators.android_calls import API, BARAKA, TOKEN, Events, Handset, enqueued, linked, refused, state
from tests.world.server import Serving, serving

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
async def at(demo_url: str) -> AsyncIterator[Serving]:
    async with serving(demo_url, smsgate_token=TOKEN, public_url="https://mwanga.example.org") as running:
        yield running


async def test_a_wrong_code_is_refused_and_five_end_it(at: Serving) -> None:
    async with at.mwanga.database.work():
        _, code = await linking.add("Shop phone", at.mwanga.company.vault, actor="office")
    phone, wrong = Handset(at), f"{(int(code) + 1) % 1_000_000:06d}"
    for _ in range(5):
        assert await phone.register(f"Code {wrong}") == 401
    assert await phone.register(f"Code {code}") == 401
    assert refused(at, "phones", "code") == 6


async def test_a_code_that_was_guessed_at_without_end_shields_no_other(at: Serving) -> None:
    async with at.mwanga.database.work():
        await linking.add("guessed at", at.mwanga.company.vault, actor="office")
    await at.rows("UPDATE phone SET code_tries = 32767")  # the most that its column holds
    async with at.mwanga.database.work():
        _, code = await linking.add("Shop phone", at.mwanga.company.vault, actor="office")
    phone, wrong = Handset(at), f"{(int(code) + 1) % 1_000_000:06d}"
    for _ in range(5):
        assert await phone.register(f"Code {wrong}") == 401
    assert await phone.register(f"Code {code}") == 401


async def test_a_code_works_once(at: Serving) -> None:
    async with at.mwanga.database.work():
        _, code = await linking.add("Shop phone", at.mwanga.company.vault, actor="office")
    assert await Handset(at).register(f"Code {code}") == 201
    assert await Handset(at).register(f"Code {code}") == 401


async def test_a_code_ends_after_15_minutes(at: Serving) -> None:
    async with at.mwanga.database.work():
        _, code = await linking.add("Shop phone", at.mwanga.company.vault, now_ms() - 15 * 60_000, actor="office")
    assert await Handset(at).register(f"Code {code}") == 401


async def test_without_the_setting_no_private_token_is_right(demo_url: str) -> None:
    async with serving(demo_url) as at:
        for token in ("Bearer ", "Bearer x", ""):
            assert await Handset(at).register(token) == 401


async def test_a_handset_that_another_one_replaced_gets_no_messages(at: Serving) -> None:
    old = await linked(at)
    new = await linked(at)
    assert new.device == old.device == "phone-1"
    await enqueued(at, "phone-1", "one")
    assert (await old.call("GET", "/message"))[0] == 401
    assert len((await new.call("GET", "/message"))[1]) == 1


async def test_a_wrong_signature_is_refused_and_nothing_is_stored(at: Serving) -> None:
    phone = await linked(at)
    assert await phone.post(b"{}", sign="0" * 64) == 404
    assert await phone.post(b"{}", sign="") == 404
    assert refused(at, "phone-1", "signature") == 2
    assert await at.rows("SELECT 1 FROM inbox") == []


async def test_wrong_signatures_are_counted_until_one_is_right(at: Serving) -> None:
    phone = await linked(at)
    before, seen_at = now_ms(), (await phone.row()).seen_at
    assert await phone.post(b"{}", sign="0" * 64) == 404
    row = await phone.row()
    assert (row.wrong_signatures, row.seen_at) == (1, seen_at)
    assert before <= row.wrong_signature_at <= now_ms()
    assert await phone.post(b"{}", sign="0" * 64) == 404
    await at.rows("UPDATE phone SET wrong_signature_at = 0")
    assert await phone.post(b"{}", sign="0" * 64) == 404
    assert (await phone.row()).wrong_signatures == 3
    assert await phone.gets("BAL") == 200
    assert (await phone.row()).wrong_signatures == 0


@pytest.mark.parametrize("clock", [-301, 301, 86_400])
@pytest.mark.usefixtures("phone_clock")  # it stands still: a second more makes 301 s ahead 300
async def test_an_old_timestamp_is_refused_and_the_wrong_clock_is_known(at: Serving, clock: int) -> None:
    phone = await linked(at)
    assert await phone.tell("sms:received", clock=clock) == 401
    assert refused(at, "phone-1", "stale") == 1
    assert abs((await phone.row()).clock_offset - clock) <= 1
    assert await phone.gets("BAL") == 200, "mended"
    assert abs((await phone.row()).clock_offset) <= 1


@pytest.mark.usefixtures("phone_clock")
async def test_a_clock_that_is_just_right_enough_again_is_known_to_be(at: Serving) -> None:
    phone = await linked(at)
    assert await phone.tell("sms:received", clock=310) == 401
    bal = {"messageId": "1", "message": "BAL", "sender": BARAKA, "recipient": None, "simNumber": 1}
    assert await phone.tell("sms:received", clock=290, **bal, receivedAt="2026-11-24T10:00:00.000+03:00") == 200
    assert abs((await phone.row()).clock_offset - 290) <= 1


@pytest.mark.parametrize("timestamp", ["soon", "-5", "1e9", "9" * 30])
async def test_a_timestamp_that_is_no_time_is_refused(at: Serving, timestamp: str) -> None:
    phone = await linked(at)
    assert await phone.post(b"{}", timestamp=timestamp) == 401
    assert refused(at, "phone-1", "stale") == 1


async def test_another_phones_key_address_and_device_do_not_go_together(at: Serving) -> None:
    one, two = await linked(at, "one"), await linked(at, "two")
    body = json.dumps({"id": "e", "event": "sms:received", "deviceId": "phone-1", "payload": {}}).encode()
    assert await one.post(body, to="phone-2") == 404
    assert refused(at, "phone-2", "signature") == 1
    assert await two.post(body) == 401
    assert refused(at, "phone-2", "device") == 1


async def test_another_phones_token_cannot_report_or_change(at: Serving) -> None:
    one, two = await linked(at, "one"), await linked(at, "two")
    await enqueued(at, "phone-1", "hello")
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
    await enqueued(at, "phone-1", "on it", "waits")
    await enqueued(at, "phone-1", "a reminder on it", kind=MessageKind.REMINDER)
    await at.rows("UPDATE outbox SET state = 'scheduled', due_at = $1 WHERE origin = 'waits'", [now_ms() + 9_000_000])
    await phone.pull()
    async with Events(phone) as events:
        async with at.mwanga.database.work():
            await linking.unlink(await linking.find("Shop phone"), actor="office")
        assert (await phone.call("GET", "/message"))[0] == 401
        assert await phone.gets("BAL") == 404
        assert await phone.register(phone.basic) == 401
        assert refused(at, "phones", "unlinked") == 1 and refused(at, "phones", "token") == 1
        while (await events.next())[0]:
            pass
    assert await state(at, "a reminder on it") == ("failed", "gateway gone")
    elsewhere = await at.rows("SELECT origin FROM outbox WHERE gateway <> 'phone-1' ORDER BY id")
    assert [row["origin"] for row in elsewhere] == ["on it", "waits"]


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
        assert await _raw(at, f"{method} {path}", f"{header}: Bearer \xff\xfe") in (400, 401, 404)
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
