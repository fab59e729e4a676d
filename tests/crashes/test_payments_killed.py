"""Servers that are killed while customers buy by phone, others ask agents who are to take their cash, an agent's wallet
is topped up by pay bill, and a cashier counts what another agent hands over: each payment is applied once, each code is
told once, each request is answered by one sale, what was counted is booked once, and when the provider's statement is
read nothing is left in clearing."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from fractions import Fraction
from itertools import cycle
from random import Random

import aiohttp
import pytest

from bot.app import assembled
from bot.config import load
from models.demo.world import PAYGO_KEYS
from models.money import reconciling
from models.money.books import find_fault
from models.money.ledger import AccountKind, balance
from models.money.providers import provider_id
from models.money.reconciling import Said
from models.money.statements import Direction
from tests.emulators import daraja as safaricom
from tests.emulators.africastalking import Emulator
from tests.emulators.openpaygo_device import Accepted, Device
from tests.world.books import check_ledger
from tests.world.people import PEOPLE, PINS
from tests.world.server import ServerProcess, query
from tests.world.templates import Templates

CUSTOMERS = 40
ASKING = range(100, 120)  # customers whose phones no provider can ask: they ask an agent
CAN_PAY = "+2557200000"  # how the phones of the others begin
LIMIT = 12_000  # of the first agent's cash, in shillings: then the second one is asked, who sells from a wallet
TOP_UPS = 12
AT_ONCE = 6  # customers who buy at the same time
LIFE_S = 0.8  # the longest that the first server lives between two kills; each lives a little longer
# Texts that nobody handled, and phones that were not asked yet: they may still ring.
NOT_ASKED = """SELECT (SELECT COUNT(*) FROM inbox WHERE state = 'new')
  + (SELECT COUNT(*) FROM payment_request WHERE state = 'new') AS n"""
NOW = datetime(2026, 11, 24, tzinfo=UTC)

pytestmark = pytest.mark.slow


class Customers:
    """Customers who text BUY, and who pay when their phone rings. A text and a callback come until they are answered
    200, as from a gateway and a provider that repeat."""

    def __init__(self, at: Emulator, daraja: safaricom.Emulator, url: str, address: str, random: Random) -> None:
        self._at, self._daraja, self._url, self._random = at, daraja, url, random
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
        answered, over = 0, False
        while not (over and answered == len(self._daraja.pushes)):
            over = self.bought.is_set() and not (await query(self._url, NOT_ASKED))[0]["n"]
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


class Agents:
    """Juma sells from a wallet, which he fills by pay bill. Asha sells up to a limit, and hands over cash that Juma
    counts. Customers ask one of them, who says yes four times out of five: Asha has no room for all, whoever is asked
    when. What is posted comes until it is taken."""

    def __init__(self, at: Emulator, daraja: safaricom.Emulator, url: str, address: str, random: Random) -> None:
        self._at, self._daraja, self._url, self._random = at, daraja, url, random
        self._confirmation = f"{address}/payments/daraja/demo/confirmation"
        self.paid: dict[str, int] = {}  # what each receipt put into the wallet, in whole shillings
        self.said: dict[str, bool] = {}  # whether a request was agreed to
        self._agrees = {"Asha": cycle((False, True, True, True, True)), "Juma": cycle((True, True, True, True, False))}
        self.counted: list[int] = []  # what Juma says that he counted, in whole shillings, no two alike

    async def fill(self) -> None:
        """Each payment is confirmed once or more often."""
        for number in range(TOP_UPS):
            receipt, amount = self._daraja.new_receipt(), 3_000 + number
            self.paid[receipt] = amount
            said = self._daraja.confirmed(self._random.choice(("W2", "w-2")), f"{amount}.00", receipt, "2547 ***** 002")
            for _time in range(self._random.randint(1, 3)):
                await insist(lambda: self._daraja.post(self._confirmation, said))  # noqa: B023

    async def ask(self) -> None:
        """Customers, one after the other, once Juma's wallet has something to sell from."""
        while not await query(self._url, "SELECT 1 FROM top_up"):
            await asyncio.sleep(0.05)  # it comes while the servers live
        for number in ASKING:
            text = f"BUY {2000 + number}"
            await insist(lambda: self._at.sms(f"+25572{number:07d}", text, id=f"ask {number}"))  # noqa: B023

    async def answer(self) -> None:
        """Every request that an agent reads is answered once, and after each of Asha's sales some cash is handed over.
        Who finds no agent with room is told so."""
        while len(self.said) + self._turned_away() < len(ASKING):
            for reference, name in self._asked():
                self.said[reference] = next(self._agrees[name])
                said = f"{reference} 1 {PINS[name]}" if self.said[reference] else f"{reference} 2"
                await self._text(name, said, f"answer {reference}")
                if name == "Asha":
                    self.counted.append(500 + len(self.counted))
                    await self._text("Juma", f"CASHIN {PEOPLE['Asha']} {self.counted[-1]} {PINS['Juma']}", said)
            await asyncio.sleep(0.05)  # messages come while the servers live

    def _asked(self) -> list[tuple[str, str]]:
        """The requests that nobody answered, and who is asked."""
        names = {PEOPLE[name]: name for name in ("Asha", "Juma")}
        found = [(re.match(r"(C\d+): ", one.text), one.phone) for one in self._at.messages if one.phone in names]
        return [(begun[1], names[phone]) for begun, phone in found if begun and begun[1] not in self.said]

    def _turned_away(self) -> int:
        phones = {f"+25572{number:07d}" for number in ASKING}
        return len({one.phone for one in self._at.messages if one.phone in phones and "No agent near" in one.text})

    async def _text(self, name: str, text: str, id: str) -> None:
        await insist(lambda: self._at.sms(PEOPLE[name], text, id=id))


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
    await query(url, "UPDATE agent SET cash_limit = $1 WHERE id = 1", LIMIT * 100)
    await query(url, "UPDATE agent SET prepaid = TRUE, cashier = TRUE WHERE id = 2")
    async with Emulator() as at, safaricom.Emulator() as daraja:
        given = {"daraja_url": daraja.url, "sender_cap": 0, "log_level": "ERROR", "daraja_prefixes": CAN_PAY}
        async with ServerProcess(url, at, **given) as server:
            customers = Customers(at, daraja, url, server.address, random)
            agents = Agents(at, daraja, url, server.address, random)
            async with asyncio.TaskGroup() as group:
                people = [customers.buy(), customers.pay(), agents.fill(), agents.ask(), agents.answer()]
                at_work = [group.create_task(one) for one in people]
                while not all(one.done() for one in at_work):
                    await asyncio.sleep(random.uniform(0, LIFE_S * (1 + kills / 2)))  # the instant is what is tested
                    await server.kill()
                    kills += 1
                    await server.start()
            await settled(url)
        check_pushes(daraja)
        await check_payments(url, customers.paid, agents.paid)
        await check_codes(url, at)
        await check_wallet(url, agents.paid)
        await check_requests(url, agents.said)
        await check_hand_overs(url, at, agents.counted)
    await check_clearing(url, {receipt: amount for receipt, (_serial, amount) in customers.paid.items()} | agents.paid)
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


