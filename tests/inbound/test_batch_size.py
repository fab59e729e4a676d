"""How much a batch takes on: no more than it comes to, for the rest is read for nothing; and what it writes last."""

import asyncio
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from bot.inbound import worker
from bot.inbound.inbox import Inbox
from bot.inbound.sms import Dispatcher
from bot.inbound.ussd import Sessions
from bot.message import Inbound, UssdTurn
from bot.server import Server
from bot.text.numbers import Sender, SenderKind
from models.sql import execute
from tests.world.people import GATEWAY, PEOPLE, Phones


class SlowTalks:
    """A clock by which each text takes its time, and what the batches took."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.each_s, self.now, self.taken = 0.02, 0.0, list[int]()
        claim, handle = Inbox.claim, Dispatcher.handle

        async def claims(inbox: Inbox, most: int) -> Any:
            messages = await claim(inbox, most)
            if messages:  # the end of a rest calls the worker again, whenever that is
                self.taken.append(len(messages))
            return messages

        async def handles(*what: Any) -> Any:
            self.now += self.each_s
            return await handle(*what)

        monkeypatch.setattr(worker, "time", SimpleNamespace(perf_counter=lambda: self.now))
        monkeypatch.setattr(Inbox, "claim", claims)
        monkeypatch.setattr(Dispatcher, "handle", handles)


@pytest.mark.parametrize("engine", ["sqlite"])  # where one loop alone takes batches
async def test_a_batch_takes_what_the_last_one_came_to(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    talks, phones = SlowTalks(monkeypatch), Phones(mwanga)

    async def arrive(first: int) -> None:
        senders = [Sender(SenderKind.NUMBER, f"+2557000{first + n:05d}") for n in range(32)]
        await asyncio.gather(*(mwanga.inbox.record(Inbound(GATEWAY, s.value, s, "hello")) for s in senders))
        mwanga.inbox.busy = False  # it is no flood of which this is about
        mwanga.worker.notify()
        await phones.handled()

    await arrive(100)
    assert talks.taken[:3] == [32, 8, 8] and sum(talks.taken) < 32 + 8 * 12
    talks.each_s, talks.taken = 0.0, []
    await arrive(200)
    assert talks.taken[:3] == [8, 16, 8], "it takes more again"


@pytest.mark.parametrize("engine", ["sqlite"])  # it goes round while PostgreSQL answers, whatever we do
async def test_the_loop_goes_round_between_the_turns_of_a_batch(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In each round it accepts one connection: of hundreds who dial at once nobody waits for as many batches."""
    rounds, begun, handle = 0, list[int](), Sessions.handle

    async def handles(*what: Any) -> Any:
        begun.append(rounds)
        return await handle(*what)

    async def count_rounds() -> None:
        nonlocal rounds
        while True:
            await asyncio.sleep(0)
            rounds += 1

    monkeypatch.setattr(Sessions, "handle", handles)
    monkeypatch.setattr(worker, "YIELD_S", -1.0)  # each takes longer
    counting = asyncio.create_task(count_rounds())
    turns = [UssdTurn(GATEWAY, "*384*20#", name, PEOPLE[name], "") for name in ("Asha", "Baraka", "Juma")]
    shown = await asyncio.gather(*map(mwanga.worker.answer, turns))
    counting.cancel()
    assert all(screen.startswith("CON ") for screen in shown)
    assert len(begun) == 3
    assert all(later - earlier >= worker.ROUNDS for earlier, later in pairwise(begun)), begun


