"""Data in and out as CSV: checked whole before anything is written, the same file twice changes nothing."""

import asyncio
import csv
import io
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli.main import cli
from bot.runtime.database import Database
from handlers.exchange import EXPORTS, IMPORTS
from models.devices.tables import Device
from models.sql import execute
from models.vault import Vault
from tests.cli.test_main import query

pytestmark = pytest.mark.everyday_on_sqlite

FACTORY = "Serial Number,Starting Code,Key,Count,Time Divider,Restricted Digit Mode,Hardware Model,Version,Test Code"
KEY = "0123456789abcdef0123456789abcdef"

FILES = {
    "villages": "mini_grid,village\nMtwara North,Msijute\nMasasi,\nNewala,Kitangari\n",
    "meter-types": "name\nSingle phase 20A\n",
    "connections": "type,sub_type,tariff,meter_type,group\nSchool,,Business 420,Three phase 100A,Public\n"
    "School,Primary,,,\nSchool,Secondary,,,\n,,,,Farms\n",
    "models": "name,manufacturer,kind,prefix\nSunny 50,Jua,shs,sny\nCalin CA168,Calin,meter,\n",
    "tariffs": "name,unit,price,minimum,components,access_rate,access_days,recovery\nWeekly 700,days,100,700,,,,\n"
    "Shop,energy,420,,80,3000,30,50\n",
    "appliances": "appliance,type,price,plan,terms,down,count,period,day_price,minimum,remind_before,overdue_ticket"
    "\nFan,goods,45000,cash,cash,,,,,,2,yes\nFan,goods,45000,6 weekly,instalments,15%,6,weekly,,500,2,yes\n"
    "Sun 50,shs,300000,daily,service,5000,,,500,500,,\nRadio,electronics,15000,cash,none,,,,,,2,\n",
    "agents": "phone,name,mini_grid,cash_limit,commission_percent,pin\n"
    "0712 000 001,Rehema Kito,lindi south,90000,7,730582\n",
    "customers": "name,surname,phone,language,mini_grid,village\n"
    'Halima,Omari,0754000111,sw,Lindi South,Chiungutwa\n"Juma Ali",Bakari,none,en,Lindi South,\n',
    "stock": f"{FACTORY},kind,plan\nSHS9001,987654321,{KEY},1,1,0,X1,1,,shs,\nEB9002,123123123,{KEY},,4,,,,,ebike,\n"
    "04123456792,,,,,,,,,meter,Household 350\n",
}

OWNED = {
    "devices": "serial,plan,name,surname,phone,model,meter_type,group,type,sub_type\n"
    "SHS9001,Weekly 700,Halima,Omari,0754000111,,,,,\n"
    "0498 7654 326,Household 350,Juma Ali,Bakari,none,Calin CA168,Single phase 20A,Farms,School,Primary\n"
    "04123456792,Business 420,Halima,Omari,+255754000111,,,,Household,\n"
}


