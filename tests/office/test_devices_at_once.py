"""The office does something with a device that somebody else has hold of at this moment, on PostgreSQL."""

import pytest

from bot.config import Config
from models.devices import Device
from models.people import Customer
from models.selling.swaps import DeviceSwap
from models.sql import lock_rows
from tests.world.at_once import happen_meanwhile
from tests.world.browser import Office, open_office
from tests.world.office_forms import send


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def swap(office: Office) -> tuple[int, str]:
    """Put the device of the shop in the place of Baraka's, at his page."""
    path = f"/people/2/devices/{(await Device.get(serial='SHS0283')).id}/swap"
    return await send(office, path, path, serial="SHS0284", reason="battery")


async def test_a_swap_waits_for_a_spare_that_an_import_has(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        swapped = await happen_meanwhile(
            office.mwanga, lambda: lock_rows("device", "serial = $1", ["SHS0284"]), lambda: swap(office)
        )
        assert swapped == (303, "/people/2?done=swapped")
        assert await DeviceSwap.all().count() == 1


async def test_a_device_that_changed_hands_while_the_swap_waited_is_not_swapped(config: Config) -> None:
    """It is the customer's who was shown that is asked about, and not whoever has it by now."""

    async def give_away() -> None:
        await lock_rows("device", "serial = $1", ["SHS0283"])
        await Device.filter(serial="SHS0283").update(customer_id=(await Customer.get(surname="Paulo")).id)

    async with open_office(config) as office:
        await office.sign_in()
        status, said = await happen_meanwhile(office.mwanga, give_away, lambda: swap(office))
        assert status == 422 and "does not belong to this customer any more" in said
        assert not await DeviceSwap.all().exists()
