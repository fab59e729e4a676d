"""The catalogue as CSV: one row for each plan that agents may offer, and what was sold from it."""

import asyncio
import csv
import io
from datetime import date
from itertools import takewhile

import pytest

from bot.runtime.database import Database
from models.money.appliance_sale import propose, sell_appliance
from models.money.catalogue import PaymentPlan
from models.people.tables import Agent, Customer
from models.vault import Vault
from tests.cli.test_main import query
from tests.exchange.test_all_or_nothing import FILES, imported, run
from tests.project.pages import DATA

pytestmark = pytest.mark.everyday_on_sqlite

__all__ = ["run"]  # a fixture
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


def test_the_catalogue_is_what_the_file_says(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    imported(run, "models", FILES["models"])
    assert "3 rows read, 3 new or changed." in imported(run, "appliances", CATALOGUE).output
    cash, weekly, daily = query(demo_url, PLANS)
    assert (cash["terms"], cash["down"], cash["count"]) == ("cash", 0, 0)
    assert (weekly["down"], weekly["count"], weekly["period"], weekly["minimum"]) == (675_000, 6, "weekly", 50_000)
    assert (daily["down"], daily["day_price"], daily["minimum"]) == (500_000, 50_000, 50_000)
    [fan] = query(demo_url, "SELECT * FROM appliance WHERE name = 'Fan'")
    assert (fan["price"], fan["remind_before"], fan["remind_after"]) == (4_500_000, 2, None)
    assert fan["overdue_ticket"]


def test_export_and_import_of_the_whole_catalogue_is_the_identity(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    imported(run, "models", FILES["models"])
    imported(run, "appliances", CATALOGUE)
    out = run("export", "appliances").output
    assert "Sun 50,shs,300000,daily,service,5000,,weekly,500,500,,,no,Sunny 50\n" in out
    assert " 0 new or changed." in imported(run, "appliances", out).output
    assert run("export", "appliances").output == out


def test_the_example_of_the_documents_can_be_imported(run) -> None:  # type: ignore[no-untyped-def]
    lines = DATA.read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("    appliance,type,"))
    example = "\n".join(line.strip() for line in takewhile(str.strip, lines[start:]))
    result = imported(run, "appliances", example)
    assert result.exit_code == 0, result.output


def test_a_plan_is_withdrawn_by_a_row_that_says_none(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    imported(run, "appliances", CATALOGUE.replace("Sunny 50", ""))
    gone = f"{HEAD}\nFan,goods,45000,cash,none,,,,,,2,,yes,\n"
    assert "1 rows read, 1 new or changed." in imported(run, "appliances", gone).output
    assert "1 rows read, 0 new or changed." in imported(run, "appliances", gone).output
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
def test_a_bad_row_is_named_and_nothing_is_written(run, demo_url: str, row: str, reason: str) -> None:  # type: ignore[no-untyped-def]
    before = query(demo_url, "SELECT * FROM appliance"), query(demo_url, "SELECT * FROM paymentplan")
    refused = imported(run, "appliances", f"{HEAD}\nLamp,goods,9,c,cash,,,,,,,,,\n{row}\n")
    assert refused.exit_code == 1
    assert f"line 3: {reason}" in refused.output
    assert (query(demo_url, "SELECT * FROM appliance"), query(demo_url, "SELECT * FROM paymentplan")) == before


def test_contracts_are_exported_with_what_is_owed(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    [contract] = csv.DictReader(io.StringIO(run("export", "contracts").output))
    assert contract["number"] == "S1001"
    assert (contract["appliance"], contract["serial"], contract["customer"]) == ("Solar home", "SHS0283", "2")
    assert (contract["price"], contract["down"], contract["owed"]) == ("1099000", "7000", "1092000")
    assert (contract["count"], contract["ended_on"]) == ("156", "")
    assert contract["next_due"] > contract["sold_on"]


def test_a_sale_and_its_payment_are_exported_with_what_they_were_for(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    async def sell() -> None:
        async with Database(demo_url) as database, database.work():
            plan = await PaymentPlan.get(appliance__name="Solar lamp").prefetch_related("appliance")
            lamp = propose(plan.appliance, plan, await Customer.get(id=2), None, date(2026, 11, 24), 100)
            vault = Vault("mwanga demo key: never use it for a real device")
            await sell_appliance(lamp, seller=await Agent.get(id=1), key="test", vault=vault)

    asyncio.run(sell())
    [sale] = csv.DictReader(io.StringIO(run("export", "sales").output))
    assert (sale["contract"], sale["serial"], sale["amount"], sale["recovered"]) == ("S1002", "", "100", "0")
    [payment] = csv.DictReader(io.StringIO(run("export", "payments").output))
    assert (payment["sale"], payment["amount"]) == (sale["reference"], "100")


def test_a_tariff_has_components_an_access_rate_and_a_recovery(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    assert imported(run, "tariffs", FILES["tariffs"]).exit_code == 0
    [shop] = query(demo_url, "SELECT * FROM tariff WHERE name = 'Shop'")
    assert (shop["components"], shop["access_rate"], shop["access_days"], shop["recovery"]) == (8_000, 300_000, 30, 50)
    assert "Shop,energy,420,1,80,3000,30,50\n" in run("export", "tariffs").output
