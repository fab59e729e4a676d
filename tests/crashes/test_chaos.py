"""Three gateways in trouble under a steady load of sales, and a server that is killed or stopped among them: every
token arrives, none more often than it may, and the books and messages are those of a calm day."""

import asyncio
import itertools
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp
import pytest

from tests.emulators.africastalking import Emulator
from tests.emulators.android import radio
from tests.emulators.android.clock import Clock
from tests.emulators.android.phone import Phone
from tests.emulators.gateways_in_trouble import FATES, Carried, Doubts, Kannel, Trouble, passing
from tests.world.people import PEOPLE, PINS
from tests.world.server import ServerProcess, query
from tests.world.templates import Templates
from tests.world.withdrawn import WITHDRAWN

SALES = 40  # of each agent
AGENTS = ("Asha", "Juma")
MOST = 2  # a message goes out once, and once more after an outcome that nobody knows; it has one at the most
SECOND = 1.1
PATIENCE_S = 600.0  # on a busy machine
SETTINGS: dict[str, object] = {
    "kannel_username": "mwanga",
    "kannel_password": "demo",
    "kannel_sender": "15054",
    "smsgate_token": "a private token for the shop phone",
    "route": "phones,kannel,africastalking",
    "failover_seconds": 1,
    "sender_cap": 0,
    "log_level": "WARNING",
}
STRANGER = "+25576"  # how many there are depends on what happens
# What a day leaves behind but for references, which are drawn, reminders, which depend on the hour, and strangers. An
# agent may answer a question whose delivery nobody knows yet.
BOOKS = {
    "sales": "SELECT d.serial, d.count, t.digits, s.amount, s.units, s.unit, s.commission, s.recovered, s.access, "
    "s.owed, a.phone FROM sale s JOIN agent a ON a.id = s.agent_id JOIN device d ON d.id = s.device_id "
    "JOIN token t ON t.sale_id = s.id WHERE s.key NOT LIKE 'demo %'",
    "payments": "SELECT provider, amount, agent_id FROM payment",
    "lines": "SELECT a.kind, a.owner, l.amount FROM line l JOIN account a ON a.id = l.account_id",
    "accounts": "SELECT kind, owner, balance FROM account",
    "devices": "SELECT serial, count FROM device",
    "inbox": f"SELECT phone, text, state, outcome, error FROM inbox WHERE phone NOT LIKE '{STRANGER}%'",
    "outbox": f"SELECT phone, kind, text, CASE WHEN {WITHDRAWN} THEN 'delivered' ELSE state END AS state FROM outbox "
    f"WHERE kind <> 'reminder' AND phone NOT LIKE '{STRANGER}%'",
}
OPEN = """SELECT id, 'in' AS way, gateway, phone, state, outcome AS error, 0 AS tries, 0 AS unknowns, '' AS tried_before
    FROM inbox WHERE state <> 'done' UNION ALL
  SELECT id, kind, gateway, phone, state, error, tries, unknowns, tried_before FROM outbox
    WHERE kind <> 'reminder' AND state {}"""
UNDER_WAY = "NOT IN ('sent', 'delivered', 'failed', 'expired')"
NOT_DELIVERED = f"<> 'delivered' AND NOT {WITHDRAWN}"
REFERENCE, CODE = re.compile(r"\b(?:Ref|Kumb) [A-Z0-9]{5}\b"), re.compile(r"\b\d{3} \d{3} \d{3}\b")
DOUBTFUL = f"SELECT 1 FROM outbox WHERE unknowns > 0 AND state {UNDER_WAY} LIMIT 1"
SENDING = "SELECT phone, text FROM outbox WHERE state = 'sending' AND gateway NOT LIKE 'phone-%'"
LEFT_WITH_PHONE = "SELECT phone, text FROM outbox WHERE tried_before LIKE '%phone-%' AND unknowns > 0"

Books = dict[str, Counter[tuple[object, ...]]]
pytestmark = pytest.mark.slow


