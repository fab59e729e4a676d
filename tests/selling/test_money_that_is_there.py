"""Money that is there already is never refused, and all of it is for something: whatever amount, whatever it meets."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.server import Server
from models.clock import Doubt
from models.devices import Device, Tariff, Unit, with_owner
from models.devices.access_rate import Access
from models.people import Agent, Customer
from models.selling import Appliance, PaymentPlan, Terms
from models.selling.appliance_sale import propose, sell_appliance
from models.selling.instalments import total_left
from models.selling.payable import Payable, PayableDevice, PayableGoods, Standing
from models.selling.quotes import Quote, quote, quote_all
from models.selling.refusals import AmountTooSmall, NotSold
from models.tokens import Obstacle
from tests.world.people import PEOPLE
from tests.world.selling import Shop

pytestmark = pytest.mark.everyday_on_sqlite
METER, HOME, BIKE, SECOND_BIKE = "04123456784", "SHS0283", "EB100042", "EB100043"
DUE = 4_321_00  # of the access rate
# What buys nothing, with what is not of the device or its contract.
STOPPED = ("paid off", "no price", "retired", "sales off", "no more tokens", "too many tokens", "clock")


async def test_money_that_is_there_is_never_refused_and_nothing_of_it_is_lost(mwanga: Server) -> None:
    there = await standings(Shop(mwanga))

    @given(
        st.sampled_from(sorted(there)),
        st.one_of(st.integers(1, 3_000), st.integers(1, 10**7), st.integers(1, 10**15)),
        st.one_of(st.just(0), st.integers(0, 10**6), st.integers(0, 10**12)),
        st.sampled_from([1, 50, 100, 5_000_00]),
    )
    def holds(name: str, funds: int, credit: int, coin: int) -> None:
        at = replace(there[name], credit=credit, coin=coin)
        offer = quote_all(at, funds)
        assert_adds_up(offer, at, funds)
        assert (offer.amount == 0) == (name in STOPPED)

    holds()


async def test_what_is_said_to_be_missing_is_enough(mwanga: Server) -> None:
    """A phone pays any amount: what is told then is paid, and to the unit of currency, whatever coins there are."""
    there = await standings(Shop(mwanga))

    @given(st.sampled_from(sorted(there)), st.integers(1, 10**6), st.integers(0, 10**5), st.sampled_from([1, 50_00]))
    def holds(name: str, funds: int, credit: int, coin: int) -> None:
        at = replace(there[name], credit=credit, coin=coin)
        if isinstance(too_small := quote_all(at, funds).unmet, AmountTooSmall):
            missing = too_small.minimum - funds
            assert quote_all(replace(at, credit=credit + funds), missing).unmet is None

    holds()


async def test_what_is_enough_in_cash_is_enough_by_phone(mwanga: Server) -> None:
    """PRICE names the least in coins, and a part of it may be for overdue goods."""
    there = await standings(Shop(mwanga))

    @given(st.sampled_from(sorted(there)), st.integers(0, 10**5), st.sampled_from([5_00, 50_00, 100_00]))
    def holds(name: str, credit: int, coin: int) -> None:
        at = replace(there[name], credit=credit, coin=coin)
        try:
            quote(at, coin)
        except AmountTooSmall as refusal:
            assert quote_all(at, refusal.minimum).unmet is None
        except NotSold:
            pass

    holds()


def assert_adds_up(offer: Quote, at: Standing, funds: int) -> None:
    """What the units cost, what goods and the access rate got, and the credit, are all that was there."""
    assert offer.amount in (0, funds) and (offer.amount or offer.unmet)
    shared = (offer.units, offer.recovered, offer.access, offer.to_parts, offer.owed, offer.credit)
    assert min(shared) >= 0, shared
    cost = price_of(offer.units, at)
    assert cost + offer.to_parts + offer.access + offer.credit == at.credit + offer.amount
    assert offer.to_parts <= total_left(at.owed) and offer.access <= at.access.due
    if offer.unmet:
        assert (offer.units, offer.to_parts, offer.access, offer.credit) == (0, 0, 0, at.credit + offer.amount)
    else:
        assert offer.has_token or offer.to_parts, "it was enough, and is for nothing"
    if at.contract and at.contract.terms == Terms.INSTALMENTS and offer.amount:
        assert offer.owed == total_left(at.owed) - offer.to_parts
        assert offer.unlocks == (at.device is not None and offer.owed == 0 and offer.unmet is None)


def price_of(units: int, at: Standing) -> int:
    """What so many units cost at a tariff, or by the day; on instalments they are in the parts."""
    if at.contract:
        return units * at.contract.day_price if at.contract.terms == Terms.SERVICE else 0
    plan = at.device.tariff if at.device else None
    steps = 10 if plan and plan.unit == Unit.ENERGY else 1
    return -(-units * (plan.price + plan.components) // steps) if plan else 0


# --- What a payment may meet in the demo world


async def standings(shop: Shop) -> dict[str, Standing]:
    """By what is the matter: as the world is first, then with what happens there."""
    found = {name: await met(shop, serial) for name, serial in (("meter", METER), ("home", HOME), ("bike", BIKE))}
    found |= {
        "sales off": replace(found["meter"], sales_off=True),
        "no more tokens": replace(found["home"], obstacle=Obstacle()),
        "too many tokens": replace(found["meter"], obstacle=Obstacle(5)),
        "clock": replace(found["bike"], doubt=Doubt.BEHIND),
        "few days a token": replace(found["home"], most=3),
    }
    radio, lamp, paid = [
        PayableGoods(await shop.sells(item, who))
        for item, who in (("Radio", "Amina"), ("Solar lamp", "Baraka"), ("Radio", "Neema"))
    ]
    await shop.takes(await shop.quoted(paid.signed, 12_000), "Asha", "all that was left")
    found |= {"goods": await met(shop, radio), "lamp": await met(shop, lamp), "paid off": await met(shop, paid)}
    found["by the day"] = await on_service(shop)
    await shop.overdue(radio.signed)
    for recovery, due in ((30, 0), (100, 0), (0, DUE), (30, DUE), (100, DUE)):
        await Tariff.filter(name="Household 350").update(recovery=recovery, components=37, minimum=500_00)
        at = await met(shop, METER)
        found[f"meter, {recovery} % to goods, {due} of access"] = replace(at, access=Access(due))
    await Device.filter(serial=BIKE).update(tariff_id=None)
    await Device.filter(serial=METER).update(retired_at=datetime.now(UTC))
    return found | {"no price": await met(shop, BIKE), "retired": await met(shop, METER)}


async def met(shop: Shop, what: str | PayableGoods) -> Standing:
    """What a payment for a device or for goods meets now."""
    paid_for: Payable | str = what
    if isinstance(paid_for, str):
        paid_for = PayableDevice(await with_owner((await Device.get(serial=paid_for)).id))
    return await paid_for.standing(shop.company.today(), shop.company.coin, shop.company.vault)


async def on_service(shop: Shop) -> Standing:
    """Neema gets another bike, by the day for ever."""
    device, item = await Device.get(serial=SECOND_BIKE), await Appliance.get(name="E-bike")
    plan, buyer = await PaymentPlan.get(appliance_id=item.id), await Customer.get(phone=PEOPLE["Neema"])
    offer = propose(item, plan, buyer, device, today=shop.company.today(), coin=shop.company.coin)
    seller = await Agent.get(phone=PEOPLE["Asha"])
    async with shop.mwanga.database.work():
        await sell_appliance(offer, seller=seller, key="a bike", vault=shop.company.vault, again=True)
    return await met(shop, SECOND_BIKE)
