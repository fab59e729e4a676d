"""A gateway that takes so many message parts in a second gets no more, and the urgent ones first."""

from itertools import pairwise

import pytest

from bot.message import Sent
from bot.outbound import NewMessage, enqueue
from bot.runtime import Database
from models.messages import MessageKind
from tests.world.outbox_rig import ASHA, SECOND, START, Bench


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


async def test_a_paced_gateway_gets_so_many_parts_in_a_second_the_urgent_ones_first(bench: Bench) -> None:
    outbox = bench.new_outbox(per_second={"africastalking": 5})
    for kind in (MessageKind.BROADCAST, MessageKind.REMINDER, MessageKind.REPLY, MessageKind.TOKEN):
        async with bench.database.work():
            texts = [f"{kind} {n}" for n in range(4)]
            await enqueue([NewMessage(text, ASHA, text, kind, "africastalking") for text in texts], START)
    outbox.notify()
    while len(bench.gateway.requests) < 16:
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
