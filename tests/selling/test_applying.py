"""Money that is there already becomes what it is for, once, and nothing of it is refused, given away or lost."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from bot.server import Server
from models.devices import Device, Unit, with_owner
from models.money.ledger import AccountKind, balance, cash_held, commission_due, credit_of
from models.money.receiving import Incoming, Source, Suspense, Why, receive, unapplied
from models.people import Customer
from models.selling import Contract, Sale
from models.selling.applying import Applied, apply, assign
from models.selling.payable import Payable, payable
from tests.emulators.openpaygo_device import Accepted
from tests.emulators.openpaygo_device import Device as Keypad
from tests.world.books import check_ledger
from tests.world.people import NOON, PEOPLE
from tests.world.selling import Shop


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def shop(mwanga: Server) -> Shop:
    return Shop(mwanga)


async def paid(mwanga: Server, amount: int, reference: str = "TKE4XY12AB") -> int:
    """A payment by phone, in shillings; its number."""
    said = Incoming(source=Source.CALLBACK, provider="daraja", reference=reference, amount=amount * 100, paid_at=NOON)
    async with mwanga.database.work():
        return int((await receive(said)).payment.id)


async def serial(name: str) -> Payable:
    return payable(await with_owner((await Device.get(serial=name)).id), None)


def terms(mwanga: Server, key: str) -> dict[str, Any]:
    company = mwanga.company
    return {"actor": "daraja", "key": key, "today": company.today(), "coin": company.coin, "vault": company.vault}


async def applied(mwanga: Server, payment: int, to: Payable, key: str = "one", funds: int | None = None) -> Applied:
    async with mwanga.database.work():
        return await apply(payment, to, funds=funds, **terms(mwanga, key))


async def test_a_payment_by_phone_becomes_whole_days_and_the_rest_is_credit(mwanga: Server) -> None:
    payment = await paid(mwanga, 4_500)
    done = await applied(mwanga, payment, await serial("EB100042"))
    assert done.sold and (done.waits, done.unapplied, done.missing, done.new) == (None, 0, 0, True)
    sale = done.sold.sale
    assert (sale.agent_id, sale.commission, sale.part) == (None, 0, 1)
    assert (sale.unit, sale.units, sale.credit_before, sale.credit_after) == (Unit.DAYS, 2, 0, 500_00)
    assert (sale.tariff, sale.price) == ("E-bike, 2,000 a day", 2_000_00)
    assert await credit_of(sale.customer_id) == 500_00
    assert await balance(AccountKind.DAYS, 0) == -4_000_00
    assert await unapplied(payment) == 0
    assert done.sold.digits and not await Suspense.exists()
    again = await applied(mwanga, payment, await serial("EB100042"))
    assert again.sold and not again.new
    assert (again.sold.sale.id, again.sold.digits) == (sale.id, done.sold.digits)
    await check_ledger(mwanga)


async def test_credit_counts_with_the_next_payment_and_is_used_up(mwanga: Server) -> None:
    for n, (amount, units, after) in enumerate([(4_500, 2, 500), (1_500, 1, 0), (1_999, 0, 1_999), (1, 1, 0)]):
        done = await applied(mwanga, await paid(mwanga, amount, f"R{n}"), await serial("EB100042"), f"key {n}")
        assert done.sold and (done.sold.sale.units, done.sold.sale.credit_after) == (units, after * 100)
        assert bool(done.sold.digits) == bool(units)
    assert await balance(AccountKind.DAYS, 0) == -8_000_00
    await check_ledger(mwanga)


async def test_less_than_a_unit_is_credit_and_says_what_is_missing(mwanga: Server) -> None:
    done = await applied(mwanga, await paid(mwanga, 1_500), await serial("EB100042"))
    assert done.sold and done.missing == 500_00 and not done.sold.digits
    assert (done.sold.sale.units, done.sold.sale.unit, done.sold.sale.credit_after) == (0, "", 1_500_00)
    device = await Device.get(serial="EB100042")
    assert device.count == 10 and device.paid_until is None
    await check_ledger(mwanga)


async def test_more_than_a_token_carries_is_credit(mwanga: Server) -> None:
    done = await applied(mwanga, await paid(mwanga, 2_500_000), await serial("EB100042"))
    assert done.sold and done.sold.sale.units == 995 and done.sold.sale.credit_after == 510_000_00
    await check_ledger(mwanga)


async def test_more_than_is_owed_unlocks_and_the_rest_is_credit(mwanga: Server) -> None:
    done = await applied(mwanga, await paid(mwanga, 1_100_000), await serial("SHS0283"))
    assert done.sold and done.sold.sale.unit == Unit.UNLOCK and done.sold.sale.owed == 0
    assert done.sold.sale.credit_after == 8_000_00
    contract = await Contract.get(id=1)
    assert contract.ended_on is not None
    assert await balance(AccountKind.DEBT, 1) == 0
    later = await applied(mwanga, await paid(mwanga, 1_000, "LATER"), await serial("SHS0283"), "two")
    assert (later.sold, later.waits, later.unapplied) == (None, Why.PAID_OFF, 1_000_00)
    await check_ledger(mwanga)


async def test_a_contracts_payment_pays_whole_days_and_keeps_the_rest(mwanga: Server) -> None:
    """A week is 7,000: 8,500 are eight days."""
    done = await applied(mwanga, await paid(mwanga, 8_500), await serial("SHS0283"))
    assert done.sold and (done.sold.sale.units, done.sold.sale.credit_after) == (8, 500_00)
    assert done.sold.sale.owed == 1_084_000_00
    assert await balance(AccountKind.DEBT, 1) == 1_084_000_00
    await check_ledger(mwanga)


async def test_goods_are_paid_by_phone_and_earn_for_the_agent_who_sold_them(shop: Shop) -> None:
    radio = await shop.sells("Radio", "Baraka", plan="3 monthly")
    before = await commission_due(1)
    done = await applied(shop.mwanga, await paid(shop.mwanga, 4_000), payable(None, radio))
    assert done.sold and done.sold.sale.owed == 8_000_00
    assert (before, await commission_due(1)) == (150_00, 350_00)
    assert (await Contract.get(id=radio.id)).earned == 350_00
    await check_ledger(shop.mwanga)


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"retired_at": NOON}, Why.RETIRED),
        ({"customer_id": None}, Why.NO_PRICE),
        ({"tariff_id": None}, Why.NO_PRICE),
        ({"count": 65_535}, Why.ISSUER_AWAY),
    ],
)
async def test_what_cannot_be_sold_now_waits_for_the_office(
    mwanga: Server, change: dict[str, object], why: Why
) -> None:
    payment = await paid(mwanga, 4_000)
    bike = await serial("EB100042")
    await Device.filter(serial="EB100042").update(**change)
    bike = await serial("EB100042") if why is not Why.NO_PRICE else bike
    done = await applied(mwanga, payment, bike)
    assert (done.sold, done.waits, done.unapplied) == (None, why, 4_000_00)
    waiting = await Suspense.get(payment_id=payment)
    assert (waiting.why, waiting.closed_at) == (why, None)
    assert not await Sale.exists()
    await check_ledger(mwanga)


async def test_it_may_be_applied_in_parts(mwanga: Server) -> None:
    payment = await paid(mwanga, 10_000)
    first = await applied(mwanga, payment, await serial("EB100042"), "one", 4_000_00)
    second = await applied(mwanga, payment, await serial("SHS0283"), "two")
    assert first.unapplied == 6_000_00 and second.unapplied == 0
    assert [sale.part for sale in await Sale.all().order_by("id")] == [1, 2]
    with pytest.raises(ValueError):
        await applied(mwanga, payment, await serial("SHS0283"), "three")
    await check_ledger(mwanga)


async def test_two_at_once_use_it_once(mwanga: Server) -> None:
    payment = await paid(mwanga, 4_000)
    bike, solar = await serial("EB100042"), await serial("SHS0283")
    results = await asyncio.gather(
        applied(mwanga, payment, bike, "one"),
        applied(mwanga, payment, bike, "one"),
        applied(mwanga, payment, solar, "two"),
        return_exceptions=True,
    )
    done = [each for each in results if isinstance(each, Applied)]
    assert len([each for each in done if each.new]) == 1
    assert await Sale.all().count() == 1 and await unapplied(payment) == 0
    await check_ledger(mwanga)


async def test_two_payments_of_one_customer_at_once_use_the_credit_once(mwanga: Server) -> None:
    """Each has 1,000 less than a day, and there is a credit of 1,000."""
    await applied(mwanga, await paid(mwanga, 3_000, "R0"), await serial("EB100042"), "zero")
    neema = await Customer.get(phone=PEOPLE["Neema"])
    other = await Device.get(serial="EB100043")
    await Device.filter(id=other.id).update(customer_id=neema.id)
    payments = [await paid(mwanga, 1_000, "R1"), await paid(mwanga, 1_000, "R2")]
    serials = ["EB100042", "EB100043"]
    devices = [await serial(name) for name in serials]
    await asyncio.gather(*(applied(mwanga, payments[n], device, serials[n]) for n, device in enumerate(devices)))
    assert await credit_of(neema.id) == 1_000_00
    assert sorted([sale.units for sale in await Sale.filter(key__in=serials)]) == [0, 1]
    await check_ledger(mwanga)


async def test_the_office_assigns_what_was_for_nobody(mwanga: Server) -> None:
    payment = await paid(mwanga, 4_500)
    async with mwanga.database.work():
        done = await assign(payment, await serial("EB100042"), **terms(mwanga, "assign 1") | {"actor": "office admin"})
    assert done.sold and done.sold.sale.credit_after == 500_00
    assert not await Suspense.filter(closed_at=None).exists()
    await check_ledger(mwanga)


async def test_the_office_makes_it_a_customers_credit(mwanga: Server) -> None:
    payment = await paid(mwanga, 4_500)
    solar = await serial("SHS0283")
    await Device.filter(serial="SHS0283").update(retired_at=NOON)
    assert (await applied(mwanga, payment, solar)).waits is Why.RETIRED
    neema = await Customer.get(phone=PEOPLE["Neema"])
    for new in (True, False):
        async with mwanga.database.work():
            how = terms(mwanga, f"payment {payment} credit") | {"actor": "office admin"}
            done = await assign(payment, neema, **how)
        assert (done.sold, done.waits, done.unapplied, done.new) == (None, None, 0, new)
    assert await credit_of(neema.id) == 4_500_00
    closed = await Suspense.get(payment_id=payment)
    assert closed.closed_at and closed.closed_by == "office admin"
    await check_ledger(mwanga)


async def test_cash_counts_the_credit_and_nobody_is_asked_for_more_than_is_missing(shop: Shop) -> None:
    bike = await Device.get(serial="EB100042")
    first = await shop.takes(await shop.quoted(bike, 4_500), "Asha", "one")
    assert (first.sale.units, first.sale.credit_after, await cash_held(1)) == (2, 500_00, 4_500_00)
    assert first.sale.commission == 450_00, "on what was taken"
    second = await shop.takes(await shop.quoted(bike, 1_500), "Asha", "two")
    assert (second.sale.units, second.sale.credit_before, second.sale.credit_after) == (1, 500_00, 0)
    await check_ledger(shop.mwanga)


async def test_what_fell_due_of_the_access_rate_is_booked_with_the_sale(shop: Shop) -> None:
    meter = await Device.get(serial="04123456784")
    await Device.filter(id=meter.id).update(access_due=1_000_00)
    sold = await shop.takes(await shop.quoted(meter, 8_000), "Juma", "one")
    assert (sold.sale.access, sold.sale.units) == (1_000_00, 200)
    assert await balance(AccountKind.ACCESS, 0) == -1_000_00
    assert await balance(AccountKind.ACCESS_DUE, meter.id) == (await Device.get(id=meter.id)).access_due == 0
    await check_ledger(shop.mwanga)


async def test_a_tokens_count_of_many_payments_is_accepted_in_order(mwanga: Server) -> None:
    device = Keypad(bytes.fromhex("dac86b1a29ab82edc5fbbc41ec9530f6"), starting_code=432435255, count=10)
    for n, amount in enumerate((4_000, 1_500, 500, 9_999)):
        done = await applied(mwanga, await paid(mwanga, amount, f"R{n}"), await serial("EB100042"), f"key {n}")
        if done.sold and done.sold.digits:
            assert isinstance(device.enter(done.sold.digits, NOON + timedelta(minutes=n)), Accepted)
    assert sum([sale.units for sale in await Sale.all()]) == 7
    await check_ledger(mwanga)
