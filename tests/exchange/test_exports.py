"""What happened as CSV, to be read elsewhere: sales, tickets, messages."""

import asyncio
import csv
import io

import pytest

from bot.app import assembled
from bot.config import demo_world, load
from bot.runtime.database import Database
from handlers.exchange import EXPORTS
from models.devices.tables import Device
from models.people.tables import Customer
from models.tickets.tickets import Category, open_ticket
from tests.exchange.test_all_or_nothing import run
from tests.world.people import GATEWAY, Phones

__all__ = ["run"]  # a fixture


def test_what_happened_is_exported(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    for kind in ("sales", "payments", "handed-in", "tickets", "messages"):
        rows = list(csv.reader(io.StringIO(run("export", kind).output)))
        assert rows == [list(EXPORTS[kind].columns)]
    assert run("export", "secrets").exit_code == 1
    assert run("import", "sales", __file__).exit_code == 1


def test_messages_of_both_directions_are_exported_without_their_text(
    run, demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
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


def test_tickets_are_exported(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    async def report() -> None:
        async with Database(demo_url) as database, database.work():
            baraka, device = await Customer.get(id=2), await Device.get(serial="SHS0283")
            await open_ticket(baraka, device, Category.POWER, "=dark", actor="office", key="test")

    asyncio.run(report())
    [header, row] = csv.reader(io.StringIO(run("export", "tickets").output))
    ticket = dict(zip(header, row, strict=True))
    assert (ticket["number"], ticket["state"], ticket["serial"], ticket["text"]) == ("K1", "open", "SHS0283", "'=dark")
