"""The clock of a machine is set back, or differs from that of another: nothing stands still, nothing is stolen."""

import asyncio

import pytest

from bot.routing import Health
from bot.runtime import Database
from models.clock import CLOCK, Doubt
from models.messages import MessageKind
from tests.world.outbox_rig import HOUR, MINUTE, SECOND, Bench, Clock


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database, order=["africastalking"])


async def test_what_is_to_be_tried_again_does_not_wait_for_the_former_time(bench: Bench) -> None:
    bench.gateway.refuse("unreachable")
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await bench.settle()
    bench.gateway.answer = bench.gateway.accept
    bench.clock.now -= HOUR
    await bench.settle()
    assert (await bench.row("token"))["state"] == "sent"


async def test_what_another_process_scheduled_is_brought_forward_and_what_waits_for_the_morning_is_not(
    bench: Bench,
) -> None:
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await bench.enqueue("reminder", kind=MessageKind.REMINDER)
    await bench.sql("UPDATE outbox SET state = 'scheduled', due_at = $1", bench.clock() + 6 * MINUTE)
    await bench.settle()
    assert await bench.states() == {"token": "sent", "reminder": "scheduled"}


async def test_what_rested_until_a_morning_to_come_goes_now(bench: Bench) -> None:
    await bench.enqueue("reminder", kind=MessageKind.REMINDER)
    await bench.enqueue("many", kind=MessageKind.BROADCAST)
    await bench.sql("UPDATE outbox SET state = 'scheduled', due_at = $1", bench.clock() + 900 * HOUR)
    await bench.settle()
    assert await bench.states() == {"reminder": "sent", "many": "sent"}


async def test_a_paced_gateway_goes_on(bench: Bench) -> None:
    bench.outbox = bench.new_outbox(per_second={"africastalking": 2})
    await bench.enqueue(*(f"sms {n}" for n in range(6)))
    await bench.settle()
    bench.clock.now -= HOUR
    for _ in range(3):
        await bench.settle_after(SECOND)
    assert len(bench.gateway.texts) == 6


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_pause_ends(bench: Bench, restarted: bool) -> None:
    bench.gateway.refuse("throttled")
    await bench.enqueue("hello")
    await bench.settle()
    bench.gateway.answer = bench.gateway.accept
    bench.clock.now -= HOUR
    if restarted:
        bench.outbox = bench.new_outbox()
    await bench.settle()
    await bench.enqueue("second", "third", "fourth")
    await bench.settle()
    assert len(bench.gateway.texts) == 5
    assert (await bench.gateway_row())["paused_until"] == 0


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_gateway_that_fails_now_is_down_though_it_sent_at_a_later_time(bench: Bench, restarted: bool) -> None:
    await bench.enqueue("hello")
    await bench.settle()
    bench.clock.now -= HOUR
    if restarted:
        bench.outbox = bench.new_outbox()
    bench.gateway.refuse("unreachable")
    await bench.enqueue("one", "two", "three")
    await bench.settle()
    await bench.router.watch.look()
    assert bench.router.watch.state("africastalking") is Health.DOWN
    bench.clock.now -= HOUR
    await bench.router.watch.look()
    assert bench.router.watch.state("africastalking") is Health.QUIET, "and is tried"


@pytest.mark.parametrize("looked", [True, False])
async def test_nothing_ends_while_the_clock_seems_to_be_ahead(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, looked: bool
) -> None:
    """Also what is claimed before anybody has looked at the clock."""

    async def is_ahead() -> Doubt:
        return Doubt.AHEAD

    await bench.switch("off")
    await bench.enqueue("token", kind=MessageKind.TOKEN)
    await bench.settle()
    with monkeypatch.context() as doubting:
        doubting.setattr(CLOCK, "doubt", is_ahead)
        bench.clock.now += 80 * HOUR
        if looked:
            await bench.settle()
            assert await bench.states() == {"token": "waiting"}
        bench.outbox._look_at = bench.clock.now + SECOND
        await bench.switch("on")
        bench.outbox.notify()
        await bench.settle()
        assert not bench.gateway.requests, "it would be too late, if it is"
        row = await bench.row("token")
        assert (row["state"], row["error"]) == ("scheduled", "")
    bench.clock.now -= 80 * HOUR
    await bench.settle()
    assert await bench.states() == {"token": "sent"}


async def test_what_was_too_late_ends_when_the_clock_was_right(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def is_ahead() -> Doubt:
        return Doubt.AHEAD

    await bench.enqueue("token", kind=MessageKind.TOKEN)
    bench.clock.now += 80 * HOUR
    with monkeypatch.context() as doubting:
        doubting.setattr(CLOCK, "doubt", is_ahead)
        await bench.settle()
    await bench.settle_after(5 * MINUTE)
    assert await bench.states() == {"token": "expired"} and not bench.gateway.requests


async def test_a_clock_set_back_within_a_turn_does_not_put_the_next_one_off(bench: Bench) -> None:
    """For as long as it went back nobody would see what other servers do, or what is due."""

    async def set_back(_db: object, now: int) -> int:
        bench.clock.now -= HOUR
        return now

    bench.outbox.shared_time = set_back
    assert 0 < await bench.outbox.turn() <= 10


async def test_a_server_with_another_clock_takes_nothing_from_one_that_is_alive(bench: Bench) -> None:
    if bench.database.embedded:
        pytest.skip("one process has an embedded database to itself")
    shared, ahead = Clock(), Clock()

    async def database_time(_db: object, _now: int) -> int:
        return shared.now

    bench.outbox.shared_time = database_time
    bench.gateway.answer = lambda message: None
    await bench.enqueue("hello")
    await bench.outbox.turn()
    await asyncio.sleep(0)
    other = bench.new_outbox()
    other.shared_time, other._clock = database_time, ahead
    ahead.now += 10 * MINUTE
    shared.now += 59 * SECOND
    await other.turn()
    assert await bench.states() == {"hello": "sending"}
    shared.now += SECOND
    ahead.now += 10 * SECOND
    await other.turn()
    assert await bench.states() == {"hello": "uncertain"}
    await bench.outbox.stop(within=0)