@dataclass
class Day:
    """A server, three gateways that carry its messages, and agents who sell."""

    url: str
    server: ServerProcess
    at: Emulator
    box: Kannel
    phone: Phone
    random: Random
    doubts: Doubts
    half: asyncio.Event = field(default_factory=asyncio.Event)
    sold: int = 0
    texted: dict[tuple[str, str], float] = field(default_factory=dict)

    def carried(self) -> dict[str, Counter[Carried]]:
        """What reached people, by which gateway, and how often."""
        messages = {"kannel": self.box.messages, "africastalking": self.at.messages, "phone": self.phone.radio.messages}
        return {name: Counter(Carried(each.phone, each.text) for each in of) for name, of in messages.items()}

    async def sell(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number, name in enumerate(AGENTS):
                group.create_task(self._sell(name, number * SALES))

    async def _sell(self, name: str, first: int) -> None:
        for number in range(first, first + SALES):
            await self._text(f"order {number}", PEOPLE[name], f"BUY SHD{number:06d} {2000 + number}")
            await self._text(f"yes {number}", PEOPLE[name], f"1 {PINS[name]}")
            self.sold += 1
            if self.sold == SALES:
                self.half.set()

    async def _text(self, number: str, sender: str, text: str) -> None:
        """By any of the gateways, which tries until it is taken; some come twice. A phone knows when to the
        second of its own clock, within which nobody texts the same twice."""
        by, now = self.random.randrange(3), self.phone.clock()
        if by == 2 and now - self.texted.get((sender, text), 0) > SECOND:
            self.texted[sender, text] = now
            (emission,) = await self.phone.receives(sender, text)
            await self.phone.news.until(lambda: emission in self.phone.hooks.accepted, timeout=PATIENCE_S)
            return
        for _ in range(self.random.choice((1, 1, 2))):
            await self._insist(by == 1, number, sender, text)

    async def strangers_ask(self, enough: Callable[[], bool]) -> None:
        """One after the other, by the two gateways; each is answered once."""
        for number in itertools.count():
            if enough():
                return
            await self._insist(number % 2 == 1, f"stranger {number}", f"{STRANGER}{number:07d}", "HELP")
            await asyncio.sleep(0.05)  # the answer goes out beside it

    async def _insist(self, by_kannel: bool, number: str, sender: str, text: str) -> None:
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                box, at = self.box.sms, self.at.sms
                if await (box(number, sender, text) if by_kannel else at(sender, text, number)) == 200:
                    return
            await asyncio.sleep(0.02)  # the server is away, and says nothing when it comes back

    async def restarts(self) -> None:
        """In the middle of the day the server is killed, or stopped, and started again. What it was sending then may
        have gone, which is an outcome that nobody knows."""
        await self.half.wait()
        self.doubts.allowed = False
        while await query(self.url, DOUBTFUL):
            await asyncio.sleep(0.05)  # they end by other loops than this one
        if self.random.random() < 0.5:
            await self.server.kill()
        else:
            await self.server.stop()
        self.doubts.messages |= {Carried(**row) for row in await query(self.url, SENDING)}
        self.doubts.allowed = True
        await self.server.start()

    async def reaches(self, wanted: str) -> None:
        """Wait until nothing is open any more: nothing to be handled, sent, reported or tried again. It ends by other
        loops than this one."""
        still = f"SELECT 1 FROM ({OPEN.format(wanted)}) AS open LIMIT 1"
        while self.phone.queue.waiting or self.phone.hooks.waiting or await query(self.url, still):
            await asyncio.sleep(0.1)

    async def left_open(self) -> str:
        """What it still waits for."""
        rows = await query(self.url, OPEN.format(NOT_DELIVERED))
        waits = [*self.phone.queue.waiting, *self.phone.hooks.waiting]
        return "\n".join([*map(str, rows), *map(str, waits), self.server.log[-4000:]])

    async def story(self, sms: Carried) -> str:
        """What the outbox and the log say of a message."""
        rows = await query(self.url, "SELECT * FROM outbox WHERE phone = $1 AND text = $2", *sms)
        numbers = "|".join(str(row["id"]) for row in rows)
        lines = [line for line in self.server.log.splitlines() if re.search(rf"message ({numbers}):", line)]
        return "\n".join([*map(str, rows), *lines])

    async def books(self) -> Books:
        return {name: Counter(map(_shown, await query(self.url, each))) for name, each in BOOKS.items()}


def _shown(row: dict[str, Any]) -> tuple[object, ...]:
    return tuple(REFERENCE.sub("Ref", each) if isinstance(each, str) else each for each in row.values())


@asynccontextmanager
async def a_day(url: str, seed: int) -> AsyncIterator[Day]:
    """Raises AssertionError with what is still open when it takes too long."""
    random, clock, doubts = Random(seed), Clock(time.time()), Doubts()
    await query(url, "UPDATE agent SET cash_limit = 100000000000")
    async with Kannel(random, doubts) as box, Emulator() as at:
        at.reports = ("Success",)
        server = ServerProcess(url, at, module="tests.emulators.hurried", kannel_url=box.url, **SETTINGS)
        box.callbacks = f"{server.address}/gateways/kannel/demo"
        async with server, Phone(f"{server.address}/smsgate/mobile/v1", clock, wall=time.time) as phone:
            await phone.register(token=str(SETTINGS["smsgate_token"]))
            await phone.sync()
            going = asyncio.create_task(passing(clock))
            day = Day(url, server, at, box, phone, random, doubts)
            try:
                async with asyncio.timeout(PATIENCE_S):
                    yield day
            except TimeoutError as error:
                raise AssertionError(await day.left_open()) from error
            finally:
                going.cancel()
                with suppress(asyncio.CancelledError):
                    await going


async def calm_books(url: str) -> Books:
    async with a_day(url, 0) as day:
        await day.sell()
        await day.reaches(NOT_DELIVERED)
        return await day.books()


@pytest.fixture(scope="module")
def calm() -> dict[str, Books]:
    """The books of a calm day by engine: one day is like the other."""
    return {}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize("seed", range(metafunc.config.getoption("--seeds")))


async def test_trouble_everywhere_loses_no_token_and_changes_no_books(
    engine: str,
    seed: int,
    templates: Templates,
    calm: dict[str, Books],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(radio, "SYSTEM_PARTS", 10_000)
    if engine not in calm:
        calm[engine] = await calm_books(await asyncio.to_thread(templates.copy, engine, "crowd"))
    url = await asyncio.to_thread(templates.copy, engine, "crowd")
    async with a_day(url, seed) as day:
        trouble = Trouble(day.at, day.box, day.phone, day.random, day.doubts)
        async with trouble.everywhere():
            async with asyncio.TaskGroup() as group:
                group.create_task(day.restarts())
                await day.sell()
            await day.strangers_ask(lambda: trouble.happened == {*FATES})
        await day.reaches(UNDER_WAY)
        await trouble.reports_again()
        await day.reaches(NOT_DELIVERED)
        books = await day.books()
        for name, rows in calm[engine].items():
            assert (books[name] - rows, rows - books[name]) == (Counter(), Counter()), name
        await check_messages(day)
        await check_tokens(day)


async def check_messages(day: Day) -> None:
    """Nothing came that was never enqueued, nothing more often than it may, and nothing by two gateways of which it is
    certain that the first had it. What a phone that was down had pulled may have gone by it."""
    enqueued = Counter(Carried(**row) for row in await query(day.url, "SELECT phone, text FROM outbox"))
    left = Counter(Carried(**row) for row in await query(day.url, LEFT_WITH_PHONE))
    carried = day.carried()
    assert all(carried.values()), "a gateway carried nothing"
    for sms, times in sum(carried.values(), Counter[Carried]()).items():
        assert times <= MOST * enqueued[sms] + left[sms], (sms, times)
        ways = [name for name, of in carried.items() if sms in of]
        if len(ways) > enqueued[sms] + left[sms] + (sms in day.doubts.messages):
            raise AssertionError(f"{sms} came by {ways}\n{await day.story(sms)}")
    assert day.phone.complaints == []


TOKENS = """SELECT t.digits, a.phone AS seller, c.phone AS owner FROM sale s JOIN token t ON t.sale_id = s.id
  JOIN agent a ON a.id = s.agent_id JOIN customer c ON c.id = s.customer_id WHERE s.key NOT LIKE 'demo %'"""


async def check_tokens(day: Day) -> None:
    """Each token of each sale reached the seller and the owner."""
    reached = {(sms.phone, code) for of in day.carried().values() for sms in of for code in CODE.findall(sms.text)}
    sales = await query(day.url, TOKENS)
    assert len(sales) == SALES * len(AGENTS)
    for sale in sales:
        code = re.sub(r"(\d{3})(?=\d)", r"\1 ", sale["digits"])
        assert {(sale["seller"], code), (sale["owner"], code)} <= reached, sale
