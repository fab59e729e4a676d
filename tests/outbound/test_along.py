"""Where there is one writer, what gateways answered is written by the commit of whoever handles messages meanwhile; no
message suffers for it, and what has to be looked at afterwards is left to a turn."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.message import Receipt, Sent
from bot.outbound import Claimed, Lane, NewMessage, enqueue, queue
from bot.runtime import Database
from models.messages import MessageKind, State
from tests.world.outbox_rig import ASHA, Bench

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


@pytest.fixture
async def bench(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """An outbox at work, which for an hour would take no turn of its own for what came back."""
    bench = Bench(database, order=["africastalking"])
    monkeypatch.setattr("bot.outbound.outbox.GATHER_S", 3_600.0)
    run = asyncio.create_task(bench.outbox.run())
    await a_moment()
    yield bench
    await bench.outbox.stop()
    await run


async def a_moment() -> None:
    for _turn_of_the_loop in range(20):
        await asyncio.sleep(0)


async def handle(bench: Bench, text: str, *, fails: bool = False) -> None:
    """A message is handled, its answer claimed, and sent after the commit."""
    claimed: list[tuple[Lane, Claimed]] = []
    async with bench.outbox.starting(claimed), bench.database.work():
        await enqueue([NewMessage(text, ASHA, text, MessageKind.REPLY, "africastalking")], bench.clock())
        claimed += await bench.outbox.claim(["africastalking"])
        if fails:
            raise ZeroDivisionError
    await a_moment()


async def test_the_next_message_writes_what_came_of_the_one_before(bench: Bench) -> None:
    await handle(bench, "first")
    assert (bench.gateway.texts, await bench.states()) == (["first"], {"first": "sending"})
    await handle(bench, "second")
    assert await bench.states() == {"first": "sent", "second": "sending"}
    assert (await bench.gateway_row())["last_word"] == "sent"
    assert bench.counted("sent") == 1


async def test_what_an_undone_unit_of_work_wrote_is_written_by_a_turn(bench: Bench) -> None:
    await handle(bench, "first")
    with pytest.raises(ZeroDivisionError):
        await handle(bench, "undone", fails=True)
    assert (await bench.states(), bench.counted("sent")) == ({"first": "sending"}, 0)
    await bench.outbox.turn()
    assert (await bench.states(), bench.counted("sent")) == ({"first": "sent"}, 1)
    await handle(bench, "second")
    await handle(bench, "third")
    assert await bench.states() == {"first": "sent", "second": "sent", "third": "sending"}


async def test_no_message_fails_twice_by_what_cannot_be_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_about: Any) -> None:
        raise ZeroDivisionError

    await handle(bench, "first")
    with monkeypatch.context() as patched:
        patched.setattr(queue, "write_results", fails)
        with pytest.raises(ZeroDivisionError):
            await handle(bench, "second")
        await handle(bench, "second")
    assert bench.gateway.texts == ["first", "second"]
    await bench.outbox.turn()
    assert await bench.states() == {"first": "sent", "second": "sent"}


async def test_what_was_not_sent_is_left_to_a_turn(bench: Bench) -> None:
    """It comes to be due, and the loop has to know when."""
    bench.gateway.refuse("throttled")
    await handle(bench, "first")
    await handle(bench, "second")
    assert await bench.states() == {"first": "sending", "second": "waiting"}
    await bench.outbox.turn()
    assert await bench.states() == {"first": "scheduled", "second": "waiting"}


async def test_what_has_a_report_already_is_left_to_a_turn(bench: Bench) -> None:
    bench.gateway.later = asyncio.get_running_loop().create_future()
    await handle(bench, "first")
    report = Receipt("africastalking", "early", State.DELIVERED, "Success")
    assert not await bench.outbox.record_receipt(report)
    bench.gateway.later.set_result(Sent("early", 1, "TZS 20"))
    await a_moment()
    await handle(bench, "second")
    assert (await bench.states())["first"] == "sending"
    await bench.outbox.turn()
    assert (await bench.states())["first"] == "delivered"


async def test_nothing_goes_to_a_gateway_that_is_paused_before_the_first_look(bench: Bench) -> None:
    """The server starts again and is asked at once: it does not know yet how the gateways stand."""
    bench.gateway.refuse("no balance")
    await handle(bench, "before")
    await bench.outbox.turn()
    started = bench.new_outbox()
    started._running = True
    async with started.starting([]), bench.database.work():
        await enqueue([NewMessage("answer", ASHA, "answer", MessageKind.REPLY, "africastalking")], bench.clock())
        assert await started.claim(["africastalking"]) == []
    await started.turn()
    assert bench.gateway.texts == ["before"]
