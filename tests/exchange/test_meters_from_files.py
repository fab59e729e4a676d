"""Meters from files: their keys, labels and owners; and a whole mini-grid from nothing, by the commands alone."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.app import assembled
from bot.cli.main import cli
from bot.config import load
from models.vault import Vault
from tests.cli.test_main import query
from tests.exchange.test_all_or_nothing import FILES, OWNED, imported
from tests.world.people import Phones

pytestmark = pytest.mark.everyday_on_sqlite

KEY = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def run(demo_url: str, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("MWANGA_DATABASE", demo_url)
    return lambda *words, **options: CliRunner().invoke(cli, [str(word) for word in words], **options)


def test_meters_come_with_customers_and_can_be_sold_to(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    """One is in stock, the other was never heard of: both have the key of the supply group."""
    for kind, text in (FILES | OWNED).items():
        assert imported(run, kind, text).exit_code == 0, kind
    sql = """SELECT d.serial, d.issuer, d.sealed_key, c.name, p.name AS plan, m.name AS model, t.name AS type,
      s.name AS sub_type, y.name AS meter_type, g.name AS label FROM device d JOIN customer c ON c.id = d.customer_id
      JOIN tariff p ON p.id = d.tariff_id LEFT JOIN devicemodel m ON m.id = d.model_id
      LEFT JOIN connection n ON n.device_id = d.id LEFT JOIN connectiontype t ON t.id = n.type_id
      LEFT JOIN subconnectiontype s ON s.id = n.sub_type_id LEFT JOIN metertype y ON y.id = n.meter_type_id
      LEFT JOIN connectiongroup g ON g.id = n.group_id WHERE d.kind = 'meter' ORDER BY d.serial"""
    _amina, stocked, unheard = query(demo_url, sql)
    vault = Vault("mwanga demo key: never use it for a real device")
    for meter in (stocked, unheard):
        key = vault.open_json(str(meter.pop("sealed_key")), f"device {meter['serial']}")
        assert (key["sgc"], meter.pop("issuer")) == ("123457", "sts")
    assert list(stocked.values()) == ["04123456792", "Halima", "Business 420", None, "Household", None, None, None]
    whole = [
        "04987654326",
        "Juma Ali",
        "Household 350",
        "Calin CA168",
        "School",
        "Primary",
        "Single phase 20A",
        "Farms",
    ]
    assert list(unheard.values()) == whole


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("SHS0283,Household 350,Baraka,Peter,0710000002,,,,,", "there is no plan of days called 'Household 350'"),
        ("04123456784,Weekly 700,Amina,Juma,0710000001,,,,,", "there is no plan of energy called 'Weekly 700'"),
        ("04123456793,Household 350,Amina,Juma,0710000001,,,,,", "04123456793 is not in stock"),
        (
            "SHS0283,Weekly 700,Baraka,Peter,0710000002,,,,School,",
            "meter_type, group, type, sub_type are for meters alone",
        ),
        (
            "SHS0283,Weekly 700,Baraka,Peter,0710000002,Calin CA168,,,,",
            "there is no model of a shs called 'Calin CA168'",
        ),
        ("04123456784,Household 350,Amina,Juma,0710000001,,,,Shop,", "there is no type called 'Shop'"),
        (
            "04123456784,Household 350,Amina,Juma,0710000001,,,,Household,Primary",
            "there is no sub_type called 'Primary'",
        ),
        ("04123456784,Household 350,Amina,Juma,0710000001,,,,,Primary", "type is empty beside a sub_type"),
        ("04123456784,Household 350,Halima,Omari,0754000111,,,,,", "04123456784 belongs to somebody else"),
    ],
)
def test_a_device_fits_its_plan_its_labels_and_its_owner(run, demo_url: str, row: str, reason: str) -> None:  # type: ignore[no-untyped-def]
    for kind, text in FILES.items():
        imported(run, kind, text)
    sql = "SELECT serial, customer_id, tariff_id, model_id FROM device ORDER BY id"
    before = query(demo_url, sql)
    refused = imported(run, "devices", f"{OWNED['devices'].splitlines()[0]}\n{row}\n")
    assert refused.exit_code == 1 and f"line 2: {reason}" in refused.output
    assert query(demo_url, sql) == before


def test_a_meter_needs_a_vending_key(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    query(demo_url, "DELETE FROM setting WHERE name = 'vending key'")
    refused = imported(run, "stock", FILES["stock"].replace("Household 350", ""))
    assert "line 4: there is no vending key for new meters: mwanga vending-key" in refused.output


def test_another_connection_type_takes_the_sub_type_away(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    for kind, text in (FILES | OWNED).items():
        imported(run, kind, text)
    header = OWNED["devices"].splitlines()[0]
    moved = f"{header}\n04987654326,Household 350,Juma Ali,Bakari,none,,,,Household,\n"
    assert "1 rows read, 1 new or changed." in imported(run, "devices", moved).output
    assert "1 rows read, 0 new or changed." in imported(run, "devices", moved).output
    sql = "SELECT n.* FROM connection n JOIN device d ON d.id = n.device_id WHERE d.serial = '04987654326'"
    [connection] = query(demo_url, sql)
    assert connection["sub_type_id"] is None and connection["meter_type_id"] is not None, "what is empty is left"


# From nothing

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
    run, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    """By the commands alone: a meter from a file is sold to, a new one is registered, the cash is handed in."""
    for name, value in {**SETTINGS, "DATABASE": empty_url}.items():
        monkeypatch.setenv(f"MWANGA_{name}", value)
    assert run("vending-key", "--sgc", "600123", input=f"{KEY}\n").exit_code == 0
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

    _question, sold_, _asked, registered = asyncio.run(day())
    assert sold_.startswith("SOLD TZS 3,500, 10 kWh\nHALIMA O. ..6792\nCode ")
    assert registered.startswith("REGISTERED REHEMA A., customer 2, 04987654326, Household 350.")
    receipt = run("agent", "receipt", "0712000001", 3000)
    assert "HANDED IN TZS 3,000. Commission 350 paid out, 0 due. You hold 150 of 90,000." in receipt.output
