"""Selling an appliance: a contract is what its question showed, signed once and booked whole, or not at all."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from bot.server import Server
from models.devices import Device, Unit
from models.money.ledger import AccountKind, balance, cash_held, commission_due
from models.people import Agent, Customer
from models.selling import Appliance, Contract, PaymentPlan, Terms, appliance_sale, refusals
from models.selling.appliance_sale import ApplianceSold, Proposal, propose
from models.sql import execute
from tests.emulators.openpaygo_device import Accepted
from tests.emulators.openpaygo_device import Device as Paygo
from tests.world.books import check_ledger
from tests.world.people import NOON, PEOPLE

TODAY = date(2026, 11, 24)
COIN = 100
WHOLE = ("payment", "sale", "token", "contract", "instalment", "entry", "line")


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON):
        yield


def goods(price: int, **plan: object) -> tuple[Appliance, PaymentPlan]:
    item, terms = Appliance(id=1, name="Solar lamp", type="electronics", price=price), PaymentPlan(name="weekly")
    for name, value in ({"appliance_id": 1, "terms": "instalments"} | plan).items():
        setattr(terms, name, value)  # the ORM is not started: it knows no appliance_id yet
    return item, terms


def proposed(price: int, **plan: object) -> Proposal:
    return propose(*goods(price, **plan), Customer(id=1), None, today=TODAY, coin=COIN)


def test_a_lamp_of_a_thousand_with_a_hundred_down_in_seven() -> None:
    proposal = proposed(100_000, down=10_000, count=7, period="weekly")
    assert [amount for _due, amount in proposal.schedule] == [12_800] * 6 + [13_200]
    assert [due for due, _amount in proposal.schedule][::6] == [date(2026, 12, 1), date(2027, 1, 12)]


@given(st.integers(1, 10**7), st.integers(0, 10**7), st.integers(1, 60), st.sampled_from(["weekly", "monthly"]))
def test_down_payment_and_instalments_add_up_to_the_price(price: int, down: int, count: int, period: str) -> None:
    if down < price < down + count:
        with pytest.raises(refusals.NotOffered):
            proposed(price * COIN, down=down * COIN, count=count, period=period)
        return
    proposal = proposed(price * COIN, down=down * COIN, count=count, period=period)
    amounts = [amount for _due, amount in proposal.schedule]
    assert proposal.down + sum(amounts) == price * COIN
    assert len(amounts) == (count if down < price else 0)
    assert all(amount % COIN == 0 for amount in amounts), "nobody pays a fraction in cash"
    assert [due for due, _amount in proposal.schedule] == sorted({due for due, _amount in proposal.schedule})


SHS, BIKE = (Device(id=n, kind=kind, issuer="openpaygo") for n, kind in enumerate(("shs", "ebike"), 1))


@pytest.mark.parametrize(
    ("type_", "plan", "device"),
    [
        ("electronics", {"appliance_id": 2}, None),
        ("electronics", {}, SHS),
        ("electronics", {"terms": "service", "day_price": 1}, None),
        ("shs", {}, None),
        ("shs", {}, BIKE),
    ],
    ids=["another's plan", "goods with a device", "service without one", "device missing", "another kind"],
)
def test_what_the_office_does_not_offer_is_refused(type_: str, plan: dict[str, object], device: Device | None) -> None:
    item, terms = goods(1_000, down=100, count=3, **plan)
    item.type = type_
    with pytest.raises(refusals.NotOffered):
        propose(item, terms, Customer(id=1), device, today=TODAY, coin=COIN)


@pytest.mark.parametrize(
    ("plan", "unit", "units"),
    [
        ({"down": 7_000, "count": 10, "period": "weekly"}, Unit.DAYS, 7),
        ({"down": 985, "count": 10, "period": "weekly"}, None, 0),
        ({"down": 6_999, "count": 10, "period": "weekly"}, Unit.DAYS, 7),
        ({"down": 0, "count": 10, "period": "weekly"}, None, 0),
        ({"terms": "service", "down": 4_500, "day_price": 2_000}, Unit.DAYS, 2),
        ({"terms": "service", "down": 1_500, "day_price": 2_000}, None, 0),
        ({"terms": "cash"}, Unit.UNLOCK, 0),
    ],
)
def test_a_down_payment_buys_the_first_days_and_the_whole_price_unlocks(
    plan: dict[str, object], unit: Unit | None, units: int
) -> None:
    item, terms = goods(77_000 if plan.get("down") == 7_000 else 70_000, **plan)
    item.type = "shs"
    proposal = propose(item, terms, Customer(id=1), SHS, today=TODAY, coin=1)
    assert (proposal.unit, proposal.units) == (unit, units)


async def offer(item: str, plan: str, serial: str = "", to: str = "Baraka") -> Proposal:
    appliance = await Appliance.get(name=item)
    device = await Device.get(serial=serial) if serial else None
    buyer = await Customer.get(phone=PEOPLE[to])
    return propose(
        appliance, await PaymentPlan.get(appliance=appliance, name=plan), buyer, device, today=TODAY, coin=COIN
    )


async def sold(mwanga: Server, proposal: Proposal, key: str, by: str = "Asha", again: bool = False) -> ApplianceSold:
    async with mwanga.database.work():
        seller = await Agent.get(phone=PEOPLE[by])
        return await appliance_sale.sell_appliance(
            proposal, seller=seller, key=key, vault=mwanga.company.vault, again=again
        )


async def counts(mwanga: Server) -> dict[str, int]:
    client = mwanga.database.client
    return {table: (await execute(client, f"SELECT COUNT(*) AS n FROM {table}"))[0]["n"] for table in WHOLE}


async def test_a_sale_books_cash_debt_and_the_commission_on_what_is_paid(mwanga: Server) -> None:
    sale = await sold(mwanga, await offer("Radio", "3 monthly"), "one")
    assert sale.contract.number == "S1002"
    assert [amount for _due, amount in sale.schedule] == [400_000] * 3
    assert await cash_held(1) == 300_000 == sale.held
    assert await balance(AccountKind.DEBT, sale.contract.id) == 1_200_000
    assert await commission_due(1) == 15_000 == sale.commission_due, "5 % of the 3,000 that are paid"
    assert (sale.contract.commission, (await Contract.get(id=sale.contract.id)).earned) == (75_000, 15_000)
    await check_ledger(mwanga)


async def test_the_same_call_twice_is_one_sale(mwanga: Server) -> None:
    proposal = await offer("Solar home", "156 weekly", "SHS0284")
    first = await sold(mwanga, proposal, "one")
    before = await counts(mwanga)
    second = await sold(mwanga, proposal, "one")
    assert await counts(mwanga) == before
    assert first.paid and second.paid
    assert (second.contract.id, second.paid.digits, second.schedule) == (
        first.contract.id,
        first.paid.digits,
        first.schedule,
    )


async def test_without_a_down_payment_no_money_is_taken_and_no_token_made(mwanga: Server) -> None:
    await PaymentPlan.filter(name="156 weekly").update(down=0)
    before = await counts(mwanga)
    sale = await sold(mwanga, await offer("Solar home", "156 weekly", "SHS0284"), "one")
    assert sale.paid is None and sale.held == 0
    assert (await Device.get(serial="SHS0284")).customer_id == sale.customer.id
    after = await counts(mwanga)
    assert (after["payment"], after["token"]) == (before["payment"], before["token"])
    await check_ledger(mwanga)


async def test_paying_the_whole_price_of_a_device_unlocks_it_for_good(mwanga: Server) -> None:
    plan = await PaymentPlan.get(name="156 weekly")
    await PaymentPlan.create(appliance_id=plan.appliance_id, name="cash", terms=Terms.CASH)
    await Appliance.filter(id=plan.appliance_id).update(price=10_000_000)
    sale = await sold(mwanga, await offer("Solar home", "cash", "SHS0284"), "one")
    assert sale.paid and sale.contract.ended_on and not sale.schedule
    key = mwanga.company.vault.open_json((await Device.get(serial="SHS0284")).sealed_key, "device SHS0284")
    device, now = Paygo(bytes.fromhex(str(key["secret"])), int(key["starting_code"])), datetime.now(UTC)
    assert isinstance(device.enter(sale.paid.digits, now), Accepted) and device.paid_off


async def test_a_service_is_never_owed(mwanga: Server) -> None:
    sale = await sold(mwanga, await offer("E-bike", "daily", "EB100043"), "one")
    assert sale.paid and (sale.paid.sale.unit, sale.paid.sale.units) == (Unit.DAYS, 1)
    assert await balance(AccountKind.DEBT, sale.contract.id) == 0
    assert sale.contract.ended_on is None
    await check_ledger(mwanga)


async def _dearer() -> None:
    await Appliance.filter(name="Solar home").update(price=120_000_000)


async def _shorter() -> None:
    await PaymentPlan.filter(name="156 weekly").update(count=100)


async def _withdrawn() -> None:
    await PaymentPlan.filter(name="156 weekly").delete()


async def _taken() -> None:
    await Device.filter(serial="SHS0284").update(customer_id=1)


async def _full() -> None:
    await Agent.filter(id=1).update(cash_limit=699_999)


@pytest.mark.parametrize(
    ("meanwhile", "refusal"),
    [
        (_dearer, refusals.PriceChanged),
        (_shorter, refusals.PriceChanged),
        (_withdrawn, refusals.NotOffered),
        (_taken, refusals.Taken),
        (_full, refusals.OverLimit),
    ],
)
async def test_what_changed_between_question_and_answer_is_refused_whole(  # type: ignore[no-untyped-def]
    meanwhile, refusal: type[refusals.NotSold], mwanga: Server
) -> None:
    proposal = await offer("Solar home", "156 weekly", "SHS0284")
    await meanwhile()
    before = await counts(mwanga)
    with pytest.raises(refusal):
        await sold(mwanga, proposal, "one")
    assert await counts(mwanga) == before
    await check_ledger(mwanga)


async def test_two_agents_at_once_hand_a_device_over_once(mwanga: Server) -> None:
    async def attempt(agent: str, to: str) -> bool:
        try:
            await sold(mwanga, await offer("Solar home", "156 weekly", "SHS0284", to), agent, agent)
        except refusals.Taken:
            return False
        return True

    assert sorted(await asyncio.gather(attempt("Asha", "Amina"), attempt("Juma", "Neema"))) == [False, True]
    assert await Contract.filter(device__serial="SHS0284").count() == 1
    await check_ledger(mwanga)


async def test_one_agent_twice_at_once_sells_the_same_appliance_once(mwanga: Server) -> None:
    async def attempt(key: str) -> bool:
        try:
            await sold(mwanga, await offer("Radio", "cash"), key)
        except refusals.SameAppliance:
            return False
        return True

    assert sorted(await asyncio.gather(attempt("one"), attempt("two"))) == [False, True]
    assert await cash_held(1) == 1_500_000


async def test_the_same_appliance_to_the_same_customer_needs_again(mwanga: Server) -> None:
    radio = await offer("Radio", "cash")
    first = await sold(mwanga, radio, "one")
    with pytest.raises(refusals.SameAppliance) as refusal:
        await sold(mwanga, await offer("Radio", "3 monthly"), "two")
    assert refusal.value.earlier.id == first.contract.id
    await sold(mwanga, replace(radio, customer=await Customer.get(phone=PEOPLE["Neema"])), "three")
    await sold(mwanga, radio, "four", again=True)
    assert await Contract.filter(appliance__name="Radio").count() == 3
