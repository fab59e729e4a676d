"""Callbacks: who may call, what is refused and kept, and whose fault it is."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from bot.inbound import Inbox, callbacks, worker
from handlers.account import cash
from models.sql import execute
from tests.emulators.africastalking import Answer, Emulator
from tests.world.people import PEOPLE, PINS
from tests.world.server import STOP_S, ServerProcess, Serving, chosen, query, serving

USSD_WITHIN_S = callbacks.USSD_WITHIN_S  # tests get more, as tests/conftest.py says
PATH = "/gateways/africastalking/demo"
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
@pytest.mark.everyday_on_sqlite
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
        (b"x" * 1_000_000, 413, "the body is larger than 8192 bytes"),
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
@pytest.mark.everyday_on_sqlite
async def test_what_cannot_be_read_is_refused_with_a_reason_and_kept(
    at: Serving, body: bytes, status: int, reason: str
) -> None:
    async with at.client.post(f"{PATH}/sms", data=body) as response:
        answer = await response.text()
        assert response.status == status
    kept = await refused(at)
    assert len(kept) == 1 and len(kept[0]["body"]) <= 8192
    if reason != "from":
        assert reason in answer and reason in kept[0]["reason"]


@pytest.mark.parametrize("kind", ["sms", "ussd"])
@pytest.mark.parametrize("text", ["1 482915", "1*SHS0283*8000*1*482915", "PIN 482915 730582", "1482915"])
@pytest.mark.parametrize("escaping", [quote, lambda text: text.replace(" ", "+")], ids=["all", "spaces"])
@pytest.mark.everyday_on_sqlite
async def test_a_pin_in_a_refused_body_is_starred(at: Serving, kind: str, text: str, escaping: Any) -> None:
    async with at.client.post(f"{PATH}/{kind}", data=f"to=20880&text={escaping(text)}") as response:
        assert response.status == 400
    (kept,) = await refused(at)
    assert "82915" not in kept["body"] and "730582" not in kept["body"]


async def test_our_own_fault_is_503_so_that_the_message_comes_again(
    at: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_self: Inbox, _messages: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(Inbox, "_insert", broken)
        async with at.client.post(f"{PATH}/sms", data=SMS) as response:
            assert response.status == 503
    async with at.client.post(f"{PATH}/sms", data=SMS) as response:
        assert response.status == 200
    assert (await at.emulator.read(PEOPLE["Asha"])).startswith("You hold")


async def test_our_own_fault_ends_a_dialled_session_politely(at: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(at.mwanga.commands.by_name, "menu", None)
    async with at.client.post(f"{PATH}/ussd", data=DIAL) as response:
        assert response.status == 200
        assert (await response.text()).startswith("END Sorry, that did not work. Nothing was sold.")


async def test_a_message_that_breaks_us_fails_alone_and_its_sender_gets_one_apology(
    at: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    understood = at.mwanga.worker._dispatcher._understand

    async def poisoned(turn: Any, text: str) -> Any:
        if text == "POISON":
            raise RuntimeError("boom 482915")
        return await understood(turn, text)

    monkeypatch.setattr(at.mwanga.worker._dispatcher, "_understand", poisoned)
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


async def test_a_slow_turn_is_answered_within_three_seconds_and_goes_on(
    at: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = asyncio.Event()

    async def slow(_agent: int) -> int:
        await goes_on.wait()
        return 4_200

    assert USSD_WITHIN_S < 3
    monkeypatch.setattr(cash, "commission_due", slow)
    session = await chosen(at.emulator, "Asha", "My cash")
    with monkeypatch.context() as hurried:
        hurried.setattr(callbacks, "USSD_WITHIN_S", 0.01)
        screen = await session.enter(PINS["Asha"])
    assert screen == (
        "END",
        "This takes longer. If it went through, an SMS follows. Else dial again. Help +255700000000",
    )
    goes_on.set()
    assert (await session.repeat()).text.endswith("Commission due 42.")


async def test_ready_writes_also_in_a_database_that_is_no_demo(at: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is found by nothing else."""
    written: list[dict[str, Any]] = []

    async def returning(db: Any, statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        written.extend(await execute(db, f"{statement} RETURNING name", values))
        return written

    await at.rows("DELETE FROM setting WHERE name = 'demo' RETURNING name")
    monkeypatch.setattr("bot.probes.execute", returning)
    async with at.client.get("/ready") as response:
        assert response.status == 200
    assert len(written) == 1


async def test_the_probes(at: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    async with at.client.get("/health") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})
    async with at.client.get("/ready") as response:
        assert (response.status, await response.json()) == (200, {"ready": True, "problems": []})
    outbox = at.mwanga.outbox
    monkeypatch.setattr("bot.probes.READY_S", 0)
    monkeypatch.setattr("bot.probes.now_ms", lambda: (outbox.turned_at or outbox.started_at) + 61_000)
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


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator() as running:
        yield running


