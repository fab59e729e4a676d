"""Moments and days in statements: SQLite keeps them as text, and all that writes them writes them alike."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bot.runtime import Database
from models.devices import Device
from models.people import Customer, MiniGrid
from models.sql import execute, execute_many

MOMENTS = [datetime(2026, 11, 24, 7, 42, tzinfo=UTC), datetime(2026, 11, 24, 7, 42, 0, 5, tzinfo=UTC)]


@pytest.mark.parametrize("moment", MOMENTS, ids=["whole seconds", "parts of one"])
async def test_the_orm_and_statements_write_moments_and_days_alike(database: Database, moment: datetime) -> None:
    grid = await MiniGrid.create(name="Mtwara")
    by_orm = await Customer.create(name="Amina", surname="J", mini_grid=grid, created_at=moment)
    day = date(2026, 11, 24)
    await Device.create(serial="SHS1", kind="shs", issuer="openpaygo", sealed_key="", access_until=day)
    async with database.work() as db:
        insert = (
            "INSERT INTO customer (name, surname, language, mini_grid_id, created_at) VALUES ($1, $2, 'en', $3, $4)"
        )
        await execute(db, insert, ["Baraka", "P", grid.id, moment])
        await execute_many(
            db, insert, [("Neema", "M", grid.id, moment), ("Later", "L", grid.id, moment + timedelta(1))]
        )
        same = await execute(db, "SELECT name FROM customer WHERE created_at = $1 ORDER BY id", [moment])
        assert [row["name"] for row in same] == ["Amina", "Baraka", "Neema"]
        later = await execute(db, "SELECT name FROM customer WHERE created_at > $1", [moment])
        assert [row["name"] for row in later] == ["Later"]
        assert await execute(db, "SELECT 1 FROM device WHERE access_until = $1", [day])
    assert {one.created_at for one in await Customer.filter(name__not="Later")} == {by_orm.created_at} == {moment}
