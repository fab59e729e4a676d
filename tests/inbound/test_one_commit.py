"""Where there is one writer a text is stored, handled and its answer claimed by one commit, before which nobody hears
of it; and what was brought into a batch that was undone is stored all the same."""

import asyncio
import sqlite3
import time
from types import SimpleNamespace
from typing import Any

import aiosqlite
import pytest
from tortoise.exceptions import OperationalError

from bot.inbound.worker import EBB_S
from bot.message import Inbound
from bot.outbound import NewMessage, Outbox, enqueue, queue
from bot.runtime import Database
from bot.runtime.sqlite import _Transaction
from bot.server import Server
from bot.text.numbers import sender
from models.messages import MessageKind
from models.sql import execute
from tests.world.outbox_rig import ASHA, Bench
from tests.world.people import GATEWAY, MENU, PEOPLE, Phones
from tests.world.server import PATIENCE_S, serving

PATH = "/gateways/africastalking/demo"
SMS = {"id": "m1", "from": PEOPLE["Asha"], "to": "20880", "text": "CASH", "date": "2026-11-24 10:00:00"}
STATES = "SELECT inbox.state AS text, outbox.state AS answer FROM inbox LEFT JOIN outbox ON origin = 'sms ' || inbox.id"


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_one_commit_comes_before_the_answer_to_the_gateway_and_before_the_reply(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, committed = _Transaction.commit, []

    async with serving(demo_url) as at:
        await has_looked(at.mwanga.outbox)
        posting = asyncio.create_task(at.client.post(f"{PATH}/sms", data=SMS).__aenter__())

        async def noted(transaction: _Transaction) -> None:
            told = posting.done() or bool(at.emulator.messages)
            await commit(transaction)
            if found := transaction._connection.ask(STATES, ()):
                committed.append((told, found))

        monkeypatch.setattr(_Transaction, "commit", noted)
        assert (await posting).status == 200
        assert (await at.emulator.read(PEOPLE["Asha"])).startswith("You hold")
    assert committed[0] == (False, [{"text": "done", "answer": "sending"}])


async def test_what_was_brought_into_a_batch_that_was_undone_is_stored_and_handled(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = mwanga.worker._dispatcher.handle

    async def poisoned(message: Any, *about: Any) -> Any:
        if message.text == "poison":
            raise ZeroDivisionError
        return await handle(message, *about)

    monkeypatch.setattr(mwanga.worker._dispatcher, "handle", poisoned)
    phones = Phones(mwanga)
    texts = [("Asha", "CASH"), ("Baraka", "poison"), ("Juma", "CASH")]
    came = [Inbound("africastalking", f"m{n}", sender(PEOPLE[who], "TZ"), text) for n, (who, text) in enumerate(texts)]
    assert await asyncio.gather(*map(mwanga.inbox.record, [*came, came[0]])) == [True, True, True, False]
    await phones.handled()
    answers = {name: text[:8] for name, text in await phones.news()}
    assert answers == {"Asha": "You hold", "Baraka": "Sorry, t", "Juma": "Una TZS "}
    assert await execute(mwanga.database.client, "SELECT COUNT(*) AS all_of_them FROM inbox") == [{"all_of_them": 3}]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_nothing_waits_to_be_stored_until_a_message_was_run_alone(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tries lie up to a second apart, and a gateway asks again when it has waited for some seconds."""
    sleep, pauses, over = asyncio.sleep, asyncio.Event(), asyncio.Event()

    async def waits(seconds: float) -> None:
        if seconds:
            pauses.set()
            await over.wait()
        await sleep(0)

    async def crossed(*_about: Any) -> Any:
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr(mwanga.worker._dispatcher, "handle", crossed)
        patched.setattr(asyncio, "sleep", waits)
        assert await mwanga.inbox.record(from_asha("m1", "CASH"))
        await pauses.wait()
        async with asyncio.timeout(60):
            assert await mwanga.inbox.record(from_asha("m2", "HELP"))
        assert not over.is_set()
    over.set()
    phones = Phones(mwanga)
    await phones.handled()
    assert len(await phones.news()) == 2


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_message_is_not_to_blame_for_a_disk_that_is_full_for_a_moment(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its batch, the next one in which it is, and its own unit of work: it is handled when there is room again."""
    commit, full = aiosqlite.Connection.commit, iter([True, False, True, True])

    async def commits(connection: aiosqlite.Connection) -> None:
        if next(full, False):
            raise sqlite3.OperationalError("database or disk is full")
        await commit(connection)

    monkeypatch.setattr("bot.inbound.worker.PAUSES_S", (0, 0))
    monkeypatch.setattr(aiosqlite.Connection, "commit", commits)
    assert await mwanga.inbox.record(from_asha("m1", "CASH"))
    phones = Phones(mwanga)
    await phones.handled()
    assert [text[:8] for _name, text in await phones.news()] == ["You hold"]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_what_was_brought_into_an_undone_batch_stays_before_what_came_after_it(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle, later = mwanga.worker._dispatcher.handle, list[asyncio.Task[bool]]()

    async def fails_once(message: Any, *about: Any) -> Any:
        if later:
            return await handle(message, *about)
        mwanga.inbox.busy = True  # so that the next one is stored by itself, as soon as the database is free
        later.append(asyncio.create_task(mwanga.inbox.record(from_asha("m2", "HELP"))))
        for _turn_of_the_loop in range(5):
            await asyncio.sleep(0)
        raise ZeroDivisionError

    monkeypatch.setattr(mwanga.worker._dispatcher, "handle", fails_once)
    assert await mwanga.inbox.record(from_asha("m1", "CASH"))
    assert await later[0]
    assert await execute(mwanga.database.client, "SELECT text FROM inbox ORDER BY id") == [
        {"text": "CASH"},
        {"text": "HELP"},
    ]


def from_asha(external_id: str, text: str) -> Inbound:
    return Inbound(GATEWAY, external_id, sender(PEOPLE["Asha"], "TZ"), text)


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_what_a_unit_of_work_claimed_goes_after_its_commit_alone(database: Database) -> None:
    bench = Bench(database, order=["africastalking"])
    await enqueue_and_claim(bench, "nobody sends here")
    assert await bench.states() == {"nobody sends here": "waiting"}
    running = asyncio.create_task(bench.outbox.run())
    await has_looked(bench.outbox)
    with pytest.raises(ZeroDivisionError):
        await enqueue_and_claim(bench, "undone", fails=True)
    await enqueue_and_claim(bench, "committed")
    await bench.outbox.stop()
    await running
    assert await bench.states() == {"nobody sends here": "sent", "committed": "sent"}
    assert sorted(bench.gateway.texts) == ["committed", "nobody sends here"]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_what_waits_goes_at_once_after_a_claim_that_failed_half_way(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(database)
    await bench.settle()  # the next look is ten seconds away
    claim = queue.claim

    async def fails_for_kannel(db: Any, gateway: str, *about: Any, **others: Any) -> Any:
        if gateway == "kannel":
            raise OperationalError
        return await claim(db, gateway, *about, **others)

    await bench.enqueue("waits")
    with monkeypatch.context() as patched, pytest.raises(OperationalError):
        patched.setattr(queue, "claim", fails_for_kannel)
        patched.setattr(bench.outbox, "_running", True)
        async with bench.outbox.starting([]), database.work():
            await bench.outbox.claim(["africastalking", "kannel"])
    await bench.settle()
    assert bench.gateway.texts == ["waits"]


async def enqueue_and_claim(bench: Bench, text: str, *, fails: bool = False) -> None:
    claimed: list[Any] = []
    async with bench.outbox.starting(claimed), bench.database.work():
        await enqueue([NewMessage(text, ASHA, text, MessageKind.REPLY, "africastalking")], bench.clock())
        claimed += await bench.outbox.claim(["africastalking", "phone-1"])
        assert text not in bench.gateway.texts
        if fails:
            raise ZeroDivisionError


async def test_in_a_flood_there_is_one_rest_at_a_time(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each callback calls the worker: if each of them began a rest, one of them would always be just over."""
    worker, rests = mwanga.worker, list[float]()
    loop = SimpleNamespace(call_later=lambda seconds, _look, _arrivals: rests.append(seconds))
    mwanga.inbox.busy, worker._next_at = True, float("inf")
    with monkeypatch.context() as patched:
        patched.setattr("bot.inbound.worker.asyncio.get_running_loop", lambda: loop)
        assert [worker._has_to_rest() for _call in range(3)] == [True] * 3
    assert len(rests) == 1
    worker._look_for_ebb(mwanga.inbox.arrivals)
    assert not worker._has_to_rest(), "so few have come meanwhile that all is handled at once"


async def test_a_rest_goes_on_while_more_arrive_and_no_longer_than_it_may(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, inbox, looks = mwanga.worker, mwanga.inbox, list[tuple[float, int]]()
    loop = SimpleNamespace(call_later=lambda seconds, _look, arrivals: looks.append((seconds, arrivals)))
    inbox.busy, worker._next_at = True, float("inf")
    with monkeypatch.context() as patched:
        patched.setattr("bot.inbound.worker.asyncio.get_running_loop", lambda: loop)
        assert worker._has_to_rest()
        inbox.arrivals += 3
        worker._look_for_ebb(looks[-1][1])
        assert worker._has_to_rest() and looks == [(EBB_S, 0), (EBB_S, 3)]
        worker._next_at = time.perf_counter()
        inbox.arrivals += 3
        worker._look_for_ebb(looks[-1][1])
    assert not worker._has_to_rest() and len(looks) == 2


async def test_a_burst_is_handled_as_soon_as_it_is_over(demo_url: str) -> None:
    """Nobody waits for the end of a rest in which nothing arrives: it was twice as long as the batch before it."""
    async with serving(demo_url) as at, asyncio.timeout(PATIENCE_S):
        at.mwanga.inbox.busy, at.mwanga.worker._next_at = True, time.perf_counter() + 10 * PATIENCE_S
        assert (await at.client.post(f"{PATH}/sms", data=SMS)).status == 200
        assert (await at.emulator.read(PEOPLE["Asha"])).startswith("You hold")


async def test_a_flood_ends_with_a_rest_and_not_with_a_few_that_come_late(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what comes over sixty connections at once some are always a moment behind the others."""

    async def no_batch() -> bool:  # nor an end of a rest
        return False

    monkeypatch.setattr(mwanga.worker, "_handle_batch", no_batch)
    mwanga.inbox.busy = True
    assert await mwanga.inbox.record(from_asha("late", "CASH"))
    assert mwanga.inbox.busy


async def test_a_flood_ends_also_while_people_dial(mwanga: Server) -> None:
    mwanga.inbox.busy, mwanga.worker._next_at = True, 0.0
    await Phones(mwanga).dial("Asha", MENU)
    assert not mwanga.inbox.busy


async def has_looked(outbox: Outbox) -> None:
    """Before that it claims nothing beside other work."""
    while not outbox.turned_at:
        await asyncio.sleep(0)
