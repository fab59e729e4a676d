"""The devices behind a phone: each with its own customer, of those who share the number, and with its tariff; and
their keys."""

import pytest

from bot.runtime import Database
from models.devices import Device, Tariff, devices_of
from models.devices.keys import open_key, seal_key
from models.devices.tables import LONGEST, spellings
from models.people import Customer, MiniGrid
from models.vault import Sealed, Vault


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


async def test_a_key_is_opened_once_in_a_unit_of_work_and_anew_when_it_has_changed(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, opened = Vault("a key of 32 characters, or more.."), list[str]()
    one, other = ({"secret": number * 32, "starting_code": 1} for number in "12")
    device = Device(serial="SHS1", sealed_key=seal_key("SHS1", one, vault))
    plain = vault.open

    def noting(sealed: str, purpose: str) -> str:
        opened.append(purpose)
        return plain(sealed, purpose)

    monkeypatch.setattr(vault, "open", noting)
    async with database.work():
        assert [open_key(device, vault), open_key(device, vault)] == [one, one]
        assert opened == ["device SHS1"]
        device.sealed_key = seal_key("SHS1", other, vault)
        assert open_key(device, vault) == other
        device.serial = "SHS2"
        with pytest.raises(Sealed):
            open_key(device, vault)
    async with database.work():
        opened.clear()
        device.serial = "SHS1"
        assert (open_key(device, vault), opened) == (other, ["device SHS1"])


def test_what_is_longer_than_a_serial_is_spelt_in_no_way() -> None:
    assert spellings("SHS-1") == {"SHS-1", "SHS1"}
    assert spellings("A" * LONGEST) and spellings("A-" * LONGEST) == set()
