"""How much a batch takes on: no more than it comes to. What it takes and does not handle it has read for nothing."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from bot.inbound import worker
from bot.inbound.inbox import Inbox
from bot.inbound.sms import Dispatcher
from bot.message import Inbound
from bot.server import Server
from bot.text.numbers import Sender, SenderKind
from tests.world.people import GATEWAY, Phones


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
