"""A gateway phone is added twice in the same moment, on PostgreSQL, as by a double click."""

import re

import pytest

from bot.android import linking
from bot.config import Config
from models.sql import now_ms
from tests.world.at_once import happen_meanwhile
from tests.world.browser import open_office
from tests.world.office_forms import send

PHONES = "/settings/phones"


@pytest.mark.parametrize("engine", ["postgres"])
async def test_the_code_that_is_shown_last_works(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        vault, work = office.mwanga.company.vault, office.mwanga.database.work
        status, html = await happen_meanwhile(
            office.mwanga,
            lambda: linking.add("Shop phone", vault, actor="admin"),
            lambda: send(office, PHONES, PHONES, name="Shop phone"),
        )
        assert status == 200
        [code] = re.findall(r"<dd>(\d{3}) (\d{3})</dd>", html)
        async with work():
            phone = await linking.by_code("".join(code), vault, now_ms())
        assert phone and phone.name == "Shop phone"