async def check_payments(url: str, paid: dict[str, tuple[str, int]], filled: dict[str, int]) -> None:
    """Each is booked once, and all of it is one sale for the device that it was for, or in the wallet."""
    rows = await query(
        url,
        "SELECT p.reference, p.amount, d.serial, s.amount AS sold FROM payment p "
        "LEFT JOIN sale s ON s.payment_id = p.id LEFT JOIN device d ON d.id = s.device_id WHERE p.provider = 'daraja'"
        " AND NOT EXISTS (SELECT 1 FROM top_up t WHERE t.payment_id = p.id)",
    )
    assert sorted((row["reference"], row["serial"], row["amount"], row["sold"]) for row in rows) == sorted(
        (receipt, serial, amount * 100, amount * 100) for receipt, (serial, amount) in paid.items()
    )
    top_ups = "SELECT p.reference, t.amount FROM top_up t JOIN payment p ON p.id = t.payment_id"
    assert sorted((row["reference"], row["amount"]) for row in await query(url, top_ups)) == sorted(
        (receipt, amount * 100) for receipt, amount in filled.items()
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
        "LEFT JOIN token t ON t.sale_id = s.id WHERE s.key NOT LIKE 'demo %'",
    )
    told = await query(url, "SELECT phone, text, interrupted FROM outbox WHERE kind = 'token' AND phone LIKE '+25572%'")
    reached = Counter((message.phone, message.text) for message in at.messages)
    assert len(sold) == len(told) > 0
    for sale in sold:
        days = Accepted(Fraction(sale["units"]), "ADD_TIME")
        keypad = Device(bytes.fromhex(PAYGO_KEYS[0]), 123456789)
        assert keypad.enter(sale["digits"], NOW) == days
        [message] = [row for row in told if row["phone"] == sale["phone"]]
        assert sale["digits"] in message["text"].replace(" ", "")
        assert 1 <= reached[message["phone"], message["text"]] <= 1 + message["interrupted"]


