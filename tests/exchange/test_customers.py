"""Customers in files: who is meant by a row, and their numbers."""

import asyncio

import pytest

from bot.runtime import Database
from models.customers.numbers import keep_numbers
from models.people import Customer
from tests.world.csv_files import FILES, import_text
from tests.world.prompt import Run, query

pytestmark = pytest.mark.everyday_on_sqlite


def test_namesakes_are_told_apart_by_phone_or_by_number(run: Run, demo_url: str) -> None:
    twins = "number,name,surname,phone,mini_grid\n,Halima,Omari,0754000111,Lindi South\n,Halima,Omari,,Lindi South\n"
    assert "2 new or changed." in import_text(run, "customers", twins).output
    assert " 0 new or changed." in import_text(run, "customers", twins).output
    third = "number,name,surname,phone,mini_grid\n501,Halima,Omari,,Lindi South\n"
    assert "1 new or changed." in import_text(run, "customers", third).output
    assert " 0 new or changed." in import_text(run, "customers", third).output
    out = run("export", "customers").output
    assert "501,Halima,Omari,none," in out
    assert " 0 new or changed." in import_text(run, "customers", out).output
    assert run("export", "customers").output == out
    again = import_text(run, "customers", twins)
    assert (
        again.exit_code == 1 and "line 3: several customers have this name and phone: write the number" in again.output
    )


def test_an_apostrophe_as_spreadsheets_write_it_is_the_one_of_a_text(run: Run, demo_url: str) -> None:
    file = "name,surname,phone,mini_grid\nAwa,N\N{RIGHT SINGLE QUOTATION MARK}Diaye,0754000111,Lindi South\n"
    assert "1 new or changed." in import_text(run, "customers", file).output
    assert " 0 new or changed." in import_text(run, "customers", file).output
    assert ",Awa,N'Diaye," in run("export", "customers").output


def test_a_row_that_says_nothing_of_the_phone_doubles_nobody_who_has_one(run: Run, demo_url: str) -> None:
    result = import_text(run, "customers", "name,surname,mini_grid\nAmina,Juma,Mtwara North\n")
    assert result.exit_code == 1 and "line 2: this customer is there with a phone: write it" in result.output
    somebody_else = "name,surname,phone,mini_grid\nAmina,Juma,none,Mtwara North\n"
    assert "1 new or changed." in import_text(run, "customers", somebody_else).output
    assert " 0 new or changed." in import_text(run, "customers", somebody_else).output


def test_a_file_of_the_time_before_another_phone_doubles_nobody(run: Run, demo_url: str) -> None:
    file = "name,surname,phone,mini_grid\nAmina,Juma,0710000001,Mtwara North\nUpendo,Ali,0710000004,Mtwara North\n"
    assert run("customer", "phone", "1", "0710000009").exit_code == 0
    result = import_text(run, "customers", file)
    said = "line 2: customer 1 had this phone once, and is the same: write the number"
    assert result.exit_code == 1 and said in result.output
    somebody_else = file.replace("Amina,Juma", "Halima,Omari")
    assert "2 new or changed." in import_text(run, "customers", somebody_else).output, "the phone went to her"


