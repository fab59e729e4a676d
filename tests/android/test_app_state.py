"""Gateway phones over HTTP: what the app tells of itself, and what becomes of an old or a silent one."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.android import linking
from bot.android.sims import NO_CREDIT
from models.messages import Phone, Sim, read_sims
from models.messages.phones import write_sims
from models.sql import execute, now_ms
from tests.emulators.android_calls import AGENT, SIM, TOKEN, Events, enqueued, linked
from tests.world.server import Serving, serving

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
async def at(demo_url: str) -> AsyncIterator[Serving]:
    async with serving(demo_url, smsgate_token=TOKEN, public_url="https://mwanga.example.org") as running:
        yield running


async def test_an_address_that_was_typed_with_a_slash_at_its_end_works_as_well(at: Serving) -> None:
    phone = await linked(at)
    await enqueued(at, "phone-1", "hello")
    for path in ("/device", "/message?order=fifo", "/webhooks", "/settings"):
        assert (await phone.call("GET", f"/{path}"))[0] == 200
    assert (await phone.call("GET", "///message"))[0] == 404


async def test_an_old_app_is_linked_and_gets_no_messages(at: Serving) -> None:
    phone = await linked(at)
    await enqueued(at, "phone-1", "hello")
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


async def test_a_sim_that_is_stopped_while_the_app_tells_of_it_stays_so(
    at: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow network the call takes seconds; three messages have failed by then."""
    phone = await linked(at, simCards=[SIM | {"phoneNumber": "*********0001", "carrierName": "***acom"}])
    event = {"id": "e1", "webhookId": "w", "event": "app:started", "deviceId": phone.device}
    told = json.dumps(event | {"payload": {"simCards": [SIM]}}).encode()

    by_gateway, known = linking.by_gateway, asyncio.Event()

    async def looked_up(name: str) -> Phone | None:
        found = await by_gateway(name)
        known.set()
        return found

    async def slowly() -> AsyncIterator[bytes]:
        yield told[:10]
        await known.wait()  # which phone calls
        await at.rows("UPDATE phone SET sims = $1", [write_sims([Sim(1, failures=3, stopped=NO_CREDIT)])])
        yield told[10:]

    monkeypatch.setattr(linking, "by_gateway", looked_up)
    assert await phone.post(told, sent=slowly()) == 200
    assert read_sims((await phone.row()).sims) == [Sim(1, "+255740000001", "Vodacom", 3, NO_CREDIT)]


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


async def test_reports_of_one_phone_do_not_keep_the_others_gateways_waiting(
    at: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = await linked(at)
    await enqueued(at, "phone-1", "hello")
    (message,) = await phone.pull()
    told: list[Any] = []
    # What wakes the outbox for all has whoever comes next wait for its next turn.
    monkeypatch.setattr(at.mwanga.phone_routes, "_notify", told.append)
    assert await phone.report(message["id"], "Sent") == 204
    assert await phone.tell("sms:delivered", messageId=message["id"]) == 200
    assert told == [()] * 2
