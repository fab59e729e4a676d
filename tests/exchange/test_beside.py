"""An import beside a server at work, which goes on selling and registering meanwhile."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

import pytest

from handlers.exchange import importing
from models.devices import Device
from models.people import Customer
from tests.world.csv_files import FILES, import_text
from tests.world.prompt import Run, query

OWNED = "serial,name,surname,phone,plan\nSHS9001,Halima,Omari,0754000111,Weekly 700\n"


def meanwhile(monkeypatch: pytest.MonkeyPatch, work: Callable[[], Awaitable[None]]) -> None:
    """Have this done when a file is checked and nothing of it is written yet."""
    read = importing.read_sheet

    async def reading(*words: Any) -> Any:
        sheet = await read(*words)
        await work()
        return sheet

    monkeypatch.setattr(importing, "read_sheet", reading)


def villages(count: int) -> str:
    return "mini_grid,village\n" + "".join(f"Masasi,Village {number}\n" for number in range(count))


async def register() -> None:
    """What an agent does: the new customer gets the next number, which is 4 in the demo."""
    await Customer.create(name="Upendo", surname="Ali", mini_grid_id=1)


def test_others_get_the_database_between_two_portions(run: Run, demo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite has one lock: without a pause who waits for it hardly ever gets it, and a row that takes long is the only
    one until then."""
    if not demo_url.startswith("sqlite"):
        pytest.skip("PostgreSQL locks rows")
    pauses = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        with closing(sqlite3.connect(demo_url.partition("://")[2], timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")

    monkeypatch.setattr(asyncio, "sleep", pause)
    monkeypatch.setattr(importing, "HOLD_S", 0)
    assert "7 rows read, 7 new or changed." in import_text(run, "villages", villages(7)).output
    assert pauses == [importing.PAUSE_S] * 6


def test_no_portion_has_more_rows_however_fast_they_are(
    run: Run, demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    portions = []
    written = importing._write_portion

    async def writing(*words: Any) -> Any:
        portions.append((await written(*words))[0])
        return portions[-1], 0

    monkeypatch.setattr(importing, "HOLD_S", 3600)
    monkeypatch.setattr(importing, "PORTION", 3)
    monkeypatch.setattr(importing, "_write_portion", writing)
    assert "7 rows read" in import_text(run, "villages", villages(7)).output
    assert portions == [3, 3, 1]


def test_a_number_that_was_given_away_meanwhile_is_named_and_nothing_is_written(
    run: Run, demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, register)
    rows = "".join(f"{number},Halima,Omari,Mtwara North\n" for number in range(4, 3 * importing.PORTION))
    result = import_text(run, "customers", f"number,name,surname,mini_grid\n{rows}")
    assert result.exit_code == 1
    assert "line 2: customer 4 is somebody else: Upendo Ali" in result.output
    assert "Nothing was imported" in result.output
    assert query(demo_url, "SELECT id FROM customer WHERE name = 'Halima'") == []


def test_who_is_registered_during_the_import_gets_a_higher_number(
    run: Run, demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = importing._write

    async def writing(*words: Any) -> Any:
        await register()
        async for changed in written(*words):
            yield changed

    monkeypatch.setattr(importing, "_write", writing)
    rows = "number,name,surname,mini_grid\n4,Halima,Omari,Mtwara North\n60,Halima,Omari,Mtwara North\n"
    assert "2 new or changed." in import_text(run, "customers", rows).output
    assert query(demo_url, "SELECT id FROM customer WHERE name = 'Upendo'") == [{"id": 61}]


def test_a_device_that_was_sold_meanwhile_stays_as_it_was_sold(
    run: Run, demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sell() -> None:
        await Device.filter(serial="SHS9001").update(customer_id=2)

    for kind in ("tariffs", "customers", "stock"):
        assert import_text(run, kind, FILES[kind]).exit_code == 0
    before = query(demo_url, "SELECT tariff_id FROM device WHERE serial = 'SHS9001'")
    meanwhile(monkeypatch, sell)
    result = import_text(run, "devices", OWNED)
    assert result.exit_code == 1
    assert "line 2: SHS9001 belongs to somebody else. It fitted when the file was checked. 0 rows" in result.output
    assert query(demo_url, "SELECT tariff_id FROM device WHERE serial = 'SHS9001'") == before
