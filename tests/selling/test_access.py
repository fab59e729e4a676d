"""The access rate of meters: it adds up by the period without anybody's doing, and the next payment collects it."""

from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from bot.app import PURGES
from bot.runtime import Housekeeping
from bot.server import Server
from models.devices import Device, Tariff
from models.devices.access_rate import Rate, access_due, begin_access, keep_rate, reckon, settle_access
from models.messages.tables import Outbox
from models.sql import connection, execute
from tests.world.people import Phones
from tests.world.reminding import BEFORE, SOLD

AMINA = "04123456784"
TODAY = date(2026, 11, 24)
WEEK, MONTH = timedelta(days=7), timedelta(days=30)


@pytest.fixture
async def clock() -> AsyncIterator[time_machine.Traveller]:
    with time_machine.travel(SOLD, tick=False) as traveller:
        yield traveller


async def owed(today: date) -> int:
    return (await access_due(await Device.get(serial=AMINA), today)).due


async def change_rate(rate: int, days: int, today: date) -> None:
    """What an import of tariffs does."""
    await Tariff.filter(unit="energy").update(access_rate=rate, access_days=days)
    for tariff in await Tariff.filter(unit="energy"):
        await keep_rate(tariff, today)


async def begin(today: date) -> None:
    await begin_access(await Device.get(serial=AMINA), today)


@pytest.mark.parametrize(
    ("rates", "today", "due", "until"),
    [
        ([], TODAY + MONTH, 0, TODAY),
        ([Rate(TODAY, 3_000, 30)], TODAY + timedelta(days=29), 0, TODAY),
        ([Rate(TODAY, 3_000, 30)], TODAY + timedelta(days=30), 3_000, TODAY + MONTH),
        ([Rate(TODAY, 3_000, 30)], TODAY + timedelta(days=95), 9_000, TODAY + 3 * MONTH),
        # The rate came after the meter, or was there before it.
        ([Rate(TODAY + WEEK, 3_000, 30)], TODAY + MONTH, 0, TODAY + WEEK),
        ([Rate(TODAY - MONTH, 3_000, 30)], TODAY + MONTH, 3_000, TODAY + MONTH),
        # A period costs what it cost when it began.
        ([Rate(TODAY, 3_000, 30), Rate(TODAY + WEEK, 5_000, 7)], TODAY + MONTH + WEEK, 8_000, TODAY + MONTH + WEEK),
        # Nothing for the time without a rate.
        ([Rate(TODAY, 3_000, 30), Rate(TODAY + MONTH, 0, 0)], TODAY + 9 * MONTH, 3_000, TODAY + MONTH),
        (
            [Rate(TODAY, 3_000, 30), Rate(TODAY + MONTH, 0, 0), Rate(TODAY + 5 * MONTH, 700, 7)],
            TODAY + 5 * MONTH + WEEK,
            3_700,
            TODAY + 5 * MONTH + WEEK,
        ),
    ],
)
def test_what_falls_due(rates: list[Rate], today: date, due: int, until: date) -> None:
    access = reckon(TODAY, rates, today)
    assert access.due == due
    if due:
        assert access.until == until


RATES = st.lists(
    st.tuples(st.integers(0, 400), st.sampled_from([0, 100, 3_000]), st.sampled_from([1, 7, 30])),
    max_size=4,
    unique_by=lambda rate: rate[0],
)


@given(RATES, st.lists(st.integers(0, 500), max_size=5))
def test_it_comes_to_the_same_however_often_it_is_settled(
    rates: list[tuple[int, int, int]], settled: list[int]
) -> None:
    history = [Rate(TODAY + timedelta(days=day), rate, days if rate else 0) for day, rate, days in sorted(rates)]
    end = TODAY + timedelta(days=500)
    due, until = 0, TODAY
    for day in [*sorted(settled), 500]:
        known = [rate for rate in history if rate.since <= TODAY + timedelta(days=day)]
        access = reckon(until, known, TODAY + timedelta(days=day))
        assert access.until and access.until <= TODAY + timedelta(days=day)
        due, until = due + access.due, access.until
    assert due == reckon(TODAY, history, end).due


