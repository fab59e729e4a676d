"""Whatever happens at once, in whatever order: the sums are right, the limits hold, and each sale is whole."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app import assembled
from bot.config import load
from bot.message import Inbound
from bot.parts import Mwanga
from bot.phone import Sender, SenderKind
from models import quotes, vending
from models.appliances import Appliance, Contract, Instalment
from models.devices import Device, Plan
from models.ledger import AccountKind, Posting, cash_held, post
from models.people import Agent
from models.sql import execute
from tests.templates import Templates
from tests.world import GATEWAY, PEOPLE, PINS, Dialled, Phones

LIMITS = {"Asha": 20_000_000, "Juma": 5_000_000}  # minor units, as in the demo world
FIRST_COUNTS = {"SHS0283": 1, "EB100042": 10, "04123456784": 0}
DEVICES = tuple(FIRST_COUNTS)
GOODS = "S1002"  # what goods() sells; S1001 is the demo world's
_ids = itertools.count(1)


async def rows(mwanga: Mwanga, statement: str, *values: object) -> list[dict[str, Any]]:
    return await execute(mwanga.database.client, statement, values)


async def check_money(mwanga: Mwanga) -> int:
    """Everything that must hold of the books at any moment. Returns the number of sales."""
    await check_ledger(mwanga)
    sales = await rows(
        mwanga,
        "SELECT s.id, s.key, s.reference, s.amount, s.commission, s.units, a.phone AS agent, p.reference AS paid_for, "
        "p.amount AS paid, t.count, t.id AS token_id, d.serial, d.count AS last_count FROM sale s "
        "JOIN agent a ON a.id = s.agent_id LEFT JOIN payment p ON p.id = s.payment_id "
        "LEFT JOIN token t ON t.sale_id = s.id LEFT JOIN device d ON d.id = s.device_id ORDER BY s.id",
    )
    for sale in sales:
        assert (sale["paid_for"], sale["paid"]) == (sale["key"], sale["amount"])
        assert sale["commission"] * 10 == sale["amount"]
        assert (sale["token_id"] is None) == (sale["serial"] is None)
    for table, count in (("payment", len(sales)), ("token", sum(sale["serial"] is not None for sale in sales))):
        assert (await rows(mwanga, f"SELECT COUNT(*) AS n FROM {table}"))[0]["n"] == count
    keys = [key for sale in sales for key in (f"sale {sale['id']} payment", f"sale {sale['id']} commission")]
    assert sorted(keys) == sorted(
        row["key"] for row in await rows(mwanga, "SELECT key FROM entry WHERE key LIKE 'sale %'")
    )
    check_counts(sales)
    await check_cash(mwanga, sales)
    await check_texts(mwanga, sales)
    return len(sales)


async def check_ledger(mwanga: Mwanga) -> None:
    assert not await rows(mwanga, "SELECT entry_id FROM line GROUP BY entry_id HAVING SUM(amount) <> 0")
    assert not await rows(mwanga, "SELECT id FROM entry WHERE id NOT IN (SELECT entry_id FROM line)")
    assert not await rows(
        mwanga,
        "SELECT a.id FROM account a LEFT JOIN line l ON l.account_id = a.id "
        "GROUP BY a.id, a.balance HAVING a.balance <> COALESCE(SUM(l.amount), 0)",
    )
    assert not await rows(
        mwanga,
        "SELECT i.contract_id FROM instalment i JOIN account a ON a.kind = 'debt' AND a.owner = i.contract_id "
        "GROUP BY i.contract_id, a.balance HAVING a.balance <> SUM(i.amount - i.paid)",
    )
    assert not await rows(
        mwanga,
        "SELECT i.id FROM instalment i LEFT JOIN allocation a ON a.instalment_id = i.id "
        "GROUP BY i.id, i.paid HAVING i.paid <> COALESCE(SUM(a.amount), 0)",
    )


def check_counts(sales: Sequence[dict[str, Any]]) -> None:
    """Each device's counts only rise, in the order in which its tokens were made, and the last is remembered."""
    for serial, first in FIRST_COUNTS.items():
        tokens = sorted((sale["token_id"], sale["count"]) for sale in sales if sale["serial"] == serial)
        counts = [first, *(count for _, count in tokens)]
        assert counts == sorted(set(counts))
        assert {sale["last_count"] for sale in sales if sale["serial"] == serial} <= {counts[-1]}


