"""Devices in files: stock with its keys, owners and plans, and the labels of meters."""

import asyncio
from datetime import UTC, datetime

import pytest

from bot.runtime import Database
from handlers.exchange import EXPORTS
from models.devices import Device, with_owner
from models.people import OfficeUser
from models.selling.ownership import give_back, retire_device
from models.vault import Vault
from tests.world.csv_files import FACTORY, FILES, KEY, OWNED, import_text
from tests.world.prompt import Run, do_in_one_work, query

pytestmark = pytest.mark.everyday_on_sqlite


def test_a_device_from_stock_gets_its_owner_and_can_be_sold_to(run: Run, demo_url: str) -> None:
    for kind in ("tariffs", "customers", "stock"):
        import_text(run, kind, FILES[kind])
    owner = "serial,plan,name,surname,phone\nshs9001,Weekly 700,Halima,Omari,0754000111\n"
    assert import_text(run, "devices", owner).exit_code == 0
    row = query(demo_url, "SELECT d.*, c.name FROM device d JOIN customer c ON c.id = d.customer_id ORDER BY d.id")[-1]
    assert (row["serial"], row["name"], row["count"]) == ("SHS9001", "Halima", 1)
    taken = "serial,plan,name,surname,phone\nSHS9001,Weekly 700,Amina,Juma,+255710000001\n"
    refused = import_text(run, "devices", taken)
    assert refused.exit_code == 1 and "line 2: SHS9001 belongs to somebody else" in refused.output


def test_a_file_of_the_time_before_gives_nothing_back_to_who_had_it(run: Run, demo_url: str) -> None:
    """What was brought back or scrapped since stays nobody's, however often the file is read again."""
    before, office = run("export", "devices").output, OfficeUser(name="grace")

    async def bring_back() -> None:
        today = datetime.now(UTC).date()
        for serial in ("EB100042", "SHS0283"):
            device = await with_owner((await Device.get(serial=serial)).id)
            await give_back(device, office, "moved away", today)
        await retire_device(device, office, "it was flooded", today=today)

    do_in_one_work(demo_url, bring_back)
    nobodys = query(demo_url, "SELECT serial FROM device WHERE customer_id IS NULL ORDER BY serial")
    again = import_text(run, "devices", before)
    assert again.exit_code == 1 and "SHS0283 is out of use: leave it out of the file" in again.output
    do_in_one_work(demo_url, lambda: Device.filter(serial="SHS0283").update(retired_at=None))
    again = import_text(run, "devices", before)
    for serial in ("EB100042", "SHS0283"):
        assert f"{serial} came back from this customer: leave it out of the file" in again.output
    assert query(demo_url, "SELECT serial FROM device WHERE customer_id IS NULL ORDER BY serial") == nobodys
    somebody_else = "serial,plan,name,surname,phone\nSHS0283,,Neema,Paulo,0710000003\n"
    assert "1 new or changed" in import_text(run, "devices", somebody_else).output


def test_what_is_out_of_use_is_no_stock(run: Run, demo_url: str) -> None:
    assert "SHS0284," in run("export", "stock").output
    do_in_one_work(demo_url, lambda: Device.filter(serial="SHS0284").update(retired_at=datetime.now(UTC)))
    assert "SHS0284," not in run("export", "stock").output


def test_a_device_that_is_there_keeps_its_count(run: Run, demo_url: str) -> None:
    import_text(run, "stock", FILES["stock"])

    async def use() -> None:
        async with Database(demo_url):
            await Device.filter(serial="SHS9001").update(count=40)

    asyncio.run(use())
    import_text(run, "stock", FILES["stock"])
    assert query(demo_url, "SELECT count FROM device WHERE serial = 'SHS9001'") == [{"count": 40}]


def test_a_list_with_another_divider_than_the_device_has_is_not_passed_over(run: Run, demo_url: str) -> None:
    """With a wrong one each token would give another number of days than was paid."""
    assert import_text(run, "stock", f"Serial Number,Starting Code,Key\nSHS9001,987654321,{KEY}\n").exit_code == 0
    same = f"Serial Number,Starting Code,Key,Time Divider,Restricted Digit Mode\nSHS9001,987654321,{KEY},1,0\n"
    assert " 0 new or changed." in import_text(run, "stock", same).output
    other = import_text(run, "stock", same.replace(",1,0", ",4,0"))
    said = "line 2: SHS9001 is there with another time divider or restricted digit mode, and keeps it"
    assert other.exit_code == 1 and said in other.output


