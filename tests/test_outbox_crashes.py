"""What the outbox does when a process dies, stops or runs beside another, and when the database fails."""

import asyncio
from typing import Any

import pytest

from bot import queue
from bot.backoff import TRIES
from bot.database import Database, DatabaseAway
from bot.message import Sent
from models.messages import Class
from tests.sending import SECOND, START, Bench


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


async def killed_while_sending(bench: Bench) -> None:
    """Leave the messages as a process leaves them that was killed with its requests under way."""
    bench.gateway.answer = lambda message: None
    dead = bench.new_outbox()
    await dead.turn()
    await asyncio.sleep(0)
    bench.gateway.answer = bench.gateway.accept
    bench.gateway.requests.clear()


async def test_what_a_killed_process_was_sending_is_sent(bench: Bench) -> None:
    await bench.promise("hello")
    await killed_while_sending(bench)
    await bench.settle()
    # another process may be alive and sending where several share the database
    assert bench.gateway.texts == (["hello"] if bench.database.embedded else [])
    await bench.settle_after(60 * SECOND)
    assert bench.gateway.texts == ["hello"]
    row = await bench.row("hello")
    assert (row["state"], row["tries"], row["unknowns"]) == ("sent", 2, 1)


async def test_a_request_that_takes_long_is_not_taken_for_a_dead_one(bench: Bench) -> None:
    bench.gateway.answer = lambda message: None
    await bench.promise("hello")
    for _ in range(3):
        await bench.outbox.turn()
        await asyncio.sleep(0)
        bench.clock.now += 61 * SECOND
    assert bench.gateway.texts == ["hello"]
    await bench.outbox.stop(within=0)


async def test_a_message_that_is_never_finished_ends_all_the_same(bench: Bench) -> None:
    await bench.promise("hello")
    await bench.sql("UPDATE outbox SET tries = $1", TRIES[Class.REPLY])
    await killed_while_sending(bench)
    await bench.settle_after(60 * SECOND)
    await bench.settle()
    row = await bench.row("hello")
    assert (row["state"], row["error"], bench.gateway.texts) == ("failed", "too many tries", [])


async def test_processes_that_share_a_database_send_each_message_once(bench: Bench) -> None:
    if bench.database.embedded:
        pytest.skip("one process has an embedded database to itself")
    await bench.promise(*(f"sms {n}" for n in range(1000)))
    processes = [bench.outbox, bench.new_outbox(), bench.new_outbox()]
    await asyncio.gather(*(bench.settle(process) for process in processes))
    assert sorted(bench.gateway.texts) == sorted(f"sms {n}" for n in range(1000))


async def test_a_result_is_written_after_the_database_failed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    write, failures = queue.write, iter([True])

    async def failing(db: Any, results: Any, now: int) -> None:
        if results and next(failures, False):
            raise ConnectionError("the database is away")
        await write(db, results, now)

    monkeypatch.setattr(queue, "write", failing)
    await bench.promise("hello")
    with pytest.raises(DatabaseAway):
        await bench.settle()
    await bench.settle()
    assert bench.gateway.texts == ["hello"]
    assert (await bench.row("hello"))["state"] == "sent"
    assert (await bench.gateway_row())["last_word"] == "sent"


async def test_stopping_waits_for_what_is_under_way_and_leaves_the_rest_waiting(bench: Bench) -> None:
    await bench.promise("under way")
    await bench.outbox.turn()
    stopping = asyncio.create_task(bench.outbox.stop())
    await bench.promise("later")
    await stopping
    assert await bench.states() == {"under way": "sent", "later": "waiting"}


async def test_a_request_that_outlasts_the_stop_has_an_unknown_outcome(bench: Bench) -> None:
    bench.gateway.answer = lambda message: None
    await bench.promise("hello")
    await bench.outbox.turn()
    await bench.outbox.stop(within=0)
    row = await bench.row("hello")
    assert (row["state"], row["error"], row["due_at"]) == ("uncertain", "timeout", START + 60 * SECOND)


async def test_the_loop_sends_what_is_told_of_and_ends_when_stopped(bench: Bench) -> None:
    asked = asyncio.Event()

    def answer(message: object) -> Sent:
        asked.set()
        return Sent("id 1")

    bench.gateway.answer = answer
    loop = asyncio.create_task(bench.outbox.run())
    while not bench.outbox.turned_at:
        await asyncio.sleep(0)
    await bench.promise("hello")
    async with asyncio.timeout(5):
        await asked.wait()
        while not bench.counted("sent"):
            await asyncio.sleep(0)
    await bench.outbox.stop()
    await asyncio.wait_for(loop, 5)
    assert await bench.states() == {"hello": "sent"}
