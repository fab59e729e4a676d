"""What a file says nothing of stays as it is, `none` takes away, and an export brings all back."""

import pytest

from handlers.exchange import IMPORTS
from tests.world.csv_files import FACTORY, FILES, KEY, OWNED, import_text
from tests.world.prompt import Run, query

pytestmark = pytest.mark.everyday_on_sqlite

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
def test_fewer_columns_and_empty_cells_leave_what_is_known(run: Run, kind: str, empty: bool) -> None:
    fewer, whole = FEWER[kind]
    import_text(run, "tariffs", FILES["tariffs"])
    assert import_text(run, kind, whole).exit_code == 0
    before = run("export", kind).output
    if empty:
        header, missing = fewer.splitlines()[0], len(whole.splitlines()[0].split(",")) - fewer.split("\n")[0].count(",")
        more = [name for name in whole.splitlines()[0].lower().split(",") if name not in header.split(",")]
        fewer = f"{','.join([header, *more])}\n{fewer.splitlines()[1]}{',' * (missing - 1)}\n"
    result = import_text(run, kind, fewer)
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
def test_none_takes_away(run: Run, demo_url: str, kind: str, row: str, sql: str, value: object) -> None:
    assert import_text(run, kind, FEWER[kind][1]).exit_code == 0
    assert query(demo_url, sql) != [{"gone": value}]
    assert "1 rows read, 1 new or changed." in import_text(run, kind, row).output
    assert "1 rows read, 0 new or changed." in import_text(run, kind, row).output
    assert query(demo_url, sql) == [{"gone": value}]


@pytest.mark.parametrize("kind", IMPORTS)
def test_import_then_export_then_import_is_the_identity(run: Run, kind: str) -> None:
    for before in (*FILES, "devices"):
        assert import_text(run, before, (FILES | OWNED)[before]).exit_code == 0
    out = run("export", kind)
    assert out.exit_code == 0, out.output
    back = import_text(run, kind, out.output)
    assert back.exit_code == 0, back.output
    assert " 0 new or changed." in back.output
    assert run("export", kind).output == out.output