@pytest.fixture
def run(demo_url: str, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("MWANGA_DATABASE", demo_url)
    return lambda *words: CliRunner().invoke(cli, list(words))


def imported(run, kind: str, text: str) -> Result:  # type: ignore[no-untyped-def]
    Path("file.csv").write_text(text)
    return run("import", kind, "file.csv")


@pytest.mark.parametrize("kind", FILES)
def test_a_file_is_imported_and_a_second_time_changes_nothing(run, kind: str) -> None:  # type: ignore[no-untyped-def]
    first = imported(run, kind, FILES[kind])
    assert first.exit_code == 0, first.output
    count = FILES[kind].count("\n") - 1
    assert f"{count} rows read, {count} new or changed." in first.output
    again = imported(run, kind, FILES[kind])
    assert f"{count} rows read, 0 new or changed." in again.output


@pytest.mark.parametrize("kind", IMPORTS)
def test_import_then_export_then_import_is_the_identity(run, kind: str) -> None:  # type: ignore[no-untyped-def]
    for before in (*FILES, "devices"):
        assert imported(run, before, (FILES | OWNED)[before]).exit_code == 0
    out = run("export", kind)
    assert out.exit_code == 0, out.output
    back = imported(run, kind, out.output)
    assert back.exit_code == 0, back.output
    assert " 0 new or changed." in back.output
    assert run("export", kind).output == out.output


def test_a_device_from_stock_gets_its_owner_and_can_be_sold_to(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    for kind in ("tariffs", "customers", "stock"):
        imported(run, kind, FILES[kind])
    owner = "serial,plan,name,surname,phone\nshs9001,Weekly 700,Halima,Omari,0754000111\n"
    assert imported(run, "devices", owner).exit_code == 0
    row = query(demo_url, "SELECT d.*, c.name FROM device d JOIN customer c ON c.id = d.customer_id ORDER BY d.id")[-1]
    assert (row["serial"], row["name"], row["count"]) == ("SHS9001", "Halima", 1)
    taken = "serial,plan,name,surname,phone\nSHS9001,Weekly 700,Amina,Juma,+255710000001\n"
    refused = imported(run, "devices", taken)
    assert refused.exit_code == 1 and "line 2: SHS9001 belongs to somebody else" in refused.output


def test_a_device_that_is_there_keeps_its_count(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    imported(run, "stock", FILES["stock"])

    async def use() -> None:
        async with Database(demo_url):
            await Device.filter(serial="SHS9001").update(count=40)

    asyncio.run(use())
    imported(run, "stock", FILES["stock"])
    assert query(demo_url, "SELECT count FROM device WHERE serial = 'SHS9001'") == [{"count": 40}]


def test_keys_are_encrypted_on_the_way_in_and_never_leave(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    imported(run, "stock", FILES["stock"])
    sealed = str(query(demo_url, "SELECT sealed_key FROM device WHERE serial = 'SHS9001'")[0]["sealed_key"])
    assert KEY not in sealed
    vault = Vault("mwanga demo key: never use it for a real device")
    assert vault.open_json(sealed, "device SHS9001")["secret"] == KEY
    for kind in EXPORTS:
        assert KEY not in run("export", kind).output


@pytest.mark.parametrize(
    ("kind", "row", "reason"),
    [
        ("tariffs", "A,hours,100,,,,,", "unit is none of days, energy"),
        ("tariffs", "A,days,0,,,,,", "price is no amount from 0.01 to 99999999: '0'"),
        ("tariffs", "A,days,1.505,,,,,", "price has more decimals than TZS, 2: '1.505'"),
        ("tariffs", 'A,days,"1,000",,,,,', "price has more decimals than TZS, 2: '1,000'"),
        ("tariffs", "A,days,cheap,,,,,", "price is no amount from"),
        ("tariffs", "A,days,5,,,3000,,", "access_days is empty beside an access_rate"),
        ("tariffs", ",days,5,,,,,", "name is empty"),
        ("tariffs", "Household 350,days,350,,,,,", "'Household 350' is a tariff of energy already"),
        ("meter-types", "A,5", "the row has another number"),
        ("agents", "0712,Rehema,Lindi South,1,1,730582", "phone is no phone number"),
        ("agents", "0712000001,Rehema,Lindi South,1,101,730582", "commission_percent is no percentage from 0 to 100"),
        ("agents", "0712000001,Rehema,Lindi South,1,1,123456", "pin is not six digits"),
        ("agents", "0712000009,Rehema,Lindi South,1,1,", "pin is empty, and this agent is new"),
        ("customers", "Halima,Omari,0754000111,xx,Lindi South,", "language is none of"),
        ("customers", "Halima,,0754000111,sw,Lindi South,", "surname is empty"),
        (
            "customers",
            "Halima,Omari,0754000111,sw,Lindy South,",
            "there is no mini_grid called 'Lindy South': did you mean 'Lindi South'?",
        ),
        ("customers", "Jo,Omari,0754000111,sw,Lindi South,", "name and surname have 3 letters or more each"),
        ("customers", "Halima,0m4r1,0754000111,sw,Lindi South,", "name and surname have 3 letters or more each"),
        (
            "agents",
            "0712000009,Rehema,Mtwara Nort,1,1,730582",
            "there is no mini_grid called 'Mtwara Nort': did you mean",
        ),
        ("agents", "0712000009,Rehema,Masasi,1,1,730582", "there is no mini_grid called 'Masasi'"),
        ("stock", f"S1,5,{KEY},,,maybe,,,,,", "restricted digit mode is neither yes nor no: 'maybe'"),
        ("stock", f"S!1,5,{KEY},,,,,,,,", "serial number has more than letters and digits with one of / . _ - between"),
        ("stock", f"S1--2,5,{KEY},,,,,,,,", "serial number has more than letters and digits"),
        ("stock", f"S1,0,{KEY},,,,,,,,", "starting code is no whole number from 1"),
        ("stock", "S1,5,abc,,,,,,,,", "key is not 32 hexadecimal digits"),
        ("stock", "S1,5,a29ab82edc5fbbc41ec9530f6dac86b1,,,,,,,,", "key is the published example"),
        ("stock", f"S1,5,{KEY},,256,,,,,,", "time divider is no whole number from 1 to 255"),
        ("stock", f"S1,5,{KEY},,,,,,,boat,", "kind is none of meter, shs, ebike"),
        ("stock", "04123456793,,,,,,,,,meter,", "serial number is no meter number, its check digit is wrong"),
        ("stock", f"04987654326,,{KEY},,,,,,,meter,", "key is not empty: a meter's comes from the vending key"),
        ("stock", "04987654326,,,,,,,,,meter,Weekly 700", "there is no plan of energy called"),
        ("stock", f"SHS0283,5,{KEY},,,,,,,ebike,", "SHS0283 is another kind of device"),
        ("stock", f"SHS0283,5,{KEY},,,,,,,shs,", "SHS0283 is there with another key or starting code"),
        ("villages", ",Mtwara", "mini_grid is empty"),
        ("meter-types", f"{'W' * 101}", "name is longer than 100 characters"),
        ("connections", "Shop,,Weekly 700,,", "there is no tariff of energy called 'Weekly 700'"),
        ("connections", "Shop,,,Ten phases,", "there is no meter type called 'Ten phases'"),
        ("connections", "School,Evening,Business 420,,", "what is usual stands in the row of the type"),
        ("connections", ",Evening,,,", "type is empty"),
        ("connections", "School,,,,", "the same as line 2"),
        ("models", "Sunny 60,Jua,boat,", "kind is none of meter, shs, ebike"),
        ("models", "Sunny 60,,shs,", "manufacturer is empty"),
        ("tariffs", "A,unlock,100,,,,,", "unit is none of days, energy"),
        ("agents", "0712000001,Rehema,Lindi South,1,7.555,730582", "commission_percent is no percentage"),
        ("stock", f"S1,5,{KEY},,,,,,,shs,Nothing", "there is no plan of days"),
        ("stock", "S1,5,,,,,,,,,", "key is empty, and this device is new"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_written(run, demo_url: str, kind: str, row: str, reason: str) -> None:  # type: ignore[no-untyped-def]
    header, *rows = FILES[kind].splitlines()
    tables = (
        "agent",
        "customer",
        "device",
        "tariff",
        "minigrid",
        "village",
        "metertype",
        "connectiontype",
        "devicemodel",
    )
    before = [query(demo_url, f"SELECT COUNT(*) AS n FROM {table}") for table in tables]
    row += "," * (header.count(",") - row.count(","))  # what is left out is empty
    result = imported(run, kind, "\n".join([header, *rows, row]))
    assert result.exit_code == 1
    assert f"line {len(rows) + 2}: {reason}" in result.output
    assert "Nothing was imported: 1 of the lines" in result.output
    assert [query(demo_url, f"SELECT COUNT(*) AS n FROM {table}") for table in tables] == before


def test_a_missing_column_and_a_repeated_row_are_named(run) -> None:  # type: ignore[no-untyped-def]
    assert "line 1: the column price is missing" in imported(run, "tariffs", "name,unit\nA,days\n").output
    twice = imported(run, "tariffs", "name,unit,price\nA,days,5\nA,days,6\n")
    assert "line 3: the same as line 2" in twice.output


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("name,surname,phone_number,mini_grid", "the column phone_number is none of number, name, surname"),
        ("name,surname,mini_grid,name", "the column name is there twice"),
        ("name;surname;mini_grid;age", "the column age is none of number, name, surname"),
    ],
)
def test_a_column_that_would_be_lost_is_named(run, demo_url: str, header: str, reason: str) -> None:  # type: ignore[no-untyped-def]
    result = imported(run, "customers", f"{header}\nA,B,C,D\n")
    assert result.exit_code == 1 and f"line 1: {reason}" in result.output


def test_what_one_engine_could_not_keep_is_refused(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    rows = f"Halima,Oma\0ri,,en,Lindi South,\nHalima,Omari,,en,Lindi South,{'W' * 101}\n"
    output = imported(run, "customers", f"name,surname,phone,language,mini_grid,village\n{rows}").output
    assert "line 2: the row has a character that no text has" in output
    assert "line 3: village is longer than 100 characters" in output


def test_a_device_keeps_the_plan_that_it_has_in_stock(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    row = "serial,plan,name,surname,phone\nSHS0284,,Baraka,Peter,0710000002\n"
    assert "1 new or changed" in imported(run, "devices", row).output
    assert 'SHS0284,"Solar home, weekly 7,000",Baraka' in run("export", "devices").output


def test_a_device_that_was_sold_without_a_plan_of_its_own_comes_back(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    imported(run, "stock", f"{FACTORY}\nSHS9001,987654321,{KEY},1,1,0,X1,1,\n")
    row = "serial,plan,name,surname,phone\nSHS9001,,Baraka,Peter,0710000002\n"
    assert "line 2: plan is empty, and this device has no owner yet" in imported(run, "devices", row).output

    async def hand_over() -> None:
        async with Database(demo_url):
            await Device.filter(serial="SHS9001").update(customer_id=2)

    asyncio.run(hand_over())
    out = run("export", "devices").output
    assert "SHS9001,,Baraka" in out
    assert " 0 new or changed." in imported(run, "devices", out).output


def test_awkward_names_come_back_as_they_were(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    names = [
        "=1+1",
        "+cmd",
        "-5",
        "@home",
        "O'Neil",
        "'Alii",
        'Ali "Juma"',
        "a, b; c",
        "Zoë 😀",
        "two\nlines",
        "W" * 100,
    ]
    file = io.StringIO()
    csv.writer(file).writerows([("mini_grid", "village"), *(("Masasi", name) for name in names)])
    assert imported(run, "villages", file.getvalue()).exit_code == 0
    kept = {row["name"] for row in query(demo_url, "SELECT name FROM village")}
    assert kept >= set(names)
    out = run("export", "villages").output
    assert " 0 new or changed." in imported(run, "villages", out).output
    assert run("export", "villages").output == out


def test_no_cell_is_a_formula(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    async def rename() -> None:
        async with Database(demo_url) as database:
            await execute(database.client, "UPDATE customer SET name = '=1+1' WHERE phone = '+255710000001'")

    asyncio.run(rename())
    assert "'=1+1," in run("export", "customers").output
