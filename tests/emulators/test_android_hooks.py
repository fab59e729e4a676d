"""The emulated gateway phone's webhooks: signed, tried again ever later, and told twice or never."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.emulators.android.clock import START, Clock
from tests.emulators.android.fake_server import KEY, Fake, linked, listening
from tests.emulators.android.phone import Phone
from tests.emulators.android.wire import date, signature

ASHA = "+255700000001"
HOUR = 3_600
RETRIES = [5 << n for n in range(15)]  # seconds between the posts of one emission


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


async def test_it_reports_by_webhook_once_for_each_delivered_part(phone: Phone, fake: Fake) -> None:
    fake.enqueue(1, "a" * 200)
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
    phone: Phone, fake: Fake, clock: Clock
) -> None:
    assert phone.line.silence == 5
    fake.silent.clear()
    phone.line.silence = 0.5
    (emission,) = await phone.receives(ASHA, "BAL")
    assert (emission.status, emission.retries) == (0, 1)
    fake.silent.set()
    phone.line.silence = 5
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
