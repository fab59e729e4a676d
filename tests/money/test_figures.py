"""Sales and payments by the day: what is added up, what is read as it is, and what was taken back, on both engines."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from bot.runtime.housekeeping import FEW
from bot.server import Server
from handlers.selling.moved import move_by_office
from models.clock import CLOCK, Doubt, note_seen
from models.devices import Device, with_owner
from models.money.books import find_fault
from models.money.figures import PIECE, AddedUp, MoneyDay, MoneyWeek, add_up, added_until
from models.money.receiving import Incoming, Source, receive
from models.office import money_days
from models.office.money_days import Figures, Sums, Wanted, read, read_sold
from models.people import Agent, OfficeUser
from models.selling import Sale, voids
from models.sql import connection, execute
from tests.world.people import NOON, PEOPLE, Phones

ZONE = ZoneInfo("Africa/Dar_es_Salaam")
TODAY = date(2026, 11, 24)
YES = "1 482915"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


async def buy(mwanga: Server, amount: int) -> Sale:
    """Asha sells days for Neema's e-bike."""
    phones = Phones(mwanga)
    await phones.text("Asha", f"BUY EB100042 {amount}")
    await phones.text("Asha", YES)
    sale = await Sale.all().order_by("-id").first()
    assert sale
    return sale


async def add_all(mwanga: Server, most: int = FEW, zone: ZoneInfo = ZONE) -> int:
    """All hours that are over, as housekeeping does it; in how many portions."""
    portions = 0
    while True:
        async with mwanga.database.work():
            some = await add_up(zone, most)
        if not some:
            return portions
        portions += some


async def figures(first: date = TODAY, last: date = TODAY, **whose: int | str | None) -> Figures:
    """What the pages of money say; of all alike the first page has to say the same."""
    found = await read(Wanted(first, last, **whose), ZONE, last)  # type: ignore[arg-type]
    if not whose:
        sold = [(each.sales, each.amount) for each in (await read_sold(first, last, ZONE)).days]
        assert sold == [(each.sales, each.sold) for each in found.by_day.values()]
    return found


async def test_in_another_time_zone_days_have_other_hours(mwanga: Server, clock: time_machine.Traveller) -> None:
    """The office puts a wrong zone right: what was sold late in the evening is of the next day there."""
    tokyo, tomorrow = ZoneInfo("Asia/Tokyo"), TODAY + timedelta(days=1)
    clock.shift(timedelta(hours=11))
    await buy(mwanga, 4000)
    clock.shift(timedelta(hours=2))
    await add_all(mwanga)
    assert (await figures(TODAY, tomorrow)).by_day[TODAY].sales == 1
    for _time in range(2):
        await add_all(mwanga, zone=tokyo)
        found = await read(Wanted(TODAY, tomorrow), tokyo, tomorrow)
        assert {day: each.sales for day, each in found.by_day.items()} == {TODAY: 0, tomorrow: 1}
        assert await MoneyDay.all().count() == 2


async def test_sums_are_made_anew_week_by_week(mwanga: Server, clock: time_machine.Traveller) -> None:
    """SQLite answers nobody while rows are removed, and a large company has millions."""
    for amount in (4000, 6000, 8000):
        await buy(mwanga, amount)
        clock.shift(timedelta(days=7))
    await add_all(mwanga)
    left, tokyo, last = [], ZoneInfo("Asia/Tokyo"), TODAY + timedelta(days=20)
    for _portion in range(3):
        async with mwanga.database.work():
            assert await add_up(tokyo, FEW)
        left.append(await MoneyWeek.filter(what="sale").count())
        assert (await figures(TODAY, last)).total.sold == 18_000_00
    await add_all(mwanga, zone=tokyo)
    assert left == [2, 1, 0] and await MoneyWeek.filter(what="sale").count() == 3
    assert (await read(Wanted(TODAY, last), tokyo, last)).total.sold == 18_000_00
    assert await find_fault() == ""


