"""The office sells at the counter: the cash is in its till at once, nobody earns, what is sent twice is sold once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.server import Server
from handlers.customers.profile import describe
from handlers.selling.counter import (
    propose_at_counter,
    quote_at_counter,
    sell_appliance_at_counter,
    sell_at_counter,
)
from handlers.selling.moved import move_by_office
from handlers.selling.void import void_by_office
from models.audit import Audit
from models.devices import Device, with_owner
from models.messages.tables import Outbox
from models.money import reconciling
from models.money.books import find_fault
from models.money.ledger import AccountKind, balance
from models.money.reconciling import Said
from models.money.statements import Direction
from models.money.till import NotInTill, SlipBooked, TillDeposit, bring_to_bank, in_till, moves, on_the_way
from models.people import Customer, OfficeUser
from models.selling import Appliance, Contract, PaymentPlan, Sale
from models.selling.payable import PayableDevice, PayableGoods
from models.selling.refusals import AmountTooSmall, PriceChanged, SalesOff, SameAppliance, SoldToday
from models.settings import switch_sales
from tests.world.people import PEOPLE, Phones


async def user(name: str = "rehema") -> OfficeUser:
    found = await OfficeUser.get_or_none(name=name)
    return found or await OfficeUser.create(name=name, password_hash="none")


async def device(serial: str = "SHS0283") -> PayableDevice:
    return PayableDevice(await with_owner((await Device.get(serial=serial)).id))


async def sell(mwanga: Server, amount: int = 8_000, key: str = "form 1", *, again: bool = False) -> tuple[Sale, bool]:
    """In shillings, for Baraka's solar home system."""
    place = {"company": mwanga.company, "composer": mwanga.composer}
    async with mwanga.database.work():
        offer = await quote_at_counter(await device(), amount * 100, mwanga.company)
        sold, new = await sell_at_counter(offer, key, await user(), again=again, **place)
    assert sold.digits
    return sold.sale, new


async def test_the_cash_is_in_the_till_and_the_customer_has_the_code(mwanga: Server) -> None:
    sale, new = await sell(mwanga)
    assert new and sale.agent_id is None and sale.commission == 0
    assert await in_till() == 8_000_00
    [message] = await Outbox.filter(phone=PEOPLE["Baraka"])
    assert message.kind == "token" and f"Ref {sale.reference}" in message.text
    assert await Audit.filter(actor="rehema", action="counter sale", subject="SHS0283").count() == 1
    assert [(one.what, one.number, one.amount, one.actor) for one in await moves()] == [
        ("sale payment", sale.id, 8_000_00, "rehema")
    ]
    said = "\n".join(await describe(await Customer.get(id=2), mwanga.company, actor="rehema"))
    assert "sold by the office" in said
    assert not await find_fault()


async def test_sent_twice_it_is_sold_once_and_again_only_when_said(mwanga: Server) -> None:
    first, _new = await sell(mwanga)
    second, new = await sell(mwanga)
    assert (second.id, new) == (first.id, False)
    with pytest.raises(SoldToday):
        await sell(mwanga, key="form 2")
    third, new = await sell(mwanga, key="form 2", again=True)
    assert new and third.id != first.id and await in_till() == 16_000_00
    assert await Outbox.filter(phone=PEOPLE["Baraka"]).count() == 2


async def test_an_agents_sale_that_was_moved_is_no_sale_of_the_counter(mwanga: Server) -> None:
    phones = Phones(mwanga)
    for text in ("BUY EB100042 8000", "1 482915"):
        await phones.text("Asha", text)
    sale = await Sale.all().order_by("-id").first()
    assert sale
    to, place = await device(), {"company": mwanga.company, "composer": mwanga.composer}
    async with mwanga.database.work():
        await move_by_office(sale, to.device, await user(), **place)
    assert (await sell(mwanga))[1], "nobody sold the same at the counter"


async def test_the_same_form_at_once_sells_once(mwanga: Server) -> None:
    await user()
    done = await asyncio.gather(*(sell(mwanga) for _ in range(4)))
    assert len({sale.id for sale, _new in done}) == 1 and [new for _sale, new in done].count(True) == 1
    assert await Sale.all().count() == await Outbox.filter(phone=PEOPLE["Baraka"]).count() == 1


async def test_what_was_quoted_is_sold_or_nothing(mwanga: Server) -> None:
    with pytest.raises(AmountTooSmall):
        await quote_at_counter(await device(), 50_00, mwanga.company)
    async with mwanga.database.work():
        offer = await quote_at_counter(await device(), 8_000_00, mwanga.company)
    await sell(mwanga, 7_500)
    place = {"company": mwanga.company, "composer": mwanga.composer}
    with pytest.raises(PriceChanged):
        async with mwanga.database.work():
            await sell_at_counter(offer, "form 3", await user(), **place)
    assert await in_till() == 7_500_00


async def test_a_sale_of_the_counter_is_taken_back_and_the_cash_leaves_the_till(mwanga: Server) -> None:
    sale, _new = await sell(mwanga)
    place = {"company": mwanga.company, "composer": mwanga.composer}
    async with mwanga.database.work():
        assert await void_by_office(sale, await user(), "wrong house", **place) is None
        done = await void_by_office(sale, await user("juma"), **place)
    assert done and done.agent is None and done.at_counter and await in_till() == 0
    [_token, void] = await Outbox.filter(phone=PEOPLE["Baraka"]).order_by("id")
    assert f"{mwanga.company.name[:12]} gives you the cash back" in void.text
    assert not await balance(AccountKind.UNAPPLIED, sale.payment_id) and not await find_fault()


