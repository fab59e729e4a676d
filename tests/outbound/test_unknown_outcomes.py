"""A gateway that hangs may have taken what it was given: tokens and replies go again, ever more rarely, by another
gateway where the first stays silent, until one of them says what came of it or enough copies are out."""

from collections import Counter

import pytest

from bot.message import Receipt
from bot.outbound.queue import release_from_stopped
from bot.routing import Health
from bot.runtime import Database
from models.messages import MessageKind, State
from tests.world.outbox_rig import HOUR, MINUTE, SECOND, Bench, pulled

TWO = {MessageKind.TOKEN: 2, MessageKind.REPLY: 2}


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database, order=["africastalking"])


async def test_three_that_were_not_answered_pause_a_gateway_and_it_is_tried_with_one_at_a_time(bench: Bench) -> None:
    bench.gateway.refuse("timeout")
    for number in range(3):
        await bench.enqueue(f"sms {number}")
        await bench.settle()
    await bench.enqueue(*(f"more {n}" for n in range(10)))
    await bench.settle()
    assert len(bench.gateway.requests) == 3
    for probes in range(1, 5):
        paused = (await bench.gateway_row())["paused_until"]
        assert paused > bench.clock()
        await bench.settle_after(paused - bench.clock())
        assert len(bench.gateway.requests) == 3 + probes
    await bench.router.watch.look()
    assert bench.router.watch.state("africastalking") is Health.DOWN


async def test_what_a_hanging_gateway_may_have_taken_goes_again_when_it_is_well(bench: Bench) -> None:
    bench.gateway.refuse("timeout")
    texts = [f"token {n}" for n in range(5)]
    await bench.enqueue(*texts, kind=MessageKind.TOKEN)
    await bench.settle()
    for _ in range(10):
        await bench.settle_after(2 * MINUTE)
    assert Counter(bench.gateway.texts) == Counter(texts), "each is parked while it hangs"
    assert set((await bench.states()).values()) == {"uncertain"}
    bench.gateway.answer = bench.gateway.accept
    await bench.enqueue("fresh")
    for _ in range(5):
        await bench.settle_after(10 * SECOND)
    assert Counter(bench.gateway.texts) == Counter(texts * 2 + ["fresh"])
    assert set((await bench.states()).values()) == {"sent"}


async def test_with_nothing_else_to_send_they_go_again_after_half_an_hour(bench: Bench) -> None:
    bench.gateway.refuse("timeout")
    await bench.enqueue("one", "two", "three")
    await bench.settle()
    await bench.settle_after(30 * MINUTE)
    assert len(bench.gateway.requests) == 3
    bench.gateway.answer = bench.gateway.accept
    await bench.settle_after(MINUTE)
    await bench.settle_after(10 * SECOND)
    assert set((await bench.states()).values()) == {"sent"}
    assert len(bench.gateway.requests) == 6


async def test_what_another_gateway_may_have_taken_does_not_wait_for_one_that_hangs(bench: Bench) -> None:
    bench.gateway.refuse("timeout")
    bench.other.refuse("timeout")
    await bench.enqueue("one", "two", "three")
    await bench.enqueue("single", gateway="kannel")
    await bench.settle()
    bench.other.answer = bench.other.accept
    await bench.settle_after(MINUTE)
    assert bench.other.texts == ["single", "single"]
    assert len(bench.gateway.requests) == 3


async def passes(bench: Bench, milliseconds: int) -> None:
    """Time passes, with a turn whenever the outbox wants one."""
    until = bench.clock() + milliseconds
    while (wait := max(1, round(await bench.settle() * SECOND))) < until - bench.clock():
        bench.clock.now += wait
    bench.clock.now = until
    await bench.settle()


@pytest.mark.parametrize(
    ("kind", "minutes"),
    [(MessageKind.TOKEN, [0, 1, 6, 36, 216, 936]), (MessageKind.REPLY, [0, 1, 6]), (MessageKind.REMINDER, [0])],
)
@pytest.mark.everyday_on_sqlite
async def test_copies_go_out_ever_more_rarely_and_are_counted(
    bench: Bench, kind: MessageKind, minutes: list[int]
) -> None:
    bench.gateway.refuse("strange answer")
    await bench.enqueue("hello", kind=kind)
    await passes(bench, 10 * MINUTE)
    for _ in range(73 * 3):  # a look each second or ten would take minutes
        await bench.settle_after(20 * MINUTE)
    tried = bench.gateway.times
    assert len(tried) == len(minutes)
    if kind is MessageKind.TOKEN:  # the third one finds the gateway down, and waits half an hour for it
        assert tried[:2] == [0, MINUTE]
    row = await bench.row("hello")
    assert (row["state"], row["error"]) == ("failed", "strange answer")
    assert bench.counted("failed") == 1


async def test_a_copy_more_arrives_after_two_outcomes_that_nobody_knows(bench: Bench) -> None:
    bench.gateway.refuse("timeout")
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await passes(bench, 2 * MINUTE)
    bench.gateway.answer = bench.gateway.accept
    await passes(bench, 10 * MINUTE)
    assert bench.gateway.texts == ["token"] * 3
    assert (await bench.row("token"))["state"] == "sent"


