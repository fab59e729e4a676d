"""What gateway phones suffer from: the sentences that the office is told, and that no message is lost or doubled."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.android import linking
from bot.android.sims import NO_CREDIT
from bot.android.troubles import troubles
from bot.config import load
from bot.outbound import NewMessage, enqueue, retry
from bot.routing import Health
from models.messages import MessageKind, Phone, Sim, read_sims
from models.messages.phones import write_sims
from models.sql import now_ms
from tests.emulators.android import wire
from tests.emulators.android.clock import Clock
from tests.emulators.android.radio import Sms
from tests.world.people import PEOPLE
from tests.world.shop import DAY, HOUR, MINUTE, Shop, open_shop

pytestmark = pytest.mark.everyday_on_sqlite
HALOTEL, HIDDEN = Sim(1, "+255620000001", "Halotel"), Sim(1, "", "Halotel")


def phone(*sims: Sim, **changes: Any) -> Phone:
    known = {"id": 1, "name": "x", "signing_key": "", "added_at": 0, "linked_at": 1, "version": "1.67.0"}
    return Phone(**known | {"sims": write_sims(sims or [HALOTEL])} | changes)


def test_a_phone_that_is_well_needs_no_words() -> None:
    assert troubles(phone(), {1: 79}, load(sim_receivers=100)) == []


def test_what_is_wrong_with_a_phone_is_said() -> None:
    wrong = phone(Sim(1, "+255620000001", stopped=NO_CREDIT), version="1.66.1", push=True, clock_offset=-7_200)
    wrong.lost = "It was silent."
    wrong.wrong_signatures, wrong.wrong_signature_at = 3, 1_795_503_600_000
    assert troubles(wrong, {1: 79, 2: 80}, load(sim_receivers=100)) == [
        "Its app is 1.66.1 and gets no messages: install 1.67.0 or newer.",
        "It is slow until the app is restarted: it waits for a cloud to wake it.",
        "Its clock is 2 h late.",
        "Its signing key differs: link it again. 3 events were refused, the last on 24 Nov at 10:00.",
        "SIM 1: Three messages in a row failed as they do when a SIM has no credit.",
        "SIM 2 wrote to 80 people this month; many operators block a SIM at 100.",
        "It was silent.",
    ]


@pytest.mark.parametrize(
    ("sims", "changes", "canaries", "said"),
    [
        ([HIDDEN], {}, {}, True),
        ([HIDDEN, Sim(2, "+255740000001")], {}, {}, False),
        ([HIDDEN], {}, {"phone-1": "+255620000001"}, False),
        ([HIDDEN], {"linked_at": 0}, {}, False),
    ],
    ids=["hidden", "the other SIM tells it", "configured", "not linked yet"],
)
def test_a_phone_that_cannot_be_tested_is_named(
    sims: list[Sim], changes: dict[str, int], canaries: dict[str, str], said: bool
) -> None:
    sentence = "It tells no number of its own, so no test message goes out: set canaries.phone-1."
    found = troubles(phone(*sims, **changes), {}, load(canaries=canaries))
    assert found == ([sentence] if said else [])


# The emulated phone against the running server.

BARAKA = PEOPLE["Baraka"]
AIRTEL, VODACOM = wire.Sim(1, "+255680000001", "Airtel"), wire.Sim(2, "+255750000009", "Vodacom")


@pytest.fixture
async def shop(demo_url: str, phone_clock: Clock) -> AsyncIterator[Shop]:
    async with open_shop(demo_url, phone_clock) as shop:
        await shop.phone.sync()
        yield shop


async def told(shop: Shop) -> list[str]:
    """What the office's page and `mwanga phone list` say of the phone."""
    return troubles(await Phone.get(name="Shop phone"), {}, shop.at.mwanga.config)


async def enqueued(shop: Shop, text: str, kind: MessageKind = MessageKind.REPLY) -> None:
    async with shop.at.mwanga.database.work():
        await enqueue([NewMessage(text[:60], BARAKA, text, kind, shop.phone.id)], now_ms())
    shop.at.mwanga.outbox.notify()


