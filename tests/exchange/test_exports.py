"""What happened as CSV, to be read elsewhere: sales, contracts, tickets, messages."""

import asyncio
import csv
import io
from datetime import date

import pytest

from bot.app import assembled
from bot.config import demo_world, load
from bot.runtime import Database
from handlers.exchange import EXPORTS
from models.devices import Device
from models.money import PaymentPlan
from models.money.appliance_sale import propose, sell_appliance
from models.people import Agent, Customer
from models.tickets import Category
from models.tickets.tickets import open_ticket
from models.vault import Vault
from tests.world.people import GATEWAY, Phones
from tests.world.prompt import Run


def test_what_happened_is_exported(run: Run, demo_url: str) -> None:
    for kind in ("sales", "payments", "handed-in", "tickets", "messages"):
        rows = list(csv.reader(io.StringIO(run("export", kind).output)))
        assert rows == [list(EXPORTS[kind].columns)]
    assert run("export", "secrets").exit_code == 1
    assert run("import", "sales", __file__).exit_code == 1


def test_messages_of_both_directions_are_exported_without_their_text(
    run: Run, demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MWANGA_DATABASE", demo_url)

    async def text() -> None:
        async with assembled(demo_world(load()), serving=False) as mwanga:
            await Phones(mwanga).text("Asha", "BUY SHS0283 8000")

    asyncio.run(text())
    came, went = csv.DictReader(io.StringIO(run("export", "messages").output))
    assert (came["direction"], came["id"], came["phone"], came["gateway"]) == ("in", "1", "+255700000001", GATEWAY)
    assert (came["state"], came["outcome"], came["error"]) == ("done", "asked", "")
    assert (went["direction"], went["id"], went["phone"]) == ("out", "1", "+255700000001")
    assert (went["kind"], went["state"], went["parts"], went["tries"]) == ("reply", "waiting", "1", "0")
    assert all(row["time"].startswith("20") for row in (came, went))


def test_tickets_are_exported(run: Run, demo_url: str) -> None:
    async def report() -> None:
        async with Database(demo_url) as database, database.work():
            baraka, device = await Customer.get(id=2), await Device.get(serial="SHS0283")
            await open_ticket(baraka, device, Category.POWER, "=dark", actor="office", key="test")

    asyncio.run(report())
    [header, row] = csv.reader(io.StringIO(run("export", "tickets").output))
    ticket = dict(zip(header, row, strict=True))
    assert (ticket["number"], ticket["state"], ticket["serial"], ticket["text"]) == ("K1", "open", "SHS0283", "'=dark")


def test_contracts_are_exported_with_what_is_owed(run: Run, demo_url: str) -> None:
    [contract] = csv.DictReader(io.StringIO(run("export", "contracts").output))
    assert contract["number"] == "S1001"
    assert (contract["appliance"], contract["serial"], contract["customer"]) == ("Solar home", "SHS0283", "2")
    assert (contract["price"], contract["down"], contract["owed"]) == ("1099000", "7000", "1092000")
    assert (contract["count"], contract["ended_on"]) == ("156", "")
    assert contract["next_due"] > contract["sold_on"]


def test_a_sale_and_its_payment_are_exported_with_what_they_were_for(run: Run, demo_url: str) -> None:
    async def sell() -> None:
        async with Database(demo_url) as database, database.work():
            plan = await PaymentPlan.get(appliance__name="Solar lamp").prefetch_related("appliance")
            lamp = propose(plan.appliance, plan, await Customer.get(id=2), None, today=date(2026, 11, 24), coin=100)
            vault = Vault("mwanga demo key: never use it for a real device")
            await sell_appliance(lamp, seller=await Agent.get(id=1), key="test", vault=vault)

    asyncio.run(sell())
    [sale] = csv.DictReader(io.StringIO(run("export", "sales").output))
    assert (sale["contract"], sale["serial"], sale["amount"], sale["recovered"]) == ("S1002", "", "100", "0")
    [payment] = csv.DictReader(io.StringIO(run("export", "payments").output))
    assert (payment["sale"], payment["amount"]) == (sale["reference"], "100")
