"""The emulated gateway phone against a server of a few lines: it can be trusted where it meets ours."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.phone_clock import START, Clock
from tests.smsgate_phone import Phone
from tests.smsgate_radio import Sms
from tests.smsgate_wire import Sim, Unreadable, date, moment, order, parts, settings, signature

ASHA, BARAKA = "+255700000001", "+255710000002"
KEY = "a signing key of the server"
HOUR, DAY = 3_600, 86_400
RETRIES = [5 << n for n in range(15)]  # seconds between the posts of one emission


class Fake:
    """Answers what the app asks for; a test changes what."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.settings: dict[str, Any] = {"messages": {"processing_order": "FIFO"}, "webhooks": {"signing_key": KEY}}
        self.events = ["WebhooksUpdated", "SettingsUpdated"]
        self.registered: list[str] = []
        self.reports: list[tuple[str, str]] = []
        self.hooks: list[tuple[dict[str, str], str]] = []
        self.hook_status, self.patch_status, self.stream_status = 200, 204, 200
        self.silent = asyncio.Event()
        self.silent.set()
        self.url = ""
        self._streams: list[asyncio.Queue[str | None]] = []

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/device", self._device)
        app.router.add_patch("/device", self._device)
        app.router.add_get("/message", self._pull)
        app.router.add_patch("/message", self._report)
        app.router.add_get("/webhooks", self._webhooks)
        app.router.add_get("/settings", self._settings)
        app.router.add_get("/events", self._stream)
        app.router.add_post("/hook", self._hook)
        return app

    def promise(self, number: int, text: str = "Code 123 456 789", **more: Any) -> None:
        message = {"id": f"m{number}", "textMessage": {"text": text}, "phoneNumbers": [BARAKA]}
        self.messages.append(message | {"createdAt": f"2026-11-23T06:00:{number:02d}.000Z"} | more)

    def say(self, event: str, **data: Any) -> None:
        for stream in self._streams:
            stream.put_nowait(f"event: {event}\ndata: {json.dumps(data)}\n\n")

    def end_streams(self) -> None:
        for stream in self._streams:
            stream.put_nowait(None)
        self._streams.clear()

    async def _device(self, request: web.Request) -> web.Response:
        self.registered.append(request.headers["Authorization"])
        given = {"id": "dev_1", "token": "t" * 64, "login": "op1", "password": "secret"}
        return web.json_response(given, status=201)

    async def _pull(self, _request: web.Request) -> web.Response:
        return web.json_response(self.messages)

    async def _report(self, request: web.Request) -> web.Response:
        (report,) = await request.json()
        self.reports.append((report["id"], report["state"]))
        return web.Response(status=self.patch_status)

    async def _webhooks(self, _request: web.Request) -> web.Response:
        events = ("sms:received", "sms:sent", "sms:delivered", "sms:failed", "system:ping", "app:started")
        return web.json_response([{"id": f"wh-{event}", "url": f"{self.url}/hook", "event": event} for event in events])

    async def _settings(self, _request: web.Request) -> web.Response:
        return web.json_response(self.settings)

    async def _hook(self, request: web.Request) -> web.Response:
        self.hooks.append((dict(request.headers), await request.text()))
        await self.silent.wait()
        return web.Response(status=self.hook_status)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self.stream_status != 200:
            return web.Response(status=self.stream_status)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._streams.append(queue)
        await response.write(b":keepalive\n\nevent: Nothing\n\n")
        for event in self.events:
            self.say(event)
        while (said := await queue.get()) is not None:
            await response.write(said.encode())
        return response

    def bodies(self, event: str) -> list[dict[str, Any]]:
        return [body for _, text in self.hooks if (body := json.loads(text))["event"] == event]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    fake = Fake()
    async with TestServer(fake.application(), shutdown_timeout=0) as server:
        fake.url = str(server.make_url("")).rstrip("/")
        yield fake
        fake.end_streams()
        fake.silent.set()


