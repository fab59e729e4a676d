"""A registration that is sent twice at once, on both engines."""

import asyncio

import pytest

from bot.config import Config
from models.customers import registration
from models.devices import Device
from models.people import Customer
from tests.world.at_once import happen_meanwhile
from tests.world.browser import Office, open_office
from tests.world.office_forms import fields

METER = "04700123450"  # of which nobody ever heard


async def test_a_registration_that_is_sent_twice_at_once_is_done_once(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        form = await filled_in(office)
        both = await asyncio.gather(*(office.post("/register", **form) for _twice in range(2)))
        assert [response.status for response in both] == [200, 200]
        said = sorted([("Registered before: Halima Musa" in await response.text()) for response in both])
        assert said == [False, True]
        assert await Customer.filter(surname="Musa").count() == 1


async def test_who_comes_while_the_first_one_commits_reads_what_it_has_done(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looked whether that is done a moment before, and finds the phone known a moment after."""
    async with open_office(config) as office:
        await office.sign_in()
        form = await filled_in(office)
        assert (await office.post("/register", **form)).status == 200
        looked, find = list[str](), registration.find_done

        async def find_from_then_on(key: str) -> registration.Registered | None:
            looked.append(key)
            return await find(key) if len(looked) > 1 else None

        monkeypatch.setattr(registration, "find_done", find_from_then_on)
        response = await office.post("/register", **form)
        assert response.status == 200 and "Registered before: Halima Musa" in await response.text()
        assert await Customer.filter(surname="Musa").count() == 1


@pytest.mark.parametrize("engine", ["postgres"])
async def test_a_new_meter_that_an_agent_registers_meanwhile_is_in_use(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        [tariff] = await office.ask("SELECT id FROM tariff WHERE unit = 'energy' ORDER BY id LIMIT 1")
        form = await filled_in(office) | {"kind": "meter", "serial": METER, "tariff": str(tariff["id"])}
        response = await happen_meanwhile(
            office.mwanga,
            lambda: Device.create(serial=METER, kind="meter", issuer="sts", sealed_key="", customer_id=1),
            lambda: office.post("/register", **form),
        )
        assert response.status == 409 and f"{METER} is in use already." in await response.text()
        assert not await Customer.filter(surname="Musa").exists()


async def filled_in(office: Office) -> dict[str, str]:
    """A form that was shown, as it is sent to register."""
    [village] = (await office.ask("SELECT id FROM village ORDER BY id"))[:1]
    typed = {"name": "Halima Musa", "phone": "0713 000 111", "village": str(village["id"]), "language": "sw"}
    typed |= {"kind": "none", "serial": "", "do": "register", "consent": "y"}
    return await fields(office, "/register", "/register", **typed)
