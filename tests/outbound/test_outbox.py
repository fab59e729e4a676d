"""From an enqueued message to a request and what came of it, on both engines."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from bot.gateways.errors import ERRORS, SendError
from bot.message import Outbound, Sent
from bot.outbound import NewMessage, enqueue
from bot.outbound.lanes import BEHIND_MS
from bot.runtime import Database
from models.messages import MessageKind
from tests.world.outbox_rig import ASHA, HOUR, MINUTE, SECOND, START, Answer, Bench, ScriptedGateway


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database, order=["africastalking"])  # so that what fails stays


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("kind", "hours"), [("token", 72), ("reply", 6), ("office", 24), ("reminder", 24), ("broadcast", 24)]
)
async def test_a_message_lives_as_long_as_its_kind(bench: Bench, kind: str, hours: int) -> None:
    await bench.enqueue("hello", kind=MessageKind(kind))
    assert (await bench.row("hello"))["expires_at"] == START + hours * HOUR


async def test_a_message_counts_its_parts(bench: Bench) -> None:
    async with bench.database.work():
        await enqueue([NewMessage("long", ASHA, "x" * 161, MessageKind.REPLY, "kannel")], START)
    assert (await bench.row("long"))["parts"] == 2


async def test_the_same_origin_is_enqueued_once(bench: Bench) -> None:
    for text in ("first", "second"):
        async with bench.database.work():
            await enqueue([NewMessage("sms 7", ASHA, text, MessageKind.REPLY, "kannel")], START)
    assert (await bench.row("sms 7"))["text"] == "first"
    await bench.settle()
    assert bench.other.texts == ["first"]


async def test_nothing_is_sent_of_a_transaction_that_failed(bench: Bench) -> None:
    with pytest.raises(ZeroDivisionError):
        async with bench.database.work():
            await enqueue([NewMessage("sms 7", ASHA, "hello", MessageKind.REPLY, "kannel")], START)
            raise ZeroDivisionError
    await bench.settle()
    assert bench.other.requests == []


async def test_a_sent_message_has_what_the_gateway_said_of_it(bench: Bench) -> None:
    bench.gateway.answer = lambda message: Sent("ATXid_1", 2, "TZS 40.0")
    await bench.enqueue("hello")
    await bench.settle()
    row = await bench.row("hello")
    assert (row["state"], row["external_id"], row["parts"], row["cost"]) == ("sent", "ATXid_1", 2, "TZS 40.0")
    assert (row["sent_at"], row["tries"]) == (START, 1)
    assert bench.counted("sent") == 1
    assert (await bench.gateway_row())["sent_at"] == START


@pytest.mark.parametrize("letter", ["i", "\0", "\ud83d"])
async def test_words_that_fit_no_column_do_not_hold_up_the_others(bench: Bench, letter: str) -> None:
    bench.gateway.answer = lambda message: Sent("i" + letter * 500, 40_000, "TZS " + letter * 50)
    bench.other.refuse("bad number", "because\0" * 100)
    await bench.enqueue("hello")
    await bench.enqueue("refused", gateway="kannel")
    await bench.settle()
    assert await bench.states() == {"hello": "sent", "refused": "failed"}


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("name", ["unreachable", "bad number", "timeout", "no balance"])
async def test_an_error_has_one_request_now_and_is_told_to_the_office(bench: Bench, name: str) -> None:
    bench.gateway.refuse(name, "its own word")
    await bench.enqueue("hello")
    await bench.settle()
    assert len(bench.gateway.requests) == 1
    assert (await bench.row("hello"))["error"] == name
    assert (await bench.gateway_row())["last_word"] == f"{name}: its own word"


async def test_a_permanent_refusal_is_sent_once(bench: Bench) -> None:
    bench.gateway.refuse("bad number")
    await bench.enqueue("hello")
    for _ in range(10):
        await bench.settle_after(20 * MINUTE)
    assert len(bench.gateway.requests) == 1
    assert bench.counted("failed") == 1


async def test_a_message_is_tried_less_and_less_often_until_it_expires(bench: Bench) -> None:
    bench.gateway.refuse("unreachable")
    await bench.enqueue("hello")
    await bench.settle()
    while (row := await bench.row("hello"))["state"] == "scheduled":
        await bench.settle_after(row["due_at"] - bench.clock())
    times = bench.gateway.times
    gaps = [after - before for before, after in pairwise(times)]
    assert 1 * SECOND <= gaps[0] <= 5 * SECOND
    assert sum(at <= 30 * SECOND for at in times) <= 6
    assert max(gaps) <= 5 * MINUTE
    assert row["state"] == "expired"
    assert bench.clock() == START + 6 * HOUR
    assert bench.counted("expired") == 1


async def test_what_is_written_to_many_outlasts_a_gateway_that_is_away_for_hours(bench: Bench) -> None:
    bench.gateway.refuse("unreachable")
    await bench.enqueue("power", kind=MessageKind.BROADCAST)
    await bench.sql("UPDATE outbox SET tries = 100")
    await bench.settle_after(6 * HOUR)
    assert await bench.states() == {"power": "scheduled"}
    bench.gateway.answer = bench.gateway.accept
    await bench.settle_after(5 * MINUTE)
    assert await bench.states() == {"power": "sent"}


async def test_a_message_that_is_taken_at_the_second_try_is_sent(bench: Bench) -> None:
    bench.gateway.refuse("gateway fault")
    await bench.enqueue("hello")
    await bench.settle()
    bench.gateway.answer = bench.gateway.accept
    await bench.settle_after(5 * SECOND)
    row = await bench.row("hello")
    assert (row["state"], row["tries"], row["error"]) == ("sent", 2, "")


async def test_the_turn_after_a_failure_is_when_the_message_is_due(bench: Bench) -> None:
    bench.gateway.refuse("unreachable")
    await bench.enqueue("hello")
    wait = await bench.settle()
    looks = 10 if bench.database.embedded else 1
    due = ((await bench.row("hello"))["due_at"] - START) / 1000
    assert wait == min(due, looks)


@pytest.mark.parametrize("name", ["timeout", "strange answer"])
async def test_an_unknown_outcome_is_waited_for_and_sent_again_after_a_minute_and_after_five(
    bench: Bench, name: str
) -> None:
    bench.gateway.refuse(name)
    await bench.enqueue("hello")
    await bench.settle()
    assert (await bench.row("hello"))["state"] == "uncertain"
    await bench.settle_after(30 * SECOND)
    assert len(bench.gateway.requests) == 1
    for _ in range(20):
        await bench.settle_after(30 * SECOND)
    assert bench.gateway.times == [0, 60 * SECOND, 360 * SECOND]
    row = await bench.row("hello")
    assert (row["state"], row["error"]) == ("uncertain", name)


async def test_a_fault_of_our_own_is_an_unknown_outcome(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def broken(message: Outbound) -> Answer:
        raise KeyError(message.text)

    bench.gateway.answer = broken
    await bench.enqueue("token 123 456 789")
    await bench.settle()
    assert (await bench.row("token 123 456 789"))["state"] == "uncertain"
    assert "KeyError" in caplog.text
    assert "123" not in caplog.text


async def test_the_most_urgent_go_first(bench: Bench) -> None:
    for kind in reversed(MessageKind):
        await bench.enqueue(f"{kind} 1", f"{kind} 2", kind=kind)
    await bench.settle()
    assert bench.gateway.texts == [f"{kind} {n}" for kind in MessageKind for n in (1, 2)]


@pytest.mark.parametrize("per_second", [0, 5])
async def test_the_kill_switch_holds_everything_and_lets_it_expire(bench: Bench, per_second: int) -> None:
    bench.outbox = bench.new_outbox(per_second={"africastalking": per_second})
    await bench.switch("off")
    await bench.enqueue("broadcast", kind=MessageKind.BROADCAST)
    await bench.enqueue("reply")
    for _ in range(7):
        await bench.settle_after(HOUR)
    assert bench.gateway.requests == []
    assert await bench.states() == {"broadcast": "waiting", "reply": "expired"}
    assert bench.counted("expired") == 1
    await bench.switch("on")
    await bench.settle_after(10 * SECOND)
    assert bench.gateway.texts == ["broadcast"]


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("gateway", "last", "why"),
    [
        ("africastalking", "", "expired"),
        ("africastalking", "unreachable", "unreachable"),
        ("phone-1", "", "not fetched"),
        ("none", "", "no gateway"),
    ],
)
async def test_what_expires_keeps_why_it_was_not_sent(bench: Bench, gateway: str, last: str, why: str) -> None:
    await bench.switch("off")
    await bench.link()
    bench.order = bench.phones  # so that it stays
    await bench.enqueue("hello", kind=MessageKind.BROADCAST, gateway=gateway)
    await bench.sql("UPDATE outbox SET error = $1, tried_before = '!africastalking !phone-1 '", last)
    await bench.settle_after(24 * HOUR)
    row = await bench.row("hello")
    assert (row["state"], row["error"]) == ("expired", why)


async def test_a_message_is_not_sent_at_the_end_of_its_life(bench: Bench) -> None:
    await bench.settle()
    await bench.enqueue("hello", kind=MessageKind.BROADCAST)
    await bench.sql("UPDATE outbox SET expires_at = $1", START + 500)
    await bench.enqueue("tried", kind=MessageKind.BROADCAST)
    await bench.sql("UPDATE outbox SET expires_at = $1, error = 'unreachable' WHERE origin = 'tried'", START + 500)
    bench.clock.now += 500  # and no look at the whole queue in between
    await bench.outbox.turn()
    await bench.settle()
    assert bench.gateway.requests == []
    errors = {row["origin"]: row["error"] for row in await bench.sql("SELECT origin, error FROM outbox")}
    assert set((await bench.states()).values()) == {"expired"}
    assert errors == {"hello": "expired", "tried": "unreachable"}


@pytest.mark.parametrize("name", ["no balance", "unknown sender"])
async def test_a_gateway_at_fault_is_paused_and_asked_with_one_message_at_a_time(bench: Bench, name: str) -> None:
    bench.gateway.refuse(name)
    await bench.enqueue(*(f"sms {n}" for n in range(20)))
    await bench.settle()
    assert len(bench.gateway.requests) == 20  # those that were under way already
    for probes in range(1, 8):
        state = await bench.gateway_row()
        assert state["alert"] == ERRORS[name].sentence
        assert state["paused_until"] > bench.clock()
        await bench.settle_after(state["paused_until"] - bench.clock())
        assert len(bench.gateway.requests) == 20 + probes
    times = bench.gateway.times[19:]
    gaps = [after - before for before, after in pairwise(times)]
    assert 1 * SECOND <= gaps[0] <= 5 * SECOND
    assert gaps == sorted(gaps)
    assert set((await bench.states()).values()) == {"scheduled", "waiting"}
    assert {row["tries"] for row in await bench.sql("SELECT tries FROM outbox")} == {0}

    bench.gateway.answer = bench.gateway.accept
    await bench.settle_after(5 * MINUTE)
    assert set((await bench.states()).values()) == {"sent"}
    assert ((await bench.gateway_row())["alert"], (await bench.gateway_row())["paused_until"]) == ("", 0)


@pytest.mark.parametrize("poisons", [1, 3])
async def test_what_a_gateway_refuses_each_time_holds_up_no_other(bench: Bench, poisons: int) -> None:
    """Some refuse a single message with words that are true of all: that they do not know the sender's name."""
    refused = SendError("unknown sender")
    bench.gateway.answer = lambda message: refused if "poison" in message.text else bench.gateway.accept(message)
    for n in range(poisons):
        await bench.enqueue(f"poison {n}")
        await bench.settle()
    for text in ("good", "later"):
        await bench.enqueue(text)
        for _ in range(poisons + 2):
            paused_until = (await bench.gateway_row())["paused_until"]
            await bench.settle_after(max(SECOND, paused_until - bench.clock()))
        assert (await bench.states())[text] == "sent"


