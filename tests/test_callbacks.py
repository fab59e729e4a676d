"""The doors: who may call, what is refused and kept, and whose fault it is."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot import web as doors
from bot.inbox import Inbox
from bot.pump import Pump
from models.sql import execute
from tests.server import Server, Serving, serving
from tests.world import PEOPLE

DOOR = "/gateways/africastalking/demo"
SMS = {"id": "m1", "from": PEOPLE["Asha"], "to": "20880", "text": "CASH", "date": "2026-11-24 10:00:00"}
DIAL = {"sessionId": "s1", "serviceCode": "*384*20#", "phoneNumber": PEOPLE["Asha"], "text": "", "networkCode": "64004"}


@pytest.fixture
async def at(demo_url: str) -> AsyncIterator[Serving]:
    async with serving(demo_url) as running:
        yield running


async def refused(at: Serving) -> list[dict[str, Any]]:
    return await at.rows("SELECT gateway, reason, body FROM refused ORDER BY id")


@pytest.mark.parametrize(
    "path",
    [
        "/gateways/africastalking/wrong/sms",
        "/gateways/africastalking/Demo/sms",
        "/gateways/africastalking/demo/other",
        "/gateways/nobody/demo/sms",
        "/gateways/africastalking//sms",
    ],
)
async def test_a_wrong_address_is_404_and_nothing_is_kept(at: Serving, path: str) -> None:
    async with at.client.post(path, data=SMS) as response:
        assert response.status == 404
    assert await refused(at) == []
    assert await at.rows("SELECT 1 FROM inbox") == []


async def test_a_wrong_secret_is_counted(at: Serving) -> None:
    for _ in range(3):
        async with at.client.post("/gateways/africastalking/wrong/sms", data=SMS):
            pass
    assert at.metric("mwanga_callbacks_refused_total", gateway="africastalking", reason="secret") == 3


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"x" * 8193, 413, "the body is larger than 8192 bytes"),
        (b"\xff\xfe", 400, "from"),
        (b"%ff=%ff", 400, "the body is no form in UTF-8"),
        (b"&".join(b"a%d=1" % n for n in range(60)), 400, "the body is no form in UTF-8"),
        (b"", 400, "is missing"),
        (b"from=%2B255700000001&text=x&to=1", 400, "id is missing"),
        (b"id=1&text=x&to=1", 400, "from is missing"),
        (b"id=1&from=%2B255700000001&to=1", 400, "text is missing"),
    ],
)
async def test_what_cannot_be_read_is_refused_with_a_reason_and_kept(
    at: Serving, body: bytes, status: int, reason: str
) -> None:
    async with at.client.post(f"{DOOR}/sms", data=body) as response:
        answer = await response.text()
        assert response.status == status
    kept = await refused(at)
    assert len(kept) == 1 and len(kept[0]["body"]) <= 8192
    if reason != "from":
        assert reason in answer and reason in kept[0]["reason"]


async def test_a_pin_in_a_refused_body_is_starred(at: Serving) -> None:
    async with at.client.post(f"{DOOR}/sms", data={"from": PEOPLE["Asha"], "text": "1 482915"}) as response:
        assert response.status == 400
    assert "482915" not in (await refused(at))[0]["body"]


async def test_our_own_fault_is_503_so_that_the_message_comes_again(
    at: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_self: Inbox, _messages: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(Inbox, "_insert", broken)
        async with at.client.post(f"{DOOR}/sms", data=SMS) as response:
            assert response.status == 503
    async with at.client.post(f"{DOOR}/sms", data=SMS) as response:
        assert response.status == 200
    assert (await at.emulator.read(PEOPLE["Asha"])).startswith("You hold")


async def test_our_own_fault_ends_a_dialled_session_politely(at: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(at.mwanga.commands.by_name, "menu", None)
    async with at.client.post(f"{DOOR}/ussd", data=DIAL) as response:
        assert response.status == 200
        assert (await response.text()).startswith("END Sorry, that did not work. Nothing was sold.")


async def test_a_message_that_breaks_us_fails_alone_and_its_sender_gets_one_apology(
    at: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    understood = at.mwanga.pump._dispatcher._understand

    async def poisoned(turn: Any, text: str) -> Any:
        if text == "POISON":
            raise RuntimeError("boom 482915")
        return await understood(turn, text)

    monkeypatch.setattr(at.mwanga.pump._dispatcher, "_understand", poisoned)
    texts = ["POISON", *["CASH"] * 5]
    people = ["Baraka", "Asha", "Juma", "Zuhura", "Asha", "Juma"]
    await asyncio.gather(
        *(
            at.emulator.sms(PEOPLE[name], text, id=f"p{n}")
            for n, (name, text) in enumerate(zip(people, texts, strict=True))
        )
    )
    await at.handled()
    failed = await at.rows("SELECT external_id, outcome, error, sealed FROM inbox WHERE state = 'failed'")
    assert [(row["external_id"], row["outcome"], row["sealed"]) for row in failed] == [("p0", "failed", None)]
    assert failed[0]["error"].startswith("RuntimeError at ") and "482915" not in failed[0]["error"]
    assert (await at.emulator.read(PEOPLE["Baraka"])).startswith("Sorry, that did not work.")
    assert len(await at.rows("SELECT 1 FROM outbox")) == 1 + 3 + 2  # FEDHA is Juma's word, CASH works as well
    assert await at.rows("SELECT 1 FROM inbox WHERE state = 'new'") == []


async def test_a_slow_turn_is_answered_in_time_and_goes_on(at: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    waits, answer = asyncio.Event(), Pump.answer

    async def slow(self: Pump, turn: Any) -> str:
        await waits.wait()
        return await answer(self, turn)

    monkeypatch.setattr(doors, "USSD_WITHIN_S", 0.05)
    monkeypatch.setattr(Pump, "answer", slow)
    async with at.client.post(f"{DOOR}/ussd", data=DIAL) as response:
        assert (await response.text()).startswith("END This takes longer.")
    waits.set()
    async with at.client.post(f"{DOOR}/ussd", data=DIAL) as response:
        assert (await response.text()).startswith("CON Mwanga Demo")
    assert doors.USSD_WITHIN_S < 3


async def test_the_probes(at: Serving) -> None:
    async with at.client.get("/health") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})
    async with at.client.get("/ready") as response:
        assert (response.status, await response.json()) == (200, {"ready": True, "problems": []})
    at.mwanga.outbox.turned_at -= 120_000
    async with at.client.get("/ready") as response:
        assert response.status == 503
        assert (await response.json())["problems"] == ["the outbox does not move"]
    await at.emulator.sms(PEOPLE["Asha"], "CASH", id="m1")
    await at.emulator.sms(PEOPLE["Asha"], "CASH", id="m1")
    await at.emulator.read(PEOPLE["Asha"])
    async with at.client.get("/metrics") as response:
        shown = await response.text()
    for line in (
        'mwanga_messages_total{direction="in",gateway="africastalking",state="received"} 1.0',
        'mwanga_messages_total{direction="in",gateway="africastalking",state="duplicate"} 1.0',
        'mwanga_talk_outcomes_total{outcome="done",talk="cash"} 1.0',
        'mwanga_handling_seconds_count{channel="sms"} 1.0',
    ):
        assert line in shown


async def test_an_opt_out_is_noted(at: Serving) -> None:
    await at.emulator.opt_out(PEOPLE["Baraka"])
    rows = await at.rows("SELECT stopped_at FROM contact WHERE phone = $1", [PEOPLE["Baraka"]])
    assert rows[0]["stopped_at"] > 0


async def test_a_hung_up_session_can_be_gone_on_with(at: Serving) -> None:
    session = await at.emulator.dial(PEOPLE["Asha"])
    await session.enter("1")
    await session.enter("SHS0283")
    await session.hang_up()
    assert (await session.repeat()).kind == "CON"  # a repeated turn is answered as before
    assert "1. Continue: Sell" in (await at.emulator.dial(PEOPLE["Asha"])).text


async def test_a_stop_under_load_is_clean_and_loses_nothing(demo_url: str) -> None:
    from tests.africastalking_emulator import Emulator
    from tests.server import query

    async with Emulator() as at:
        server = Server(demo_url, at, sender_cap=0)
        await server.start()
        answered = await asyncio.gather(*(at.sms(PEOPLE["Asha"], "CASH", id=f"l{n}") for n in range(200)))
        assert answered == [200] * 200
        began = time.monotonic()
        assert await server.stop() == 0
        assert time.monotonic() - began < 10
        assert (await query(demo_url, "SELECT COUNT(*) AS n FROM inbox"))[0]["n"] == 200
        async with server:
            await at.wait_for(200)
        assert await query(demo_url, "SELECT 1 FROM inbox WHERE state <> 'done'") == []
    assert execute is not None