async def check_wallet(url: str, paid: dict[str, int]) -> None:
    """It has what came in, with the commission that was due by then, less what was sold from it."""
    [row] = await query(
        url,
        "SELECT (SELECT -balance FROM account WHERE kind = 'wallet' AND owner = 2) AS there,"
        " (SELECT COALESCE(SUM(commission), 0) FROM top_up) AS earned,"
        " (SELECT COALESCE(SUM(amount), 0) FROM sale WHERE agent_id = 2) AS sold",
    )
    assert 0 <= row["there"] == 100 * sum(paid.values()) + row["earned"] - row["sold"]
    assert row["sold"] > 0, "nobody asked the agent with the wallet"


async def check_requests(url: str, said: dict[str, bool]) -> None:
    """Each yes is one sale, for room was held for it; each no is none. Nothing is held any more."""
    rows = await query(
        url,
        "SELECT c.id, c.state, s.id AS sale, s.customer_id = c.customer_id AND s.agent_id = c.agent_id"
        " AND s.amount = c.amount AS same FROM cash_request c LEFT JOIN sale s ON s.id = c.sale_id",
    )
    assert {f"C{row['id']}": row["state"] for row in rows} == {
        reference: "sold" if yes else "declined" for reference, yes in said.items()
    }
    assert all(row["same"] if row["state"] == "sold" else row["sale"] is None for row in rows)
    assert {row["state"] for row in rows} == {"sold", "declined"}
    assert not await query(url, "SELECT key FROM reservation WHERE state = 'open'")


async def check_hand_overs(url: str, at: Emulator, counted: list[int]) -> None:
    """What was counted is booked once or, where more was counted than is held, not at all, as the cashier reads; and
    Asha holds what she sold for less what she handed over or kept as her commission."""
    rows = await query(url, "SELECT amount, commission FROM hand_in")
    booked = [row["amount"] // 100 for row in rows]
    assert len(booked) == len(set(booked)) and set(booked) <= set(counted)
    read = {one.text for one in at.messages if one.phone == PEOPLE["Juma"]}
    assert all(any(f" {amount:,} " in text for text in read) for amount in booked)
    [row] = await query(
        url,
        "SELECT COALESCE(SUM(amount), 0) AS sold, (SELECT balance FROM account WHERE kind = 'cash' AND owner = 1)"
        " AS held FROM sale WHERE agent_id = 1 AND key NOT LIKE 'demo %'",
    )
    assert booked and row["held"] == row["sold"] - sum(each["amount"] + each["commission"] for each in rows)


async def check_clearing(url: str, paid: dict[str, int]) -> None:
    """The provider's statement has each payment once, and a payout of all of them."""
    total = 100 * sum(paid.values())
    async with assembled(load(database=url), serving=False, handling=False) as mwanga:
        await check_ledger(mwanga)
        said = {"provider": "daraja", "at": datetime.now(UTC)}
        async with mwanga.database.work():
            assert await balance(AccountKind.CLEARING, await provider_id("daraja")) == total
            for receipt, amount in paid.items():
                line = Said(reference=receipt, direction=Direction.IN, amount=amount * 100, **said)  # type: ignore[arg-type]
                await reconciling.add_line(line, actor="test")
            out = Said(reference="OUT1", direction=Direction.OUT, amount=total, to_bank=True, **said)  # type: ignore[arg-type]
            await reconciling.add_line(out, actor="test")
        async with mwanga.database.work():
            assert await balance(AccountKind.CLEARING, await provider_id("daraja")) == 0
            assert not await query(url, "SELECT 1 FROM statement_line WHERE settled = ''")
            assert await find_fault() == ""
        await check_ledger(mwanga)
