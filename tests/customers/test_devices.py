"""The devices behind a phone: each with its own customer, of those who share the number, and with its tariff."""

from bot.runtime import Database
from models.devices import Device, Tariff, devices_of
from models.people import Customer, MiniGrid


async def test_each_device_of_a_shared_phone_has_its_own_owner(database: Database) -> None:
    grid = await MiniGrid.create(name="Mtwara")
    days = await Tariff.create(name="Days", unit="days", price=100_00)
    amina, baraka = [
        await Customer.create(name=name, surname="J", phone="+255710000001", mini_grid=grid)
        for name in ("Amina", "Baraka")
    ]
    others = await Customer.create(name="Neema", surname="M", mini_grid=grid)
    for serial, owner, tariff in (("SHS1", baraka, days), ("SHS2", amina, None), ("SHS3", others, days)):
        await Device.create(serial=serial, kind="shs", issuer="openpaygo", sealed_key="", customer=owner, tariff=tariff)
    async with database.work():
        found = await devices_of([amina, baraka])
    assert [(one.serial, one.customer, one.customer_id) for one in found] == [
        ("SHS1", baraka, baraka.id),
        ("SHS2", amina, amina.id),
    ]
    assert [one.tariff and one.tariff.name for one in found] == ["Days", None]
    assert await devices_of([]) == []
