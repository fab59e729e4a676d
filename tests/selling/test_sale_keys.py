"""The key of a sale names one request for good, and a device's contract is its owner's."""

from dataclasses import replace

import pytest

from bot.server import Server
from models.devices import Device, with_owner
from models.people import Agent, Customer
from models.selling import appliance_sale, payment, quotes
from models.selling.catalogue import Appliance, PaymentPlan
from models.selling.contracts import contract_of
from models.selling.payable import PayableDevice
from models.selling.refusals import OtherRequest


async def quoted(mwanga: Server, serial: str, amount: int) -> quotes.Quote:
    device = await Device.get(serial=serial)
    company = mwanga.company
    at = await PayableDevice(await with_owner(device.id)).standing(company.today(), company.coin, company.vault)
    return quotes.quote(at, amount)


@pytest.mark.parametrize(("serial", "amount"), [("EB100042", 7_000_00), ("SHS0283", 8_000_00)])
async def test_the_key_of_another_sale_is_refused(serial: str, amount: int, mwanga: Server) -> None:
    agent, vault = await Agent.get(name="Asha Mushi"), mwanga.company.vault
    async with mwanga.database.work():
        first = await payment.sell(await quoted(mwanga, "SHS0283", 7_000_00), seller=agent, key="k", vault=vault)
        same = await payment.sell(await quoted(mwanga, "SHS0283", 7_000_00), seller=agent, key="k", vault=vault)
        assert same.digits == first.digits
        with pytest.raises(OtherRequest):
            await payment.sell(await quoted(mwanga, serial, amount), seller=agent, key="k", vault=vault)


async def test_the_key_of_another_sale_of_an_appliance_is_refused(mwanga: Server) -> None:
    agent, company = await Agent.get(name="Asha Mushi"), mwanga.company
    radio = await Appliance.get(name="Radio")
    plan, amina = await PaymentPlan.get(name="cash"), await Customer.get(name="Amina")
    offer = appliance_sale.propose(radio, plan, amina, None, today=company.today(), coin=company.coin)
    async with mwanga.database.work():
        await appliance_sale.sell_appliance(offer, seller=agent, key="k", vault=company.vault)
        await appliance_sale.sell_appliance(offer, seller=agent, key="k", vault=company.vault)
        other = replace(offer, customer=await Customer.get(name="Neema"))
        with pytest.raises(OtherRequest):
            await appliance_sale.sell_appliance(other, seller=agent, key="k", vault=company.vault)


async def test_a_new_owner_does_not_pay_a_former_owners_contract(mwanga: Server) -> None:
    solar = await Device.get(serial="SHS0283")
    assert await contract_of(solar)
    await Device.filter(id=solar.id).update(customer_id=(await Customer.get(name="Neema")).id)
    assert await contract_of(await Device.get(serial="SHS0283")) is None
    offer = await quoted(mwanga, "SHS0283", 7_000_00)
    assert (offer.standing.contract, offer.units, offer.parts) == (None, 7, ())