@pytest.fixture
async def phone(fake: Fake, clock: Clock) -> AsyncIterator[Phone]:
    async with Phone(fake.url, clock) as phone:
        await phone.register(code="123456")
        await phone.sync()
        yield phone


def test_the_signature_is_that_of_the_published_vector() -> None:
    body = (
        '{"id":"ev_1","webhookId":"wh_rx","event":"sms:received","deviceId":"dev_1","payload":{"messageId":"1a2b3c4d",'
        '"message":"BAL 1001","receivedAt":"2026-11-23T10:00:00.000+03:00","sender":"+254700000001","simNumber":1,'
        '"phoneNumber":"+254700000001"}}'
    )
    expected = "8cc0eb6c7148f74bf1d2524346077f1505e2f67e6b6eddc28a48b03058c678f2"
    assert signature("test-signing-key-0001", body, "1795417205") == expected


def test_dates_are_read_as_strictly_as_the_app_does() -> None:
    assert date(START) == "2026-11-23T10:00:00.000+03:00"
    assert moment("2026-11-23T07:00:00.000Z") == moment("2026-11-23T10:00:00.000+03:00") == START
    assert moment("2026-11-23T07:00:00.123456Z") == START + 123.456  # not a fraction: milliseconds
    for wrong in ("2026-11-23T07:00:00Z", "2026-11-23 07:00:00.000", "", None):
        with pytest.raises(Unreadable):
            moment(wrong)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a" * 160, 1), ("a" * 161, 2), ("€" * 80, 1), ("€" * 81, 2), ("ẹ" * 70, 1), ("ẹ" * 71, 2), ("a" * 307, 3)],
)
def test_parts_are_counted_as_the_radio_does(text: str, expected: int) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(
    "broken",
    [
        {"createdAt": None},
        {"createdAt": "2026-11-23T07:00:00Z"},
        {"validUntil": "tomorrow"},
        {"phoneNumbers": [ASHA, BARAKA]},
        {"textMessage": {}},
        {"simNumber": 0},
        {"id": 7},
    ],
)
def test_a_message_that_the_app_cannot_read_is_left_out(broken: dict[str, Any]) -> None:
    good = {"id": "m1", "textMessage": {"text": "hello"}, "phoneNumbers": [ASHA]}
    good["createdAt"] = "2026-11-23T07:00:00.000Z"
    assert order(good)
    assert order(good | {"state": "Sent"}) is None
    with pytest.raises(Unreadable):
        order(good | broken)


def test_a_setting_that_the_app_does_not_know_loses_all_that_comes_after_it() -> None:
    given = {"messages": {"processing_order": "FIFO", "limit_period": "Per30Minutes"}, "webhooks": {"signing_key": "k"}}
    assert [name for name, _ in settings(given)][-1] == "webhooks.signing_key"
    read = []
    with pytest.raises(Unreadable):
        read += [name for name, _ in settings(given, "1.66.1")]
    with pytest.raises(Unreadable):
        for name, _ in settings({"messages": {"processing_order": "FIFO"}, "surprise": {}}):
            read.append(name)
    assert read == ["messages.processing_order"]


async def test_a_code_links_it_and_the_stream_brings_its_lists(phone: Phone, fake: Fake) -> None:
    assert fake.registered == ["Code 123456"]
    assert phone.stream.events[:2] == ["WebhooksUpdated", "SettingsUpdated"]
    assert phone.stream.keep_alives == 1
    assert (phone.queue.order, phone.hooks.key) == ("FIFO", KEY)
    assert [each.path for each in phone.line.calls[:2]] == ["/device", "/events"]


async def test_a_phone_with_googles_push_opens_no_stream_until_it_is_started_again(fake: Fake, clock: Clock) -> None:
    fake.settings["gateway"] = {"notification_channel": "SSE_ONLY"}
    async with Phone(fake.url, clock, google=True) as phone:
        await phone.register(token="private token")
        fake.promise(1)
        await clock.forward(15 * 60)
        assert [sms.id for sms in phone.radio.messages] == ["m1"]  # pulled, though nothing told it
        await clock.forward(DAY)
        assert phone.settings and not phone.stream.open
        await phone.reboots()
        assert phone.stream.open


