"""The pace of a SIM and of a gateway: never more parts in any window than allowed, the urgent first, never stuck."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.message import Sent
from bot.outbound import NewMessage, enqueue
from bot.outbound.pacing import Bucket
from bot.runtime import Database
from models.messages import MessageKind
from tests.world.outbox_rig import ASHA, SECOND, START, Bench

HALF_HOUR = 1_800_000


def sim() -> Bucket:
    return Bucket(28, HALF_HOUR, 2_000)


def test_an_unused_bucket_is_full() -> None:
    assert sim().room(0) == 28
    assert sim().ready_at(5, 28) == 5


def test_two_seconds_pass_between_messages() -> None:
    bucket = sim()
    bucket.spend(1_000, 1)
    assert [bucket.room(now) for now in (1_000, 2_999, 3_000)] == [0, 0, 27]
    assert bucket.ready_at(1_000) == 3_000


def test_after_28_parts_it_waits_until_the_first_is_half_an_hour_old() -> None:
    bucket = sim()
    for n in range(14):
        bucket.spend(n * 2_000, 2)
    assert bucket.room(30_000) == 0
    assert bucket.ready_at(30_000, 2) == HALF_HOUR
    assert bucket.ready_at(30_000, 3) == HALF_HOUR + 2_000
    assert bucket.room(HALF_HOUR - 1) == 0
    assert bucket.room(HALF_HOUR) == 2


def test_a_message_longer_than_the_bucket_goes_when_nothing_else_did() -> None:
    bucket = sim()
    bucket.spend(0, 1)
    assert bucket.ready_at(2_000, 99) == HALF_HOUR
    assert bucket.room(HALF_HOUR) == 28


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 10**9))
def test_when_the_clock_is_set_back_it_is_full_again_after_one_window(waits: list[int], back: int) -> None:
    bucket, now = Bucket(5, 1_000, 100), 10**9
    for wait in waits:
        now = bucket.ready_at(now + wait)
        bucket.spend(now, 1)
    now -= back
    assert bucket.ready_at(now, 5) <= now + 1_000
    assert bucket.room(now + 1_000) == 5


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 5)), max_size=60))
def test_no_window_ever_holds_too_much_and_ready_at_tells_the_truth(steps: list[tuple[int, int]]) -> None:
    bucket, now, gone = Bucket(10, 1_000, 50), 0, []
    for wait, parts in steps:
        now += wait
        ready = bucket.ready_at(now, parts)
        assert (bucket.room(now) >= parts) == (ready == now)
        now = ready
        assert bucket.room(now) >= parts
        bucket.spend(now, parts)
        gone.append((now, parts))
    for at, _ in gone:
        assert sum(parts for then, parts in gone if at <= then < at + 1_000) <= 10
    times = [at for at, _ in gone]
    assert all(later - earlier >= 50 for earlier, later in pairwise(times))


# A gateway that takes so many message parts in a second gets no more, and the urgent ones first.


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


async def test_a_paced_gateway_gets_so_many_parts_in_a_second_the_urgent_ones_first(bench: Bench) -> None:
    outbox = bench.new_outbox(per_second={"africastalking": 5})
    for kind in reversed(MessageKind):
        async with bench.database.work():
            texts = [f"{kind} {n}" for n in range(4)]
            await enqueue([NewMessage(text, ASHA, text, kind, "africastalking") for text in texts], START)
    outbox.notify()
    while len(bench.gateway.requests) < 20:
        wait = await bench.settle(outbox)
        assert wait > 0
        bench.clock.now += max(1, round(wait * 1000))
    assert bench.gateway.texts == [f"{kind} {n}" for kind in MessageKind for n in range(4)]
    times = bench.gateway.times
    assert all(later - sooner >= SECOND for sooner, later in zip(times, times[5:], strict=False))
    assert times[-1] <= 4 * SECOND


async def test_what_is_more_urgent_does_not_wait_for_a_long_message(bench: Bench) -> None:
    bench.outbox = bench.new_outbox(per_second={"africastalking": 3})
    await bench.enqueue("short")
    await bench.settle()
    async with bench.database.work():
        await enqueue([NewMessage("long", ASHA, "x" * 400, MessageKind.REPLY, "africastalking")], START)
    bench.outbox.notify()
    await bench.settle()
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await bench.settle()
    assert bench.gateway.texts == ["short", "token"]
    await bench.settle_after(SECOND)
    assert len(bench.gateway.texts) == 3


async def test_a_long_message_counts_by_its_parts(bench: Bench) -> None:
    outbox = bench.new_outbox(per_second={"africastalking": 3})
    async with bench.database.work():
        await enqueue(
            [NewMessage(name, ASHA, name * 300, MessageKind.REPLY, "africastalking") for name in "abcd"], START
        )
    outbox.notify()
    bench.gateway.answer = lambda message: Sent(f"id {message.id}", 2)
    while len(bench.gateway.requests) < 4:
        bench.clock.now += max(1, round(await bench.settle(outbox) * 1000))
    assert all(later - sooner >= SECOND for sooner, later in pairwise(bench.gateway.times))
    assert bench.gateway.times[-1] <= 4 * SECOND