async def pulled(shop: Shop, count: int = 1) -> None:
    """The phone asks until it has tried to send so many; the app and the server pause between messages. No time passes
    after that: what failed would be due again."""
    await shop.phone.queue.rest()  # its stream may have it pull and send at any time
    for _ in range(5 * count):
        if sum(message.state != "Pending" for message in shop.phone.database.values()) >= count:
            break
        await shop.clock.forward(6)
        await shop.phone.pull()
        await shop.phone.queue.rest()


async def test_an_answer_that_the_phone_did_not_wait_for_is_a_repeat(shop: Shop) -> None:
    """The server stored the SMS, but the phone heard nothing for its 5 s and posts it again 5 s later."""
    posts = iter([True])
    post = shop.phone.hooks.post

    async def unheard(emission: object) -> int:
        status = await post(emission)  # type: ignore[arg-type]
        return 0 if next(posts, False) else status

    shop.phone.hooks.post = unheard  # type: ignore[method-assign,assignment]
    (emission,) = await shop.phone.receives(BARAKA, "TOKEN")
    await shop.clock.forward(5)
    assert emission in shop.phone.hooks.accepted
    assert shop.phone.hooks.posted[emission.id] == [200, 200]
    await shop.at.handled()
    assert await shop.received() == ["TOKEN"]


async def test_what_the_app_gave_up_after_45_hours_is_lost_and_the_office_is_told(shop: Shop) -> None:
    await shop.text(BARAKA, "BAL")
    await shop.read(BARAKA)
    shop.phone.clock_error = -HOUR
    (emission,) = await shop.phone.receives(BARAKA, "TOKEN")
    await shop.clock.forward(46 * HOUR)
    assert shop.phone.hooks.given_up == [emission]
    assert set(shop.phone.hooks.posted[emission.id]) == {401} and shop.refused("stale") == 16
    assert "Its clock is 60 min late." in await told(shop)
    shop.phone.clock_error = 0
    await shop.text(BARAKA, "HELP")
    await shop.phone.news.until(lambda: "MessagesExportRequested" in shop.phone.stream.events)
    await shop.at.handled()
    assert await shop.received() == ["BAL", "HELP"], "an export does not bring what was given up"
    says = " ".join(await told(shop))
    assert "It was silent for 46 h" in says and "may be lost" in says and "Its clock" not in says


async def test_a_phone_whose_clock_is_days_ahead_sends_a_token_all_the_same(shop: Shop) -> None:
    """It finds the token too late, before any event has told us of its clock."""
    shop.phone.clock_error = 4 * DAY
    await enqueued(shop, "a long token " * 13, MessageKind.TOKEN)
    await pulled(shop)
    (message,) = shop.phone.database.values()
    assert message.error == "TTL expired" and shop.phone.radio.messages == []
    (row,) = await shop.rows("error, unknowns")
    assert (row["error"], row["unknowns"]) == ("gateway fault", 0), "none of its parts has gone"
    assert "Its clock is 4 days ahead." in await told(shop)
    await shop.clock.forward(10)
    await shop.look()
    await pulled(shop, 2)
    assert len(shop.phone.radio.messages) == 1
    assert [row["state"] for row in await shop.rows("state")] == ["sent"]  # nothing told of its parts


async def test_a_phone_with_googles_push_is_slow_until_it_is_started_again(demo_url: str, phone_clock: Clock) -> None:
    slow = "It is slow until the app is restarted: it waits for a cloud to wake it."
    async with open_shop(demo_url, phone_clock, google=True) as shop:
        assert slow in await told(shop)
        await enqueued(shop, "a reply")
        await shop.clock.forward(121)
        await shop.look()
        await shop.at.emulator.wait_for(1)
        await shop.clock.forward(DAY)  # it asks for settings once a day
        await shop.phone.reboots()
        assert shop.phone.stream.open == 2
        async with asyncio.timeout(60):
            while slow in await told(shop):  # a stream has its headers before that is written down
                await asyncio.sleep(0)
        assert shop.phone.radio.messages == []


