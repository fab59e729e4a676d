"""What a payment meets is read in one statement: it says what the questions say that are asked one by one."""

from datetime import UTC, datetime

import pytest
from tortoise.exceptions import OperationalError

from bot.server import Server
from models.devices import Device, with_owner
from models.money.ledger import AccountKind, Posting, balance, credit_of
from models.people import Agent
from models.selling import Contract, Sale
from models.selling.cash_limit import read_room
from models.selling.contracts import contract_of, read_contract
from models.selling.met import Asked, meet_device, meet_goods
from models.selling.sales import same_today
from models.settings import are_sales_off, switch_sales
from tests.world.books import book
from tests.world.people import PINS, Phones
from tests.world.selling import Shop


@pytest.mark.parametrize("serial", ["SHS0283", "EB100042", "04123456784"])
async def test_a_device_is_met_as_it_is(mwanga: Server, serial: str) -> None:
    asha, juma = await Agent.get(name="Asha Mushi"), await Agent.get(name="Juma Said")
    device = await Device.get(serial=serial)
    await Phones(mwanga).text("Asha", f"BUY {serial} 8000")
    await Phones(mwanga).text("Asha", f"1 {PINS['Asha']}")
    last = await Sale.get()
    owner = device.customer_id or 0
    await book("more credit", Posting(AccountKind.BANK, 0, 70), Posting(AccountKind.CREDIT, owner, -70))
    await book("access", Posting(AccountKind.ACCESS_DUE, device.id, 90), Posting(AccountKind.ACCESS, 0, -90))
    met = await meet_device(device.id, Asked(seller=asha, key=last.key, reference=last.reference))
    device = await with_owner(device.id)
    assert met.device and [vars(one) for one in (met.device, met.device.customer, met.device.tariff)] == [
        vars(one) for one in (device, device.customer, device.tariff)
    ]
    contract = await contract_of(device)
    assert met.contract and vars(met.contract) == vars(contract) if contract else met.contract is None
    assert met.room == await read_room(asha) and met.credit == await credit_of(owner) >= 70
    assert met.access_booked == await balance(AccountKind.ACCESS_DUE, device.id) == 90
    assert met.has_goods == await Contract.exists(customer_id=owner, device_id=None)
    assert met.sold_today and not (await meet_device(device.id, Asked(seller=juma))).sold_today
    assert await same_today(asha, 8_000_00, device_id=device.id) == last == met.sold
    assert (met.asked, met.reference, met.sales_off) == (False, "", await are_sales_off())


async def test_goods_are_met_as_they_are(mwanga: Server) -> None:
    asha, shop = await Agent.get(name="Asha Mushi"), Shop(mwanga)
    contract = await shop.sells("Radio", "Neema")
    before = await meet_goods(contract.id, Asked(seller=asha, key="k", reference="RRRRR"))
    assert (before.sold_today, before.sold, before.reference) == (True, None, "RRRRR")
    sold = await shop.takes(await shop.quoted(contract, 1_000), "Asha", "k")
    met = await meet_goods(contract.id, Asked(seller=asha, key="k"))
    contract = await read_contract(contract.id)
    assert met.contract and vars(met.contract.customer) == vars(contract.customer)
    assert vars(met.contract.appliance) == vars(contract.appliance)
    assert (
        met.device is None and met.has_goods and met.contract.device is None and met.contract.number == contract.number
    )
    assert met.sold_today and met.sold == sold.sale and met.room == await read_room(asha)


async def test_what_others_change_is_met(mwanga: Server) -> None:
    asha, device, shop = await Agent.get(name="Asha Mushi"), await Device.get(serial="SHS0283"), Shop(mwanga)
    offer = await shop.quoted(device, 8_000)
    await Agent.filter(id=asha.id).update(retired_at=datetime.now(UTC))
    assert (await meet_device(device.id, Asked(seller=asha))).room is None
    with pytest.raises(OperationalError, match="retired"):
        await shop.takes(offer, "Asha", "k")
    async with mwanga.database.work():
        await switch_sales(on=False, actor="rehema")
    assert (await meet_device(device.id, Asked(seller=asha))).sales_off
