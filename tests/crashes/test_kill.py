"""The server is killed at random instants under load, started again, and in the end everything is counted."""

import asyncio
import contextlib
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Coroutine
from datetime import UTC, datetime
from fractions import Fraction
from random import Random
from typing import Any

import aiohttp
import pytest

from models.demo.world import PAYGO_KEYS
from tests.emulators.africastalking import Emulator
from tests.emulators.openpaygo_device import Accepted, Device
from tests.world.people import PEOPLE, PINS
from tests.world.server import ServerProcess, query
from tests.world.templates import Templates
from tests.world.withdrawn import WITHDRAWN

AGENTS = ("Asha", "Juma")
CUSTOMERS = 300
ASKING = 6  # customers who fetch their tokens all the time
LIFE_S = 0.6  # the longest that a server lives between two kills
NOW = datetime(2026, 11, 24, tzinfo=UTC)

pytestmark = pytest.mark.slow


class Load:
    """Agents who sell by text and by dialling, customers who fetch their tokens. A text is posted until it is
    answered 200, as the gateway does; a dialled session that gets no answer is gone, and they dial again."""

    def __init__(self, at: Emulator) -> None:
        self._at = at
        # Of sales alone: two of one device would have three hundred between them, and the first of these has ended. A
        # question is not sold any more when another sale has changed the customer's credit.
        self._numbers = itertools.count(1)
        self._asks = itertools.count(1)
        self._stopping = False
        self.accepted: list[str] = []
        self.orders: list[tuple[str, str]] = []
        self.screens: list[str] = []

    def people(self) -> list[Coroutine[Any, Any, None]]:
        return [
            *(self._sell(name) for name in AGENTS),
            *(self._dial(name) for name in AGENTS),
            *(self._ask(f"+25572{number:07d}") for number in range(ASKING)),
        ]

    def stop(self) -> None:
        """Everybody ends what is begun."""
        self._stopping = True

    def codes(self) -> set[str]:
        """The tokens that screens have shown."""
        return {code.replace(" ", "") for code in re.findall(r"\d{3} \d{3} \d{3}", "\n".join(self.screens))}

    def _new_sale(self) -> tuple[int, str, str]:
        """A number, a serial and an amount; no two sales are alike, so none is held as a repeat."""
        number = next(self._numbers)
        return number, f"SHD{number % CUSTOMERS:06d}", str(1000 + number)

    async def _sell(self, name: str) -> None:
        while not self._stopping:
            number, serial, amount = self._new_sale()
            order, yes = f"order {number}", f"yes {number}"
            await self._insist(order, PEOPLE[name], f"BUY {serial} {amount}")
            await self._insist(yes, PEOPLE[name], f"1 {PINS[name]}")
            self.orders.append((order, serial))

    async def _ask(self, phone: str) -> None:
        while not self._stopping:
            await self._insist(f"ask {next(self._asks)}", phone, "TOKEN")

    async def _insist(self, external_id: str, phone: str, text: str) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                if await self._at.sms(phone, text, id=external_id) == 200:
                    self.accepted.append(external_id)
                    return
            await asyncio.sleep(0.02)  # the server is away: the emulator has nothing to wait for

    async def _dial(self, name: str) -> None:
        while not self._stopping:
            try:
                await self._dialled(name)
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(0.02)

    async def _dialled(self, name: str) -> None:
        session = await self._at.dial(PEOPLE[name])
        _, serial, amount = self._new_sale()  # only now: whoever dials a server that is away would use hundreds up
        if re.search("1. (Continue|Endelea)", session.text):
            await session.enter("2")
        for answer in ("1", serial, amount, "1", PINS[name]):
            if session.kind == "CON":
                await session.enter(answer)
        self.screens.append(session.text)


@pytest.mark.parametrize(("engine", "kills", "seed"), [("sqlite", 40, 1), ("postgres", 15, 2)])
async def test_nothing_is_lost_or_doubled_however_often_it_is_killed(
    engine: str, kills: int, seed: int, templates: Templates
) -> None:
    url = await asyncio.to_thread(templates.copy, engine, "crowd")
    await query(url, "UPDATE agent SET cash_limit = 100000000000")
    random, cut_off = Random(seed), 0
    async with Emulator() as at, ServerProcess(url, at, sender_cap=0, log_level="ERROR") as server:
        load = Load(at)
        async with asyncio.TaskGroup() as group:
            for one in load.people():
                group.create_task(one)
            for _ in range(kills):
                await asyncio.sleep(random.uniform(0.05, LIFE_S))  # the random instant is what is tested
                await server.kill()
                cut_off += (await query(url, "SELECT COUNT(*) AS n FROM outbox WHERE state = 'sending'"))[0]["n"]
                await server.start()
            await dialled_a_sale(load)
            load.stop()
        await settled(url)
        assert await server.stop() == 0, server.log
    await check_inbox(url, load)
    await check_sales(url, load)
    await check_ledger(url)
    await check_devices(url)
    await check_outbox(url, at, cut_off)


async def dialled_a_sale(load: Load) -> None:
    """Where starting takes long, no server may have lived for a whole session: the last one has the time."""
    async with asyncio.timeout(120):
        while not load.codes():
            await asyncio.sleep(0.05)


async def settled(url: str) -> None:
    """Wait until everything that was accepted is handled and everything that was enqueued has ended."""
    waiting = (
        "SELECT (SELECT COUNT(*) FROM inbox WHERE state = 'new') + (SELECT COUNT(*) FROM outbox "
        "WHERE state NOT IN ('sent', 'delivered', 'failed', 'expired')) AS n"
    )
    async with asyncio.timeout(300):  # on PostgreSQL what a killed process was sending is taken back after 60 s
        while (await query(url, waiting))[0]["n"]:
            await asyncio.sleep(0.1)


