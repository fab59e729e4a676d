"""What the outbox does when a process dies, stops or runs beside another, and when the database fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.gateways.errors import SendError
from bot.message import Receipt, Sent
from bot.outbound import queue
from bot.outbound.retry import TRIES
from bot.runtime import Database, DatabaseAway
from models.messages import MessageKind, State
from tests.world.outbox_rig import SECOND, START, Bench


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


async def taken_back(bench: Bench) -> None:
    """Another process may be alive and sending where several share the database: it gets a minute."""
    await bench.settle_after(0 if bench.database.embedded else 60 * SECOND)


async def test_what_a_killed_process_was_sending_is_sent_a_moment_later(bench: Bench) -> None:
    await bench.enqueue("hello")
    await bench.enqueue("reminder", kind=MessageKind.REMINDER)
    await killed_while_sending(bench)
    await taken_back(bench)
    assert await bench.states() == {"hello": "uncertain", "reminder": "uncertain"}
    assert bench.counted("uncertain") == 2
    await bench.settle_after(9 * SECOND)
    assert bench.gateway.texts == []
    await bench.settle_after(SECOND)
    assert bench.gateway.texts == ["hello", "reminder"]
    row = await bench.row("hello")
    assert (row["state"], row["tries"], row["unknowns"], row["interrupted"]) == ("sent", 2, 1, 1)


@pytest.mark.parametrize("when", ["under way", "after the crash", "taken back"])
async def test_a_report_says_that_what_a_killed_process_was_sending_has_gone(bench: Bench, when: str) -> None:
    await bench.enqueue("hello")
    await killed_while_sending(bench)
    if when != "under way":
        bench.outbox = bench.new_outbox()
    if when == "taken back":
        await taken_back(bench)
    number = str((await bench.row("hello"))["id"])
    assert await bench.outbox.record_receipt(Receipt("africastalking", number, State.DELIVERED, "", ours=True))
    for _ in range(3):
        await bench.settle_after(60 * SECOND)
    row = await bench.row("hello")
    assert (row["state"], row["external_id"], bench.gateway.texts) == ("delivered", number, [])


async def test_a_failure_that_is_reported_while_it_is_sent_again_may_be_of_the_first_time(bench: Bench) -> None:
    await bench.enqueue("hello")
    await killed_while_sending(bench)
    number = str((await bench.row("hello"))["id"])
    failure = Receipt("africastalking", number, State.FAILED, "", "undelivered", ours=True)
    assert not await bench.outbox.record_receipt(failure)
    assert (await bench.row("hello"))["state"] == "sending"
    await taken_back(bench)
    assert (await bench.row("hello"))["state"] == "failed"


@pytest.mark.parametrize("kind", [MessageKind.TOKEN, MessageKind.REPLY, MessageKind.REMINDER])
async def test_however_often_its_server_dies_a_message_leaves_at_last(bench: Bench, kind: MessageKind) -> None:
    await bench.enqueue("hello", kind=kind)
    for deaths in range(7):
        await killed_while_sending(bench)
        await taken_back(bench)
        assert (await bench.row("hello"))["state"] == "uncertain"
        bench.clock.now += (10 << deaths) * SECOND
    await bench.settle()
    row = await bench.row("hello")
    assert (row["state"], row["unknowns"], row["interrupted"]) == ("sent", 7, 7)
    assert bench.gateway.texts == ["hello"]


@pytest.mark.parametrize("late", [Sent("id of the first"), SendError("unreachable")])
async def test_what_comes_of_a_claim_that_was_taken_back_changes_no_later_one(
    bench: Bench, late: Sent | SendError
) -> None:
    answers = asyncio.get_running_loop().create_future()
    bench.gateway.later = answers
    await bench.enqueue("hello")
    slow = bench.new_outbox()
    await slow.turn()
    await asyncio.sleep(0)
    bench.gateway.later = None
    await bench.sql("UPDATE outbox SET claimed_at = $1, claimed_by = 'another'", START + SECOND)
    answers.set_result(late)
    await bench.settle(slow)
    row = await bench.row("hello")
    assert (row["state"], row["external_id"], row["error"]) == ("sending", "", "")


@pytest.mark.parametrize("kind", [MessageKind.TOKEN, MessageKind.REMINDER])
@pytest.mark.parametrize("late", [Sent("id of the first"), SendError("unreachable")])
async def test_a_server_that_was_taken_for_dead_still_says_what_came_of_its_claim(
    bench: Bench, late: Sent | SendError, kind: MessageKind
) -> None:
    bench.gateway.later = asyncio.get_running_loop().create_future()
    await bench.enqueue("hello", kind=kind)
    slow, other = bench.new_outbox(), bench.outbox
    await slow.turn()
    await asyncio.sleep(0)
    bench.clock.now += 60 * SECOND
    bench.gateway.later.set_result(late)
    bench.gateway.later = None
    await asyncio.sleep(0)  # the database was away, and comes back for the other server first
    await other.turn()
    assert (await bench.row("hello"))["error"] == "interrupted"
    await bench.settle(slow)
    row = await bench.row("hello")
    taken = isinstance(late, Sent)
    known = ("sent", "id of the first", "") if taken else ("scheduled", "", "unreachable")
    assert (row["state"], row["external_id"], row["error"], row["unknowns"]) == (*known, 0)
    await bench.settle_after(30 * SECOND)
    assert bench.gateway.texts == (["hello"] if taken else ["hello", "hello"])
    assert (await bench.row("hello"))["state"] == "sent"


async def test_a_request_that_takes_long_is_not_taken_for_a_dead_one(bench: Bench) -> None:
    bench.gateway.answer = lambda message: None
    await bench.enqueue("hello")
    for _ in range(3):
        await bench.outbox.turn()
        await asyncio.sleep(0)
        bench.clock.now += 61 * SECOND
    assert bench.gateway.texts == ["hello"]
    await bench.outbox.stop(within=0)


async def test_a_message_that_is_never_finished_ends_all_the_same(bench: Bench) -> None:
    await bench.enqueue("hello")
    await bench.sql("UPDATE outbox SET tries = $1", TRIES)
    await killed_while_sending(bench)
    await taken_back(bench)
    await bench.settle_after(10 * SECOND)
    row = await bench.row("hello")
    assert (row["state"], row["error"], bench.gateway.texts) == ("failed", "too many tries", [])


async def test_processes_that_share_a_database_send_each_message_once(bench: Bench) -> None:
    if bench.database.embedded:
        pytest.skip("one process has an embedded database to itself")
    await bench.enqueue(*(f"sms {n}" for n in range(1000)))
    processes = [bench.outbox, bench.new_outbox(), bench.new_outbox()]
    await asyncio.gather(*(bench.settle(process) for process in processes))
    assert sorted(bench.gateway.texts) == sorted(f"sms {n}" for n in range(1000))


async def test_a_result_is_written_after_the_database_failed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    write, failures = queue.write_results, iter([True])

    async def failing(db: Any, results: Any, now: int) -> None:
        if results and next(failures, False):
            raise ConnectionError("the database is away")
        await write(db, results, now)

    monkeypatch.setattr(queue, "write_results", failing)
    await bench.enqueue("hello")
    with pytest.raises(DatabaseAway):
        await bench.settle()
    await bench.settle()
    assert bench.gateway.texts == ["hello"]
    assert (await bench.row("hello"))["state"] == "sent"
    assert (await bench.gateway_row())["last_word"] == "sent"


async def test_what_a_turn_claimed_that_was_undone_is_claimed_by_the_next_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = queue.claim

    async def broken_afterwards(*about: Any, **details: Any) -> None:
        await claim(*about, **details)
        raise ConnectionError("the database is away")

    await bench.settle()
    await bench.enqueue("hello")
    with monkeypatch.context() as patched, pytest.raises(DatabaseAway):
        patched.setattr(queue, "claim", broken_afterwards)
        await bench.outbox.turn()
    await bench.settle()
    assert bench.gateway.texts == ["hello"]


async def test_stopping_waits_for_what_is_under_way_and_leaves_the_rest_waiting(bench: Bench) -> None:
    await bench.enqueue("under way")
    await bench.outbox.turn()
    stopping = asyncio.create_task(bench.outbox.stop())
    await bench.enqueue("later")
    await stopping
    assert await bench.states() == {"under way": "sent", "later": "waiting"}


async def test_a_request_that_outlasts_the_stop_goes_again_after_the_next_start(bench: Bench) -> None:
    bench.gateway.answer = lambda message: None
    await bench.enqueue("hello")
    await bench.outbox.turn()
    await bench.outbox.stop(within=0)
    row = await bench.row("hello")
    assert (row["state"], row["error"], row["due_at"]) == ("uncertain", "interrupted", START + 10 * SECOND)


async def test_the_loop_sends_what_is_told_of_and_ends_when_stopped(bench: Bench) -> None:
    asked = asyncio.Event()

    def answer(message: object) -> Sent:
        asked.set()
        return Sent("id 1")

    bench.gateway.answer = answer
    loop = asyncio.create_task(bench.outbox.run())
    while not bench.outbox.turned_at:
        await asyncio.sleep(0)
    await bench.enqueue("hello")
    async with asyncio.timeout(60):
        await asked.wait()
        while not bench.counted("sent"):
            await asyncio.sleep(0)
    await bench.outbox.stop()
    await asyncio.wait_for(loop, 60)
    assert await bench.states() == {"hello": "sent"}


async def test_what_was_claimed_by_a_commit_that_nobody_answered_is_sent_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bench.database.embedded:
        pytest.skip("an embedded database answers each commit")
    work = bench.database.work

    @asynccontextmanager
    async def broken_after_the_commit() -> AsyncIterator[Any]:
        async with work() as db:
            yield db
        raise DatabaseAway

    await bench.enqueue("hello")
    with monkeypatch.context() as patched, pytest.raises(DatabaseAway):
        patched.setattr(bench.database, "work", broken_after_the_commit)
        await bench.outbox.turn()
    assert await bench.states() == {"hello": "sending"}
    await taken_back(bench)
    await bench.settle_after(10 * SECOND)
    assert (await bench.states(), bench.gateway.texts) == ({"hello": "sent"}, ["hello"])
