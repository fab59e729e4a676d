"""The server is killed at random instants under load, started again, and in the end everything is counted."""

import asyncio
import contextlib
from collections import Counter
from random import Random

import aiohttp
import pytest

from tests.africastalking_emulator import Emulator
from tests.conftest import Templates
from tests.server import Server, query
from tests.world import PEOPLE, PINS

AGENTS = ("Asha", "Juma")
CUSTOMERS = 300
LIFE_S = 0.6  # the longest that a server lives between two kills

pytestmark = pytest.mark.slow


class Load:
    """Agents who sell one after the other, each message sent until it is answered 200, as the gateway does."""

    def __init__(self, at: Emulator, random: Random) -> None:
        self._at, self._random = at, random
        self.accepted: list[str] = []
        self.stopping = False
        self._number = 0

    async def sell(self, name: str) -> None:
        while not self.stopping:
            self._number += 1
            number = self._number
            text = f"BUY SHD{number % CUSTOMERS:06d} {1000 + number}"
            await self._insist(f"quote {number}", PEOPLE[name], text)
            await self._insist(f"yes {number}", PEOPLE[name], f"1 {PINS[name]}")

    async def _insist(self, external_id: str, phone: str, text: str) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                if await self._at.sms(phone, text, id=external_id) == 200:
                    self.accepted.append(external_id)
                    return
            await asyncio.sleep(0.02)  # the server is away: the emulator has nothing to wait for


@pytest.mark.parametrize(("engine", "kills", "seed"), [("sqlite", 40, 1), ("postgres", 15, 2)])
async def test_nothing_is_lost_or_doubled_however_often_it_is_killed(
    engine: str, kills: int, seed: int, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> None:
    url = await asyncio.to_thread(templates.copy, engine, "crowd", tmp_path_factory.mktemp("kill"))
    await query(url, "UPDATE agent SET cash_limit = 100000000000")
    random = Random(seed)
    async with Emulator() as at:
        server = Server(url, at, sender_cap=0, log_level="ERROR")
        load = Load(at, random)
        await server.start()
        sellers = [asyncio.create_task(load.sell(name)) for name in AGENTS]
        for _ in range(kills):
            await asyncio.sleep(random.uniform(0.05, LIFE_S))  # the random instant is what is tested
            await server.kill()
            await server.start()
        load.stopping = True
        await asyncio.gather(*sellers)
        await settled(url)
        assert await server.stop() == 0, server.log
        await count(url, load.accepted, at, kills)


async def settled(url: str) -> None:
    """Wait until everything that was accepted is handled and everything that was promised is sent."""
    waiting = (
        "SELECT (SELECT COUNT(*) FROM inbox WHERE state = 'new') + (SELECT COUNT(*) FROM outbox "
        "WHERE state NOT IN ('sent', 'delivered')) AS n"
    )
    async with asyncio.timeout(120):  # on PostgreSQL what a killed process was sending is taken back after 60 s
        while (await query(url, waiting))[0]["n"]:
            await asyncio.sleep(0.1)


async def count(url: str, accepted: list[str], at: Emulator, kills: int) -> None:
    inbox = Counter(row["external_id"] for row in await query(url, "SELECT external_id FROM inbox"))
    assert set(accepted) <= set(inbox), "a message that was answered 200 is lost"
    assert max(inbox.values()) == 1
    assert await query(url, "SELECT 1 FROM inbox WHERE state <> 'done'") == []
    sold = await query(url, "SELECT COUNT(*) AS n FROM sale WHERE key LIKE 'sms%'")
    yes = [one for one in accepted if one.startswith("yes")]
    assert sold[0]["n"] == len(yes), "a sale is lost or doubled"
    assert await query(url, "SELECT device_id FROM token GROUP BY device_id, count HAVING COUNT(*) > 1") == []
    half = (
        "SELECT s.id FROM sale s LEFT JOIN token t ON t.sale_id = s.id LEFT JOIN payment p ON p.id = s.payment_id "
        "WHERE t.id IS NULL OR p.id IS NULL OR p.amount <> s.amount"
    )
    assert await query(url, half) == [], "a sale is half made"
    assert await query(url, "SELECT entry_id FROM line GROUP BY entry_id HAVING SUM(amount) <> 0") == []
    balance = "SELECT a.id FROM account a WHERE balance <> (SELECT SUM(amount) FROM line WHERE account_id = a.id)"
    assert await query(url, balance) == []
    cash = await query(url, "SELECT SUM(balance) AS n FROM account WHERE kind = 'cash'")
    taken = await query(url, "SELECT SUM(amount) AS n FROM sale WHERE key LIKE 'sms%'")
    assert int(cash[0]["n"]) == int(taken[0]["n"])
    await arrived(url, at, kills)


async def arrived(url: str, at: Emulator, kills: int) -> None:
    """Every reply reached the gateway; only what was under way at a kill may have reached it twice."""
    promised = Counter((row["phone"], row["text"]) for row in await query(url, "SELECT phone, text FROM outbox"))
    reached = Counter((message.phone, message.text) for message in at.messages)
    assert not promised - reached, "a committed reply was never sent"
    assert not reached.keys() - promised.keys(), "something was sent that was never committed"
    repeats = sum((reached - promised).values())
    assert repeats <= kills * len(AGENTS) * 6, "more repeats than requests that a kill can cut off"