async def test_what_a_gateway_refuses_each_time_is_tried_as_often_when_nothing_else_waits(bench: Bench) -> None:
    bench.gateway.refuse("unknown sender")
    await bench.enqueue("hello")
    await bench.settle()
    for probes in range(1, 20):
        await bench.settle_after((await bench.gateway_row())["paused_until"] - bench.clock())
        await bench.settle_after(BEHIND_MS)
        assert bench.gateway.texts + bench.other.texts == ["hello"] * (1 + probes)


async def test_a_gateway_that_asks_us_to_slow_down_is_paused_without_an_alert(bench: Bench) -> None:
    bench.gateway.refuse("throttled")
    await bench.enqueue("one")
    await bench.settle()
    await bench.enqueue("two")
    await bench.settle()
    assert bench.gateway.texts == ["one"]
    assert (await bench.gateway_row())["alert"] == ""
    bench.gateway.answer = bench.gateway.accept
    await bench.settle_after(5 * SECOND)
    assert sorted(bench.gateway.texts) == ["one", "one", "two"]


async def test_a_request_from_before_the_pause_does_not_end_it(bench: Bench) -> None:
    answers = {"first": SendError("no balance"), "second": Sent("id 2")}
    bench.gateway.answer = lambda message: answers[message.text]
    await bench.enqueue("first", "second")
    await bench.settle()
    assert (await bench.gateway_row())["paused_until"] > START


