"""Whatever happens at once, in whatever order: the sums are right, the limits hold, and each sale is whole."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.app import assembled
from bot.config import load
from bot.message import Inbound
from bot.server import Server
from bot.text.numbers import Sender, SenderKind
from models.devices import Tariff
from models.money.ledger import AccountKind, Posting, post
from models.selling import Appliance, Contract
from models.selling.contracts import Instalment
from tests.world.books import DEVICES, check_money, rows
from tests.world.people import GATEWAY, PEOPLE, PINS, Dialled, Phones
from tests.world.templates import Templates

GOODS = "S1002"  # what goods() sells; S1001 is the demo world's
_ids = itertools.count(1)


async def goods(mwanga: Server) -> None:
    """Amina, who has a meter, owes 60,000 for a radio. Half of it is overdue, and her meter's payments recover it."""
    today = mwanga.company.today()
    async with mwanga.database.work():
        radio = await Appliance.get(name="Radio")
        contract = await Contract.create(
            key="before", appliance=radio, customer_id=1, agent_id=1, terms="instalments", price=6_000_000, down=0,
            period="weekly", day_price=0, minimum=100, commission=0, sold_on=today, created_at=datetime.now(UTC),
        )  # fmt: skip
        assert contract.number == GOODS
        for n in range(6):
            due = today + timedelta(weeks=n - 3)
            await Instalment.create(
                contract=contract, appliance_id=contract.appliance_id, number=n + 1, due_on=due, amount=1_000_000
            )
        lines = [Posting(AccountKind.DEBT, contract.id, 6_000_000), Posting(AccountKind.GOODS, 0, -6_000_000)]
        await post("contract before", lines, actor="test")
        await Tariff.filter(unit="energy").update(recovery=40)


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

    async def run(self, mwanga: Server) -> None:
        await (self._dial(mwanga) if self.dialled and self.serial != GOODS else self._text(mwanga))

    async def _text(self, mwanga: Server) -> None:
        keyword = "PAY" if self.serial == GOODS else "BUY"
        order = f"{keyword} {self.serial} {self.amount}{' AGAIN' if self.again else ''}"
        for text in (order, *(f"1 {self._pin(right)}" for right in self.pins)):
            ids = (
                [f"sms {next(_ids)}" for _ in range(self.times)] if self.new_ids else [f"sms {next(_ids)}"] * self.times
            )
            sender = Sender(SenderKind.NUMBER, PEOPLE[self.agent])
            await asyncio.gather(*(mwanga.inbox.record(Inbound(GATEWAY, id, sender, text)) for id in ids))
            await self._pause()

    async def _dial(self, mwanga: Server) -> None:
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
    interleave(engine, templates, 10)


@pytest.mark.slow
def test_many_interleavings_keep_the_books_right(engine: str, templates: Templates) -> None:
    interleave(engine, templates, 40)


def interleave(engine: str, templates: Templates, examples: int) -> None:
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

    @settings(max_examples=examples)
    @given(st.lists(campaigns, min_size=2, max_size=8))
    def check(several: Sequence[Campaign]) -> None:
        nonlocal sold
        sold += asyncio.run(play(several))

    check()
    assert sold > 0, "nothing was tested"


async def test_what_was_booked_can_be_neither_changed_nor_deleted(mwanga: Server) -> None:
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY SHS0283 8000")
    await phones.text("Asha", f"1 {PINS['Asha']}")
    await phones.text("Juma", f"LOCK {PEOPLE['Asha']} {PINS['Asha']}")
    for table in ("entry", "line", "audit", "payment", "token"):
        before = await rows(mwanga, f"SELECT * FROM {table} ORDER BY id")
        assert before
        for verb in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):
            with pytest.raises(Exception, match=f"{table} is append only"):
                await rows(mwanga, verb)
        assert await rows(mwanga, f"SELECT * FROM {table} ORDER BY id") == before
