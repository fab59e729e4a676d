"""A gateway phone with the unmodified app carries the business: the emulated phone drives the running server."""

from collections.abc import AsyncIterator

import pytest

from bot.android import linking
from bot.outbound import NewMessage, enqueue
from models.messages import MessageKind
from models.messages import Phone as Row
from models.sql import now_ms
from tests.emulators.android.clock import Clock
from tests.emulators.android.hooks import Emission
from tests.emulators.android.line import Call
from tests.emulators.android.phone import Phone
from tests.world.people import PEOPLE, PINS
from tests.world.server import serving
from tests.world.shop import API, DAY, HOUR, MINUTE, Shop, code, open_shop

pytestmark = pytest.mark.everyday_on_sqlite
ASHA, BARAKA = PEOPLE["Asha"], PEOPLE["Baraka"]


@pytest.fixture
async def shop(demo_url: str, phone_clock: Clock) -> AsyncIterator[Shop]:
    async with open_shop(demo_url, phone_clock) as shop:
        await shop.phone.sync()
        yield shop


async def test_a_code_links_a_phone_and_all_that_it_is_told_can_be_read_by_the_app(shop: Shop) -> None:
    phone = shop.phone
    assert phone.complaints == []
    assert phone.stream.events[:2] == ["WebhooksUpdated", "SettingsUpdated"]
    assert (phone.queue.order, phone.queue.period, phone.queue.limit) == ("FIFO", "Per30Minutes", 28)
    assert len(phone.hooks.list) == 6 and len(phone.hooks.key) == 64
    again = await phone.login_code()
    assert again.status == 200 and len(again.body["code"]) == 6


async def test_a_sale_by_sms_through_the_phone_brings_one_token_by_radio(shop: Shop) -> None:
    await shop.text(ASHA, "BUY SHS0283 8000")
    assert "BARAKA P." in await shop.read(ASHA)
    await shop.text(ASHA, f"1 {PINS['Asha']}")
    sold, token = await shop.read(ASHA), await shop.read(BARAKA)
    assert sold.startswith("SOLD TZS 8,000")
    assert "Code " in token
    await shop.phone.reboots()
    await shop.phone.pull()
    assert [sms.phone for sms in shop.phone.radio.messages].count(BARAKA) == 1
    assert {row["state"] for row in await shop.rows("state")} == {"delivered"}
    assert shop.phone.complaints == [] and shop.at.emulator.messages == []


async def test_a_phone_that_opens_two_streams_as_it_boots_keeps_both(shop: Shop) -> None:
    """It takes the end of one for a broken network, cuts the other too and opens both again, every 5 s for ever."""
    phone = shop.phone
    await phone.reboots()
    phone.line.calls.clear()
    await shop.text(BARAKA, "TOKEN")
    assert (await shop.read(BARAKA)).startswith("No ")
    await shop.clock.forward(MINUTE)
    assert (phone.stream.open, phone.stream.failures) == (2, 0)
    assert Call("GET", f"/{API}/events", 200) not in phone.line.calls


async def test_both_kinds_of_duplicates_are_one_message(shop: Shop) -> None:
    await shop.clock.forward(1)
    (emission,) = await shop.phone.receives(BARAKA, "TOKEN")
    assert await shop.phone.hooks.post(emission) == 200
    (again,) = await shop.phone.inbox.tell(shop.phone.inbox.messages[0])
    assert again.status == 200
    await shop.at.handled()
    assert await shop.received() == ["TOKEN"]
    await shop.text(BARAKA, "TOKEN")
    assert await shop.received() == ["TOKEN", "TOKEN"], "a second message with the same text is one more"