async def test_three_generic_failures_stop_the_only_sim_until_the_office_resumes_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "FIRST_MS", 60_000)  # none is tried again before the third has failed

    def no_credit(_sms: Sms) -> str:
        return "Send result: RESULT_ERROR_GENERIC_FAILURE (Generic failure cause)"

    shop.phone.radio.refuses = no_credit
    for number in range(3):
        await enqueued(shop, f"reply {number}")
    await pulled(shop, 3)
    assert f"SIM 1: {NO_CREDIT}" in await told(shop)
    assert len(shop.phone.radio.refused) == 3
    await enqueued(shop, "one more")
    await shop.phone.pull()
    await shop.clock.forward(121)
    await shop.look()
    texts = {message.text for message in await shop.at.emulator.wait_for(4)}
    assert texts == {"reply 0", "reply 1", "reply 2", "one more"}, "they certainly were not sent"
    shop.phone.radio.refuses = lambda _sms: ""
    async with shop.at.mwanga.database.work():
        await linking.resume(await linking.find("Shop phone"), actor="office")
    await shop.look()
    assert shop.at.mwanga.router.watch.state(shop.phone.id) is Health.WELL
    await enqueued(shop, "after topping up")
    await pulled(shop, 4)
    assert [sms.text for sms in shop.phone.radio.messages] == ["after topping up"]


async def test_of_two_sims_that_of_the_receivers_network_sends(demo_url: str, phone_clock: Clock) -> None:
    async with open_shop(demo_url, phone_clock, sims=(AIRTEL, VODACOM)) as shop:
        await shop.phone.sync()
        await shop.phone.reboots()  # only then it tells its SIM cards whole
        assert [sim.carrier for sim in read_sims((await Phone.get()).sims)] == ["Airtel", "Vodacom"]
        assert await shop.at.emulator.sms(BARAKA, "HELP") == 200, "and with it that he is in Vodacom's network"
        await shop.at.handled()
        await enqueued(shop, "by the second")
        await pulled(shop)
        assert [sms.sim for sms in shop.phone.radio.messages] == [2]
        (row,) = await shop.rows("state, sim", "origin = 'by the second'")
        assert (row["state"], row["sim"]) == ("delivered", 2)


REPORTS = {
    "in order": ("sms:sent", "sms:delivered"),
    "the wrong way round": ("sms:delivered", "sms:sent"),
    "each twice": ("sms:delivered", "sms:sent", "sms:sent", "sms:delivered"),
    "none": (),
}


@pytest.mark.parametrize("how", REPORTS)
async def test_reports_in_any_order_and_number_bring_a_message_to_one_end(shop: Shop, how: str) -> None:
    shop.phone.reports.webhooks = REPORTS[how]
    await enqueued(shop, "a reply")
    await pulled(shop)
    (row,) = await shop.rows("state", "origin = 'a reply'")
    assert row["state"] == "delivered"
    for state in ("sent", "delivered"):
        count = shop.at.metric("mwanga_messages_total", direction="out", gateway=shop.phone.id, state=state)
        assert count == 1


async def test_a_long_message_is_delivered_when_each_of_its_parts_is(shop: Shop) -> None:
    text = "a long reply " * 24  # 312 characters are three parts
    await enqueued(shop, text)
    await pulled(shop)
    (row,) = await shop.rows("state, parts", f"origin = '{text[:60]}'")
    assert (row["state"], row["parts"]) == ("delivered", 3)
    assert [sms.parts for sms in shop.phone.radio.messages] == [3]


async def test_a_phone_that_is_paused_gives_back_what_it_has_not_sent_and_another_gateway_sends_it(shop: Shop) -> None:
    shop.phone.queue.held = True
    await enqueued(shop, "a reply")
    await shop.phone.pull()
    (message,) = shop.phone.queue.waiting
    async with shop.at.mwanga.database.work():
        await linking.pause(await linking.find("Shop phone"), actor="office")
    await shop.at.mwanga.phones.look()
    await shop.phone.news.until(lambda: "MessageCancelled" in shop.phone.stream.events)
    assert message.state == "Cancelled" and shop.phone.queue.waiting == []
    await shop.clock.forward(2 * MINUTE + 1)
    await shop.look()
    (sent,) = await shop.at.emulator.wait_for(1)
    assert sent.text == "a reply" and shop.phone.radio.messages == []