async def check_cash(mwanga: Mwanga, sales: Sequence[dict[str, Any]]) -> None:
    for name, limit in LIMITS.items():
        amounts = [sale["amount"] for sale in sales if sale["agent"] == PEOPLE[name]]
        (account,) = await rows(
            mwanga,
            "SELECT COALESCE(SUM(CASE kind WHEN 'cash' THEN balance ELSE 0 END), 0) AS held, "
            "COALESCE(SUM(CASE kind WHEN 'commission' THEN balance ELSE 0 END), 0) AS due FROM account "
            "WHERE owner = (SELECT id FROM agent WHERE phone = $1)",
            PEOPLE[name],
        )
        assert account["held"] == sum(amounts) <= limit
        assert -account["due"] * 10 == sum(amounts)


async def check_texts(mwanga: Mwanga, sales: Sequence[dict[str, Any]]) -> None:
    """Every sale was told to its owner once and to its seller at least once; nothing else was called sold."""
    texts = await rows(mwanga, "SELECT phone, text FROM outbox WHERE kind = 'token'")
    for sale in sales:
        told = [row["phone"] for row in texts if f" {sale['reference']}." in row["text"].replace("\n", " ")]
        owners = [phone for phone in told if phone != sale["agent"]]
        assert sale["agent"] in told
        assert len(owners) == 1
    told_sold = [row["text"] for row in texts if row["text"].startswith(("SOLD", "IMEUZWA"))]
    assert all(any(f" {sale['reference']}." in text for sale in sales) for text in told_sold)


async def goods(mwanga: Mwanga) -> None:
    """Amina, who has a meter, owes 60,000 for a radio. Half of it is overdue, and her meter's payments recover it."""
    today = mwanga.site.today()
    async with mwanga.database.work():
        radio = await Appliance.get(name="Radio")
        contract = await Contract.create(
            key="before", appliance=radio, customer_id=1, agent_id=1, terms="instalments", price=6_000_000, down=0,
            period="weekly", day_price=0, minimum=100, commission=0, sold_on=today, created_at=datetime.now(UTC),
        )  # fmt: skip
        assert contract.number == GOODS
        for n in range(6):
            due = today + timedelta(weeks=n - 3)
            await Instalment.create(contract=contract, number=n + 1, due_on=due, amount=1_000_000)
        lines = [Posting(AccountKind.DEBT, contract.id, 6_000_000), Posting(AccountKind.GOODS, 0, -6_000_000)]
        await post("contract before", lines)
        await Plan.filter(unit="energy").update(recovery=40)


async def at_the_pin(phones: Phones, name: str, serial: str, amount: int) -> Dialled:
    """A dialled sale that waits for the PIN. An open session before it is not gone on with."""
    first = await phones.dial(name, "*384*20#")
    offered = "1. Continue" in first or "1. Endelea" in first
    for answer in (*(["2"] if offered else []), "1", serial, str(amount), "1"):
        await phones.enter(name, answer)
    return phones.sessions[name]


async def texts_yes(mwanga: Mwanga, name: str) -> None:
    inbound = Inbound(GATEWAY, f"yes of {name}", Sender(SenderKind.NUMBER, PEOPLE[name]), f"1 {PINS[name]}")
    await mwanga.inbox.record(inbound)


async def test_two_sales_by_two_channels_on_the_last_of_the_limit_are_one(mwanga: Mwanga) -> None:
    phones = Phones(mwanga)
    await phones.text("Juma", "BUY SHS0283 30000")
    session = await at_the_pin(phones, "Juma", "EB100042", 30_000)
    await asyncio.gather(session.enter(PINS["Juma"]), texts_yes(mwanga, "Juma"))
    await phones.handled()
    assert await check_money(mwanga) == 1