async def appliance(mwanga: Server, plan: str, key: str = "form 1") -> tuple[Contract, bool]:
    """Sell a radio to Amina."""
    item = await Appliance.get(name="Radio")
    chosen = await PaymentPlan.get(appliance_id=item.id, name=plan)
    amina = await Customer.get(id=1)
    place = {"company": mwanga.company, "composer": mwanga.composer}
    async with mwanga.database.work():
        proposal = propose_at_counter(item, chosen, amina, None, mwanga.company)
        sold, new = await sell_appliance_at_counter(proposal, key, await user(), **place)
    return sold.contract, new


async def test_an_appliance_is_sold_on_a_plan_and_paid_at_the_counter(mwanga: Server) -> None:
    item = await Appliance.get(name="Radio")
    plans = [plan.name for plan in await PaymentPlan.filter(appliance_id=item.id).order_by("id")]
    on_plan = next(plan for plan in plans if plan != "cash")
    contract, new = await appliance(mwanga, on_plan)
    assert new and contract.agent_id is None and contract.commission == 0
    assert (await appliance(mwanga, on_plan))[1] is False
    with pytest.raises(SameAppliance):
        await appliance(mwanga, on_plan, "form 2")
    place = {"company": mwanga.company, "composer": mwanga.composer}
    signed = await Contract.get(id=contract.id).prefetch_related("customer", "appliance")
    async with mwanga.database.work():
        offer = await quote_at_counter(PayableGoods(signed), 1_000_00, mwanga.company)
        await sell_at_counter(offer, "pay 1", await user(), **place)
    assert await in_till() == contract.down + 1_000_00
    assert not await find_fault()


async def test_what_is_brought_to_the_bank_is_booked_once_whatever_the_statement_says(mwanga: Server) -> None:
    await sell(mwanga)
    async with mwanga.database.work():
        with pytest.raises(NotInTill):
            await bring_to_bank(8_000_01, "slip 7", "grace", "key 1")
        await bring_to_bank(5_000_00, "slip 7", "grace", "key 1")
        await bring_to_bank(5_000_00, "slip 7", "grace", "key 1")
    assert await in_till() == 3_000_00 and await balance(AccountKind.BANK, 0) == 5_000_00
    assert [one.reference for one in await on_the_way()] == ["slip 7"]
    said = Said(provider="bank", reference="SLIP7", direction=Direction.IN, amount=5_000_00, at=datetime.now(UTC))
    async with mwanga.database.work():
        await reconciling.add_line(said, actor="grace")
        [line] = await reconciling.find_lines("SLIP7")
        await reconciling.deposit(line, actor="grace")
    assert await balance(AccountKind.BANK, 0) == 5_000_00 and not await on_the_way()
    assert (await TillDeposit.get(key="key 1")).line_id == line.id
    assert not await find_fault()


async def test_a_slip_that_is_booked_already_is_booked_again_only_when_it_is_another_one(mwanga: Server) -> None:
    await sell(mwanga)
    async with mwanga.database.work():
        await bring_to_bank(3_000_00, "slip 7.", "grace", "key 1")
    for typed in ("slip 7", "SLIP-7", "Slip  7."):
        with pytest.raises(SlipBooked) as refused:
            async with mwanga.database.work():
                await bring_to_bank(3_000_00, typed, "henry", "key 2")
        assert refused.value.earlier.actor == "grace"
    assert await in_till() == 5_000_00
    async with mwanga.database.work():
        await bring_to_bank(3_000_00, "slip 7", "henry", "key 2", again=True)
        await bring_to_bank(1_000_00, "slip 77", "henry", "key 3")
    assert await in_till() == 1_000_00 and not await find_fault()


async def test_what_the_statement_said_first_is_booked_once(mwanga: Server) -> None:
    await sell(mwanga)
    at = datetime.now(UTC) - timedelta(days=2)
    async with mwanga.database.work():
        for reference in ("SLIP6", "SLIP7"):
            said = Said(provider="bank", reference=reference, direction=Direction.IN, amount=4_000_00, at=at)
            await reconciling.add_line(said, actor="grace")
            [line] = await reconciling.find_lines(reference)
            await reconciling.deposit(line, actor="grace")
    assert await in_till() == 0 and await balance(AccountKind.BANK, 0) == 8_000_00
    for key, slip in (("key 1", "slip 7"), ("key 1", "slip 7"), ("key 2", "slip 6")):
        async with mwanga.database.work():
            deposit = await bring_to_bank(4_000_00, slip, "grace", key)
        [line] = await reconciling.find_lines(slip.upper().replace(" ", ""))
        assert deposit.line_id == line.id
    assert await in_till() == 0 and await balance(AccountKind.BANK, 0) == 8_000_00 and not await on_the_way()
    async with mwanga.database.work():
        with pytest.raises(NotInTill):
            await bring_to_bank(4_000_00, "slip 8", "grace", "key 3")
    assert not await find_fault()


async def test_nothing_is_sold_while_sales_are_off(mwanga: Server) -> None:
    async with mwanga.database.work():
        await switch_sales(False, actor="grace")
    with pytest.raises(SalesOff):
        await sell(mwanga)
    with pytest.raises(SalesOff):
        await appliance(mwanga, "cash")
