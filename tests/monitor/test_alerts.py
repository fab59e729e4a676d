"""The office hears once that a gateway is down and once that it is well again, by SMS and by webhook."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator

import pytest
import time_machine

from bot.monitor import Webhook
from bot.monitor.webhook import News
from bot.routing import Health
from bot.runtime import Database
from models.alerts import raise_alert, raise_alert_once
from models.sql import execute
from tests.world.alerting import BOSS, SECRET, Office, opened
from tests.world.outbox_rig import HOUR, MINUTE, START


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    async with opened(database) as office:
        yield office


DOWN = "Gateway africastalking is down. Nothing could be handed to it, 3 times in a row."


async def test_down_and_well_again_are_told_once_each_by_another_gateway(office: Office) -> None:
    await office.alerts.look()
    await office.fails("africastalking")
    for _ in range(3):
        await office.alerts.look()
    await office.recovers("africastalking")
    for _ in range(3):
        await office.alerts.look()
    assert await office.texts() == [DOWN, "Gateway africastalking is well again."]
    assert await office.gateways() == ["kannel", "kannel"]
    first, second = await office.bench.sql("SELECT phone, tried_before FROM outbox ORDER BY id")
    assert (first["phone"], first["tried_before"], second["tried_before"]) == (BOSS, "!africastalking ", "")


async def test_a_gateway_that_is_tried_again_is_not_told_as_well(office: Office) -> None:
    await office.fails("africastalking")
    await office.alerts.look()
    office.bench.clock.now += 5 * MINUTE
    await office.alerts.look()
    assert office.bench.router.watch.state("africastalking") is Health.QUIET
    await office.fails("africastalking")
    await office.alerts.look()
    assert await office.texts() == [DOWN]


async def test_of_two_servers_one_tells(office: Office) -> None:
    await office.fails("africastalking")
    await asyncio.gather(office.alerts.look(), office.another().look())
    assert await office.texts() == [DOWN]
    await office.recovers("africastalking")
    await asyncio.gather(office.alerts.look(), office.another().look())
    assert len(await office.texts()) == 2


async def test_with_no_other_gateway_that_carries_it_only_the_webhook_tells(office: Office) -> None:
    await office.fails("africastalking", "kannel")
    await office.alerts.look()
    assert await office.texts() == []
    await told(office, 2)
    assert {json.loads(body)["gateway"] for _, body in office.posts.got} == {"africastalking", "kannel"}


async def test_what_no_gateway_could_carry_is_told_once_by_the_first_that_is_well_again(office: Office) -> None:
    await office.fails("africastalking", "kannel")
    await office.alerts.look()
    await office.recovers("kannel")
    for server in (office.alerts, office.another(), office.another()):
        await server.look()
    assert await office.texts() == ["Gateway kannel is well again.", DOWN]
    assert await office.gateways() == ["kannel", "kannel"]
    assert (await office.bench.row(f"alert africastalking down {START}"))["tried_before"] == "!africastalking "


async def test_a_quiet_gateway_carries_it_before_one_that_is_down(office: Office) -> None:
    phone = await office.bench.link(battery=9, charging=False)
    await office.fails("africastalking", "kannel")
    await office.alerts.look()
    assert await office.gateways() == [phone, phone]


async def test_it_goes_on_at_once_when_the_gateway_that_has_it_is_down_too(office: Office) -> None:
    phone = await office.bench.link()
    await office.fails("africastalking")
    await office.alerts.look()
    office.bench.other.refuse("no balance")
    await office.bench.settle()
    await office.bench.look()
    assert [row["gateway"] for row in await office.bench.sql("SELECT gateway FROM outbox")] == [phone]
    assert [message.text for _, message in office.bench.gateway.requests] == []
    assert (await office.bench.row(f"alert africastalking down {START}"))["tried_before"] == "!africastalking kannel "


async def told(office: Office, posts: int) -> None:
    async with asyncio.timeout(60):
        while len(office.posts.got) < posts:
            await asyncio.sleep(0)


async def test_the_webhook_gets_it_as_signed_json(office: Office) -> None:
    await office.fails("kannel")
    await office.alerts.look()
    await told(office, 1)
    headers, body = office.posts.got[0]
    reason = "Nothing could be handed to it, 3 times in a row."
    assert json.loads(body) == {
        "gateway": "kannel",
        "title": "kannel",
        "state": "down",
        "reason": reason,
        "at": START,
    }
    signed = hmac.new(SECRET.encode(), body + headers["X-Mwanga-Timestamp"].encode(), hashlib.sha256).hexdigest()
    assert headers["X-Mwanga-Signature"] == signed
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [500, 301])
async def test_a_webhook_that_fails_is_tried_thrice_and_holds_up_nothing(
    office: Office, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """One that is elsewhere would be asked by GET there, and hear nothing of it."""
    office.posts.status = status
    await office.fails("kannel")
    await office.alerts.look()
    assert len(await office.texts()) == 1
    await told(office, 3)
    async with asyncio.timeout(60):
        while "took no word" not in caplog.text:
            await asyncio.sleep(0)
    assert len(office.posts.got) == 3


async def test_an_address_that_is_none_is_no_more_than_a_line_in_the_log(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    webhook = Webhook(office.session, "http://[", "", ())
    webhook.tell(News("kannel", "kannel", "down", "why", START))
    async with asyncio.timeout(60):
        while "took no word" not in caplog.text:
            await asyncio.sleep(0)
    await webhook.stop()


async def pass_minutes(office: Office, minutes: int) -> None:
    """Time passes while the office looks."""
    for _ in range(minutes):
        office.bench.clock.now += MINUTE
        await office.alerts.look()


async def test_a_phone_is_told_by_the_name_that_the_office_gave_it(office: Office) -> None:
    phone = await office.bench.link()
    await pass_minutes(office, 89)
    assert await office.texts() == []
    await pass_minutes(office, 1)
    sentence = f"Gateway Shop phone 1 ({phone}) is down. It has not been heard for an hour and a half."
    assert await office.texts() == [sentence]


@pytest.mark.parametrize("restarted", [True, False])
async def test_phones_have_time_to_come_back_when_it_was_the_server_that_was_away(
    office: Office, restarted: bool
) -> None:
    phone = await office.bench.link()
    await office.bench.link()
    await office.alerts.look()
    office.bench.clock.now += 120 * MINUTE
    if restarted:
        office.alerts = office.another()
    await office.alerts.look()
    await pass_minutes(office, 1)
    await office.bench.sql("UPDATE phone SET seen_at = $1 WHERE id = 1", office.bench.clock())
    await pass_minutes(office, 13)
    assert (await office.texts(), office.posts.got) == ([], [])
    await pass_minutes(office, 1)
    assert [text[:34] for text in await office.texts()] == ["Gateway Shop phone 2 (phone-2) is "]
    assert office.bench.router.watch.state(phone) is Health.WELL


async def test_what_else_the_office_has_to_know_is_told_once(office: Office, database: Database) -> None:
    async with database.work():
        await raise_alert("Agent Asha Mushi is locked: LOCK by +255710000002.")
    await asyncio.gather(office.alerts.look(), office.another().look())
    await office.alerts.look()
    assert await office.texts() == ["Agent Asha Mushi is locked: LOCK by +255710000002."]


async def test_it_is_told_also_when_all_gateways_were_away_for_a_night(office: Office, database: Database) -> None:
    bench = office.bench
    bench.gateway.refuse("unreachable")
    bench.other.refuse("unreachable")
    async with database.work():
        await raise_alert("The books do not add up.")
    await office.alerts.look()
    await bench.settle()
    await bench.settle_after(10 * HOUR)
    bench.gateway.answer, bench.other.answer = bench.gateway.accept, bench.other.accept
    await bench.settle_after(10 * MINUTE)
    assert "The books do not add up." in bench.gateway.texts + bench.other.texts
    assert (await bench.row("notice 1"))["state"] == "sent"


async def test_what_goes_wrong_for_each_is_told_once_in_an_hour_whatever_the_clock_does(database: Database) -> None:
    with time_machine.travel("2030-01-01", tick=False) as clock:
        for days, told in ((0, 1), (0, 1), (-1_000, 2), (0, 2)):
            clock.shift(days * 86_400)
            async with database.work() as db:
                await raise_alert_once("A payment waits.", HOUR)
                assert len(await execute(db, "SELECT id FROM alert")) == told


async def test_what_goes_wrong_on_two_servers_at_once_is_told_once(database: Database) -> None:
    both = asyncio.Barrier(1 if database.embedded else 2)  # SQLite has one writer

    async def goes_wrong() -> None:
        async with database.work():
            await raise_alert_once("A payment waits.", HOUR)
            await both.wait()

    await asyncio.gather(goes_wrong(), goes_wrong())
    assert len(await execute(database.client, "SELECT id FROM alert")) == 1


async def test_what_was_undone_is_not_told(office: Office, database: Database) -> None:
    with pytest.raises(LookupError):
        async with database.work():
            await raise_alert("Agent Asha Mushi is locked.")
            raise LookupError
    await office.alerts.look()
    assert await office.texts() == []
