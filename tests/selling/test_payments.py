"""Payments on plans, on goods and on a meter with debts: sums, order, the last one, and what happens at once."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from bot.server import Server
from models.demo.world import PAYGO_KEYS
from models.devices import Device, Tariff, Unit
from models.devices.access_rate import Access
from models.money.ledger import AccountKind, balance, cash_held
from models.money.payments import Payment
from models.people import Agent, Customer
from models.selling import Contract, Due, Period, Sale, Terms, quotes, refusals, total_left
from models.selling.instalments import DAYS, amounts, due_dates
from models.selling.payable import PayableDevice, Standing, payable
from tests.emulators.openpaygo_device import Accepted, Refused
from tests.emulators.openpaygo_device import Device as Keypad
from tests.world.books import check_ledger
from tests.world.people import PEOPLE, PINS, Phones
from tests.world.selling import Shop

TODAY = date(2026, 11, 24)
WEEKLY, MONTHLY = Period.WEEKLY.value, Period.MONTHLY.value


def without_contract(
    device: Device, owed: tuple[Due, ...], coin: int, most: int | None = None, credit: int = 0
) -> Standing:
    """A device that is paid at its tariff."""
    return Standing(
        paid_for=PayableDevice(device),
        customer=Customer(id=1),
        contract=None,
        owed=owed,
        today=TODAY,
        coin=coin,
        most=most,
        access=Access(device.access_due),
        credit=credit,
    )


def tariffed(serial: str, issuer: str, tariff: Tariff, access_due: int = 0) -> Device:
    """A device whose tables are not there."""
    facts = {"serial": serial, "issuer": issuer, "tariff": tariff, "access_due": access_due, "retired_at": None}
    return cast(Device, SimpleNamespace(**facts))


def on_plan(
    financed: int, count: int, period: str, paid: int, *, device: bool = True, coin: int = 1, credit: int = 0
) -> Standing:
    """A device, or goods, on instalments of which so much was paid."""
    contract = Contract(id=1, terms=Terms.INSTALMENTS.value, period=period, minimum=1)
    owed = []
    schedule = zip(amounts(financed, count), due_dates(TODAY, Period(period), count), strict=True)
    for number, (amount, due_on) in enumerate(schedule, start=1):
        settled, paid = min(paid, amount), max(paid - amount, 0)
        if settled < amount:
            owed.append(Due(number, 1, number, due_on, amount, amount - settled))
    shs = Device(id=1, serial="SHS0283", kind="shs", issuer="openpaygo") if device else None
    return Standing(
        paid_for=payable(shs, contract),
        customer=Customer(id=1),
        contract=contract,
        owed=tuple(owed),
        today=TODAY,
        coin=coin,
        credit=credit,
    )


@given(
    st.integers(100, 50_000), st.integers(1, 60), st.sampled_from([WEEKLY, MONTHLY]), st.integers(0, 60_000),
    st.integers(1, 60_000), st.booleans(), st.sampled_from([0, 1, 300]),
)  # fmt: skip
def test_a_payment_settles_the_oldest_first_and_never_more_than_is_owed(
    financed: int, count: int, period: str, paid: int, amount: int, device: bool, credit: int
) -> None:
    at = on_plan(financed, count, period, paid, device=device, credit=credit)
    left = max(financed - paid, 0)
    try:
        offer = quotes.quote(at, amount)
    except refusals.PaidOff:
        assert left == 0
        return
    except refusals.MoreThanOwed as refusal:
        assert amount > refusal.left == max(left - credit, 1)
        return
    except refusals.AmountTooSmall as refusal:
        assert amount < refusal.minimum <= left
        return
    except refusals.AmountTooLarge as refusal:
        assert device and amount > refusal.most
        assert quotes.quote(at, refusal.most).units <= refusal.most_units
        return
    assert offer.to_parts + offer.credit == amount + credit, "nothing is given and nothing vanishes"
    assert [part.due for part in offer.parts] == list(at.owed[: len(offer.parts)])
    assert offer.owed == left - offer.to_parts == total_left(offer.rest)
    assert offer.unlocks == (device and offer.owed == 0)
    if device and not offer.unlocks:
        each, days = at.owed[0].amount, DAYS[Period(period)]
        assert offer.units * each <= offer.to_parts * days < offer.units * each + days, (
            "what the days cost, and no more"
        )
        assert (amount + credit) * days < (offer.units + 1) * each, "and no day less than the money buys"
    elif not device:
        assert offer.credit == max(amount + credit - left, 0)


@given(
    st.integers(0, 100), st.integers(0, 9_000), st.integers(0, 3_000), st.integers(1, 400), st.integers(1, 99),
    st.sampled_from([1, 100]), st.sampled_from([0, 3, 700]),
)  # fmt: skip
def test_a_meters_payment_adds_up_and_leaves_no_part_of_a_coin_owed(
    recovery: int, overdue: int, access: int, paid: int, price: int, coin: int, credit: int
) -> None:
    plan = Tariff(name="t", unit="energy", price=price, components=5, minimum=200, recovery=recovery)
    meter = tariffed("04123456784", "sts", plan, access * coin)
    owed = (Due(1, 7, 1, TODAY, overdue * coin, overdue * coin),) if overdue else ()
    at, amount = without_contract(meter, owed, coin, credit=credit), paid * 25 * coin
    try:
        offer = quotes.quote(at, amount)
    except refusals.AmountTooSmall as refusal:
        assert amount < refusal.minimum and refusal.minimum % coin == 0
        assert quotes.quote(at, refusal.minimum).amount == refusal.minimum
        return
    for_energy = amount + credit - offer.recovered - offer.access
    assert for_energy >= 200 and offer.access <= access * coin
    assert offer.recovered * 100 <= amount * recovery and offer.recovered <= overdue * coin
    assert offer.recovered % coin == 0
    assert offer.bought + offer.credit == for_energy, "nothing is given and nothing vanishes"
    assert 0 <= offer.bought * 10 - offer.units * (price + 5) < 10, "a tenth costs its price"
    step = 1 if offer.units < 16_384 else 10 if offer.units < 180_224 else 100  # what an STS token can say
    assert offer.credit * 10 < (price + 5) * step + 10


@given(
    st.integers(0, 100), st.integers(0, 900), st.integers(0, 300), st.integers(1, 400), st.sampled_from([1, 100]),
    st.integers(41, 995), st.sampled_from([0, 1, 50]),
)  # fmt: skip
def test_the_largest_payment_that_is_named_is_taken_and_a_larger_one_is_not(
    recovery: int, overdue: int, access: int, paid: int, coin: int, most: int, credit: int
) -> None:
    """Of a smaller payment less goes to the goods, so what is left of it may still be too much for one token."""
    plan = Tariff(name="t", unit="days", price=coin, minimum=coin, recovery=recovery)
    solar = tariffed("SHS0283", "openpaygo", plan, access * coin)
    owed = (Due(1, 7, 1, TODAY, overdue * coin, overdue * coin),) if overdue and recovery else ()
    at = without_contract(solar, owed, coin, most, credit)
    try:
        quotes.quote(at, paid * 25 * coin)
    except refusals.AmountTooSmall:
        reject()  # that is another test's
    except refusals.AmountTooLarge as refusal:
        assert quotes.quote(at, refusal.most).units <= most
        with pytest.raises(refusals.AmountTooLarge):
            quotes.quote(at, refusal.most + coin)


@given(
    st.integers(1_000, 50_000), st.integers(1, 60), st.sampled_from([WEEKLY, MONTHLY]), st.integers(0, 60_000),
    st.booleans(), st.sampled_from([0, 1, 7]),
)  # fmt: skip
def test_the_least_payment_of_a_plan_is_a_days_price_less_the_credit(
    financed: int, count: int, period: str, paid: int, device: bool, credit: int
) -> None:
    """Whatever its minimum says: less buys no day."""
    at = on_plan(financed, count, period, paid, device=device, credit=credit)
    left = max(financed - paid, 0)
    if not left:
        return
    day = -(-at.owed[0].amount // DAYS[Period(period)]) if device else 1
    least = max(min(day, left) - credit, 1)
    offer = quotes.quote(at, least)
    assert offer.unlocks or offer.units >= device
    if least > 1:
        with pytest.raises(refusals.AmountTooSmall) as refused:
            quotes.quote(at, least - 1)
        assert refused.value.minimum == least


@pytest.mark.parametrize(("unit", "issuer", "least"), [("days", "openpaygo", 355), ("energy", "sts", 36)])
def test_the_least_payment_at_a_tariff_is_a_units_price(unit: str, issuer: str, least: int) -> None:
    plan = Tariff(name="t", unit=unit, price=350, components=5, minimum=1)
    at = without_contract(tariffed("X1", issuer, plan), (), 1)
    assert quotes.quote(at, least).units == 1
    with pytest.raises(refusals.AmountTooSmall, match=str(least)):
        quotes.quote(at, least - 1)


@pytest.fixture
def shop(mwanga: Server) -> Shop:
    return Shop(mwanga)


def kinds(results: Sequence[object]) -> list[str]:
    return sorted(type(result).__name__ for result in results)


async def test_the_same_payment_twice_is_taken_once(shop: Shop) -> None:
    lamp = await shop.sells("Solar lamp", "Baraka")
    offer = await shop.quoted(lamp, 200)
    first, second = await shop.takes(offer, "Asha", "one"), await shop.takes(offer, "Asha", "one")
    assert (first.sale.id, list(first.rest), first.held) == (second.sale.id, list(second.rest), second.held)
    assert second.contract is not None and second.contract.appliance.name == "Solar lamp"
    assert await balance(AccountKind.DEBT, lamp.id) == 700_00
    await check_ledger(shop.mwanga)


async def test_two_agents_who_take_the_rest_at_once_take_it_once(shop: Shop) -> None:
    lamp = await shop.sells("Solar lamp", "Baraka")
    offer = await shop.quoted(lamp, 900)
    results = await asyncio.gather(
        *(shop.takes(offer, agent, agent) for agent in ("Asha", "Juma")), return_exceptions=True
    )
    assert kinds(results) == ["PaidOff", "Sold"]
    ended = await Contract.get(id=lamp.id)
    assert ended.ended_on is not None
    await check_ledger(shop.mwanga)


async def test_a_meters_recovery_and_a_payment_by_number_at_once_settle_each_shilling_once(shop: Shop) -> None:
    lamp, meter = await shop.sells("Solar lamp", "Amina"), await Device.get(serial="04123456784")
    await shop.overdue(lamp)
    await Tariff.filter(id=meter.tariff_id).update(recovery=100)
    results = await asyncio.gather(
        shop.takes(await shop.quoted(lamp, 900), "Asha", "by number"),
        shop.takes(await shop.quoted(meter, 2_000), "Juma", "by meter"),
        return_exceptions=True,
    )
    assert kinds(results) in (["PriceChanged", "Sold"], ["PaidOff", "Sold"])
    assert await balance(AccountKind.DEBT, lamp.id) == 0
    assert (await Contract.get(id=lamp.id)).ended_on is not None
    await check_ledger(shop.mwanga)


async def test_a_meters_payment_pays_goods_off_and_books_each_part(shop: Shop) -> None:
    lamp, meter = await shop.sells("Solar lamp", "Amina"), await Device.get(serial="04123456784")
    await shop.overdue(lamp)
    await Tariff.filter(id=meter.tariff_id).update(recovery=50, components=50_00)
    await Device.filter(id=meter.id).update(access_due=300_00)
    sold = await shop.takes(await shop.quoted(meter, 5_000), "Juma", "one")
    assert (sold.sale.recovered, sold.sale.access, sold.sale.units) == (900_00, 300_00, 95)
    assert (sold.sale.tariff, sold.sale.price, sold.sale.components) == ("Household 350", 350_00, 50_00)
    assert len(sold.digits) == 20
    assert await balance(AccountKind.ACCESS, 0) == -300_00
    assert await balance(AccountKind.ACCESS_DUE, meter.id) == 0, "it fell due and was paid in one"
    assert await balance(AccountKind.ENERGY, 0) == -3_800_00
    assert await balance(AccountKind.DEBT, lamp.id) == 0
    assert (await Device.get(id=meter.id)).access_due == 0
    assert (await Contract.get(id=lamp.id)).ended_on is not None
    await check_ledger(shop.mwanga)


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("change", [{"price": 400_00}, {"components": 10_00}, {"minimum": 9_000_00}])
async def test_a_tariff_that_changed_since_the_question_sells_nothing(shop: Shop, change: dict[str, int]) -> None:
    meter = await Device.get(serial="04123456784")
    offer = await shop.quoted(meter, 5_000)
    await Tariff.filter(id=meter.tariff_id).update(**change)
    with pytest.raises((refusals.PriceChanged, refusals.AmountTooSmall)):
        await shop.takes(offer, "Asha", "one")
    assert not await Sale.exists() and not await Payment.exists()
    await check_ledger(shop.mwanga)


async def test_what_somebody_else_paid_in_between_does_not_stop_a_payment(shop: Shop) -> None:
    shs = await Device.get(serial="SHS0283")
    offer = await shop.quoted(shs, 8_000)
    other = await shop.takes(await shop.quoted(shs, 7_000), "Juma", "first")
    sold = await shop.takes(offer, "Asha", "second")
    assert (other.sale.owed, sold.sale.owed) == (1_085_000_00, 1_077_000_00)
    assert (sold.sale.unit, sold.sale.units) == (Unit.DAYS, 8)
    await check_ledger(shop.mwanga)


async def test_goods_are_paid_within_the_agents_limit(shop: Shop) -> None:
    radio = await shop.sells("Radio", "Baraka", plan="3 monthly")
    await Agent.filter(phone=PEOPLE["Juma"]).update(cash_limit=4_999_00)
    with pytest.raises(refusals.OverLimit):
        await shop.takes(await shop.quoted(radio, 5_000), "Juma", "one")
    sold = await shop.takes(await shop.quoted(radio, 4_999), "Juma", "two")
    assert await cash_held(sold.sale.agent_id) == 4_999_00
    await check_ledger(shop.mwanga)


async def test_the_same_payment_within_a_day_is_held(shop: Shop) -> None:
    radio = await shop.sells("Radio", "Baraka", plan="3 monthly")
    first = await shop.takes(await shop.quoted(radio, 500), "Juma", "one", again=False)
    with pytest.raises(refusals.SoldToday) as held:
        await shop.takes(await shop.quoted(radio, 500), "Juma", "two", again=False)
    assert held.value.earlier.reference == first.sale.reference
    await shop.takes(await shop.quoted(radio, 500), "Asha", "three", again=False)  # another agent is another sale
    await check_ledger(shop.mwanga)


async def test_a_down_payment_holds_no_instalment_of_the_same_amount(shop: Shop) -> None:
    radio = await shop.sells("Radio", "Baraka", plan="3 monthly")
    paid = await shop.takes(await shop.quoted(radio, 3_000), "Asha", "one", again=False)
    assert paid.sale.owed == 9_000_00
    await check_ledger(shop.mwanga)


async def test_a_device_that_is_bought_to_the_end_is_unlocked_for_good_once(mwanga: Server) -> None:
    await Agent.all().update(cash_limit=2_000_000_00)
    phones, now = Phones(mwanga), datetime.now(UTC)
    device = Keypad(bytes.fromhex(PAYGO_KEYS[0]), starting_code=123456789, count=1)
    tokens = []
    for amount in (7_000, 995_000, 80_000, 10_000):
        await phones.text("Asha", f"BUY SHS0283 {amount}")
        told = dict(await phones.text("Asha", f"1 {PINS['Asha']}"))
        codes = {re.sub(r"\D", "", code) for said in told.values() for code in re.findall(r"\d{3} \d{3} \d{3}\b", said)}
        assert len(codes) == 1 and told.keys() == {"Asha", "Baraka"}
        tokens += codes
    assert told["Asha"].startswith("PAID OFF") and "PAID OFF" in told["Baraka"]
    assert not re.search(r"\bdays?\b", told["Asha"] + told["Baraka"])
    for token in tokens[:-1]:
        assert isinstance(device.enter(token, now), Accepted)
    assert not device.paid_off
    unlocked = device.enter(tokens[-1], now)
    assert isinstance(unlocked, Accepted) and unlocked.kind == "DISABLE_PAYG"
    assert device.paid_off and device.is_on(now + timedelta(days=10_000))
    assert isinstance(device.enter(tokens[-1], now), Refused)
    (answer,) = [said for _name, said in await phones.text("Asha", "BUY SHS0283 1")]
    assert answer == "Not sold. Nothing is left to pay for SHS0283."
    await check_ledger(mwanga)