async def test_a_yes_that_the_phone_tells_after_a_newer_order_sells_nothing(shop: Shop) -> None:
    """What could not be posted waits longer after each try, and what is newer goes at once."""
    post, tries = shop.phone.hooks.post, iter([False])

    async def away(emission: Emission) -> int:
        return await post(emission) if next(tries, True) else 0

    await shop.text(ASHA, "BUY SHS0283 8000")
    shop.phone.hooks.post = away  # type: ignore[method-assign]
    await shop.text(ASHA, f"1 {PINS['Asha']}")
    await shop.text(ASHA, "BUY EB100042 2000")
    await shop.clock.forward(5)
    await shop.at.handled()
    assert len(await shop.received()) == 3
    *_, question, again = [row["text"] for row in await shop.rows("text")]
    assert question == again and question.startswith("Sell 1 day")


async def test_a_phone_with_a_wrong_clock_is_refused_and_shown_until_it_is_set_right(shop: Shop) -> None:
    shop.phone.clock_error = -2 * HOUR
    (emission,) = await shop.phone.receives(BARAKA, "TOKEN")
    assert (emission.status, await shop.received()) == (401, [])
    assert shop.refused("stale") == 1
    row = await Row.get(name="Shop phone")
    assert abs(row.clock_offset + 2 * HOUR) <= 5
    shop.phone.clock_error = 0
    await shop.clock.forward(5)
    assert emission in shop.phone.hooks.accepted
    assert await shop.received() == ["TOKEN"]


async def test_a_phone_that_sends_the_newest_first_still_sends_all(shop: Shop) -> None:
    for text in ("TOKEN", "BAL", "HELP"):
        await shop.text(BARAKA, text)
    shop.phone.queue.order = "LIFO"
    for _ in range(3):
        await shop.read(BARAKA)
    assert {row["state"] for row in await shop.rows("state")} == {"delivered"}


async def test_a_reboot_between_pull_and_report_neither_loses_nor_doubles(shop: Shop) -> None:
    shop.phone.queue.held = True
    await shop.text(BARAKA, "TOKEN")
    await shop.phone.pull()
    (message,) = shop.phone.queue.waiting
    shop.phone.queue.held = False
    await shop.phone.reboots()
    await shop.clock.forward(6)
    await shop.phone.queue.rest()  # its stream may have had it pull at once
    assert [sms.id for sms in shop.phone.radio.messages] == [message.id]
    assert [row["state"] for row in await shop.rows("state")] == ["delivered"]


async def test_a_phone_that_died_after_it_sent_is_asked_what_became_of_it(shop: Shop) -> None:
    """It sent by radio; neither of its reports came through before it went off."""
    shop.phone.reports.webhooks = ()
    shop.phone.queue.held = True  # before the answer: its stream may have it pull at once
    await shop.text(BARAKA, "TOKEN")
    await shop.phone.pull()
    shop.phone.line.online = False
    shop.phone.queue.held = False
    await shop.phone.queue.work()
    assert [row["state"] for row in await shop.rows("state")] == ["sending"]
    await shop.clock.forward(10 * MINUTE)
    assert shop.at.emulator.messages == [], "it may have been sent: no other gateway sends it"
    await shop.phone.comes_online()
    await shop.phone.pull()
    assert [row["state"] for row in await shop.rows("state")] == ["delivered"]
    assert len(shop.phone.radio.messages) == 1


async def test_a_token_that_the_phone_does_not_pull_goes_by_another_gateway_after_two_minutes(shop: Shop) -> None:
    at, phone = shop.at, shop.phone
    await shop.text(BARAKA, "BAL")
    await shop.read(BARAKA)
    await phone.stream.close()  # and no pull that it began is on its way
    await shop.text(BARAKA, "TOKEN")  # its answer waits for a phone that does not ask
    assert [row["gateway"] for row in await shop.rows("gateway", "state = 'waiting'")] == [phone.id]
    await shop.clock.forward(MINUTE)
    await shop.look()
    assert at.emulator.messages == []
    await shop.clock.forward(MINUTE + 5)
    await shop.look()
    await at.emulator.wait_for(1)
    await phone.pull()
    await shop.look()
    assert len(phone.radio.messages) == 1, "it is never offered to the phone again"


