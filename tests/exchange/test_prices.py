"""Prices in files: of tariffs and plans, with the smallest payment where none is named."""

import pytest

from bot.server import Server
from models.devices import Device, Tariff
from models.selling.payable import PayableDevice
from models.selling.quotes import quote
from tests.world.csv_files import FILES, import_text
from tests.world.prompt import Run, query

pytestmark = pytest.mark.everyday_on_sqlite

HEAD = "appliance,type,price,plan,terms,down,count,period,day_price,minimum\n"


def test_a_tariff_has_components_an_access_rate_and_a_recovery(run: Run, demo_url: str) -> None:
    assert import_text(run, "tariffs", FILES["tariffs"]).exit_code == 0
    [shop] = query(demo_url, "SELECT * FROM tariff WHERE name = 'Shop'")
    assert (shop["components"], shop["access_rate"], shop["access_days"], shop["recovery"]) == (8_000, 300_000, 30, 50)
    assert "Shop,energy,420,1,80,3000,30,50\n" in run("export", "tariffs").output


def test_a_fraction_of_a_price_is_kept_and_sold_by(run: Run, demo_url: str) -> None:
    tariff = "name,unit,price,minimum,components,access_rate,access_days,recovery\n"
    row = "Shop,energy,350.50,1,49.75,10.25,30,0\n"
    assert import_text(run, "tariffs", tariff + row).exit_code == 0
    [shop] = query(demo_url, "SELECT price, components, access_rate FROM tariff WHERE name = 'Shop'")
    assert tuple(shop.values()) == (35_050, 4_975, 1_025)
    out = run("export", "tariffs").output
    assert row in out
    assert " 0 new or changed." in import_text(run, "tariffs", out).output


@pytest.mark.parametrize(("amount", "tenths"), [(400_25, 10), (400_24, 9), (8_000_00, 199), (100_00, 2), (40_03, 1)])
async def test_energy_is_divided_by_the_whole_price_in_whole_numbers(mwanga: Server, amount: int, tenths: int) -> None:
    """kWh = amount / (price + components), in whole tenths: 8,000 / 400.25 = 19.98."""
    async with mwanga.database.work():
        await Tariff.filter(name="Household 350").update(price=350_50, components=49_75, minimum=1)
        meter = await Device.get(serial="04123456784").select_related("customer", "tariff")
        at = await PayableDevice(meter).standing(mwanga.company.today(), 1, mwanga.company.vault)
        assert quote(at, amount).units == tenths


@pytest.mark.parametrize(
    ("row", "minimum"),
    [
        ("Weekly,days,100,,50.50\n", 151_00),
        ("Daily,days,1000,300,\n", 300_00),
        ("Energy,energy,350.50,,\n", 1_00),
    ],
)
def test_a_tariff_by_the_day_is_paid_by_whole_days_unless_it_says_less(
    run: Run, demo_url: str, row: str, minimum: int
) -> None:
    assert import_text(run, "tariffs", f"name,unit,price,minimum,components\n{row}").exit_code == 0
    name = row.partition(",")[0]
    assert query(demo_url, f"SELECT minimum FROM tariff WHERE name = '{name}'") == [{"minimum": minimum}]


@pytest.mark.parametrize(
    ("row", "minimum"),
    [
        ("Sun 50,shs,300000,daily,service,,,,500,\n", 500_00),
        ("Sun 50,shs,300000,weekly,instalments,6000,42,weekly,,\n", 1_000_00),
        ("Sun 50,shs,300000,monthly,instalments,0,7,monthly,,\n", 1_429_00),
        ("Sun 50,shs,300000,weekly,instalments,6000,42,weekly,,200\n", 200_00),
        ("Sun 50,shs,300000,cash,cash,,,,,\n", 1_00),
        ("Fan,goods,45000,weekly,instalments,3000,6,weekly,,\n", 1_00),
    ],
)
def test_a_device_on_a_plan_is_paid_by_whole_days_unless_it_says_less(
    run: Run, demo_url: str, row: str, minimum: int
) -> None:
    assert import_text(run, "appliances", HEAD + row).exit_code == 0
    [plan] = query(demo_url, "SELECT minimum FROM paymentplan ORDER BY id DESC LIMIT 1")
    assert plan["minimum"] == minimum


def test_a_minimum_that_nobody_named_goes_with_the_price(run: Run, demo_url: str) -> None:
    """Else a day at twice the price could be had for the former one."""
    for price in (1000, 2000):
        assert import_text(run, "tariffs", f"name,unit,price\nDaily,days,{price}\n").exit_code == 0
        item = f"Sun 50,shs,{price * 42},weekly,instalments,0,6,weekly,,\n"
        assert import_text(run, "appliances", HEAD + item).exit_code == 0
        assert query(demo_url, "SELECT minimum FROM tariff WHERE name = 'Daily'") == [{"minimum": price * 100}]
        sql = "SELECT minimum FROM paymentplan ORDER BY id DESC LIMIT 1"
        assert query(demo_url, sql) == [{"minimum": price * 100}]
    said = "name,unit,price,minimum\nDaily,days,3000,500\n"
    assert import_text(run, "tariffs", said).exit_code == 0
    assert import_text(run, "tariffs", "name,unit,price\nDaily,days,4000\n").exit_code == 0
    assert query(demo_url, "SELECT minimum FROM tariff WHERE name = 'Daily'") == [{"minimum": 500_00}]


@pytest.mark.parametrize("named", [1, 2], ids=["one plan in the file", "both plans"])
def test_a_price_takes_the_minimum_of_every_plan_with_it(run: Run, demo_url: str, named: int) -> None:
    """A plan of which the file says nothing, or in a later row, is of the same appliance; one that was named stays."""
    sql = "SELECT p.minimum FROM paymentplan p JOIN appliance a ON a.id = p.appliance_id WHERE a.name = 'Sun 50'"
    for price, plans in ((42_000, 3), (84_000, named)):
        rows = [f"Sun 50,shs,{price},{n} weeks,instalments,0,{n},weekly,," for n in (6, 12)][:plans]
        rows += [f"Sun 50,shs,{price},as said,instalments,0,6,weekly,,300"] if plans == 3 else []
        assert import_text(run, "appliances", HEAD + "\n".join(rows) + "\n").exit_code == 0
        day = price * 100 // 42
        assert query(demo_url, f"{sql} ORDER BY p.id") == [{"minimum": each} for each in (day, day // 2, 300_00)]


def test_a_plan_that_the_new_price_leaves_without_a_debt_is_named(run: Run, demo_url: str) -> None:
    """Radio has the plans cash and 3 monthly, 3,000 down."""
    before = query(demo_url, "SELECT price FROM appliance WHERE name = 'Radio'")
    cheaper = f"{HEAD}Radio,electronics,3000,cash,cash,,,,,\n"
    refused = import_text(run, "appliances", cheaper)
    assert refused.exit_code == 1
    assert (
        "line 2: the plan '3 monthly' that is there does not fit the price: down is the whole price" in refused.output
    )
    assert query(demo_url, "SELECT price FROM appliance WHERE name = 'Radio'") == before
    for other in (
        "Radio,electronics,3000,3 monthly,instalments,500,,,,\n",
        "Radio,electronics,3000,3 monthly,none,,,,,\n",
    ):
        assert import_text(run, "appliances", cheaper + other).exit_code == 0