async def check_inbox(url: str, load: Load) -> None:
    inbox = await query(url, "SELECT external_id, state FROM inbox")
    assert Counter(row["external_id"] for row in inbox) == Counter(load.accepted)
    assert {row["state"] for row in inbox} == {"done"}
    answered = await query(url, "SELECT COUNT(*) AS n FROM inbox i JOIN outbox o ON o.origin = 'sms ' || i.id")
    assert answered[0]["n"] == len(inbox)


async def check_sales(url: str, load: Load) -> None:
    """Every order that was confirmed is one whole sale; what a screen called sold is sold."""
    texted = await query(
        url,
        "SELECT i.external_id, d.serial FROM sale s JOIN inbox i ON s.key = 'sms ' || i.id "
        "JOIN device d ON d.id = s.device_id",
    )
    sold, ordered = Counter((row["external_id"], row["serial"]) for row in texted), Counter(load.orders)
    assert (ordered - sold, sold - ordered) == (Counter(), Counter()), await query(url, ANSWERS)
    tokens = {row["digits"] for row in await query(url, "SELECT digits FROM token")}
    assert load.codes() <= tokens
    counts = "SELECT (SELECT COUNT(*) FROM {}) AS n"
    (sales, payments) = [(await query(url, counts.format(table)))[0]["n"] for table in ("sale", "payment")]
    assert sales == payments == len(texted) + CUSTOMERS + len(await query(url, DIALLED))
    assert await query(url, HALF_MADE) == []
    assert await query(url, "SELECT device_id FROM sale GROUP BY device_id, amount HAVING COUNT(*) > 1") == []


# What was answered to a yes instead of a token, for whoever reads why the counts differ.
ANSWERS = """SELECT i.external_id, o.text FROM inbox i JOIN outbox o ON o.origin = 'sms ' || i.id
  WHERE i.external_id LIKE 'yes %'
    AND NOT EXISTS (SELECT 1 FROM token t WHERE REPLACE(o.text, ' ', '') LIKE '%' || t.digits || '%')
  ORDER BY i.id LIMIT 10"""
DIALLED = "SELECT id FROM sale WHERE key LIKE 'ussd %'"
HALF_MADE = """SELECT s.id FROM sale s LEFT JOIN token t ON t.sale_id = s.id AND t.device_id = s.device_id
  LEFT JOIN payment p ON p.id = s.payment_id AND p.amount = s.amount AND p.reference = s.key
  LEFT JOIN entry c ON c.key = 'sale ' || s.id || ' payment'
  LEFT JOIN entry e ON e.key = 'sale ' || s.id || ' commission'
  LEFT JOIN outbox o ON o.text LIKE '%Ref ' || s.reference || '. Lost it%'
  WHERE s.key NOT LIKE 'demo %' AND (t.id IS NULL OR p.id IS NULL OR c.id IS NULL OR e.id IS NULL OR o.id IS NULL)"""


async def check_ledger(url: str) -> None:
    assert await query(url, "SELECT entry_id FROM line GROUP BY entry_id HAVING SUM(amount) <> 0") == []
    balance = "SELECT a.id FROM account a WHERE balance <> (SELECT SUM(amount) FROM line WHERE account_id = a.id)"
    assert await query(url, balance) == []
    sums = (
        "SELECT (SELECT SUM(balance) FROM account WHERE kind = 'cash') AS held, "
        "(SELECT SUM(amount) FROM sale WHERE key NOT LIKE 'demo %') AS sold"
    )
    (row,) = await query(url, sums)
    assert row["held"] == row["sold"] > 0


async def check_devices(url: str) -> None:
    """Typed in the order in which they were made, every token adds exactly the days paid."""
    devices: defaultdict[str, Device] = defaultdict(lambda: Device(bytes.fromhex(PAYGO_KEYS[0]), 123456789))
    tokens = await query(
        url,
        "SELECT d.serial, t.digits, s.units FROM token t JOIN sale s ON s.id = t.sale_id "
        "JOIN device d ON d.id = t.device_id ORDER BY t.id",
    )
    for token in tokens:
        days = Accepted(Fraction(token["units"]), "ADD_TIME")
        assert devices[token["serial"]].enter(token["digits"], NOW) == days


async def check_outbox(url: str, at: Emulator, cut_off: int) -> None:
    """Everything that was committed reached the gateway, but for questions that a kill cut off and that were answered
    before they went again. Only what was being sent at a kill may have reached it more than once, and as often more as
    kills cut it off."""
    rows = await query(url, f"SELECT phone, text, state, interrupted, {WITHDRAWN} AS withdrawn FROM outbox")
    enqueued = Counter((row["phone"], row["text"]) for row in rows)
    ended = [row for row in rows if row["state"] not in ("sent", "delivered")]
    assert all(row["withdrawn"] and row["interrupted"] for row in ended), ended
    reached = Counter((message.phone, message.text) for message in at.messages)
    withdrawn = Counter((row["phone"], row["text"]) for row in ended)
    assert enqueued - withdrawn - reached == Counter(), "a committed message was never sent"
    copies = enqueued.copy()
    for row in rows:
        copies[row["phone"], row["text"]] += row["interrupted"]
    assert reached - copies == Counter(), "something was sent again that no kill had cut off"
    assert not reached.keys() - enqueued.keys(), "something was sent that was never committed"
    assert sum((reached - enqueued).values()) <= cut_off, "more repeats than requests that the kills cut off"
