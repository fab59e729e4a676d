"""What a file says nothing of stays as it is; who is meant by a row; what `none` takes away."""

import asyncio

import pytest

from bot.runtime.database import Database
from models.customers.numbers import keep_numbers
from models.people.tables import Customer
from tests.cli.test_main import query
from tests.exchange.test_all_or_nothing import FACTORY, FILES, KEY, imported, run

pytestmark = pytest.mark.everyday_on_sqlite

__all__ = ["run"]  # a fixture
HALIMA = "name,surname,phone,language,mini_grid,village\nHalima,Omari,0754000111,sw,Lindi South,Chiungutwa\n"
FAN = "appliance,type,price,plan,terms,down,count,period,minimum,remind_before,overdue_ticket\n"
FAN += "Fan,goods,45000,6 weekly,instalments,15%,6,weekly,500,2,yes\n"
FEWER = {
    "customers": ("name,surname,phone,mini_grid\nHalima,Omari,0754000111,Lindi South\n", HALIMA),
    "agents": (
        "phone,name,mini_grid,cash_limit\n0712000001,Rehema Kito,Lindi South,90000\n",
        "phone,name,mini_grid,cash_limit,language,commission_percent,goods_commission_percent,pin\n"
        "0712000001,Rehema Kito,Lindi South,90000,fr,7.25,3,730582\n",
    ),
    "tariffs": ("name,unit,price\nShop,energy,420\n", FILES["tariffs"]),
    "models": ("name,manufacturer,kind\nSunny 50,Jua,shs\n", FILES["models"]),
    "connections": ("type\nSchool\n", FILES["connections"]),
    "appliances": ("appliance,type,price,plan,terms\nFan,goods,45000,6 weekly,instalments\n", FAN),
    "stock": ("serial number\nSHS9001\n", f"{FACTORY},kind,plan\nSHS9001,987654321,{KEY},7,4,1,,,,ebike,Weekly 700\n"),
}


@pytest.mark.parametrize("kind", FEWER)
@pytest.mark.parametrize("empty", [False, True])
def test_fewer_columns_and_empty_cells_leave_what_is_known(run, kind: str, empty: bool) -> None:  # type: ignore[no-untyped-def]
    fewer, whole = FEWER[kind]
    imported(run, "tariffs", FILES["tariffs"])
    assert imported(run, kind, whole).exit_code == 0
    before = run("export", kind).output
    if empty:
        header, missing = fewer.splitlines()[0], len(whole.splitlines()[0].split(",")) - fewer.split("\n")[0].count(",")
        more = [name for name in whole.splitlines()[0].lower().split(",") if name not in header.split(",")]
        fewer = f"{','.join([header, *more])}\n{fewer.splitlines()[1]}{',' * (missing - 1)}\n"
    result = imported(run, kind, fewer)
    assert "1 rows read, 0 new or changed." in result.output, result.output
    assert run("export", kind).output == before


@pytest.mark.parametrize(
    ("kind", "row", "sql", "value"),
    [
        (
            "appliances",
            f"{FAN.splitlines()[0]}\nFan,goods,45000,6 weekly,instalments,,,,,none,\n",
            "SELECT remind_before AS gone FROM appliance WHERE name = 'Fan'",
            None,
        ),
        (
            "customers",
            "name,surname,phone,mini_grid,village\nHalima,Omari,0754000111,Lindi South,NONE\n",
            "SELECT village_id AS gone FROM customer WHERE name = 'Halima'",
            None,
        ),
        (
            "connections",
            "type,sub_type,tariff,meter_type,group\nSchool,,none,,none\n",
            "SELECT COALESCE(usual_tariff_id, usual_group_id) AS gone FROM connectiontype WHERE name = 'School'",
            None,
        ),
        (
            "models",
            "name,manufacturer,kind,prefix\nSunny 50,Jua,shs,none\n",
            "SELECT prefix AS gone FROM devicemodel WHERE name = 'Sunny 50'",
            "",
        ),
    ],
)
def test_none_takes_away(run, demo_url: str, kind: str, row: str, sql: str, value: object) -> None:  # type: ignore[no-untyped-def]
    assert imported(run, kind, FEWER[kind][1]).exit_code == 0
    assert query(demo_url, sql) != [{"gone": value}]
    assert "1 rows read, 1 new or changed." in imported(run, kind, row).output
    assert "1 rows read, 0 new or changed." in imported(run, kind, row).output
    assert query(demo_url, sql) == [{"gone": value}]


