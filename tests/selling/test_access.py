"""The access rate of meters: it adds up by the period, and the next payment collects it."""

from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
import time_machine

from bot.app import PURGES
from bot.runtime import Housekeeping
from bot.server import Server
from models.devices import Device, Tariff
from models.messages.tables import Outbox
from models.money import access_rate
from models.sql import connection, execute
from tests.world.people import Phones
from tests.world.reminding import SOLD

AMINA = "04123456784"
TODAY = date(2026, 11, 24)


@pytest.fixture
async def clock() -> AsyncIterator[time_machine.Traveller]:
    with time_machine.travel(SOLD, tick=False) as traveller:
        yield traveller


async def charged(today: date) -> int:
    await access_rate.accrue(today, 100)
    return (await Device.get(serial=AMINA)).access_due


async def test_the_access_rate_adds_up_by_the_period_however_often_it_is_looked_at(mwanga: Server) -> None:
    await Tariff.filter(unit="energy").update(access_rate=3_000, access_days=30)
    async with mwanga.database.work():
        assert await charged(TODAY) == 0
        assert await charged(TODAY + timedelta(days=29)) == 0
        assert await charged(TODAY + timedelta(days=30)) == 3_000
        assert await charged(TODAY + timedelta(days=30)) == 3_000
        assert await charged(TODAY + timedelta(days=95)) == 9_000


async def test_nothing_is_charged_for_the_time_in_which_there_was_no_rate(mwanga: Server) -> None:
    async with mwanga.database.work():
        for day, rate in ((0, 3_000), (1, 0), (364, 0), (365, 3_000)):
            await Tariff.filter(unit="energy").update(access_rate=rate, access_days=30 if rate else 0)
            assert await charged(TODAY + timedelta(days=day)) == 0
        assert await charged(TODAY + timedelta(days=395)) == 3_000


async def test_it_is_collected_with_the_next_payment(mwanga: Server, clock: time_machine.Traveller) -> None:
    await Tariff.filter(unit="energy").update(access_rate=300_000, access_days=30)
    await mwanga.housekeeping.chores()
    clock.shift(timedelta(days=30))
    await mwanga.housekeeping.chores()
    phones = Phones(mwanga)
    await phones.text("Asha", f"BUY {AMINA} 10000")
    await phones.text("Asha", "1 482915")
    assert (await Device.get(serial=AMINA)).access_due == 0
    (sale,) = await execute(connection(), "SELECT access, units, amount FROM sale")
    assert sale == {"access": 300_000, "units": 200, "amount": 1_000_000}  # 7,000 at 350 a kWh: 20.0 kWh


async def test_it_adds_up_also_while_another_chore_fails(mwanga: Server, clock: time_machine.Traveller) -> None:
    """Else a ticket that cannot be closed would keep everybody's access rate and reminders back for good."""
    await Tariff.filter(unit="energy").update(access_rate=3_000, access_days=30)

    async def broken(_most: int) -> int:
        raise ValueError

    chores = Housekeeping(mwanga.database, 365, PURGES, [broken, *mwanga.housekeeping._chores])
    for _month in range(2):
        with pytest.raises(ValueError):
            await chores.chores()
        clock.shift(timedelta(days=30))
    assert (await Device.get(serial=AMINA)).access_due == 3_000
    assert await Outbox.filter(kind="reminder").count() == 1