async def test_the_access_rate_adds_up_by_the_period_however_often_it_is_looked_at(mwanga: Server) -> None:
    async with mwanga.database.work():
        await change_rate(3_000, 30, TODAY)
        await begin(TODAY)
        assert [await owed(TODAY + timedelta(days=days)) for days in (0, 29, 30, 30, 95)] == [0, 0, 3_000, 3_000, 9_000]
        assert (await Device.get(serial=AMINA)).access_due == 0, "nothing is written while it falls due"


async def test_nothing_is_charged_for_the_time_in_which_there_was_no_rate(mwanga: Server) -> None:
    async with mwanga.database.work():
        await begin(TODAY)
        for day, rate in ((0, 3_000), (1, 0), (364, 0), (365, 3_000)):
            await change_rate(rate, 30 if rate else 0, TODAY + timedelta(days=day))
        assert await owed(TODAY + timedelta(days=364)) == 3_000, "of the period that began while there was one"
        assert await owed(TODAY + timedelta(days=395)) == 6_000


async def test_two_changes_on_one_day_are_one(mwanga: Server) -> None:
    async with mwanga.database.work():
        await begin(TODAY)
        for rate in (3_000, 0, 5_000):
            await change_rate(rate, 30 if rate else 0, TODAY)
        assert await owed(TODAY + MONTH) == 5_000


async def test_another_tariff_keeps_what_fell_due_by_the_former_one(mwanga: Server) -> None:
    async with mwanga.database.work():
        await change_rate(3_000, 30, TODAY)
        await begin(TODAY)
        device = await Device.get(serial=AMINA)
        await settle_access(device, TODAY + MONTH)
        await Device.filter(id=device.id).update(tariff_id=None)
        assert await owed(TODAY + 5 * MONTH) == 3_000


async def test_a_new_owner_inherits_no_access_rate(mwanga: Server) -> None:
    async with mwanga.database.work():
        await change_rate(3_000, 30, TODAY)
        await Device.filter(serial=AMINA).update(access_due=9_000, access_until=TODAY - 5 * MONTH)
        await begin(TODAY)
        assert await owed(TODAY) == 0


async def test_it_is_collected_with_the_next_payment(mwanga: Server, clock: time_machine.Traveller) -> None:
    async with mwanga.database.work():
        await change_rate(300_000, 30, TODAY)
        await begin(TODAY)
    clock.shift(timedelta(days=30))
    phones = Phones(mwanga)
    assert "access rate 3,000" in dict(await phones.text("Asha", f"BUY {AMINA} 10000"))["Asha"]
    await phones.text("Asha", "1 482915")
    device = await Device.get(serial=AMINA)
    assert (device.access_due, device.access_until) == (0, TODAY + timedelta(days=30))
    (sale,) = await execute(connection(), "SELECT access, units, amount FROM sale")
    assert sale == {"access": 300_000, "units": 200, "amount": 1_000_000}  # 7,000 at 350 a kWh: 20.0 kWh
    clock.shift(timedelta(days=30))
    assert "access rate 3,000" in dict(await phones.text("Asha", f"BUY {AMINA} 10000"))["Asha"]


async def test_a_meter_that_the_demo_gave_to_its_owner_pays_a_rate_that_comes_later(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    async with mwanga.database.work():
        await change_rate(300_000, 30, TODAY)
    clock.shift(timedelta(days=31))
    assert await owed(mwanga.company.today()) == 300_000


async def test_reminders_go_out_also_while_another_chore_fails(mwanga: Server, clock: time_machine.Traveller) -> None:
    """Else a ticket that cannot be closed would keep everybody's reminders back for good."""

    async def broken(_most: int) -> int:
        raise ValueError

    clock.move_to(BEFORE)
    chores = Housekeeping(mwanga.database, 365, PURGES, [broken, *mwanga.housekeeping._chores])
    with pytest.raises(ValueError):
        await chores.chores()
    assert await Outbox.filter(kind="reminder").count() == 1
