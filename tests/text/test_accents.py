"""Accents are left out; who wants them gets those that cost nothing."""

from collections.abc import AsyncIterator

import pytest

from bot.app import assembled
from bot.config import load
from bot.text.gsm import parts
from models.people import Customer
from tests.world.people import PEOPLE, Phones


@pytest.fixture(params=[True, False], ids=["with accents", "without"])
async def phones(request: pytest.FixtureRequest, demo_url: str) -> AsyncIterator[Phones]:
    async with assembled(load(database=demo_url, accents=request.param), serving=False) as mwanga:
        await Customer.filter(phone=PEOPLE["Baraka"]).update(name="José", surname="Gonçalves")
        yield Phones(mwanga)


async def test_a_name_keeps_its_accents_where_that_is_wanted_and_free(phones: Phones) -> None:
    wanted = phones.mwanga.company.accents
    [(_name, found)] = await phones.text("Asha", "CUST 2")
    assert ("José Goncalves" if wanted else "Jose Goncalves") in found
    await phones.text("Asha", "BUY SHS0283 8000")
    sold = await phones.text("Asha", "1 482915")
    assert ("JOSÉ G." if wanted else "JOSE G.") in sold[0][1]
    assert all(parts(message) == 1 for _name, message in sold)