async def test_a_gateway_that_is_silent_twice_loses_a_token_to_the_next(database: Database) -> None:
    bench = Bench(database)
    bench.gateway.refuse("timeout")
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await bench.enqueue("reminder", kind=MessageKind.REMINDER)
    await passes(bench, 2 * MINUTE)
    assert bench.other.texts == []
    await passes(bench, 5 * MINUTE)
    assert bench.other.texts == ["token"]
    row = await bench.row("token")
    assert (row["gateway"], row["state"], row["tried_before"]) == ("kannel", "sent", "africastalking ")


@pytest.mark.everyday_on_sqlite
async def test_a_report_of_the_gateway_that_was_left_ends_it(database: Database) -> None:
    bench = Bench(database)
    bench.gateway.refuse("timeout")
    bench.other.refuse("unreachable")
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await passes(bench, 7 * MINUTE)
    row = await bench.row("token")
    assert (row["gateway"], row["state"]) == ("kannel", "scheduled")
    failed = Receipt("africastalking", str(row["id"]), State.FAILED, "", "undelivered", ours=True)
    assert not await bench.outbox.record_receipt(failed)
    assert (await bench.row("token"))["state"] == "scheduled"
    delivered = Receipt("africastalking", str(row["id"]), State.DELIVERED, "", ours=True)
    assert await bench.outbox.record_receipt(delivered)
    asked = len(bench.other.requests)
    await passes(bench, 10 * MINUTE)
    assert (await bench.row("token"))["state"] == "delivered"
    assert len(bench.other.requests) == asked


@pytest.mark.everyday_on_sqlite
async def test_so_many_copies_as_the_operator_allows(bench: Bench) -> None:
    bench.outbox = bench.new_outbox(bench.router, copies={MessageKind.TOKEN: 2, MessageKind.REPLY: 1})
    bench.gateway.refuse("timeout")
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await bench.enqueue("reply")
    await passes(bench, 10 * MINUTE)
    for _ in range(24 * 3):
        await bench.settle_after(20 * MINUTE)
    assert Counter(bench.gateway.texts) == {"token": 2, "reply": 1}
    assert set((await bench.states()).values()) == {"failed"}


async def test_what_has_gone_out_as_often_as_it_may_fails_with_the_error_of_its_last_copy(bench: Bench) -> None:
    """Where the tests around it let hours pass."""
    bench.outbox = bench.new_outbox(bench.router, copies=TWO)
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await bench.enqueue("reply")
    twice = "UPDATE outbox SET state = 'uncertain', unknowns = 2, error = 'timeout', due_at = $1"
    await bench.sql(twice, bench.clock())
    await bench.settle()
    assert {(each["state"], each["error"]) for each in (await bench.row("token"), await bench.row("reply"))} == {
        ("failed", "timeout")
    }
    assert bench.counted("failed") == 2 and not bench.gateway.requests


@pytest.mark.everyday_on_sqlite
async def test_two_silent_gateways_get_no_more_copies_than_one(database: Database) -> None:
    bench = Bench(database)
    bench.outbox = bench.new_outbox(bench.router, copies=TWO)
    bench.gateway.refuse("timeout")
    bench.other.refuse("timeout")
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await bench.enqueue("reply")
    await passes(bench, 8 * MINUTE)
    assert Counter(bench.gateway.texts + bench.other.texts) == {"token": 2, "reply": 2}
    assert {(each["state"], each["error"]) for each in (await bench.row("token"), await bench.row("reply"))} == {
        ("failed", "timeout")
    }


async def test_the_last_copy_stays_with_the_phone_that_has_it(database: Database) -> None:
    bench = Bench(database)
    bench.outbox = bench.new_outbox(bench.router, copies=TWO)
    phone = await bench.link()
    await bench.enqueue("last", "first", kind=MessageKind.TOKEN, gateway=phone)
    await bench.sql("UPDATE outbox SET unknowns = 1 WHERE origin = 'last'")
    await pulled(bench, phone)
    for _ in range(3):
        await bench.settle_after(50 * MINUTE)  # the phone is down after 90
    assert bench.gateway.texts == ["first"]
    assert (await bench.row("last"))["state"] == "sending"
    await bench.look()
    assert await bench.outbox.turn() >= 1, "what stays is looked at no more often for it"


async def test_a_gateway_that_is_removed_passes_on_no_copy_too_many(database: Database) -> None:
    bench = Bench(database)
    bench.outbox = bench.new_outbox(bench.router, copies=TWO)
    phone = await bench.link()
    await bench.enqueue("held", "held last", "doubt", "doubt last", kind=MessageKind.TOKEN, gateway=phone)
    await bench.sql("UPDATE outbox SET unknowns = 1 WHERE origin IN ('held last', 'doubt')")
    await bench.sql("UPDATE outbox SET unknowns = 2 WHERE origin = 'doubt last'")
    await bench.sql(
        "UPDATE outbox SET state = 'uncertain', due_at = $1 WHERE origin LIKE 'doubt%'", bench.clock() + HOUR
    )
    await pulled(bench, phone)
    async with bench.database.work() as db:
        await release_from_stopped(db, phone, bench.clock(), TWO)
    bench.phones.clear()
    await bench.look()
    assert sorted(bench.gateway.texts) == ["doubt", "held"]
    ended = {origin: state for origin, state in (await bench.states()).items() if state != "sent"}
    assert ended == {"held last": "failed", "doubt last": "failed"}
