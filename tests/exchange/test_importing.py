"""A file is checked whole before anything is written, and a second time changes nothing."""

import pytest

from tests.world.csv_files import FACTORY, FILES, KEY, import_text
from tests.world.prompt import Run, query

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.mark.parametrize("kind", FILES)
def test_a_file_is_imported_and_a_second_time_changes_nothing(run: Run, kind: str) -> None:
    first = import_text(run, kind, FILES[kind])
    assert first.exit_code == 0, first.output
    count = FILES[kind].count("\n") - 1
    assert f"{count} rows read, {count} new or changed." in first.output
    again = import_text(run, kind, FILES[kind])
    assert f"{count} rows read, 0 new or changed." in again.output


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
        ("stock", f"S1,5,{KEY},65534,,,,,,,", "count is 65534: this device takes no more codes"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_written(run: Run, demo_url: str, kind: str, row: str, reason: str) -> None:
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
    counts = "SELECT " + ", ".join(f"(SELECT COUNT(*) FROM {table}) AS {table}" for table in tables)
    before = query(demo_url, counts)
    row += "," * (header.count(",") - row.count(","))  # what is left out is empty
    result = import_text(run, kind, "\n".join([header, *rows, row]))
    assert result.exit_code == 1
    assert f"line {len(rows) + 2}: {reason}" in result.output
    assert "Nothing was imported: 1 of the lines" in result.output
    assert query(demo_url, counts) == before


def test_a_missing_column_and_a_repeated_row_are_named(run: Run) -> None:
    assert "line 1: the column price is missing" in import_text(run, "tariffs", "name,unit\nA,days\n").output
    twice = import_text(run, "tariffs", "name,unit,price\nA,days,5\nA,days,6\n")
    assert "line 3: the same as line 2" in twice.output


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("name,surname,phone_number,mini_grid", "the column phone_number is none of number, name, surname"),
        ("name,surname,mini_grid,name", "the column name is there twice"),
        ("name;surname;mini_grid;age", "the column age is none of number, name, surname"),
    ],
)
def test_a_column_that_would_be_lost_is_named(run: Run, demo_url: str, header: str, reason: str) -> None:
    result = import_text(run, "customers", f"{header}\nA,B,C,D\n")
    assert result.exit_code == 1 and f"line 1: {reason}" in result.output


def test_what_one_engine_could_not_keep_is_refused(run: Run, demo_url: str) -> None:
    rows = f"Halima,Oma\0ri,,en,Lindi South,\nHalima,Omari,,en,Lindi South,{'W' * 101}\n"
    output = import_text(run, "customers", f"name,surname,phone,language,mini_grid,village\n{rows}").output
    assert "line 2: the row has a character that no text has" in output
    assert "line 3: village is longer than 100 characters" in output


def test_a_file_of_another_kind_is_told_where_it_belongs(run: Run) -> None:
    factory = import_text(run, "devices", f"{FACTORY}\nSHS9001,987654321,{'0' * 32},1,1,0,X1,1,\n")
    assert factory.exit_code == 1
    assert "line 1: the column serial, name, surname is missing; these are columns for mwanga import stock" in (
        factory.output
    )


def test_a_long_file_shows_how_far_it_is(run: Run) -> None:
    many = "mini_grid,village\n" + "".join(f"Masasi,Village {number}\n" for number in range(600))
    output = import_text(run, "villages", many).output
    assert "checking" in output and "importing" in output
    assert "600 rows read, 600 new or changed." in output
    assert "checking" not in import_text(run, "villages", FILES["villages"]).output