def test_an_export_makes_the_same_customers_elsewhere(
    run: Run, demo_url: str, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers are on people's papers and in their messages: they move along, and new ones come behind them."""
    import_text(
        run, "customers", "number,name,surname,mini_grid\n70,Halima,Omari,Lindi South\n71,Halima,Omari,Lindi South\n"
    )
    kinds = ("villages", "tariffs", "customers")
    files = {kind: run("export", kind).output for kind in kinds}
    monkeypatch.setenv("MWANGA_DATABASE", empty_url)
    monkeypatch.setenv("MWANGA_SECRET_KEY", "k" * 32)
    for kind in kinds:
        assert import_text(run, kind, files[kind]).exit_code == 0
        assert run("export", kind).output == files[kind]

    async def register() -> int:
        async with Database(empty_url) as database, database.work():
            grid = (await Customer.get(id=70)).mini_grid_id
            for number in (75, 12):
                await keep_numbers(number)
                await Customer.create(id=number, name="Zuwena", surname="Ali", mini_grid_id=grid)
            return int((await Customer.create(name="Neema", surname="Ali", mini_grid_id=grid)).id)

    assert asyncio.run(register()) > 75


def test_a_new_customer_never_takes_a_number_that_the_file_gives(run: Run, demo_url: str) -> None:
    """The demo has three: the one without a number would be the fourth."""
    rows = "number,name,surname,mini_grid\n,Halima,Omari,Lindi South\n4,Zuwena,Ali,Lindi South\n"
    assert "2 new or changed." in import_text(run, "customers", rows).output
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
def test_a_number_is_of_one_person(run: Run, row: str, reason: str) -> None:
    first = "number,name,surname,phone,mini_grid\n,Zuwena,Ali,none,Lindi South\n"
    refused = import_text(run, "customers", f"{first}{row}\n")
    assert refused.exit_code == 1 and f"line 3: {reason}" in refused.output


def test_a_device_of_one_of_two_namesakes_names_the_number(run: Run, demo_url: str) -> None:
    for kind in ("tariffs", "stock"):
        import_text(run, kind, FILES[kind])
    import_text(
        run, "customers", "number,name,surname,mini_grid\n70,Halima,Omari,Lindi South\n71,Halima,Omari,Lindi South\n"
    )
    head = "serial,plan,name,surname,customer\nSHS9001,Weekly 700,Halima,Omari,"
    refused = import_text(run, "devices", f"{head}\n")
    assert "line 2: several customers have this name and phone: write the number of one as customer" in refused.output
    assert import_text(run, "devices", f"{head}71\n").exit_code == 0
    assert query(demo_url, "SELECT customer_id FROM device WHERE serial = 'SHS9001'") == [{"customer_id": 71}]
    out = run("export", "devices").output
    assert "SHS9001,Weekly 700,Halima,Omari,none,,,,,,71\n" in out
    assert " 0 new or changed." in import_text(run, "devices", out).output


def test_gender_and_position_are_kept_and_come_back(run: Run, demo_url: str) -> None:
    head = "name,surname,phone,mini_grid,gender,latitude,longitude\n"
    first = f"{head}Halima,Omari,none,Lindi South,F,-10.0079312,39.7148\n"
    assert "1 new or changed." in import_text(run, "customers", first).output
    known = "SELECT gender, latitude, longitude FROM customer WHERE name = 'Halima'"
    assert query(demo_url, known) == [{"gender": "female", "latitude": -10.00793, "longitude": 39.7148}]
    assert " 0 new or changed." in import_text(run, "customers", first).output
    silent = "name,surname,phone,mini_grid\nHalima,Omari,none,Lindi South\n"
    assert " 0 new or changed." in import_text(run, "customers", silent).output, "what is not said stays"
    out = run("export", "customers").output
    assert "female,-10.00793,39.7148" in out
    assert " 0 new or changed." in import_text(run, "customers", out).output
    excel = f'{head}Halima,Omari,none,Lindi South,male,"\N{MINUS SIGN}10,5","39,25"\n'
    assert "1 new or changed." in import_text(run, "customers", excel).output
    assert query(demo_url, known) == [{"gender": "male", "latitude": -10.5, "longitude": 39.25}]
    none = f"{head}Halima,Omari,none,Lindi South,none,none,none\n"
    assert "1 new or changed." in import_text(run, "customers", none).output
    assert query(demo_url, known) == [{"gender": None, "latitude": None, "longitude": None}]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("x,,", "gender is none of"),
        (",90.1,0", "latitude is no number of degrees from -90 to 90"),
        (",0,-180.5", "longitude is no number of degrees from -180 to 180"),
        (",1e1,0", "latitude is no number of degrees"),
        (",nan,0", "latitude is no number of degrees"),
        (",10,", "latitude and longitude stand together"),
        (",,none", "latitude and longitude stand together"),
    ],
)
def test_what_is_no_gender_or_position_is_named(run: Run, demo_url: str, cells: str, said: str) -> None:
    rows = f"name,surname,mini_grid,gender,latitude,longitude\nHalima,Omari,Lindi South,{cells}\n"
    result = import_text(run, "customers", rows)
    assert result.exit_code == 1 and said in result.output
    assert query(demo_url, "SELECT 1 FROM customer WHERE name = 'Halima'") == []