def test_keys_are_encrypted_on_the_way_in_and_never_leave(run: Run, demo_url: str) -> None:
    import_text(run, "stock", FILES["stock"])
    sealed = str(query(demo_url, "SELECT sealed_key FROM device WHERE serial = 'SHS9001'")[0]["sealed_key"])
    assert KEY not in sealed
    vault = Vault("mwanga demo key: never use it for a real device")
    assert vault.open_json(sealed, "device SHS9001")["secret"] == KEY
    for kind in EXPORTS:
        assert KEY not in run("export", kind).output


def test_a_device_keeps_the_plan_that_it_has_in_stock(run: Run, demo_url: str) -> None:
    row = "serial,plan,name,surname,phone\nSHS0284,,Baraka,Peter,0710000002\n"
    assert "1 new or changed" in import_text(run, "devices", row).output
    assert 'SHS0284,"Solar home, weekly 7,000",Baraka' in run("export", "devices").output


def test_a_device_that_was_sold_without_a_plan_of_its_own_comes_back(run: Run, demo_url: str) -> None:
    import_text(run, "stock", f"{FACTORY}\nSHS9001,987654321,{KEY},1,1,0,X1,1,\n")
    row = "serial,plan,name,surname,phone\nSHS9001,,Baraka,Peter,0710000002\n"
    assert "line 2: plan is empty, and this device has no owner yet" in import_text(run, "devices", row).output

    async def hand_over() -> None:
        async with Database(demo_url):
            await Device.filter(serial="SHS9001").update(customer_id=2)

    asyncio.run(hand_over())
    out = run("export", "devices").output
    assert "SHS9001,,Baraka" in out
    assert " 0 new or changed." in import_text(run, "devices", out).output


def test_a_stock_row_gives_plan_and_model_to_what_nobody_has_yet(run: Run, demo_url: str) -> None:
    import_text(run, "tariffs", FILES["tariffs"])
    import_text(run, "stock", f"{FACTORY}\nSHS9001,987654321,{KEY},1,1,0,X1,1,\n")
    import_text(run, "models", FILES["models"])
    planned = "serial number,plan,model\nSHS9001,weekly 700,sunny 50\nSHS0283,Weekly 700,\n"
    before = query(demo_url, "SELECT tariff_id FROM device WHERE serial = 'SHS0283'")
    assert "2 rows read, 1 new or changed." in import_text(run, "stock", planned).output
    assert "2 rows read, 0 new or changed." in import_text(run, "stock", planned).output
    sql = """SELECT p.name AS plan, m.name AS model FROM device d JOIN tariff p ON p.id = d.tariff_id
      JOIN devicemodel m ON m.id = d.model_id WHERE d.serial = 'SHS9001'"""
    assert query(demo_url, sql) == [{"plan": "Weekly 700", "model": "Sunny 50"}]
    assert query(demo_url, "SELECT tariff_id FROM device WHERE serial = 'SHS0283'") == before, "somebody has it"


def test_meters_come_with_customers_and_can_be_sold_to(run: Run, demo_url: str) -> None:
    """One is in stock, the other was never heard of: both have the key of the supply group."""
    for kind, text in (FILES | OWNED).items():
        assert import_text(run, kind, text).exit_code == 0, kind
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
def test_a_device_fits_its_plan_its_labels_and_its_owner(run: Run, demo_url: str, row: str, reason: str) -> None:
    for kind, text in FILES.items():
        import_text(run, kind, text)
    sql = "SELECT serial, customer_id, tariff_id, model_id FROM device ORDER BY id"
    before = query(demo_url, sql)
    refused = import_text(run, "devices", f"{OWNED['devices'].splitlines()[0]}\n{row}\n")
    assert refused.exit_code == 1 and f"line 2: {reason}" in refused.output
    assert query(demo_url, sql) == before


def test_a_meter_needs_a_vending_key(run: Run, demo_url: str) -> None:
    query(demo_url, "DELETE FROM setting WHERE name = 'vending key'")
    refused = import_text(run, "stock", FILES["stock"].replace("Household 350", ""))
    assert "line 4: there is no vending key for new meters: mwanga vending-key" in refused.output


def test_another_connection_type_takes_the_sub_type_away(run: Run, demo_url: str) -> None:
    for kind, text in (FILES | OWNED).items():
        import_text(run, kind, text)
    header = OWNED["devices"].splitlines()[0]
    moved = f"{header}\n04987654326,Household 350,Juma Ali,Bakari,none,,,,Household,\n"
    assert "1 rows read, 1 new or changed." in import_text(run, "devices", moved).output
    assert "1 rows read, 0 new or changed." in import_text(run, "devices", moved).output
    sql = "SELECT n.* FROM connection n JOIN device d ON d.id = n.device_id WHERE d.serial = '04987654326'"
    [connection] = query(demo_url, sql)
    assert connection["sub_type_id"] is None and connection["meter_type_id"] is not None, "what is empty is left"
