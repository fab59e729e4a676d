"""Commission on an appliance is earned as its price is paid, by the agent who sold it, and taken back with a sale."""

import pytest

from bot.server import Server
from models.devices import Device
from models.money.ledger import AccountKind, balance, commission_due
from models.people import Agent, Customer
from models.selling import Appliance, Contract, PaymentPlan
from models.selling.appliance_sale import propose, sell_appliance
from models.selling.commissions import claw_back
from models.sql import connection, execute
from tests.world.books import check_ledger
from tests.world.people import PEOPLE
from tests.world.selling import Shop


@pytest.fixture
def shop(mwanga: Server) -> Shop:
    return Shop(mwanga)


async def agent(name: str) -> int:
    return int((await Agent.get(phone=PEOPLE[name])).id)


async def test_it_is_all_earned_when_the_price_is_paid_whoever_takes_the_money(shop: Shop) -> None:
    """5 % of 15,000 are 750; Juma earns 10 % of what he takes besides."""
    radio = await shop.sells("Radio", "Baraka", plan="3 monthly")
    asha, juma = await agent("Asha"), await agent("Juma")
    earned = [await commission_due(asha)]
    for n, amount in enumerate((4_000, 3_999, 4_001)):
        sold = await shop.takes(await shop.quoted(radio, amount), "Juma", f"key {n}")
        earned.append(await commission_due(asha))
        assert sold.commission_due == await commission_due(juma)
    assert earned == [150_00, 350_00, 549_95, 750_00]
    assert await commission_due(juma) == 1_200_00
    signed = await Contract.get(id=radio.id)
    assert signed.earned == signed.commission == 750_00
    assert await balance(AccountKind.COMMISSION_COST, 0) == 750_00 + 1_200_00
    await check_ledger(shop.mwanga)


async def test_a_meters_share_for_goods_earns_too(shop: Shop) -> None:
    lamp, meter = await shop.sells("Solar lamp", "Amina"), await Device.get(serial="04123456784")
    await shop.overdue(lamp)
    await execute(connection(), "UPDATE tariff SET recovery = 50 WHERE id = $1", [meter.tariff_id])
    before = await commission_due(await agent("Asha"))
    await shop.takes(await shop.quoted(meter, 1_000), "Juma", "one")
    assert await commission_due(await agent("Asha")) - before == 25_00, "5 % of 500"
    await check_ledger(shop.mwanga)


async def test_a_service_earns_as_its_days_are_paid(shop: Shop) -> None:
    bike = await Appliance.get(name="E-bike")
    plan = await PaymentPlan.get(appliance_id=bike.id)
    device, neema = await Device.get(serial="EB100043"), await Customer.get(phone=PEOPLE["Neema"])
    company = shop.company
    proposal = propose(bike, plan, neema, device, today=company.today(), coin=company.coin)
    seller = await Agent.get(phone=PEOPLE["Asha"])
    async with shop.mwanga.database.work():
        await sell_appliance(proposal, seller=seller, key="bike", vault=company.vault)
    assert await commission_due(seller.id) == 100_00, "5 % of the 2,000 that were paid"
    await shop.takes(await shop.quoted(device, 4_000), "Juma", "one")
    assert await commission_due(seller.id) == 300_00
    await check_ledger(shop.mwanga)


async def test_where_the_operator_says_so_it_is_earned_at_signing(shop: Shop) -> None:
    radio = await Appliance.get(name="Radio")
    plan = await PaymentPlan.get(appliance_id=radio.id, name="3 monthly")
    baraka, company = await Customer.get(phone=PEOPLE["Baraka"]), shop.company
    proposal = propose(radio, plan, baraka, None, today=company.today(), coin=company.coin)
    seller = await Agent.get(phone=PEOPLE["Asha"])
    async with shop.mwanga.database.work():
        sold = await sell_appliance(
            proposal, seller=seller, key="radio", vault=company.vault, commission_at_signing=True
        )
    assert (sold.commission_due, await commission_due(seller.id)) == (750_00, 750_00)
    contract = await Contract.get(id=sold.contract.id).prefetch_related("appliance", "customer", "device")
    await shop.takes(await shop.quoted(contract, 4_000), "Juma", "one")
    assert await commission_due(seller.id) == 750_00
    await check_ledger(shop.mwanga)


async def test_a_void_sale_takes_back_what_it_earned(shop: Shop) -> None:
    radio = await shop.sells("Radio", "Baraka", plan="3 monthly")
    sold = await shop.takes(await shop.quoted(radio, 4_000), "Juma", "one")
    async with shop.mwanga.database.work():
        await execute(
            connection(),
            "INSERT INTO allocation (sale_id, instalment_id, amount, reverses_id) "
            "SELECT sale_id, instalment_id, -amount, id FROM allocation WHERE sale_id = $1",
            [sold.sale.id],
        )
        await claw_back(sold.sale, "office admin")
    assert (await commission_due(await agent("Asha")), await commission_due(await agent("Juma"))) == (150_00, 0)
    assert (await Contract.get(id=radio.id)).earned == 150_00