async def test_a_week_offline_loses_nothing_that_the_app_still_has(shop: Shop) -> None:
    await shop.text(BARAKA, "BAL")
    await shop.read(BARAKA)
    await shop.phone.goes_offline()
    await shop.clock.forward(HOUR)
    await shop.phone.receives(BARAKA, "TOKEN")
    await shop.clock.forward(7 * DAY - 2 * HOUR)
    await shop.phone.comes_online()
    await shop.at.handled()
    assert await shop.received() == ["BAL", "TOKEN"]
    row = await Row.get(name="Shop phone")
    assert "may be lost" in row.lost
    assert shop.phone.hooks.given_up == []
    await shop.clock.forward(MINUTE)
    await shop.phone.news.until(lambda: shop.phone.stream.open)


async def test_what_the_app_missed_is_asked_for_and_comes_once(shop: Shop) -> None:
    """Whatever its clock says, and however long an SMS was on its way: the app goes by the time of the operator."""
    await shop.clock.forward(50 * MINUTE)
    await shop.text(BARAKA, "BAL")
    await shop.read(BARAKA)
    shop.phone.clock_error = -4 * MINUTE
    await shop.clock.forward(MINUTE)
    await shop.phone.receives(BARAKA, "TOKEN", told=False, late=30 * MINUTE)
    await shop.phone.goes_offline()
    await shop.clock.forward(2 * HOUR)
    await shop.phone.receives(BARAKA, "HELP", told=False)
    await shop.phone.comes_online()
    await shop.phone.ping()
    await shop.clock.forward(MINUTE)
    await shop.phone.news.until(lambda: "MessagesExportRequested" in shop.phone.stream.events)
    await shop.at.handled()
    assert await shop.received() == ["BAL", "TOKEN", "HELP"]
    assert shop.phone.complaints == []


async def test_an_unlinked_phone_is_out_at_once(shop: Shop) -> None:
    row = await Row.get(name="Shop phone")
    async with shop.at.mwanga.database.work():
        await linking.unlink(row, actor="office")
    (emission,) = await shop.phone.receives(BARAKA, "TOKEN")
    assert emission.status == 404
    await shop.phone.pull()
    assert shop.phone.line.calls[-1] == Call("GET", f"/{API}/message", 401)
    assert await shop.received() == []


async def test_what_waits_for_a_phone_goes_elsewhere_when_it_is_unlinked(shop: Shop) -> None:
    await shop.phone.goes_offline()
    async with shop.at.mwanga.database.work():
        await enqueue([NewMessage("a token", BARAKA, "Code 944 953 797", MessageKind.TOKEN, shop.phone.id)], now_ms())
    async with shop.at.mwanga.database.work():
        await linking.unlink(await Row.get(name="Shop phone"), actor="office")
    await shop.clock.forward(MINUTE)
    await shop.look()
    (message,) = await shop.at.emulator.wait_for(1)
    assert (message.phone, message.text) == (BARAKA, "Code 944 953 797")


async def test_an_app_that_is_too_old_gets_no_messages(demo_url: str, phone_clock: Clock) -> None:
    """Version 1.66 gives up reading our settings before the signing key: it cannot tell us of what it receives."""
    async with (
        serving(demo_url, route="phones,africastalking") as at,
        Phone(f"{at.mwanga.config.address}/{API}", phone_clock, version="1.66.1") as phone,
    ):
        await phone.register(code=await code(at, "Old phone"))
        await phone.news.until(lambda: phone.settings and phone.hooks.list)
        assert "Per30Minutes" in phone.complaints[0]
        (emission,) = await phone.receives(BARAKA, "TOKEN")
        assert emission.status == 404
        assert await at.emulator.sms(BARAKA, "TOKEN") == 200
        assert (await at.emulator.read(BARAKA)).startswith("No ")
        assert phone.radio.messages == []
