"""Test messages that a gateway sends to itself, and what its operator says of airtime."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.monitor import Alerts
from bot.routing import Health
from bot.routing.health import TEST_EVERY_MS
from bot.runtime import Database
from bot.server import Server
from bot.text.numbers import SenderKind
from models.messages import Sim
from models.messages.phones import write_sims
from tests.world.alerting import BOSS, Office, opened
from tests.world.outbox_rig import MINUTE, SECOND, START
from tests.world.people import Phones


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    async with opened(database) as office:
        yield office


async def test_every_gateway_with_a_number_texts_itself_once_an_hour(office: Office) -> None:
    phone = await office.bench.link(sims=write_sims([Sim(1, "+255620000001", "Halotel")]))
    await office.bench.link()  # its number is not known
    alerts = office.another({"kannel": "+255700000055"})
    for _ in range(61):
        await alerts.look()
        office.bench.clock.now += MINUTE
        await office.bench.sql("UPDATE phone SET seen_at = $1", office.bench.clock())
    at = START + TEST_EVERY_MS
    rows = await office.bench.sql("SELECT origin, phone, text, kind, gateway, expires_at FROM outbox ORDER BY gateway")
    assert [(row["gateway"], row["phone"], row["kind"]) for row in rows] == [
        ("kannel", "+255700000055", "reminder"),
        (phone, "+255620000001", "reminder"),
    ]
    assert [row["text"] for row in rows] == [office.signs.test_text(name, at) for name in ("kannel", phone)]
    assert {row["expires_at"] for row in rows} == {at + TEST_EVERY_MS}


async def test_of_two_servers_one_sends_the_test(office: Office) -> None:
    servers = [office.another({"kannel": BOSS}), office.another({"kannel": BOSS})]
    for _ in range(2):
        await asyncio.gather(*(server.look() for server in servers))
        office.bench.clock.now += TEST_EVERY_MS
    await asyncio.gather(*(server.look() for server in servers))
    assert len(await office.texts()) == 2


async def test_the_office_sends_one_now_and_the_next_hour_counts_from_it(office: Office) -> None:
    alerts = office.another({"kannel": BOSS})
    await alerts.look()
    assert not await alerts.test_now("phone-9", actor="rehema")  # nobody knows its number
    office.bench.clock.now += MINUTE
    assert await alerts.test_now("kannel", actor="rehema")
    assert not await alerts.test_now("kannel", actor="juma")  # pressed twice in one moment
    office.bench.clock.now += TEST_EVERY_MS - MINUTE
    await alerts.look()
    assert len(await office.texts()) == 1
    noted = await office.bench.sql("SELECT actor, action, subject FROM audit")
    assert [tuple(row.values()) for row in noted] == [("rehema", "gateway test", "kannel")]


async def test_a_clock_that_is_set_back_ends_no_tests(office: Office) -> None:
    alerts, _text = await sent_test(office)
    await office.bench.sql("UPDATE gatewaystate SET returned_at = tested_at + 5000")
    office.bench.clock.now -= 1_000 * TEST_EVERY_MS
    await alerts.look()
    office.bench.clock.now += MINUTE
    await alerts.look()
    assert len(await office.texts()) == 2
    state = await office.state("kannel")
    assert state["returned_at"] < state["tested_at"], "this one is not back yet"
    assert await alerts.test_now("kannel", actor="rehema")


async def sent_test(office: Office) -> tuple[Alerts, str]:
    """A server, and the test message that it sent by Kannel this moment."""
    alerts = office.another({"kannel": BOSS})
    await alerts.look()
    office.bench.clock.now += TEST_EVERY_MS
    await alerts.look()
    return alerts, (await office.texts())[0]


async def test_what_comes_back_is_measured_once_and_only_when_it_is_ours(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.monitor.canary.now_ms", office.bench.clock)
    _, text = await sent_test(office)
    office.bench.clock.now += 7 * SECOND
    assert await office.read("kannel", "CANARY kannel 0123456789") == "test message"
    assert (await office.state("kannel"))["round_trip"] == 0
    assert await office.read("phone-1", f" {text.upper()} ") == "test message"
    assert (await office.state("kannel"))["round_trip"] == 7 * SECOND
    office.bench.clock.now += MINUTE
    assert await office.read("kannel", text) == "test message"
    assert (await office.state("kannel"))["round_trip"] == 7 * SECOND


async def took(office: Office) -> None:
    """The gateway takes the test message, this moment."""
    await office.bench.sql(
        "UPDATE outbox SET state = 'sent', claimed_at = $1, sent_at = $1 WHERE kind = 'reminder' AND state = 'waiting'",
        office.bench.clock(),
    )


async def test_the_round_trip_is_from_leaving_to_coming_back(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.monitor.canary.now_ms", office.bench.clock)
    _, text = await sent_test(office)
    office.bench.clock.now += 20 * MINUTE
    await took(office)
    office.bench.clock.now += 7 * SECOND
    await office.read("kannel", text)
    assert (await office.state("kannel"))["round_trip"] == 7 * SECOND


@pytest.mark.parametrize("left", ["never", "an hour late"])
async def test_a_test_that_has_only_waited_is_not_lost(office: Office, left: str) -> None:
    alerts, _ = await sent_test(office)
    for _ in range(4):
        office.bench.clock.now += 59 * MINUTE
        if left != "never":
            await took(office)
        office.bench.clock.now += MINUTE
        await alerts.look()
        await office.bench.router.watch.look()
        assert office.bench.router.watch.state("kannel") is Health.WELL
    assert (await office.state("kannel"))["lost_tests"] == 0


async def test_a_test_from_before_a_silence_is_not_lost(office: Office) -> None:
    phone = await office.bench.link(sims=write_sims([Sim(1, "+255620000001", "Halotel")]))
    alerts = office.another()
    await alerts.look()
    office.bench.clock.now += TEST_EVERY_MS
    await office.bench.sql("UPDATE phone SET seen_at = $1", office.bench.clock())
    await alerts.look()
    await took(office)
    for hours, state in ((2, Health.DOWN), (1, Health.DOWN)):
        office.bench.clock.now += hours * TEST_EVERY_MS
        await alerts.look()
        assert office.bench.router.watch.state(phone) is state
    await office.bench.sql("UPDATE phone SET seen_at = $1", office.bench.clock())
    for _ in range(2):
        await alerts.look()
        await office.bench.router.watch.look()
        assert office.bench.router.watch.state(phone) is Health.WELL
    assert (await office.state(phone))["lost_tests"] == 0


async def test_tests_that_do_not_come_back_turn_a_gateway_quiet_then_down_and_one_that_does_heals_it(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.monitor.canary.now_ms", office.bench.clock)
    alerts, _ = await sent_test(office)
    states = []
    for minutes in (10, 50, 60, 60):
        await took(office)
        office.bench.clock.now += minutes * MINUTE
        await alerts.look()
        await office.bench.router.watch.look()
        states.append(office.bench.router.watch.state("kannel"))
    assert states == [Health.QUIET, Health.QUIET, Health.DOWN, Health.DOWN]
    text = (await office.bench.sql("SELECT text FROM outbox WHERE kind = 'reminder' ORDER BY id DESC LIMIT 1"))[0]
    await office.read("kannel", text["text"])
    await office.bench.router.watch.look()
    assert office.bench.router.watch.state("kannel") is Health.WELL


@pytest.mark.parametrize(
    ("kind", "text", "what", "left"),
    [
        (SenderKind.ALPHA, "Ndugu mteja, salio lako ni TZS 1,250.00 hadi 3/12", "airtime", "1,250.00"),
        (SenderKind.SHORT, "Salio lako ni 300", "airtime", "300"),
        (SenderKind.NUMBER, "Salio lako ni 300", "", None),
        (SenderKind.ALPHA, "Shinda zawadi leo!", "", None),
    ],
)
@pytest.mark.everyday_on_sqlite
async def test_airtime_is_read_from_the_operators_own_text(
    office: Office, kind: SenderKind, text: str, what: str, left: str | None
) -> None:
    assert await office.read("phone-1", text, kind) == what
    rows = await office.bench.sql("SELECT airtime FROM gatewaystate WHERE name = 'phone-1'")
    assert [row["airtime"] for row in rows] == ([left] if left else [])


async def test_a_test_message_gets_no_reply_and_costs_nobody_a_turn(mwanga: Server) -> None:
    phones = Phones(mwanga)
    assert await phones.text("Asha", "CANARY phone-1 0123456789") == []
    async with mwanga.database.work() as db:
        rows = await db.execute_query_dict("SELECT outcome FROM inbox")
    assert [row["outcome"] for row in rows] == ["test message"]
