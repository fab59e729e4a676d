"""The catalogue in files: one row for each plan that agents may offer."""

from itertools import takewhile

import pytest

from tests.project.pages import DATA
from tests.world.csv_files import FILES, import_text
from tests.world.prompt import Run, query

pytestmark = pytest.mark.everyday_on_sqlite

HEAD = (
    "appliance,type,price,plan,terms,down,count,period,day_price,minimum,"
    "remind_before,remind_after,overdue_ticket,model"
)
CATALOGUE = f"""{HEAD}
Fan,goods,45000,cash,cash,,,,,,2,,yes,
Fan,goods,45000,6 weekly,instalments,15%,6,weekly,,500,2,,yes,
Sun 50,shs,300000,daily,service,5000,,,500,500,,,no,Sunny 50
"""
PLANS = """SELECT p.* FROM paymentplan p JOIN appliance a ON a.id = p.appliance_id
  WHERE a.name IN ('Fan', 'Sun 50') ORDER BY p.id"""


def test_the_catalogue_is_what_the_file_says(run: Run, demo_url: str) -> None:
    import_text(run, "models", FILES["models"])
    assert "3 rows read, 3 new or changed." in import_text(run, "appliances", CATALOGUE).output
    cash, weekly, daily = query(demo_url, PLANS)
    assert (cash["terms"], cash["down"], cash["count"]) == ("cash", 0, 0)
    assert (weekly["down"], weekly["count"], weekly["period"], weekly["minimum"]) == (675_000, 6, "weekly", 50_000)
    assert (daily["down"], daily["day_price"], daily["minimum"]) == (500_000, 50_000, 50_000)
    [fan] = query(demo_url, "SELECT * FROM appliance WHERE name = 'Fan'")
    assert (fan["price"], fan["remind_before"], fan["remind_after"]) == (4_500_000, 2, None)
    assert fan["overdue_ticket"]


def test_export_and_import_of_the_whole_catalogue_is_the_identity(run: Run, demo_url: str) -> None:
    import_text(run, "models", FILES["models"])
    import_text(run, "appliances", CATALOGUE)
    out = run("export", "appliances").output
    assert "Sun 50,shs,300000,daily,service,5000,,weekly,500,500,,,no,Sunny 50\n" in out
    assert " 0 new or changed." in import_text(run, "appliances", out).output
    assert run("export", "appliances").output == out


def test_the_example_of_the_documents_can_be_imported(run: Run) -> None:
    lines = DATA.read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("    appliance,type,"))
    example = "\n".join(line.strip() for line in takewhile(str.strip, lines[start:]))
    result = import_text(run, "appliances", example)
    assert result.exit_code == 0, result.output


def test_a_plan_is_withdrawn_by_a_row_that_says_none(run: Run, demo_url: str) -> None:
    import_text(run, "appliances", CATALOGUE.replace("Sunny 50", ""))
    gone = f"{HEAD}\nFan,goods,45000,cash,none,,,,,,2,,yes,\n"
    assert "1 rows read, 1 new or changed." in import_text(run, "appliances", gone).output
    assert "1 rows read, 0 new or changed." in import_text(run, "appliances", gone).output
    assert [plan["name"] for plan in query(demo_url, PLANS)] == ["6 weekly", "daily"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("Fan,boat,1,cash,cash,,,,,,,,,", "type is none of shs, ebike, electronics, goods: 'boat'"),
        ("Fan,goods,0,cash,cash,,,,,,,,,", "price is no whole number from 1 to 9999999"),
        ("Fan,goods,9,cash,hire,,,,,,,,,", "terms is none of cash, instalments, service, none: 'hire'"),
        (f"{'W' * 21},goods,9,cash,cash,,,,,,,,,", "appliance has a comma, no letter, or more than 20 characters"),
        ('"Fan, large",goods,9,cash,cash,,,,,,,,,', "appliance has a comma, no letter, or more than 20 characters"),
        ("Fan,goods,9,12,cash,,,,,,,,,", "plan has a comma, no letter, or more than 14 characters"),
        ("Fan,goods,90,w,instalments,110%,3,weekly,,,,,,", "down is no whole number from 0 to 100"),
        ("Fan,goods,90,w,instalments,91,3,weekly,,,,,,", "down is no whole number from 0 to 90"),
        ("Fan,goods,90,w,instalments,90,3,weekly,,,,,,", "down is the whole price: write the terms cash"),
        ("Fan,goods,90,w,instalments,10,,weekly,,,,,,", "count is no whole number from 1 to 80"),
        ("Fan,goods,90,w,instalments,10,3,,,,,,,", "period is empty"),
        ("Fan,goods,90,d,service,,,,5,,,,,", "a service needs a device that stops: type shs or ebike"),
        ("Fan,goods,90,c,cash,,,,,,,,,Sunny 50", "model is for devices alone: type shs or ebike"),
        ("Sun,shs,90,d,service,,,,,,,,,", "day_price is empty, or more than the price"),
        ("Sun,shs,90,c,cash,,,,,,,,,Nothing", "there is no model of a shs called 'Nothing'"),
        ("Radio,goods,90,c,cash,,,,,,,,,", "'Radio' is of another type already"),
        (
            "radio,electronics,3000,c,cash,,,,,,,,,",
            "the plan '3 monthly' that is there does not fit the price: down is",
        ),
        ("Lamp,goods,9,c,cash,,,,,,400,,,", "remind_before is no whole number from 0 to 365"),
        ("Lamp,goods,9,c,cash,,,,,,,,maybe,", "overdue_ticket is neither yes nor no"),
        ("Lamp,goods,9,C,cash,,,,,,,,,", "the same as line 2"),
        ("Lamp,goods,8,d,cash,,,,,,,,,", "line 2 says something else of Lamp"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_written(run: Run, demo_url: str, row: str, reason: str) -> None:
    before = query(demo_url, "SELECT * FROM appliance"), query(demo_url, "SELECT * FROM paymentplan")
    refused = import_text(run, "appliances", f"{HEAD}\nLamp,goods,9,c,cash,,,,,,,,,\n{row}\n")
    assert refused.exit_code == 1
    assert f"line 3: {reason}" in refused.output
    assert (query(demo_url, "SELECT * FROM appliance"), query(demo_url, "SELECT * FROM paymentplan")) == before
