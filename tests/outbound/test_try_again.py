"""The office has mended a gateway, and says so: nothing waits for the end of a pause any more."""

from collections.abc import AsyncIterator

import pytest

from bot.routing import Health
from bot.runtime import Database
from models.messages import MessageKind
from tests.world.outbox_rig import HOUR, MINUTE, Bench


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    yield Bench(database)


async def mend(bench: Bench) -> None:
    async with bench.database.work():
        await bench.outbox.try_again("africastalking")
    bench.outbox.resume("africastalking")
    await bench.settle()


async def test_what_waited_for_the_end_of_a_pause_goes_at_once(bench: Bench) -> None:
    bench.gateway.refuse("no balance")
    await bench.enqueue("one", "two")
    await bench.settle()
    await bench.enqueue("three")
    await bench.settle()
    bench.gateway.answer = bench.gateway.accept
    await mend(bench)
    assert set((await bench.states()).values()) == {"sent"}
    row = await bench.gateway_row()
    assert (row["paused_until"], row["alert"], row["failures"]) == (0, "", 0)


async def test_a_gateway_that_is_not_mended_after_all_is_paused_again_by_one_message(bench: Bench) -> None:
    bench.gateway.refuse("no balance")
    await bench.enqueue("one", "two", "three")
    await bench.settle()
    asked = len(bench.gateway.requests)
    await mend(bench)
    assert len(bench.gateway.requests) == asked + 1
    row = await bench.gateway_row()
    assert row["paused_until"] > bench.clock() and row["alert"]


async def test_it_is_well_as_soon_as_somebody_looks(bench: Bench) -> None:
    bench.gateway.refuse("unknown sender")
    await bench.enqueue("one")
    await bench.settle()
    await bench.sql(
        "UPDATE gatewaystate SET lost_tests = 3, tested_at = $1, returned_at = $2",
        bench.clock() - 5 * MINUTE,
        bench.clock() - 3 * HOUR,
    )
    await bench.router.watch.look()
    assert bench.router.watch.state("africastalking") is Health.DOWN
    bench.gateway.answer = bench.gateway.accept
    await mend(bench)
    await bench.router.watch.look()
    assert bench.router.watch.state("africastalking") is Health.WELL


async def test_what_waits_for_its_own_hour_stays(bench: Bench) -> None:
    await bench.enqueue("tomorrow", kind=MessageKind.REMINDER)
    later = bench.clock() + 8 * HOUR
    await bench.sql("UPDATE outbox SET state = 'scheduled', due_at = $1", later)
    await mend(bench)
    assert bench.gateway.requests == []
    assert (await bench.row("tomorrow"))["due_at"] == later
