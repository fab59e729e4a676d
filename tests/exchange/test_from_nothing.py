"""From an empty database to a mini-grid that sells and registers, by the commands alone."""

import asyncio
from pathlib import Path

import pytest

from bot.app import assembled
from bot.config import load
from tests.world.people import Phones
from tests.world.prompt import Run

pytestmark = pytest.mark.everyday_on_sqlite

VENDING_KEY = "0123456789abcdef0123456789abcdef01234567"
WORLD = {
    "villages": "mini_grid,village\nMasasi,Chiungutwa\n",
    "tariffs": "name,unit,price,minimum\nHousehold 350,energy,350,\n",
    "meter-types": "name\nSingle phase 60A\n",
    "connections": "type,sub_type,tariff,meter_type,group\nHousehold,,Household 350,Single phase 60A,Residential\n",
    "agents": "phone,name,mini_grid,cash_limit,pin\n0712000001,Rehema Kito,Masasi,90000,730582\n",
    "customers": "name,surname,phone,language,mini_grid,village\nHalima,Omari,0754000111,sw,Masasi,Chiungutwa\n",
    "devices": "serial,plan,name,surname,phone,type\n04123456792,Household 350,Halima,Omari,0754000111,Household\n",
}
SETTINGS = {
    "SECRET_KEY": "k" * 32,
    "HELP_PHONE": "+255700000000",
    "AFRICASTALKING_USERNAME": "masasi",
    "AFRICASTALKING_API_KEY": "key",
    "AFRICASTALKING_SECRET": "s" * 16,
    "AFRICASTALKING_SENDER": "20880",
}


def test_an_empty_database_becomes_a_mini_grid_that_sells_and_registers(
    run: Run, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the commands alone: a meter from a file is sold to, a new one is registered, the cash is handed in."""
    for name, value in {**SETTINGS, "DATABASE": empty_url}.items():
        monkeypatch.setenv(f"MWANGA_{name}", value)
    assert run("vending-key", "--sgc", "600123", input=f"{VENDING_KEY}\n").exit_code == 0
    for kind, text in WORLD.items():
        Path(f"{kind}.csv").write_text(text)
        result = run("import", kind, f"{kind}.csv")
        assert "1 rows read, 1 new or changed." in result.output, (kind, result.output)

    async def day() -> list[str]:
        async with assembled(load(), serving=False) as mwanga:
            phones, said = Phones(mwanga), []
            for text in (
                *("BUY 6792 3500", "1 730582"),
                *("REG Rehema Ali, none, meter, 04987654326, Chiungutwa, household", "1"),
            ):
                said += [
                    answer for phone, answer in await phones.text("+255712000001", text) if phone == "+255712000001"
                ]
            return said

    welcome, _question, sold_, _asked, registered = asyncio.run(day())
    assert welcome.startswith("Welcome to ")
    assert sold_.startswith("SOLD TZS 3,500, 10 kWh\nHALIMA O. ..6792\nCode ")
    assert registered.startswith("REGISTERED REHEMA A., customer 2, 04987654326, Household 350.")
    receipt = run("agent", "receipt", "0712000001", 3000)
    assert "HANDED IN TZS 3,000. You held 3,500, now 150. Commission 350 paid out, 0 due." in receipt.output