async def test_a_message_that_it_knows_is_reported_again_and_never_sent_twice(phone: Phone, fake: Fake) -> None:
    fake.promise(1)
    await phone.pull()
    await phone.pull()
    await phone.reboots()
    assert [sms.text for sms in phone.radio.messages] == ["Code 123 456 789"]
    first = [("m1", "Processed"), ("m1", "Sent"), ("m1", "Delivered")]
    assert fake.reports[:4] == [*first, ("m1", "Delivered")]


async def test_it_reports_by_webhook_once_for_each_delivered_part(phone: Phone, fake: Fake) -> None:
    fake.promise(1, "a" * 200)
    await phone.pull()
    assert [hook["payload"]["partsCount"] for hook in fake.bodies("sms:sent")] == [2]
    assert [hook["payload"]["messageId"] for hook in fake.bodies("sms:delivered")] == ["m1", "m1"]


async def test_every_webhook_is_signed_over_its_body_and_its_own_time(phone: Phone, fake: Fake) -> None:
    await phone.receives(ASHA, "BAL")
    headers, body = fake.hooks[-1]
    assert headers["X-Timestamp"] == str(int(START))
    assert headers["X-Signature"] == signature(KEY, body, headers["X-Timestamp"])
    assert json.loads(body)["payload"]["receivedAt"] == "2026-11-23T10:00:00.000+03:00"
    phone.clock_error = HOUR
    await phone.receives(ASHA, "BAL")
    assert fake.hooks[-1][0]["X-Timestamp"] == str(int(START) + HOUR)


async def test_an_unanswered_webhook_is_tried_again_ever_later_and_given_up_after_45_hours(
    phone: Phone, fake: Fake, clock: Clock
) -> None:
    fake.hook_status = 503
    fake.hooks.clear()
    (emission,) = await phone.receives(ASHA, "BAL")
    for count, wait in enumerate(RETRIES, start=1):
        await clock.forward(wait - 1)
        assert len(fake.hooks) == count
        await clock.forward(1)
        assert len(fake.hooks) == count + 1
    assert phone.hooks.given_up == [emission]
    assert 45 * HOUR < sum(RETRIES) < 46 * HOUR
    assert len({json.loads(body)["id"] for _, body in fake.hooks}) == 1
    assert len({headers["X-Timestamp"] for headers, _ in fake.hooks}) == len(fake.hooks)


async def test_five_seconds_of_silence_are_a_failure_and_the_same_emission_comes_again(
    fake: Fake, clock: Clock
) -> None:
    async with Phone(fake.url, clock, silence=0.05) as phone:
        await phone.register(code="123456")
        await phone.sync()
        fake.silent.clear()
        (emission,) = await phone.receives(ASHA, "BAL")
        assert (emission.status, emission.retries) == (0, 1)
        fake.silent.set()
        await clock.forward(5)
    assert [json.loads(body)["id"] for _, body in fake.hooks] == [emission.id, emission.id]
    assert phone.hooks.accepted == [emission]


async def test_a_newer_webhook_overtakes_one_that_waits(phone: Phone, fake: Fake, clock: Clock) -> None:
    fake.hook_status = 503
    await phone.receives(ASHA, "first")
    fake.hook_status = 200
    await phone.receives(ASHA, "second")
    await clock.forward(5)
    assert [each["payload"]["message"] for each in fake.bodies("sms:received")] == ["first", "second", "first"]


async def test_a_report_is_tried_again_ten_times_then_waits_to_be_asked(phone: Phone, fake: Fake, clock: Clock) -> None:
    fake.patch_status = 500
    phone.reports.webhooks = ()
    fake.promise(1)
    await phone.pull()
    await clock.forward(sum(10 << n for n in range(10)))
    assert len(fake.reports) == 3 * 11  # Processed, Sent, Delivered; each with the state of its moment
    assert fake.reports[-1] == ("m1", "Delivered")
    assert phone.reports.given_up == ["m1"] * 3
    fake.patch_status = 204
    await phone.pull()
    assert fake.reports[-1] == ("m1", "Delivered")


