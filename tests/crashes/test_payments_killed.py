"""Servers that are killed while customers buy by phone: each payment is applied once, each code is told once, and when
the provider's statement is read nothing is left in clearing."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from fractions import Fraction
from random import Random

import aiohttp
import pytest

from bot.app import assembled
from bot.config import load
from models.demo.world import PAYGO_KEYS
from models.money import reconciling
from models.money.ledger import AccountKind, balance
from models.money.providers import provider_id
from models.money.reconciling import Said
from models.money.statements import Direction
from tests.emulators import daraja as safaricom
from tests.emulators.africastalking import Emulator
from tests.emulators.openpaygo_device import Accepted, Device
from tests.world.books import check_ledger
from tests.world.server import ServerProcess, query
from tests.world.templates import Templates

CUSTOMERS = 40
AT_ONCE = 6  # customers who buy at the same time
LIFE_S = 0.8  # the longest that the first server lives between two kills; each lives a little longer
NOW = datetime(2026, 11, 24, tzinfo=UTC)

pytestmark = pytest.mark.slow


class Customers:
    """Customers who text BUY, and who pay when their phone rings. A text and a callback come until they are answered
    200, as from a gateway and a provider that repeat."""

    def __init__(self, at: Emulator, daraja: safaricom.Emulator, address: str, random: Random) -> None:
        self._at, self._daraja, self._random = at, daraja, random
        self._door = f"{address}/payments/daraja/demo"
        self.paid: dict[str, tuple[str, int]] = {}  # what each receipt is for, and how much it is in whole shillings
        self.bought = asyncio.Event()

    async def buy(self) -> None:
        """All of them, some at a time."""
        numbers = iter(range(CUSTOMERS))

        async def queue() -> None:
            for number in numbers:
                text = f"BUY {2000 + number}"
                await insist(lambda: self._at.sms(f"+25572{number:07d}", text, id=f"buy {number}"))  # noqa: B023

        await asyncio.gather(*(queue() for _ in range(AT_ONCE)))
        self.bought.set()

    async def pay(self) -> None:
        """Whoever is asked types the PIN, and one in five says no. What is paid is told by its callback, and often by
        another one and by a confirmation too, in any order."""
        answered = 0
        while not (self.bought.is_set() and answered == len(self._daraja.pushes)):
            with contextlib.suppress(TimeoutError):
                await self._daraja.wait_for(answered + 1, timeout=0.1)
            for push in self._daraja.pushes[answered:]:
                await self._answer(push)
                answered += 1

    async def _answer(self, push: safaricom.Push) -> None:
        if self._random.random() < 0.2:
            push.result = "1032"
            await insist(lambda: self._daraja.call_back(push, self._daraja.failed(push, 1032)))
            return
        receipt, serial = self._daraja.new_receipt(), str(push.fields["AccountReference"])
        push.result, self.paid[receipt] = "0", (serial, push.amount)
        called = self._daraja.paid(push, receipt)
        confirmed = self._daraja.confirmed(serial, f"{push.amount}.00", receipt, "2547 ***** 126")
        ways: list[Callable[[], Awaitable[int]]] = [
            lambda: self._daraja.call_back(push, called | {"ResultDesc": "The same, in other words."}),
            lambda: self._daraja.post(f"{self._door}/confirmation", confirmed),
        ]
        some = self._random.sample(ways, self._random.randint(0, len(ways)))
        some.insert(self._random.randint(0, len(some)), lambda: self._daraja.call_back(push, called))
        for way in some:
            await insist(way)


async def insist(post: Callable[[], Awaitable[int]]) -> None:
    """Post it until it is taken."""
    while True:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            if await post() == 200:
                return
        await asyncio.sleep(0.02)  # the server is away: the emulator has nothing to wait for


@pytest.mark.parametrize(("engine", "seed"), [("sqlite", 1), ("postgres", 2)])
async def test_however_often_it_is_killed_each_payment_is_applied_and_told_once(
    engine: str, seed: int, templates: Templates
) -> None:
    url, random, kills = await asyncio.to_thread(templates.copy, engine, "crowd"), Random(seed), 0
    async with Emulator() as at, safaricom.Emulator() as daraja:
        given = {"daraja_url": daraja.url, "sender_cap": 0, "log_level": "ERROR"}
        async with ServerProcess(url, at, **given) as server:
            customers = Customers(at, daraja, server.address, random)
            async with asyncio.TaskGroup() as group:
                group.create_task(customers.buy())
                paying = group.create_task(customers.pay())
                while not paying.done():
                    await asyncio.sleep(random.uniform(0, LIFE_S * (1 + kills / 2)))  # the instant is what is tested
                    await server.kill()
                    kills += 1
                    await server.start()
            await settled(url)
        check_pushes(daraja)
        await check_payments(url, customers.paid)
        await check_codes(url, at)
    await check_clearing(url, customers.paid)
    assert kills, "it was fast: there have to be more customers"


async def settled(url: str) -> None:
    """Wait until all that came is handled, and all that was enqueued has ended."""
    waiting = (
        "SELECT (SELECT COUNT(*) FROM inbox WHERE state = 'new') + (SELECT COUNT(*) FROM notice WHERE done_at = 0) + "
        "(SELECT COUNT(*) FROM outbox WHERE state NOT IN ('sent', 'delivered', 'failed', 'expired')) AS n"
    )
    async with asyncio.timeout(300):  # on PostgreSQL what a killed process was sending is taken back after 60 s
        while (await query(url, waiting))[0]["n"]:
            await asyncio.sleep(0.1)


def check_pushes(daraja: safaricom.Emulator) -> None:
    """No phone rang twice: each customer wanted to buy once."""
    rang = Counter(push.phone for push in daraja.pushes)
    assert rang and set(rang.values()) == {1}


async def check_payments(url: str, paid: dict[str, tuple[str, int]]) -> None:
    """Each is booked once, and all of it is one sale for the device that it was for."""
    rows = await query(
        url,
        "SELECT p.reference, p.amount, d.serial, s.amount AS sold FROM payment p "
        "LEFT JOIN sale s ON s.payment_id = p.id LEFT JOIN device d ON d.id = s.device_id WHERE p.provider = 'daraja'",
    )
    assert sorted((row["reference"], row["serial"], row["amount"], row["sold"]) for row in rows) == sorted(
        (receipt, serial, amount * 100, amount * 100) for receipt, (serial, amount) in paid.items()
    )
    asked = await query(url, "SELECT phone FROM payment_request WHERE state = 'paid' AND payment_id IS NOT NULL")
    assert len(asked) == len(paid) > 0
    assert not await query(url, "SELECT 1 FROM account WHERE kind = 'unapplied' AND balance <> 0")


async def check_codes(url: str, at: Emulator) -> None:
    """Each sale has one token, which adds the days that were paid; it was told once, and sent again only where a kill
    cut the sending off."""
    sold = await query(
        url,
        "SELECT s.units, t.digits, c.phone FROM sale s JOIN customer c ON c.id = s.customer_id "
        "LEFT JOIN token t ON t.sale_id = s.id WHERE s.key LIKE 'payment %'",
    )
    told = await query(url, "SELECT phone, text, interrupted FROM outbox WHERE kind = 'token'")
    reached = Counter((message.phone, message.text) for message in at.messages)
    assert len(sold) == len(told) > 0
    for sale in sold:
        days = Accepted(Fraction(sale["units"]), "ADD_TIME")
        keypad = Device(bytes.fromhex(PAYGO_KEYS[0]), 123456789)
        assert keypad.enter(sale["digits"], NOW) == days
        [message] = [row for row in told if row["phone"] == sale["phone"]]
        assert sale["digits"] in message["text"].replace(" ", "")
        assert 1 <= reached[message["phone"], message["text"]] <= 1 + message["interrupted"]


async def check_clearing(url: str, paid: dict[str, tuple[str, int]]) -> None:
    """The provider's statement has each payment once, and a payout of all of them."""
    total = 100 * sum(amount for _serial, amount in paid.values())
    async with assembled(load(database=url), serving=False, handling=False) as mwanga:
        await check_ledger(mwanga)
        said = {"provider": "daraja", "at": datetime.now(UTC)}
        async with mwanga.database.work():
            assert await balance(AccountKind.CLEARING, await provider_id("daraja")) == total
            for receipt, (_serial, amount) in paid.items():
                line = Said(reference=receipt, direction=Direction.IN, amount=amount * 100, **said)  # type: ignore[arg-type]
                await reconciling.add_line(line, actor="test")
            out = Said(reference="OUT1", direction=Direction.OUT, amount=total, to_bank=True, **said)  # type: ignore[arg-type]
            await reconciling.add_line(out, actor="test")
        async with mwanga.database.work():
            assert await balance(AccountKind.CLEARING, await provider_id("daraja")) == 0
            assert not await query(url, "SELECT 1 FROM statement_line WHERE settled = ''")
        await check_ledger(mwanga)
