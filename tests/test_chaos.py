"""Three gateways in trouble under a steady load of sales: every token arrives, none more than twice, and the books are
those of a calm day."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import aiohttp
import pytest

from bot import alerts, backoff, health, linking, outbox, phones, queue, sims
from bot.gateways import ERRORS, africastalking, android, kannel
from tests import smsgate_radio
from tests.chaos import Carried, Kannel, Trouble, passing
from tests.phone_clock import Clock
from tests.server import Serving, serving
from tests.smsgate_phone import Phone
from tests.smsgate_wire import Sim
from tests.templates import Templates
from tests.world import PEOPLE, PINS

SALES = 100  # of each agent
AGENTS = ("Asha", "Juma")
MOST = 2  # an unknown outcome is sent once more, by the same gateway
FINAL = ("sent", "delivered", "failed", "expired")
# The server's waits, shortened so that a day's trouble takes seconds. Times are milliseconds, or seconds where `_S`.
SHORT = (
    *((backoff, name, value) for name, value in (("FIRST_MS", 60), ("CAP_MS", 300), ("UNKNOWN_MS", 300))),
    *((outbox, name, 200) for name in ("LOOK_MS", "LOOK_EMBEDDED_MS")),
    (queue, "HANGING_MS", 3_000),
    *((health, "TRIAL_MS", 500), (alerts, "LOOK_S", 0.2), (phones, "LOOK_MS", 200)),
    *(
        (sims, "SPACE_MS", 20),
        (sims, "PARTS", 10_000),
        (android, "PARTS", 10_000),
        (smsgate_radio, "SYSTEM_PARTS", 10_000),
    ),
    *((module, "TIMEOUT", aiohttp.ClientTimeout(total=0.8)) for module in (africastalking, kannel)),
)
SETTINGS: dict[str, object] = {
    "kannel_username": "mwanga",
    "kannel_password": "demo",
    "kannel_sender": "15054",
    "route": "phones,kannel,africastalking",
    "failover_seconds": 1,
    "sender_cap": 0,
    "log_level": "ERROR",
}

pytestmark = pytest.mark.slow


@dataclass
class Day:
    """A server, three gateways that carry its messages, and agents who sell."""

    at: Serving
    box: Kannel
    phone: Phone
    random: Random

    def carried(self) -> Counter[Carried]:
        """What reached people, by whichever gateway, and how often."""
        taken = [Carried(each.phone, each.text) for each in self.at.emulator.messages]
        radio = [Carried(each.phone, each.text) for each in self.phone.radio.messages]
        return Counter([*self.box.messages, *taken, *radio])

    async def sell(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number, name in enumerate(AGENTS):
                group.create_task(self._sell(name, number * SALES))

    async def _sell(self, name: str, first: int) -> None:
        for number in range(first, first + SALES):
            await self._text(f"order {number}", PEOPLE[name], f"BUY SHD{number:06d} {2000 + number}")
            await self._text(f"yes {number}", PEOPLE[name], f"1 {PINS[name]}")

    async def _text(self, number: str, sender: str, text: str) -> None:
        """By any of the gateways, which tries until it is taken; some come twice."""
        by = self.random.randrange(3)
        if by == 2:
            (emission,) = await self.phone.receives(sender, text)
            await self.phone.news.until(lambda: emission in self.phone.hooks.accepted, timeout=30)
            return
        for _ in range(self.random.choice((1, 1, 2))):
            taken = self.box.sms(number, sender, text) if by else self.at.emulator.sms(sender, text, id=number)
            assert await taken == 200

    async def settled(self) -> None:
        """Wait until nothing waits: nothing to be handled, sent, reported or tried again."""
        open_ = f"SELECT COUNT(*) AS n FROM outbox WHERE state NOT IN {FINAL}"
        async with asyncio.timeout(30):
            await self.at.handled()
            while (await self.at.rows(open_))[0]["n"]:
                await asyncio.sleep(0.05)  # it ends by other loops than this one

    async def books(self) -> dict[str, Any]:
        """What a day leaves behind but for the references, which are drawn."""
        sales = (
            "SELECT d.serial, t.digits, s.amount, s.units, s.commission, a.phone FROM sale s JOIN agent a "
            "ON a.id = s.agent_id JOIN device d ON d.id = s.device_id JOIN token t ON t.sale_id = s.id "
            "WHERE s.key NOT LIKE 'demo %' ORDER BY d.serial"
        )
        lines = (
            "SELECT a.kind, a.owner, l.amount, COUNT(*) AS n FROM line l JOIN account a ON a.id = l.account_id "
            "GROUP BY a.kind, a.owner, l.amount ORDER BY 1, 2, 3"
        )
        accounts = "SELECT kind, owner, balance FROM account ORDER BY kind, owner"
        return {name: await self.at.rows(each) for name, each in locals().items() if name != "self"}


@asynccontextmanager
async def a_day(url: str) -> AsyncIterator[Day]:
    random, clock = Random(11), Clock(time.time())
    async with (
        Kannel(random) as box,
        serving(url, kannel_url=box.url, **SETTINGS) as at,
        Phone(f"{at.mwanga.config.address}/smsgate/mobile/v1", clock, sims=(Sim(),), wall=time.time) as phone,
    ):
        await at.rows("UPDATE agent SET cash_limit = 100000000000")
        box.callbacks = f"{at.mwanga.config.address}/gateways/kannel/demo"
        async with at.mwanga.database.work():
            _, code = await linking.add("Shop phone", at.mwanga.site.vault)
        await phone.register(code=code)
        await phone.sync()
        going = asyncio.create_task(passing(clock))
        yield Day(at, box, phone, random)
        going.cancel()
        with suppress(asyncio.CancelledError):
            await going


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_trouble_at_all_gateways_loses_no_token_and_changes_no_books(
    engine: str, templates: Templates, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, value in SHORT:
        monkeypatch.setattr(module, name, value)
    calm, troubled = [await asyncio.to_thread(templates.copy, engine, "crowd") for _ in range(2)]
    async with a_day(calm) as day:
        await day.sell()
        await day.settled()
        expected = await day.books()
    assert len(expected["sales"]) == SALES * len(AGENTS)
    async with a_day(troubled) as day:
        async with Trouble(day.at.emulator, day.box, day.phone, day.random).everywhere():
            await day.sell()
        await day.settled()
        assert await day.books() == expected
        await check_messages(day)


async def check_messages(day: Day) -> None:
    """Every message is in a final state that is explained, tokens arrived, and nothing came more often than it may."""
    rows = await day.at.rows("SELECT phone, text, kind, state, error, tries, former FROM outbox")
    carried, promised = day.carried(), Counter(Carried(row["phone"], row["text"]) for row in rows)
    assert not carried.keys() - promised.keys(), "something was sent that was never promised"
    for row in rows:
        sms = Carried(row["phone"], row["text"])
        assert row["state"] in ("sent", "delivered") or ERRORS[row["error"]].sentence
        assert carried[sms] <= MOST * promised[sms], (row, carried[sms])
        assert row["kind"] != "token" or carried[sms], row
    assert [row for row in rows if row["tries"] > 1] and [row for row in rows if row["former"]], "there was no trouble"
    assert day.at.emulator.messages and day.box.messages and day.phone.radio.messages
    assert day.phone.complaints == []