async def test_who_connects_a_moment_later_is_in_the_same_batch(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway may connect anew for each turn: each of them would wait for a commit of its own."""
    fill, batches = worker.Worker._fill, list[int]()

    async def fills(self: worker.Worker, batch: Any, turns: Any, claim: Any) -> None:
        batches.append(len(turns))
        await fill(self, batch, turns, claim)

    async def dial(rounds: int, name: str) -> str:
        for _round in range(rounds):
            await asyncio.sleep(0)
        return await mwanga.worker.answer(UssdTurn(GATEWAY, "*384*20#", name, PEOPLE[name], ""))

    monkeypatch.setattr(worker, "LOOK_S", 3600.0)  # what the loops do by the clock is not in it
    await dial(0, "Juma")  # what it did as it started is over
    monkeypatch.setattr(worker.Worker, "_fill", fills)
    shown = await asyncio.gather(dial(0, "Asha"), dial(worker.ROUNDS - 2, "Baraka"))
    assert all(screen.startswith("CON ") for screen in shown)
    assert batches == [2], "and no other loop begins one for nothing"


@pytest.mark.parametrize("engine", ["sqlite"])  # where one loop alone takes batches
async def test_a_text_is_handled_though_the_loop_has_much_else_to_do(
    mwanga: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dialled turns come before texts, and what others do while a batch lets them is in its time; but it gets on."""
    handled, handle = list[int](), Dispatcher.handle

    async def handles(*what: Any) -> Any:
        handled.append(len(batches))
        return await handle(*what)

    fill, batches = worker.Worker._fill, list[int]()

    async def fills(self: worker.Worker, batch: Any, turns: Any, claim: Any) -> None:
        batches.append(len(turns))
        self._turns.append(later)  # somebody dials in each batch
        await fill(self, batch, turns, claim)
        self._turns.remove(later)

    later: Any = object()
    sender = Sender(SenderKind.NUMBER, PEOPLE["Baraka"])
    await asyncio.gather(*(mwanga.inbox.record(Inbound(GATEWAY, f"{n}", sender, "TOKEN")) for n in range(3)))
    await Phones(mwanga).handled()
    for name, value in (("DIALLED_SLICE_S", -1.0), ("YIELD_S", -1.0)):
        monkeypatch.setattr(worker, name, value)
    monkeypatch.setattr(worker.Worker, "_fill", fills)
    monkeypatch.setattr(Dispatcher, "handle", handles)
    await asyncio.gather(*(mwanga.inbox.record(Inbound(GATEWAY, f"more {n}", sender, "TOKEN")) for n in range(3)))
    async with asyncio.timeout(60):  # else it would begin batches for ever
        await Phones(mwanga).handled()
    assert handled == [1, 2, 3], "one in each batch"


async def test_a_turn_and_its_repetition_in_one_batch_have_one_answer(mwanga: Server) -> None:
    """What is kept of a turn is written at the end of a batch, and before, where the network sends it twice at once."""
    first = UssdTurn(GATEWAY, "*384*20#", "session 1", PEOPLE["Asha"], "")
    shown = await asyncio.gather(*(mwanga.worker.answer(turn) for turn in (first, first)))
    assert shown[0] == shown[1] and shown[0].startswith("CON")
    key = UssdTurn(GATEWAY, "*384*20#", "session 1", PEOPLE["Asha"], "1")
    shown = await asyncio.gather(*(mwanga.worker.answer(turn) for turn in (first, key, key)))
    assert shown[1] == shown[2] != shown[0]
    kept = await execute(mwanga.database.client, "SELECT session_id FROM ussdturn")
    assert len(kept) == 2 and len({row["session_id"] for row in kept}) == 1


async def test_turns_of_one_batch_find_their_sessions_together(
    mwanga: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Those of others do not go into a session whose id they know, whether it begins in the same batch or before."""
    calls = [("a", "Asha"), ("b", "Baraka"), ("a", "Juma"), ("b", "Baraka"), ("c", "Baraka")]

    async def dial(transcript: str) -> list[str]:
        turns = [UssdTurn(GATEWAY, "*384*20#", call, PEOPLE[name], transcript) for call, name in calls]
        return await asyncio.gather(*map(mwanga.worker.answer, turns))

    for transcript, says in (("", "1. "), ("9", "0. ")):
        asha, baraka, guest, again, other = await dial(transcript)
        assert asha.startswith("CON ") and says in asha
        assert baraka.startswith("CON ") and says in baraka and baraka != asha
        assert guest.startswith("END Kipindi kimeisha.")  # in his language
        assert baraka == again == other
    rows = await execute(
        mwanga.database.client, "SELECT session_id, phone, transcript_length FROM ussdsession ORDER BY id"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("a", PEOPLE["Asha"], 1), ("b", PEOPLE["Baraka"], 1), ("c", PEOPLE["Baraka"], 1)
    ]  # fmt: skip
    assert "undone" not in caplog.text