async def test_a_broken_stream_is_opened_again_after_5_then_30_then_60_seconds(
    phone: Phone, fake: Fake, clock: Clock
) -> None:
    fake.stream_status = 503
    fake.end_streams()
    await phone.news.until(lambda: not phone.stream.open)
    before = phone.stream.failures
    for wait in [5] * 5 + [30] * 5 + [60] * 2:
        await clock.forward(wait - 0.5)
        assert phone.stream.failures == before
        await clock.forward(0.5)
        before += 1
        assert phone.stream.failures == before
    fake.stream_status = 200
    fake.promise(1)
    await clock.forward(60)
    await phone.news.until(lambda: phone.radio.messages)  # it pulls on every opening
    assert phone.stream.failures == 0


async def test_a_stream_that_is_cut_before_it_began_is_opened_again_too(phone: Phone, clock: Clock) -> None:
    await phone.stream.drop()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(phone.stream.connect())
        await asyncio.sleep(0)  # it is to begin, and has not
        await phone.goes_offline()
    assert not phone.stream.open
    await phone.comes_online()
    await clock.forward(5)
    assert phone.stream.open


@pytest.mark.parametrize(("wanted", "expected"), [("FIFO", ["m1", "m2", "m3"]), ("LIFO", ["m3", "m2", "m1"])])
async def test_it_sends_in_the_order_that_the_settings_ask_for(
    wanted: str, expected: list[str], phone: Phone, fake: Fake
) -> None:
    fake.settings["messages"]["processing_order"] = wanted
    await phone.fetch_lists()
    for number in (1, 2, 3):
        fake.promise(number)
    await phone.pull()
    assert [sms.id for sms in phone.radio.messages] == expected


async def test_it_pauses_between_messages_and_waits_a_period_when_its_limit_is_full(
    phone: Phone, fake: Fake, clock: Clock
) -> None:
    fake.settings["messages"] |= {"send_interval_min": 2, "send_interval_max": 6}
    fake.settings["messages"] |= {"limit_period": "PerHour", "limit_value": 3}
    await phone.fetch_lists()
    for number in (1, 2, 3, 4):
        fake.promise(number)
    await phone.pull()
    sent = phone.radio.messages
    assert len(sent) == 1
    await clock.forward(12)
    assert len(sent) == 3 and all(2 <= later.at - sms.at <= 6 for sms, later in pairwise(sent))
    await clock.forward(HOUR)
    assert len(sent) == 4 and sent[3].at == sent[2].at + HOUR
    fake.promise(5, priority=100)
    await phone.pull()
    assert sent[4].id == "m5"


async def test_android_stops_the_app_after_30_parts_in_30_minutes(phone: Phone, fake: Fake) -> None:
    for number in range(16):
        fake.promise(number, "a" * 200)
    await phone.pull()
    assert len(phone.radio.messages) == 15
    assert [sms.error for sms in phone.radio.refused] == ["RESULT_ERROR_LIMIT_EXCEEDED"]
    assert fake.bodies("sms:failed")[0]["payload"]["reason"] == "RESULT_ERROR_LIMIT_EXCEEDED"


async def test_what_is_too_old_or_refused_by_the_radio_is_reported_as_failed(phone: Phone, fake: Fake) -> None:
    def no_credit(_sms: Sms) -> str:
        return "RESULT_ERROR_GENERIC_FAILURE"

    phone.radio.refuses = no_credit
    fake.promise(1, validUntil="2026-11-23T06:59:59.000Z")
    fake.promise(2)
    fake.promise(3, simNumber=2)
    await phone.pull()
    reasons = [hook["payload"]["reason"] for hook in fake.bodies("sms:failed")]
    assert reasons == ["TTL expired", "RESULT_ERROR_GENERIC_FAILURE", "SIM not found"]
    assert not phone.radio.messages