async def text_on(emulator: Emulator, name: str, accepted: list[str]) -> str:
    """Text without a pause until nobody answers: the id of the last text, which may be stored all the same."""
    numbers = itertools.count()
    while True:
        id = f"{name} {next(numbers)}"
        try:
            if await emulator.sms(PEOPLE[name], "TOKEN", id=id) == 200:
                accepted.append(id)
        except (aiohttp.ClientError, TimeoutError):
            return id


@pytest.mark.everyday_on_sqlite
async def test_a_stop_under_load_is_clean_and_loses_nothing(demo_url: str, emulator: Emulator) -> None:
    accepted: list[str] = []
    server = ServerProcess(demo_url, emulator, sender_cap=0)
    async with server, asyncio.TaskGroup() as load:
        texting = [load.create_task(text_on(emulator, name, accepted)) for name in ("Amina", "Baraka", "Neema")]
        await emulator.wait_for(100)
        assert await server.stop() == 0
    stored = [row["external_id"] for row in await query(demo_url, "SELECT external_id FROM inbox")]
    assert {*accepted} <= {*stored} <= {*accepted, *(each.result() for each in texting)}
    async with server:
        await emulator.wait_for(len(stored))
    assert await query(demo_url, "SELECT 1 FROM inbox WHERE state <> 'done'") == []
    assert len(emulator.messages) == len(stored), "each is answered once"


@pytest.mark.slow
async def test_it_stops_in_time_though_the_gateway_does_not_answer(demo_url: str, emulator: Emulator) -> None:
    emulator.answer(Answer(hang=True, taken=True))
    server = ServerProcess(demo_url, emulator)
    async with server:
        await emulator.sms(PEOPLE["Baraka"], "BAL")
        await emulator.wait_for(1)
        assert await server.stop(within=STOP_S) == 0, f"it takes longer than {STOP_S} s"
    (row,) = await query(demo_url, "SELECT state, error FROM outbox")
    assert row == {"state": "uncertain", "error": "interrupted"}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["postgres"])
async def test_a_database_that_drops_its_connections_costs_no_message(
    at: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when PostgreSQL is restarted: no message is to blame, so none is set aside."""
    drops = 30
    monkeypatch.setattr(worker, "MOST_AWAYS", drops + 1)  # all of them may meet the same message
    drop = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    async def text(name: str) -> None:
        for number in range(150):
            while await at.emulator.sms(PEOPLE[name], "TOKEN", id=f"{name} {number}") != 200:
                pass

    async def drop_often() -> None:
        for _ in range(drops):
            await at.mwanga.worker.wait_for_batch(at.mwanga.worker.batches)
            with suppress(Exception):  # this connection may be one that is gone
                await at.rows(drop)

    async def looked() -> list[dict[str, Any]]:
        """Over a connection of its own: one of the server's may be gone without knowing it yet."""
        return await query(
            at.mwanga.database.url, "SELECT state, error, COUNT(*) AS n FROM inbox GROUP BY state, error ORDER BY state"
        )

    await asyncio.gather(text("Baraka"), text("Neema"), text("Amina"), drop_often())
    batches = at.mwanga.worker.batches
    while (rows := await looked())[-1]["state"] == "new":
        await at.mwanga.worker.wait_for_batch(batches)
        batches = at.mwanga.worker.batches
    assert rows == [{"state": "done", "error": "", "n": 450}]