async def test_a_pause_outlives_the_process(bench: Bench) -> None:
    bench.gateway.refuse("no balance")
    await bench.enqueue("hello")
    await bench.settle()
    await bench.enqueue("another")
    await bench.settle(bench.new_outbox())
    assert bench.gateway.texts == ["hello"]


async def test_a_slow_gateway_holds_up_no_other_and_has_a_bound(bench: Bench) -> None:
    bench.gateway.answer = lambda message: None
    await bench.enqueue(*(f"slow {n}" for n in range(bench.gateway.at_once + 10)))
    await bench.enqueue("quick", gateway="kannel")
    for _ in range(4):
        await bench.outbox.turn()
        await asyncio.sleep(0)
    await bench.enqueue("quick again", gateway="kannel")
    for _ in range(4):
        await bench.outbox.turn()
        await asyncio.sleep(0)
    assert bench.other.texts == ["quick", "quick again"]
    assert len(bench.gateway.requests) == bench.gateway.at_once
    await bench.outbox.stop(within=0)


async def test_messages_of_a_gateway_that_is_gone_go_by_another(bench: Bench) -> None:
    await bench.enqueue("hello", gateway="nokia on a cable")
    await bench.settle()
    assert bench.gateway.texts == ["hello"]
    assert bench.counted("sent") == 1