async def test_two_dialled_sales_of_two_devices_on_the_last_of_the_limit_are_one(mwanga: Mwanga) -> None:
    phones = Phones(mwanga)
    sessions = [await at_the_pin(phones, "Juma", serial, 26_000) for serial in DEVICES[:2]]
    screens = await asyncio.gather(*(session.enter(PINS["Juma"]) for session in sessions))
    assert await check_money(mwanga) == 1
    (sale,) = await rows(mwanga, "SELECT reference FROM sale")
    assert sorted(f" {sale['reference']}." in screen for screen in screens) == [False, True]


async def test_two_transactions_on_the_last_of_the_limit_wait_for_each_other(mwanga: Mwanga) -> None:
    """Nothing above the sale keeps them apart here: two processes, each with a sale of the same agent."""
    seller = await Agent.get(phone=PEOPLE["Juma"])

    async def sell(serial: str) -> bool:
        device = await Device.get(serial=serial).select_related("plan", "customer")
        try:
            async with mwanga.database.work():
                offer = quotes.quote(await quotes.standing(device, mwanga.site.today()), 3_000_000)
                await vending.sell(offer, seller=seller, key=f"test {serial}", vault=mwanga.site.vault)
        except quotes.OverLimit:
            return False
        return True

    assert sorted(await asyncio.gather(*(sell(serial) for serial in DEVICES[:2]))) == [False, True]
    assert await cash_held(seller.id) == 3_000_000
    await check_ledger(mwanga)


async def test_agents_who_sell_for_the_same_devices_in_opposite_order_all_succeed(mwanga: Mwanga) -> None:
    """On PostgreSQL such transactions may wait for each other in a ring: one of them is undone and run again."""
    phones = Phones(mwanga)
    for amount in (2_000, 4_000, 6_000, 8_000):
        waiting = [
            (await at_the_pin(phones, name, serial, amount)).enter(PINS[name])
            for name, serials in (("Asha", DEVICES), ("Juma", DEVICES[::-1]))
            for serial in serials[:2]
        ]
        screens = await asyncio.gather(*waiting)
        assert all(screen.startswith(("END SOLD", "END IMEUZWA")) for screen in screens), screens
    assert await check_money(mwanga) == 16


async def test_a_backlog_is_handled_in_the_order_in_which_each_phone_sent_it(mwanga: Mwanga) -> None:
    """As after an outage. Several workers take portions of it; each yes must meet the order before it."""
    await rows(mwanga, "UPDATE agent SET cash_limit = 100000000000")
    texts = []
    for n in range(100):
        texts += [(PEOPLE["Asha"], f"BUY SHS0283 {1000 + n}"), (f"+25573{n:07d}", "HELP")]
        texts += [(PEOPLE["Asha"], f"1 {PINS['Asha']}"), (f"+25574{n:07d}", "HELP")]
    messages = [
        Inbound(GATEWAY, f"late {number}", Sender(SenderKind.NUMBER, phone), text)
        for number, (phone, text) in enumerate(texts)
    ]
    await asyncio.gather(*(mwanga.inbox.record(message) for message in messages))
    await Phones(mwanga).handled()
    outcomes = await rows(mwanga, "SELECT outcome FROM inbox WHERE phone = $1 ORDER BY id", PEOPLE["Asha"])
    assert [row["outcome"] for row in outcomes] == ["asked", "sold"] * 100
    sales = await rows(mwanga, "SELECT amount FROM sale ORDER BY id")
    assert [row["amount"] for row in sales] == [(1000 + n) * 100 for n in range(100)]


