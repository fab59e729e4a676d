"""Accents are left out; who wants them gets those that cost nothing, and is told what the others would cost."""

from collections.abc import AsyncIterator

import pytest
from typer.testing import CliRunner

from bot.app import assembled
from bot.cli.main import cli
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


def test_check_tells_what_accents_cost(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MWANGA_DATABASE", demo_url)
    assert "Accents" not in CliRunner().invoke(cli, ["check"]).output
    monkeypatch.setenv("MWANGA_ACCENTS", "true")
    assert "a full message would be 3 SMS instead of 1" in CliRunner().invoke(cli, ["check"]).output