# When a turn waits for more

NEVER = 3_600.0  # seconds


@pytest.fixture
async def running(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """An outbox at work that would gather for an hour, and has nothing to do: its first turn is over. What is enqueued
    while a turn is under way may be claimed by it before it is told of, and then another one comes."""
    monkeypatch.setattr("bot.outbound.outbox.GATHER_S", NEVER)
    run = asyncio.create_task(bench.outbox.run())
    async with asyncio.timeout(60):
        while not bench.outbox.turned_at:
            await asyncio.sleep(0)
    yield bench
    await bench.outbox.stop()
    await run


async def asked_of(gateway: ScriptedGateway, *texts: str) -> None:
    """Wait until the gateway was asked to send these."""
    async with asyncio.timeout(60):
        while gateway.texts != [*texts]:
            await asyncio.sleep(0)


async def test_an_idle_outbox_sends_at_once(running: Bench) -> None:
    await running.enqueue("first")
    await asked_of(running.gateway, "first")
    await running.enqueue("second")
    await asked_of(running.gateway, "first", "second")


async def test_what_comes_while_a_request_is_under_way_is_gathered_until_it_ends(running: Bench) -> None:
    running.gateway.later = asyncio.get_running_loop().create_future()
    await running.enqueue("first")
    await asked_of(running.gateway, "first")
    for text in ("second", "third"):
        await running.enqueue(text)
    for _ in range(50):
        await asyncio.sleep(0)
    assert running.gateway.texts == ["first"]
    running.gateway.later.set_result(Sent("id", 1, "TZS 20"))
    await asked_of(running.gateway, "first", "second", "third")


async def test_a_gateway_that_hangs_lets_no_other_gather(running: Bench) -> None:
    hangs = running.gateway.later = asyncio.get_running_loop().create_future()
    await running.enqueue("slow")
    await asked_of(running.gateway, "slow")
    await running.enqueue("first", gateway="kannel")
    await asked_of(running.other, "first")
    await running.enqueue("second", gateway="kannel")
    await asked_of(running.other, "first", "second")
    hangs.set_result(Sent("id", 1, "TZS 20"))


async def test_what_is_for_any_gateway_is_gathered_while_one_is_at_work(running: Bench) -> None:
    """Under load there is always one that has nothing to do."""
    works = running.gateway.later = asyncio.get_running_loop().create_future()
    await running.enqueue("first")
    await asked_of(running.gateway, "first")
    turned_at, running.clock.now = running.outbox.turned_at, running.clock() + 1
    for gateways in (None, ["africastalking", "kannel"]):
        running.outbox.notify(gateways)
        for _ in range(50):
            await asyncio.sleep(0)
        assert running.outbox.turned_at == turned_at
    works.set_result(Sent("id", 1, "TZS 20"))


async def test_a_paused_gateway_hurries_nothing(running: Bench) -> None:
    running.gateway.refuse("no balance")
    await running.enqueue("first")
    await asked_of(running.gateway, "first")
    turned_at, running.clock.now = running.outbox.turned_at, running.clock() + 1
    running.outbox.notify(["africastalking"])
    for _ in range(50):
        await asyncio.sleep(0)
    assert running.outbox.turned_at == turned_at