@dataclass(frozen=True)
class Campaign:
    """One agent's try to sell, among others at the same time: `pins` are the tries, right or wrong; every message
    and turn comes `times` times; `pauses` lets others in between."""

    agent: str
    dialled: bool
    serial: str
    amount: int
    again: bool
    pins: Sequence[bool]
    times: int
    new_ids: bool
    pauses: int

    async def run(self, mwanga: Mwanga) -> None:
        await (self._dial(mwanga) if self.dialled and self.serial != GOODS else self._text(mwanga))

    async def _text(self, mwanga: Mwanga) -> None:
        keyword = "PAY" if self.serial == GOODS else "BUY"
        order = f"{keyword} {self.serial} {self.amount}{' AGAIN' if self.again else ''}"
        for text in (order, *(f"1 {self._pin(right)}" for right in self.pins)):
            ids = (
                [f"sms {next(_ids)}" for _ in range(self.times)] if self.new_ids else [f"sms {next(_ids)}"] * self.times
            )
            sender = Sender(SenderKind.NUMBER, PEOPLE[self.agent])
            await asyncio.gather(*(mwanga.inbox.record(Inbound(GATEWAY, id, sender, text)) for id in ids))
            await self._pause()

    async def _dial(self, mwanga: Mwanga) -> None:
        session = Dialled(mwanga, PEOPLE[self.agent], f"session {next(_ids)}", "*384*20#")
        screen = await session.enter("")
        answers = ["2"] if "1. Continue" in screen or "1. Endelea" in screen else []
        answers += ["1", self.serial, str(self.amount), "1", *(["1"] if self.again else []), *map(self._pin, self.pins)]
        for answer in answers:
            if screen.startswith("END"):
                return
            screen, *repeats = await asyncio.gather(
                session.enter(answer), *(session.repeat() for _ in range(self.times - 1))
            )
            assert set(repeats) <= {screen}
            await self._pause()

    def _pin(self, right: bool) -> str:
        return PINS[self.agent] if right else "730582"

    async def _pause(self) -> None:
        for _ in range(self.pauses):
            await asyncio.sleep(0)


campaigns = st.builds(
    Campaign,
    agent=st.sampled_from(["Asha", "Juma"]),
    dialled=st.booleans(),
    serial=st.sampled_from([*DEVICES, GOODS]),
    amount=st.sampled_from([2_000, 26_000, 50_000, 120_000]),
    again=st.booleans(),
    pins=st.lists(st.booleans(), min_size=1, max_size=3),
    times=st.integers(1, 3),
    new_ids=st.booleans(),
    pauses=st.integers(0, 20),
)


def test_any_interleaving_keeps_the_books_right(engine: str, templates: Templates) -> None:
    sold = 0

    async def play(several: Sequence[Campaign]) -> int:
        url = await asyncio.to_thread(templates.copy, engine, "demo")
        async with assembled(load(database=url, sender_cap=0), serving=False) as mwanga:
            await goods(mwanga)
            await asyncio.gather(*(campaign.run(mwanga) for campaign in several))
            await Phones(mwanga).handled()
            failed = await rows(mwanga, "SELECT error FROM inbox WHERE state <> 'done'")
            assert failed == []
            return await check_money(mwanga)

    @settings(derandomize=True, database=None, deadline=None, max_examples=40 if engine == "sqlite" else 10)
    @given(st.lists(campaigns, min_size=2, max_size=8))
    def check(several: Sequence[Campaign]) -> None:
        nonlocal sold
        sold += asyncio.run(play(several))

    check()
    assert sold > 0, "nothing was tested"


@pytest.mark.parametrize("verb", ["UPDATE {} SET id = id", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["entry", "line", "audit", "payment", "token"])
async def test_what_was_booked_can_be_neither_changed_nor_deleted(table: str, verb: str, mwanga: Mwanga) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    await phones.text("Asha", f"1 {PINS['Asha']}")
    await phones.text("Juma", f"LOCK {PEOPLE['Asha']} {PINS['Asha']}")
    (before,) = await rows(mwanga, f"SELECT COUNT(*) AS n FROM {table}")
    assert before["n"] > 0
    with pytest.raises(Exception, match=f"{table} is append only"):
        await rows(mwanga, verb.format(table))
    assert await rows(mwanga, f"SELECT COUNT(*) AS n FROM {table}") == [before]