async def test_a_cancelled_message_that_has_not_left_does_not_leave(phone: Phone, fake: Fake) -> None:
    phone.queue.held = True
    fake.promise(1)
    fake.promise(2)
    await phone.pull()
    fake.say("MessageCancelled", messageId="m1")
    await phone.news.until(lambda: ("m1", "Cancelled") in fake.reports and "MessageCancelled" in phone.stream.events)
    fake.messages = [fake.messages[1] | {"state": "Cancelling"}]
    await phone.pull()
    phone.queue.held = False
    await phone.queue.work()
    assert (phone.radio.messages, fake.reports[-1]) == ([], ("m2", "Cancelled"))


async def test_a_reboot_keeps_what_was_pulled_and_what_was_not_yet_told(phone: Phone, fake: Fake, clock: Clock) -> None:
    phone.queue.held = True
    fake.promise(1)
    await phone.pull()
    fake.hook_status = 503
    await phone.receives(ASHA, "BAL")
    fake.hook_status, phone.queue.held = 200, False
    await phone.reboots()
    await clock.forward(5)
    assert [sms.id for sms in phone.radio.messages] == ["m1"]
    assert [each["payload"]["message"] for each in fake.bodies("sms:received")] == ["BAL", "BAL"]
    assert fake.bodies("app:started")[0]["payload"]["simCards"][0]["phoneNumber"] == Sim().phone


async def test_a_week_offline_costs_only_what_is_older_than_a_week(phone: Phone, fake: Fake, clock: Clock) -> None:
    fake.promise(1)
    await phone.goes_offline()
    await phone.receives(ASHA, "a week ago")
    await clock.forward(DAY)
    await phone.receives(ASHA, "six days ago")
    await clock.forward(6 * DAY + 1)
    await phone.comes_online()
    assert [each["payload"]["message"] for each in fake.bodies("sms:received")] == ["six days ago"]
    assert not phone.radio.messages
    await clock.forward(60)
    await phone.news.until(lambda: phone.radio.messages)


async def test_both_kinds_of_duplicates_are_what_they_are_on_the_wire(phone: Phone, fake: Fake) -> None:
    (emission,) = await phone.receives(ASHA, "TOKEN")
    await phone.hooks.post(emission)
    await phone.inbox.tell(phone.inbox.messages[0])
    bodies = fake.bodies("sms:received")
    assert bodies[0]["id"] == bodies[1]["id"] != bodies[2]["id"]
    assert len({body["payload"]["messageId"] for body in bodies}) == 1


@pytest.mark.parametrize(("version", "expected"), [("1.67.0", ["missed"]), ("1.66.1", ["heard", "missed"])])
async def test_an_export_tells_what_the_app_missed_and_an_old_one_tells_all(
    version: str, expected: list[str], fake: Fake, clock: Clock
) -> None:
    async with Phone(fake.url, clock, version=version) as phone:
        await phone.register(code="123456")
        await phone.sync()
        await phone.receives(ASHA, "heard")
        await phone.receives(ASHA, "missed", told=False)
        fake.hooks.clear()
        fake.say("MessagesExportRequested", since=date(START - 1), until=date(START + 1), triggerWebhooks=True)
        await phone.news.until(lambda: "MessagesExportRequested" in phone.stream.events)
    assert [each["payload"]["message"] for each in fake.bodies("sms:received")] == expected


async def test_version_1_66_1_gives_the_same_id_to_the_same_text_and_then_drops_it(fake: Fake, clock: Clock) -> None:
    async with Phone(fake.url, clock, version="1.66.1") as old, Phone(fake.url, clock) as new:
        for phone in (old, new):
            await phone.register(code="123456")
            await phone.sync()
            await phone.receives(ASHA, "TOKEN")
            await clock.forward(60)
            await phone.receives(ASHA, "TOKEN")
        assert len(new.hooks.accepted) == 2 and len({each.id for each in new.inbox.messages}) == 2
        assert len(old.hooks.accepted) == 1 and len({each.id for each in old.inbox.messages}) == 1