# Who is meant


def test_namesakes_are_told_apart_by_phone_or_by_number(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    twins = "number,name,surname,phone,mini_grid\n,Halima,Omari,0754000111,Lindi South\n,Halima,Omari,,Lindi South\n"
    assert "2 new or changed." in imported(run, "customers", twins).output
    assert " 0 new or changed." in imported(run, "customers", twins).output
    third = "number,name,surname,phone,mini_grid\n501,Halima,Omari,,Lindi South\n"
    assert "1 new or changed." in imported(run, "customers", third).output
    assert " 0 new or changed." in imported(run, "customers", third).output
    out = run("export", "customers").output
    assert "501,Halima,Omari,none," in out
    assert " 0 new or changed." in imported(run, "customers", out).output
    assert run("export", "customers").output == out
    again = imported(run, "customers", twins)
    assert (
        again.exit_code == 1 and "line 3: several customers have this name and phone: write the number" in again.output
    )


def test_a_row_that_says_nothing_of_the_phone_doubles_nobody_who_has_one(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    result = imported(run, "customers", "name,surname,mini_grid\nAmina,Juma,Mtwara North\n")
    assert result.exit_code == 1 and "line 2: this customer is there with a phone: write it" in result.output
    somebody_else = "name,surname,phone,mini_grid\nAmina,Juma,none,Mtwara North\n"
    assert "1 new or changed." in imported(run, "customers", somebody_else).output
    assert " 0 new or changed." in imported(run, "customers", somebody_else).output


def test_an_export_makes_the_same_customers_elsewhere(run, demo_url: str, empty_url: str, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Numbers are on people's papers and in their messages: they move along, and new ones come behind them."""
    imported(
        run, "customers", "number,name,surname,mini_grid\n70,Halima,Omari,Lindi South\n71,Halima,Omari,Lindi South\n"
    )
    kinds = ("villages", "tariffs", "customers")
    files = {kind: run("export", kind).output for kind in kinds}
    monkeypatch.setenv("MWANGA_DATABASE", empty_url)
    monkeypatch.setenv("MWANGA_SECRET_KEY", "k" * 32)
    for kind in kinds:
        assert imported(run, kind, files[kind]).exit_code == 0
        assert run("export", kind).output == files[kind]

    async def register() -> int:
        async with Database(empty_url) as database, database.work():
            grid = (await Customer.get(id=70)).mini_grid_id
            for number in (75, 12):
                await keep_numbers(number)
                await Customer.create(id=number, name="Zuwena", surname="Ali", mini_grid_id=grid)
            return int((await Customer.create(name="Neema", surname="Ali", mini_grid_id=grid)).id)

    assert asyncio.run(register()) > 75


def test_a_new_customer_never_takes_a_number_that_the_file_gives(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    """The demo has three: the one without a number would be the fourth."""
    rows = "number,name,surname,mini_grid\n,Halima,Omari,Lindi South\n4,Zuwena,Ali,Lindi South\n"
    assert "2 new or changed." in imported(run, "customers", rows).output
    assert query(demo_url, "SELECT id FROM customer WHERE name = 'Zuwena'") == [{"id": 4}]
    assert query(demo_url, "SELECT id FROM customer WHERE name = 'Halima'") == [{"id": 5}]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("1,Halima,Omari,,Mtwara North", "customer 1 is somebody else: Amina Juma"),
        ("1,Amina,Juma,none,Mtwara North", "customer 1 has another phone: change it with mwanga customer phone"),
        ("1,Amina,Juma,,Lindi South", "customer 1 is of another mini_grid"),
        ("x,Amina,Juma,,Lindi South", "number is no whole number from 1 to 8999999"),
        ("900,Zuwena,Ali,,Lindi South", "line 2 says something else of the number of Zuwena Ali"),
        (",ZUWENA,Ali,,lindi south", "the same as line 2: namesakes need a number each"),
    ],
)
def test_a_number_is_of_one_person(run, row: str, reason: str) -> None:  # type: ignore[no-untyped-def]
    first = "number,name,surname,phone,mini_grid\n,Zuwena,Ali,none,Lindi South\n"
    refused = imported(run, "customers", f"{first}{row}\n")
    assert refused.exit_code == 1 and f"line 3: {reason}" in refused.output


def test_a_device_of_one_of_two_namesakes_names_the_number(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    for kind in ("tariffs", "stock"):
        imported(run, kind, FILES[kind])
    imported(
        run, "customers", "number,name,surname,mini_grid\n70,Halima,Omari,Lindi South\n71,Halima,Omari,Lindi South\n"
    )
    head = "serial,plan,name,surname,customer\nSHS9001,Weekly 700,Halima,Omari,"
    refused = imported(run, "devices", f"{head}\n")
    assert "line 2: several customers have this name and phone: write the number of one as customer" in refused.output
    assert imported(run, "devices", f"{head}71\n").exit_code == 0
    assert query(demo_url, "SELECT customer_id FROM device WHERE serial = 'SHS9001'") == [{"customer_id": 71}]
    out = run("export", "devices").output
    assert "SHS9001,Weekly 700,Halima,Omari,none,,,,,,71\n" in out
    assert " 0 new or changed." in imported(run, "devices", out).output


# Names however they are spelt


@pytest.mark.parametrize(
    ("kind", "rows", "table"),
    [
        ("villages", "mini_grid,village\nMTWARA  north,mtwará\nmtwara North,MTWARA\n", "village"),
        ("meter-types", "name\nTHREE phase 100a\n", "metertype"),
        ("connections", "type,group\nhousehold,RESIDENTIAL\n", "connectiontype"),
        ("tariffs", "name,unit,price\nhousehold 350,ENERGY,350\n", "tariff"),
        ("appliances", "appliance,type,price,plan,terms\nRÁDIO,Electronics,15000,CASH,Cash\n", "paymentplan"),
        ("customers", "name,surname,phone,mini_grid,village\nAMINA,juma,0710000001,mtwara north,MTWARA\n", "customer"),
    ],
)
def test_the_size_of_letters_and_accents_double_nothing(run, demo_url: str, kind: str, rows: str, table: str) -> None:  # type: ignore[no-untyped-def]
    count = f"SELECT (SELECT COUNT(*) FROM {table}) AS n, (SELECT COUNT(*) FROM minigrid) AS grids"
    before = query(demo_url, count)
    result = imported(run, kind, rows.replace("\nmtwara North,MTWARA", ""))
    assert "1 rows read, 0 new or changed." in result.output, result.output
    assert query(demo_url, count) == before
    if kind == "villages":
        assert "line 3: the same as line 2" in imported(run, kind, rows).output


@pytest.mark.parametrize(
    ("said", "code"), [("EN", "en"), ("Swahili", "sw"), ("kiswahili", "sw"), ("Français", "fr"), ("PORTUGUESE", "pt")]
)
def test_a_language_goes_by_its_code_or_its_name(run, demo_url: str, said: str, code: str) -> None:  # type: ignore[no-untyped-def]
    row = f"name,surname,phone,language,mini_grid\nHalima,Omari,0754000111,{said},Lindi South\n"
    assert imported(run, "customers", row).exit_code == 0
    assert query(demo_url, "SELECT language FROM customer WHERE name = 'Halima'") == [{"language": code}]


def test_a_stock_row_gives_plan_and_model_to_what_nobody_has_yet(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    imported(run, "tariffs", FILES["tariffs"])
    imported(run, "stock", f"{FACTORY}\nSHS9001,987654321,{KEY},1,1,0,X1,1,\n")
    imported(run, "models", FILES["models"])
    planned = "serial number,plan,model\nSHS9001,weekly 700,sunny 50\nSHS0283,Weekly 700,\n"
    before = query(demo_url, "SELECT tariff_id FROM device WHERE serial = 'SHS0283'")
    assert "2 rows read, 1 new or changed." in imported(run, "stock", planned).output
    assert "2 rows read, 0 new or changed." in imported(run, "stock", planned).output
    sql = """SELECT p.name AS plan, m.name AS model FROM device d JOIN tariff p ON p.id = d.tariff_id
      JOIN devicemodel m ON m.id = d.model_id WHERE d.serial = 'SHS9001'"""
    assert query(demo_url, sql) == [{"plan": "Weekly 700", "model": "Sunny 50"}]
    assert query(demo_url, "SELECT tariff_id FROM device WHERE serial = 'SHS0283'") == before, "somebody has it"
