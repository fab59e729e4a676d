"""The books as CSV: each line of the journal balances with the others of its entry, and says whose account it is."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import groupby
from zoneinfo import ZoneInfo

import pytest
import time_machine

from models.devices import Device
from models.money.hand_in import hand_in
from models.money.receiving import Incoming, Source, receive
from models.people import Agent, Customer
from models.selling import PaymentPlan
from models.selling.appliance_sale import propose, sell_appliance
from models.selling.payable import PayableDevice
from models.selling.payment import sell
from models.selling.quotes import quote
from models.vault import Vault
from tests.world.csv_files import import_text
from tests.world.prompt import Run, do_in_one_work

pytestmark = pytest.mark.everyday_on_sqlite
VAULT = Vault("mwanga demo key: never use it for a real device")
ZONE = ZoneInfo("Africa/Dar_es_Salaam")
NOON = datetime(2026, 11, 26, 9, tzinfo=UTC)


def export(run: Run, *words: str) -> list[dict[str, str]]:
    result = run("export", *words)
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.output.removeprefix("\ufeff"))))


@pytest.fixture
def a_day(demo_url: str) -> None:
    """Asha sells energy to Amina and a lamp to Baraka, and hands in; somebody pays by mobile money for nobody."""

    async def happen() -> None:
        asha = await Agent.get(id=1)
        meter = await Device.get(serial="04123456784").prefetch_related("customer", "tariff")
        standing = await PayableDevice(meter).standing(date(2026, 11, 26), 100, VAULT, asha)
        await sell(quote(standing, 500_000), seller=asha, key="meter", vault=VAULT)
        plan = await PaymentPlan.get(appliance__name="Solar lamp").prefetch_related("appliance")
        lamp = propose(plan.appliance, plan, await Customer.get(id=2), None, today=date(2026, 11, 26), coin=100)
        await sell_appliance(lamp, seller=asha, key="lamp", vault=VAULT)
        await hand_in(asha, 300_000, "rehema", "R1")
        told = {"reference": "TKQ5AB12CD", "amount": 123_400, "payer_phone": "+255710000001"}
        incoming = Incoming(source=Source.CALLBACK, provider="daraja", paid_at=NOON, **told)  # type: ignore[arg-type]
        await receive(incoming)

    with time_machine.travel(NOON, tick=False):
        do_in_one_work(demo_url, happen)


@pytest.mark.usefixtures("a_day")
def test_each_entry_of_the_journal_balances_and_says_whose_account_each_line_is(run: Run) -> None:
    rows = export(run, "journal", "--since", "2026-11-26", "--until", "2026-11-26")
    for _entry, lines in groupby(rows, lambda row: row["entry"]):
        debits, credits = zip(
            *((Decimal(row["debit"] or 0), Decimal(row["credit"] or 0)) for row in lines), strict=True
        )
        assert sum(debits) == sum(credits) > 0
    whose = {(row["account"], row["owner"]) for row in rows}
    assert {
        ("cash", "Asha Mushi, +255700000001"),
        ("commission", "Asha Mushi, +255700000001"),
        ("debt", "S1002"),
        ("clearing", "daraja"),
        ("unapplied", "daraja TKQ5AB12CD"),
        ("office cash", ""),
        ("energy sold", ""),
    } <= whose
    [cash] = [row for row in rows if row["account"] == "cash" and row["key"].startswith("hand in 1 cash")]
    assert (cash["debit"], cash["credit"], cash["currency"], cash["actor"]) == ("", "3000", "TZS", "rehema")
    assert (cash["effective"], cash["posted"], cash["reverses"]) == ("2026-11-26 12:00:00", "2026-11-26 12:00:00", "")
    assert export(run, "journal", "--since", "2026-11-27", "--until", "2030-01-01") == []


@pytest.mark.usefixtures("a_day")
def test_a_claim_has_what_funders_ask_for(run: Run) -> None:
    meter, lamp = export(run, "claims", "--since", "2026-11-26", "--until", "2026-11-26")
    assert (meter["serial"], meter["customer"], meter["name"], meter["surname"]) == (
        "04123456784",
        "1",
        "Amina",
        "Juma",
    )
    assert (meter["phone"], meter["village"], meter["mini_grid"]) == ("+255710000001", "Mtwara", "Mtwara North")
    assert (meter["product"], meter["payment_type"], meter["paid_by"]) == ("meter", "energy", "cash")
    assert (meter["amount"], meter["currency"], meter["date"]) == ("5000", "TZS", "2026-11-26 12:00:00")
    assert (meter["gender"], meter["latitude"], meter["longitude"]) == ("", "", ""), "nobody has written them"
    known = "number,name,surname,mini_grid,gender,latitude,longitude\n1,Amina,Juma,Mtwara North,F,-10.312341,40.18333\n"
    assert "1 new or changed." in import_text(run, "customers", known).output
    meter, _lamp = export(run, "claims", "--since", "2026-11-26", "--until", "2026-11-26")
    assert (meter["gender"], meter["latitude"], meter["longitude"]) == ("female", "-10.31234", "40.18333")
    assert (lamp["serial"], lamp["product"], lamp["contract"], lamp["customer"]) == ("", "Solar lamp", "S1002", "2")


@pytest.mark.usefixtures("a_day")
def test_payments_and_sales_are_exported_whoever_took_them(run: Run) -> None:
    paid = {row["reference"]: row for row in export(run, "payments")}
    mobile = paid["TKQ5AB12CD"]
    assert (mobile["provider"], mobile["amount"], mobile["agent"], mobile["sale"]) == ("daraja", "1234", "", "")
    assert (mobile["payer_phone"], mobile["unapplied"]) == ("+255710000001", "1234")
    assert paid["meter"]["sale"] and paid["meter"]["unapplied"] == "0"
    assert {row["provider"] for row in export(run, "sales")} == {"cash"}


@pytest.mark.usefixtures("a_day")
def test_closed_days_are_exported_figure_by_figure(run: Run) -> None:
    assert run("close", "2026-11-26", "--all", "--by", "Rehema").exit_code == 0
    rows = export(run, "closed-days", "--since", "2026-11-26", "--until", "2026-11-26")
    figures = {(row["subject"], row["figure"]): row["amount"] for row in rows}
    assert figures["agent 1", "handed in"] == "3000"
    assert figures["provider daraja", "received"] == "1234"
    assert figures["all", "unapplied, closing"] == "-1234", "a number: a spreadsheet adds it up"
    assert {row["day"] for row in rows} == {"2026-11-26"}


@pytest.mark.usefixtures("a_day")
def test_a_customer_reads_all_that_was_paid_and_what_is_left(run: Run) -> None:
    said = run("customer", "statement", "+255710000001").output.splitlines()
    assert said[0] == "#1 Amina Juma, +255710000001"
    assert said[1].startswith("2026-11-26 12:00 5,000 (cash, Asha Mushi) for 04123456784: 14.")
    assert said[2:4] == [
        "1 payment, TZS 5,000.",
        "TZS 1,234 (daraja TKQ5AB12CD) waits until the office knows what it is for.",
    ]
    baraka = run("customer", "statement", "2").output
    assert "(cash, Asha Mushi) for S1002 Solar lamp: left to pay " in baraka
    assert "\nS1001 Solar home: Owed " in baraka
    assert "0 payments, TZS 0." in run("customer", "statement", "2", "--until", "2026-11-25").output


@pytest.mark.usefixtures("a_day")
def test_a_customers_statement_is_a_file_too(run: Run) -> None:
    result = run("customer", "statement", "1", "--csv")
    assert result.output.startswith("\ufeff")
    [row] = csv.DictReader(io.StringIO(result.output.removeprefix("\ufeff")))
    assert (row["time"], row["amount"], row["paid_by"], row["agent"]) == (
        "2026-11-26 12:00:00",
        "5000",
        "cash",
        "Asha Mushi",
    )
    assert (row["serial"], row["unit"], row["payment"], row["taken_back"]) == ("04123456784", "energy", "", "no")
    assert run("customer", "statement", "Nobody").exit_code == 1
