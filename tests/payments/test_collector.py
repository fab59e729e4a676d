"""When phones are asked to pay: at once where no call is under way, and with what has come until the call has ended."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.payments.base import Ask, Asked, NotAsked
from bot.payments.collector import Collector
from bot.server import Server
from models.selling import requests
from models.selling.requests import DUE
from tests.world.people import PEOPLE
from tests.world.pushes import written

NEVER = 3_600  # seconds


class Scripted:
    """A provider that takes each request, or answers with what comes `later`."""

    name, title, per_second, rings_s = "scripted", "Scripted", 0, NEVER

    def __init__(self) -> None:
        self.asked: list[str] = []  # the phones
        self.later: asyncio.Future[Asked] | None = None

    async def ask(self, ask: Ask) -> Asked | NotAsked:
        self.asked.append(ask.phone)
        return await self.later if self.later else Asked(ask.reference)


class Running:
    """A collector at work that would gather for an hour, and counts its looks at what is due."""

    def __init__(self, mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        self.provider, self.looks, self._mwanga = Scripted(), 0, mwanga
        providers = {"scripted": self.provider}
        settler = mwanga.payments.settler
        self.collector = Collector(mwanga.database, providers, settler, lambda: None)  # type: ignore[arg-type]
        mwanga.database.on_commit[DUE] = self.collector.notify
        monkeypatch.setattr("bot.payments.collector.GATHER_S", float(NEVER))
        monkeypatch.setattr("bot.payments.collector.LOOK_MS", NEVER * 1000)
        self._next_at = requests.next_at
        monkeypatch.setattr(requests, "next_at", self._look)

    async def _look(self) -> int:
        self.looks += 1
        return await self._next_at()

    async def want(self, *people: str) -> None:
        """Each wants to pay by phone, and is committed to it."""
        for person in people:
            async with self._mwanga.database.work():
                await written(key=person, person=person, provider="scripted")

    async def has_asked(self, *people: str) -> None:
        """Wait until these were asked to pay."""
        async with asyncio.timeout(60):
            while self.provider.asked != [PEOPLE[person] for person in people]:
                await asyncio.sleep(0)

    async def has_begun(self) -> None:
        """Wait until it has looked for the first time."""
        async with asyncio.timeout(60):
            while not self.looks:
                await asyncio.sleep(0)


@pytest.fixture
async def running(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    running = Running(mwanga, monkeypatch)
    run = asyncio.create_task(running.collector.run())
    await running.has_begun()
    yield running
    running.collector.stop()
    await running.collector.finish(0)
    await run


async def a_while() -> None:
    for _turn_of_the_loop in range(50):
        await asyncio.sleep(0)


async def test_a_phone_is_asked_at_once_while_no_other_is(running: Running) -> None:
    await running.want("Baraka")
    await running.has_asked("Baraka")
    await running.want("Neema")
    await running.has_asked("Baraka", "Neema")


async def test_what_comes_while_a_call_is_under_way_is_gathered_until_it_ends(running: Running) -> None:
    running.provider.later = asyncio.get_running_loop().create_future()
    await running.want("Baraka")
    await running.has_asked("Baraka")
    looks = running.looks
    await running.want("Neema", "Amina")
    await a_while()
    assert running.looks == looks
    running.provider.later.set_result(Asked("id"))
    await running.has_asked("Baraka", "Neema", "Amina")


async def test_a_provider_that_may_not_be_asked_yet_hurries_nothing(running: Running) -> None:
    running.provider.per_second = 1
    await running.want("Baraka")
    await running.has_asked("Baraka")
    running.collector._asked_at["scripted"] += NEVER  # for so long it may not be asked again
    await running.collector.drain()
    looks = running.looks
    await running.want("Neema")
    await a_while()
    assert running.looks == looks


async def test_a_commit_that_asks_nobody_to_pay_looks_for_nothing(mwanga: Server, running: Running) -> None:
    looks = running.looks
    async with mwanga.database.work() as db:
        await db.execute_query("UPDATE payment_request SET looks = looks")
    mwanga.outbox.notify()
    await a_while()
    assert running.looks == looks
