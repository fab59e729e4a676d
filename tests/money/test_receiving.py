"""Money that a provider has for us is booked at once and once, whoever it is for and whichever source tells of it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from bot.server import Server
from models.alerts import Alert
from models.money.day_close import DayClose
from models.money.ledger import AccountKind, Entry, balance
from models.money.payments import Payment
from models.money.providers import provider_id
from models.money.receiving import (
    Evidence,
    Incoming,
    Received,
    Source,
    Suspense,
    normal_reference,
    receive,
    unapplied,
)
from tests.world.books import check_ledger
from tests.world.people import NOON

PAID_AT = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


def incoming(reference: str = "TKE4XY12AB", amount: int = 5_000_00, **more: Any) -> Incoming:
    said = {"source": Source.CALLBACK, "provider": "daraja", "paid_at": PAID_AT} | more
    return Incoming(reference=reference, amount=amount, **said)


async def received(mwanga: Server, what: Incoming) -> Received:
    async with mwanga.database.work():
        return await receive(what)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("TKE4XY12AB", "TKE4XY12AB"),
        (" tke4-xy12 ab.", "TKE4XY12AB"),
        ("TKE4\u2013XY12\u00a0AB", "TKE4XY12AB"),
        ("MP261124.1234.A00001", "MP261124.1234.A00001"),
    ],
)
def test_a_reference_is_one_in_all_its_spellings(written: str, kept: str) -> None:
    assert normal_reference(written) == kept


@pytest.mark.parametrize("written", ["", " - ", "."])
def test_a_reference_of_nothing_is_none(written: str) -> None:
    with pytest.raises(ValueError):
        normal_reference(written)


async def test_money_for_nobody_is_booked_as_owed_to_its_payer(mwanga: Server) -> None:
    got = await received(mwanga, incoming(payer_phone="2557****001", account_text="nonsense"))
    assert got.new and not got.disagrees
    assert await balance(AccountKind.CLEARING, await provider_id("daraja")) == 5_000_00
    assert await unapplied(got.payment.id) == 5_000_00
    entry = await Entry.get(key=f"payment {got.payment.id}")
    assert (entry.actor, entry.effective_at) == ("daraja", PAID_AT)
    seen = await Evidence.get(payment_id=got.payment.id)
    assert (seen.source, seen.reference, seen.amount) == ("callback", "TKE4XY12AB", 5_000_00)
    await check_ledger(mwanga)


async def test_money_in_the_bank_itself_clears_nothing(mwanga: Server) -> None:
    got = await received(mwanga, incoming(provider="bank"))
    assert (await balance(AccountKind.BANK, 0), await unapplied(got.payment.id)) == (5_000_00, 5_000_00)


async def test_it_is_booked_once_whatever_tells_of_it_and_each_source_is_kept(mwanga: Server) -> None:
    first = await received(mwanga, incoming())
    again = await received(mwanga, incoming())
    text = await received(mwanga, incoming("tke4 xy12-ab", source=Source.TEXT, balance_after=90_000_00))
    assert [each.new for each in (first, again, text)] == [True, False, False]
    assert {each.payment.id for each in (first, again, text)} == {first.payment.id}
    assert await Evidence.filter(payment_id=first.payment.id).order_by("id").values_list("source", flat=True) == [
        "callback",
        "text",
    ]
    assert await unapplied(first.payment.id) == 5_000_00
    assert not await Suspense.exists()


async def test_two_at_once_are_one(mwanga: Server) -> None:
    sources = (Source.CALLBACK, Source.QUERY, Source.TEXT, Source.CALLBACK)
    got = await asyncio.gather(*(received(mwanga, incoming(source=source)) for source in sources))
    assert sorted(each.new for each in got) == [False, False, False, True]
    assert await Payment.all().count() == 1 and await Evidence.all().count() == 3
    assert await balance(AccountKind.CLEARING, await provider_id("daraja")) == 5_000_00
    await check_ledger(mwanga)


async def test_the_same_reference_of_another_provider_is_another_payment(mwanga: Server) -> None:
    await received(mwanga, incoming())
    assert (await received(mwanga, incoming(provider="momo"))).new
    assert await balance(AccountKind.CLEARING, await provider_id("momo")) == 5_000_00


@pytest.mark.parametrize("source", [Source.CALLBACK, Source.STATEMENT])
async def test_of_two_amounts_the_first_counts_and_a_person_is_told_once(mwanga: Server, source: Source) -> None:
    first = await received(mwanga, incoming())
    for _twice in range(2):
        other = await received(mwanga, incoming(source=source, amount=9_000_00))
        assert other.disagrees and not other.new and other.payment.amount == 5_000_00
    assert await unapplied(first.payment.id) == 5_000_00
    waiting = await Suspense.get(payment_id=first.payment.id)
    assert (waiting.why, waiting.closed_at) == ("amounts", None)
    assert await Alert.all().values_list("sentence", flat=True) == [
        "Two amounts of one payment: daraja TKE4XY12AB. mwanga payments waiting"
    ]
    await check_ledger(mwanga)


async def test_a_clock_that_is_ahead_makes_no_payment_of_tomorrow(mwanga: Server) -> None:
    got = await received(mwanga, incoming(paid_at=NOON + timedelta(hours=3)))
    assert got.payment.paid_at == NOON
    assert (await Entry.get(key=f"payment {got.payment.id}")).effective_at == NOON


@pytest.mark.parametrize(("subject", "moved"), [("", True), ("provider daraja", True), ("agent 1", False)])
async def test_nothing_is_booked_into_a_day_that_is_closed(mwanga: Server, subject: str, moved: bool) -> None:
    ends = PAID_AT + timedelta(hours=1)
    await DayClose.create(day=PAID_AT.date(), subject=subject, ends_at=ends, figures="{}", actor="office admin")
    got = await received(mwanga, incoming())
    assert got.payment.paid_at == PAID_AT, "that is the provider's, and stays"
    assert (await Entry.get(key=f"payment {got.payment.id}")).effective_at == (ends if moved else PAID_AT)


@pytest.mark.parametrize("amount", [0, -1])
async def test_no_amount_is_no_payment(mwanga: Server, amount: int) -> None:
    with pytest.raises(ValueError):
        await received(mwanga, incoming(amount=amount))
