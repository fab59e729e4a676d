"""A gateway that hangs may have taken what it was given: each message goes to it once more at most, when it is well."""

from collections import Counter

import pytest

from bot.routing import Health
from bot.runtime import Database
from models.messages import MessageKind
from tests.world.outbox_rig import MINUTE, SECOND, Bench


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
