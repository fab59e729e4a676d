"""The emulated gateway phone against a server of a few lines: it can be trusted where it meets ours."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from tests.emulators.android.clock import Clock
from tests.emulators.android.fake_server import KEY, Fake, linked, listening
from tests.emulators.android.phone import Phone
from tests.emulators.android.radio import Sms
from tests.emulators.android.wire import Sim

ASHA = "+255700000001"
HOUR, DAY = 3_600, 86_400


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def fake() -> AsyncIterator[Fake]:
    async with listening() as fake:
        yield fake


@pytest.fixture
async def phone(fake: Fake, clock: Clock) -> AsyncIterator[Phone]:
    async with linked(fake, clock) as phone:
        yield phone


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
        fake.enqueue(1)
        await clock.forward(15 * 60)
        assert [sms.id for sms in phone.radio.messages] == ["m1"]  # pulled, though nothing told it
        await clock.forward(DAY)
        assert phone.settings and not phone.stream.open
        await phone.reboots()
        assert phone.stream.open


async def test_a_message_that_it_knows_is_reported_again_and_never_sent_twice(phone: Phone, fake: Fake) -> None:
    fake.enqueue(1)
    await phone.pull()
    await phone.pull()
    await phone.reboots()
    assert [sms.text for sms in phone.radio.messages] == ["Code 123 456 789"]
    first = [("m1", "Processed"), ("m1", "Sent"), ("m1", "Delivered")]
    assert fake.reports[:4] == [*first, ("m1", "Delivered")]


async def test_a_report_is_tried_again_ten_times_then_waits_to_be_asked(phone: Phone, fake: Fake, clock: Clock) -> None:
    fake.patch_status = 500
    phone.reports.webhooks = ()
    fake.enqueue(1)
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
    fake.enqueue(1)
    await clock.forward(60)
    await phone.news.until(lambda: phone.radio.messages)  # it pulls on every opening
    assert phone.stream.failures == 0


async def test_a_stream_that_is_cut_before_it_began_is_opened_again_too(phone: Phone, clock: Clock) -> None:
    await phone.stream.drop()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
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
        fake.enqueue(number)
    await phone.pull()
    assert [sms.id for sms in phone.radio.messages] == expected


async def test_it_pauses_between_messages_and_waits_a_period_when_its_limit_is_full(
    phone: Phone, fake: Fake, clock: Clock
) -> None:
    fake.settings["messages"] |= {"send_interval_min": 2, "send_interval_max": 6}
    fake.settings["messages"] |= {"limit_period": "PerHour", "limit_value": 3}
    await phone.fetch_lists()
    for number in (1, 2, 3, 4):
        fake.enqueue(number)
    await phone.pull()
    sent = phone.radio.messages
    assert len(sent) == 1
    await clock.forward(12)
    assert len(sent) == 3 and all(2 <= later.at - sms.at <= 6 for sms, later in pairwise(sent))
    await clock.forward(HOUR)
    assert len(sent) == 4 and sent[3].at == sent[2].at + HOUR
    fake.enqueue(5, priority=100)
    await phone.pull()
    assert sent[4].id == "m5"


async def test_android_stops_the_app_after_30_parts_in_30_minutes(phone: Phone, fake: Fake) -> None:
    for number in range(16):
        fake.enqueue(number, "a" * 200)
    await phone.pull()
    assert len(phone.radio.messages) == 15
    assert [sms.error for sms in phone.radio.refused] == ["RESULT_ERROR_LIMIT_EXCEEDED"]
    assert fake.bodies("sms:failed")[0]["payload"]["reason"] == "RESULT_ERROR_LIMIT_EXCEEDED"


async def test_what_is_too_old_or_refused_by_the_radio_is_reported_as_failed(phone: Phone, fake: Fake) -> None:
    def no_credit(_sms: Sms) -> str:
        return "RESULT_ERROR_GENERIC_FAILURE"

    phone.radio.refuses = no_credit
    fake.enqueue(1, validUntil="2026-11-23T06:59:59.000Z")
    fake.enqueue(2)
    fake.enqueue(3, simNumber=2)
    await phone.pull()
    reasons = [hook["payload"]["reason"] for hook in fake.bodies("sms:failed")]
    assert reasons == ["TTL expired", "RESULT_ERROR_GENERIC_FAILURE", "SIM not found"]
    assert not phone.radio.messages


async def test_a_cancelled_message_that_has_not_left_does_not_leave(phone: Phone, fake: Fake) -> None:
    phone.queue.held = True
    fake.enqueue(1)
    fake.enqueue(2)
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
    fake.enqueue(1)
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
    fake.enqueue(1)
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