async def test_the_figures_are_the_same_before_and_after_they_are_added_up(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    await buy(mwanga, 4000)
    clock.shift(timedelta(hours=1))
    await buy(mwanga, 6000)
    clock.shift(timedelta(hours=1))
    before = await figures()
    assert (before.total.sales, before.total.sold) == (2, 10_000_00)
    assert (before.total.payments, before.total.paid, before.total.commission) == (2, 10_000_00, 1_000_00)
    assert await add_all(mwanga) == 2
    assert await MoneyDay.all().count() == 2, "one sum of sales, one of payments"
    assert await figures() == before
    assert await add_all(mwanga) == 0, "nothing is added twice"
    assert await figures() == before


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_busy_hour_is_added_in_portions(mwanga: Server, clock: time_machine.Traveller) -> None:
    """At every moment in between the figures are the same."""
    clock.move_to(NOON.replace(minute=0))
    for amount in (4000, 6000, 8000):
        await buy(mwanga, amount)
        clock.shift(PIECE + timedelta(seconds=1))
    clock.shift(timedelta(hours=2))
    before = await figures()
    sold = []
    while True:
        async with mwanga.database.work():
            if not await add_up(ZONE, 1):
                break
        assert await figures() == before
        sold.append(sum(day.number for day in await MoneyDay.filter(what="sale")))
    assert sold == [1, 2, 3]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_nothing_is_counted_twice_while_portions_are_added(
    mwanga: Server, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often a portion is added between two questions of a page."""
    clock.move_to(NOON.replace(minute=0))
    for amount in (4000, 5000, 6000, 7000, 8000):
        await buy(mwanga, amount)
        clock.shift(PIECE + timedelta(seconds=1))
    clock.shift(timedelta(hours=2))
    before = await figures()
    read_days, outside = money_days._add_days, connection()

    async def reads_after_it(*about: Any) -> None:
        if connection() is outside:  # within a transaction none can
            async with mwanga.database.work():
                await add_up(ZONE, 1)
        await read_days(*about)

    monkeypatch.setattr(money_days, "_add_days", reads_after_it)
    assert await figures() == before


@pytest.mark.parametrize("ahead", [timedelta(minutes=40), timedelta(hours=20)])
async def test_what_is_sold_after_the_clock_was_ahead_is_in_the_sums(
    ahead: timedelta, mwanga: Server, clock: time_machine.Traveller
) -> None:
    await buy(mwanga, 4000)
    clock.shift(timedelta(days=1) + ahead)
    assert await add_all(mwanga)
    clock.shift(-ahead)
    await buy(mwanga, 6000)
    assert await add_all(mwanga)
    clock.shift(timedelta(hours=2))
    await add_all(mwanga)
    found = await figures(TODAY, TODAY + timedelta(days=1))
    assert [each.sold for each in found.by_day.values()] == [4_000_00, 6_000_00]
    assert (found.total.sales, found.total.payments) == (2, 2)
    assert await find_fault() == ""


@pytest.mark.parametrize(
    ("at", "ahead"),
    [
        (datetime(2026, 11, 24, 7, tzinfo=UTC), timedelta(hours=2)),
        (datetime(2026, 11, 29, 20, tzinfo=UTC), timedelta(hours=20)),
    ],
)
async def test_what_is_sold_until_the_next_hour_after_the_clock_was_ahead_is_in_the_sums(
    at: datetime, ahead: timedelta, mwanga: Server, clock: time_machine.Traveller
) -> None:
    """The sums are looked at once an hour: by then it may be as late as they were, or the next week."""
    clock.move_to(at + ahead)
    await add_all(mwanga)
    clock.move_to(at + timedelta(minutes=30))
    await buy(mwanga, 6000)
    for hours in (1, 3, 30):
        clock.move_to(at + timedelta(hours=hours, seconds=1))
        await add_all(mwanga)
    day = at.astimezone(ZONE).date()
    assert (await figures(day, day + timedelta(days=1))).by_day[day].sold == 6_000_00
    assert await find_fault() == ""


async def test_a_database_whose_sums_are_ahead_since_long_has_them_all_made_anew(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    """Versions of before added up what was still to come."""
    await buy(mwanga, 4000)
    clock.shift(timedelta(days=30))
    await AddedUp.all().update(until_at=NOON + timedelta(days=300))
    await add_all(mwanga)
    assert (await figures()).total.sold == 4_000_00


async def test_nothing_is_added_up_while_the_clock_seems_to_be_ahead(
    mwanga: Server, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_all(mwanga)
    until = await added_until()

    async def is_ahead() -> Doubt:
        return Doubt.AHEAD

    monkeypatch.setattr(CLOCK, "doubt", is_ahead)
    clock.shift(timedelta(days=400))
    assert await add_all(mwanga) == 0 and await added_until() == until


async def test_money_that_comes_while_the_clock_seems_to_be_behind_is_in_the_sums(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    """It was ahead, and is set back. Nothing is sold until it is as late, but customers pay by phone."""
    clock.shift(timedelta(hours=20))
    async with mwanga.database.work():
        await note_seen(datetime.now(UTC))
    await add_all(mwanga)
    clock.move_to(NOON + timedelta(minutes=30))
    async with mwanga.database.work():
        paid = {"source": Source.CALLBACK, "provider": "daraja", "reference": "R1", "amount": 900}
        await receive(Incoming(**paid, paid_at=datetime.now(UTC)))  # type: ignore[arg-type]
    for hours in (1, 24):
        clock.move_to(NOON + timedelta(hours=hours, seconds=1))
        await add_all(mwanga)
    assert (await figures(TODAY, TODAY + timedelta(days=1))).total.payments == 1


async def test_what_is_younger_is_read_beside_the_sums(mwanga: Server, clock: time_machine.Traveller) -> None:
    await buy(mwanga, 4000)
    clock.shift(timedelta(hours=1))
    assert await add_all(mwanga) == 1
    await buy(mwanga, 6000)
    now = await figures()
    assert (now.total.sales, now.total.sold) == (2, 10_000_00)
    assert now.by_day[TODAY] == now.total and now.by_provider["cash"] == now.total
    asha = await Agent.get(phone=PEOPLE["Asha"])
    assert now.by_agent[asha.id] == now.total
    assert now.by_mini_grid[asha.mini_grid_id].sold == 10_000_00
    assert (await figures(agent_id=asha.id)).total == now.total
    assert (await figures(provider="daraja")).total.sales == 0
    assert (await figures(mini_grid_id=asha.mini_grid_id + 1)).total.sales == 0


async def test_what_is_taken_back_is_off_its_day_whenever_that_is(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    sale = await buy(mwanga, 4000)
    clock.shift(timedelta(days=1))
    await add_all(mwanga)
    assert (await figures(TODAY, TODAY + timedelta(days=1))).total.sold == 4_000_00
    async with mwanga.database.work():
        await voids.approve(sale, OfficeUser(name="rehema"), "wrong amount", today=NOON.date())
        await voids.approve(sale, OfficeUser(name="zuberi"), today=NOON.date())
    after = await figures(TODAY, TODAY + timedelta(days=1))
    assert (after.total.sales, after.total.sold, after.total.commission) == (0, 0, 0)
    assert after.by_day[TODAY].sold == 0 and (after.total.paid, after.total.payments) == (0, 0), "the cash went back"


async def test_a_sale_that_was_moved_and_taken_back_is_not_sold(mwanga: Server) -> None:
    sale = await buy(mwanga, 4000)
    right = await with_owner((await Device.get(serial="SHS0283")).id)
    today = mwanga.company.today()
    place = {"company": mwanga.company, "composer": mwanga.composer}
    async with mwanga.database.work():
        moved = (await move_by_office(sale, right, OfficeUser(name="rehema"), **place)).sold.sale
    assert (await figures(today, today)).total.sold == 4_000_00
    async with mwanga.database.work():
        await voids.approve(moved, OfficeUser(name="rehema"), "wrong amount", today=NOON.date())
        await voids.approve(moved, OfficeUser(name="zuberi"), today=NOON.date())
    total = (await figures(today, today)).total
    assert (total.sales, total.sold, total.paid) == (0, 0, 4_000_00), "the cash waits for the office"


async def test_an_hour_that_is_added_meanwhile_counts_once(
    mwanga: Server, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    await buy(mwanga, 4000)
    clock.shift(timedelta(hours=2))
    first = await added_until()

    async def add_after_looking() -> datetime:
        if not await MoneyDay.exists():
            await add_all(mwanga)
            return first
        return await added_until()

    monkeypatch.setattr(money_days, "added_until", add_after_looking)
    assert (await figures()).total.sold == 4_000_00


async def test_a_day_is_the_operators(mwanga: Server) -> None:
    """23:30 in Mtwara is 20:30 UTC: half an hour later it is tomorrow there."""
    late = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)
    with time_machine.travel(late, tick=False) as clock:
        await buy(mwanga, 4000)
        clock.shift(timedelta(hours=1))
        await buy(mwanga, 6000)
        clock.shift(timedelta(hours=2))
        tomorrow = TODAY + timedelta(days=1)
        expected = {TODAY: 4_000_00, tomorrow: 6_000_00}
        for _before_and_after in range(2):
            found = await figures(TODAY, tomorrow)
            assert {day: sums.sold for day, sums in found.by_day.items()} == expected
            await add_all(mwanga)


async def test_an_hour_that_is_not_over_is_not_added(mwanga: Server, clock: time_machine.Traveller) -> None:
    await buy(mwanga, 4000)
    assert await add_all(mwanga) == 0 and not await MoneyDay.exists()
    assert await added_until() == NOON.replace(minute=0)
    clock.move_to(NOON.replace(hour=8, minute=4))
    assert await add_all(mwanga) == 0, "a sale of that hour may still be on its way"
    clock.move_to(NOON.replace(hour=8, minute=6))
    assert await add_all(mwanga) == 1
    assert await AddedUp.all().count() == 1


@pytest.mark.everyday_on_sqlite
async def test_weeks_and_the_days_around_them_say_what_all_the_days_say(
    mwanga: Server, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        await buy(mwanga, 4000 + 2000 * number)
        clock.shift(timedelta(days=4))
    await add_all(mwanga)
    for back in range(24):
        first = TODAY + timedelta(days=20 - back)
        for length in (0, 5, 6, 12, 20):
            last = first + timedelta(days=length)
            found = await figures(first, last)
            assert found.total == found.by_provider.get("cash", Sums())
            with monkeypatch.context() as patched:
                patched.setattr(Wanted, "is_all", False)
                assert await figures(first, last) == found, (first, last)


async def by_each_day(wanted: Wanted) -> Sequence[dict[str, Any]]:
    """All sums of these days, one by one."""
    rows = await MoneyDay.filter(day__gte=wanted.first, day__lte=wanted.last, **wanted.filters)
    return [dict(row) for row in rows]


async def check_places(wanted: Wanted) -> None:
    """By agent, mini-grid and provider it says what all the sums of its days say."""
    found, expected = await figures(wanted.first, wanted.last, **wanted.filters), Figures()
    for row in await by_each_day(wanted):
        expected.add(row["day"], row["what"], row)
    for name in ("by_agent", "by_provider", "by_mini_grid"):
        assert getattr(found, name) == getattr(expected, name), (name, wanted)


async def test_two_weeks_and_the_days_around_them_say_what_all_the_days_say(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    """For all and for one provider: a sale before the weeks, one in each, and one behind them."""
    for number in range(4):
        await buy(mwanga, 4000 + 2000 * number)
        clock.shift(timedelta(days=7 if number else 6))
    await add_all(mwanga)
    for whose in ({}, {"provider": "cash"}):
        wanted = Wanted(TODAY, TODAY + timedelta(days=20), **whose)
        assert wanted.weeks == (date(2026, 11, 30), date(2026, 12, 14))
        await check_places(wanted)


@pytest.mark.everyday_on_sqlite
async def test_weeks_of_one_say_what_all_its_days_say(mwanga: Server, clock: time_machine.Traveller) -> None:
    """By agent, mini-grid and provider, whatever is asked for alone, and wherever a week begins."""
    asha = await Agent.get(phone=PEOPLE["Asha"])
    for number in range(5):
        await buy(mwanga, 4000 + 2000 * number)
        clock.shift(timedelta(days=4))
    await add_all(mwanga)
    asked: list[dict[str, Any]] = [{"provider": "cash"}, {"mini_grid_id": asha.mini_grid_id}, {"agent_id": asha.id}]
    for whose in (*asked, asked[0] | asked[1], asked[1] | asked[2], asked[0] | asked[1] | asked[2]):
        for first, length in ((first, length) for first in range(8) for length in (0, 6, 12)):
            await check_places(Wanted(TODAY + timedelta(days=first), TODAY + timedelta(days=first + length), **whose))


async def test_weeks_of_what_was_added_up_before_there_were_any_are_the_same(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    for amount in (4000, 6000, 8000):
        await buy(mwanga, amount)
        clock.shift(timedelta(days=3))
    await add_all(mwanga)
    kept = await all_weeks()
    assert len(kept) == 2 * 2, "sales and payments of two weeks"
    await execute(connection(), "DELETE FROM money_week")
    assert "The sums of weeks have -3 of payment by cash, and -1800000" in await find_fault()
    await import_module("models.migrations.0019_money_weeks").fill(None, SimpleNamespace(client=connection()))
    assert await all_weeks() == kept and not await find_fault()


async def all_weeks() -> list[dict[str, Any]]:
    columns = "first_day, what, mini_grid_id, agent_id, provider, number, amount, commission"
    return await execute(connection(), f"SELECT {columns} FROM money_week ORDER BY 1, 2, 3, 4, 5")


async def test_the_days_of_one_are_those_of_its_own_sums(
    mwanga: Server, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is asked for alone has sums for each day; they say what all the sums of that day say."""
    for number in range(3):
        await buy(mwanga, 4000 + 2000 * number)
        clock.shift(timedelta(hours=30))
    await add_all(mwanga)
    asha, last = await Agent.get(phone=PEOPLE["Asha"]), TODAY + timedelta(days=4)
    for whose in (
        {"agent_id": asha.id},
        {"provider": "cash"},
        {"provider": "daraja"},
        {"mini_grid_id": asha.mini_grid_id},
        {"mini_grid_id": asha.mini_grid_id + 1},
        {"mini_grid_id": asha.mini_grid_id, "agent_id": asha.id},
    ):
        found = await figures(TODAY, last, **whose)
        assert found.total.sold == (18_000_00 if {"daraja", asha.mini_grid_id + 1}.isdisjoint(whose.values()) else 0)
        with monkeypatch.context() as patched:
            patched.setattr(money_days, "_of_each_day", by_each_day)
            assert await figures(TODAY, last, **whose) == found, whose


async def test_what_was_added_up_before_there_were_weeks_is_the_same(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    for amount in (4000, 6000, 8000):
        await buy(mwanga, amount)
        clock.shift(timedelta(days=3))
    await add_all(mwanga)
    question = (
        "SELECT span, first_day, what, by_what, whose, number, amount, commission FROM money_sum ORDER BY 1, 4, 2, 3"
    )
    kept = await execute(connection(), question)
    assert len(kept) == (3 + 2) * (4 + 3), "for three days in two weeks four sums of sales, three of payments"
    await execute(connection(), "DELETE FROM money_sum")
    await import_module("models.migrations.0011_fast_pages").add_up(None, SimpleNamespace(client=connection()))
    assert await execute(connection(), question) == kept
