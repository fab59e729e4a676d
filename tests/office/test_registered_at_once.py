"""A registration that is sent twice at once, on both engines."""

import asyncio

import pytest

from bot.config import Config
from models.customers import registration
from models.people import Customer
from tests.world.browser import Office, open_office
from tests.world.office_forms import fields


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


async def filled_in(office: Office) -> dict[str, str]:
    """A form that was shown, as it is sent to register."""
    [village] = (await office.ask("SELECT id FROM village ORDER BY id"))[:1]
    typed = {"name": "Halima Musa", "phone": "0713 000 111", "village": str(village["id"]), "language": "sw"}
    typed |= {"kind": "none", "serial": "", "do": "register", "consent": "y"}
    return await fields(office, "/register", "/register", **typed)
