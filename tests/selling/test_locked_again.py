"""A device that was unlocked for good, or came back with days left, and is to be paid for again: the next code locks it
again, and lets it run as long as is paid; one that only adds days would leave it open for ever, or give them away."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from bot.server import Server
from models.devices import Device
from models.devices.counts import advance_since
from models.devices.keys import open_key, seal_key
from models.devices.tables import Unit
from models.money.books import find_fault
from models.people import Agent, Customer, OfficeUser
from models.selling import Sale, voids
from models.selling.ownership import give_back
from models.sql import connection, execute
from tests.emulators.openpaygo_device import Accepted
from tests.emulators.openpaygo_device import Device as Simulated
from tests.world.ownership import device, sold, swap
from tests.world.people import NOON, PEOPLE

GRACE, HENRY = OfficeUser(name="grace"), OfficeUser(name="henry")
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


async def at_home(mwanga: Server, serial: str = "SHS0283") -> Simulated:
    """The device itself, as it left the factory."""
    known = await device(serial)
    key = open_key(known, mwanga.company.vault)
    secret, divider = bytes.fromhex(str(key["secret"])), int(key["divider"])
    return Simulated(secret, int(key["starting_code"]), count=known.count, divider=divider)


async def types(real: Simulated, sale: Sale) -> None:
    [row] = await execute(connection(), "SELECT digits FROM token WHERE sale_id = $1", [sale.id])
    assert isinstance(real.enter(row["digits"], datetime.now(UTC)), Accepted)


def runs(real: Simulated, days: int) -> None:
    """It runs for so many days from now, and not for ever."""
    now = datetime.now(UTC)
    assert real.is_on(now + days * DAY - DAY / 24) and not real.is_on(now + days * DAY)


async def unlocked(mwanga: Server, real: Simulated) -> Sale:
    """Baraka pays 8 days, then all of his plan, and types both codes."""
    await Agent.filter(phone=PEOPLE["Asha"]).update(cash_limit=10_000_000_00)
    await types(real, await sold(mwanga, "BUY SHS0283 8000"))
    sale = await sold(mwanga, "BUY SHS0283 1084000")
    await types(real, sale)
    assert sale.unit == Unit.UNLOCK and real.is_on(NOON + 10_000 * DAY)
    return sale


async def by_office(mwanga: Server, sale: Sale) -> None:
    async with mwanga.database.work():
        await voids.approve(sale, GRACE, "wrong amount", today=NOON.date())
        await voids.approve(sale, HENRY, today=NOON.date())


async def test_a_plan_that_is_open_again_locks_the_device_by_its_next_code(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    real = await at_home(mwanga)
    await by_office(mwanga, await unlocked(mwanga, real))
    clock.shift(2 * DAY)
    again = await sold(mwanga, "BUY SHS0283 5000")
    assert again.units == 5
    await types(real, again)
    runs(real, 6 + 5)  # what was left of the days before is in the code
    await types(real, await sold(mwanga, "BUY SHS0283 3000"))
    runs(real, 6 + 5 + 3)  # this one adds days as usual
    assert (await device("SHS0283")).paid_until == real.paid_until
    last = await sold(mwanga, f"BUY SHS0283 {1_084_000 - 8_000}")
    await types(real, last)
    assert last.unit == Unit.UNLOCK and real.is_on(NOON + 10_000 * DAY)
    assert await find_fault() == ""


async def test_no_more_is_sold_than_the_code_has_room_for(mwanga: Server, clock: time_machine.Traveller) -> None:
    """It has the days in it that were left: where a code of this device carries ten, six of them."""
    known, vault = await device("SHS0283"), mwanga.company.vault
    sealed = seal_key(known.serial, {**open_key(known, vault), "divider": 99}, vault)
    await Device.filter(id=known.id).update(sealed_key=sealed)
    real = await at_home(mwanga)
    await by_office(mwanga, await unlocked(mwanga, real))
    clock.shift(2 * DAY)
    before = await Sale.all().count()
    await sold(mwanga, "BUY SHS0283 5000")
    assert await Sale.all().count() == before
    await types(real, await sold(mwanga, "BUY SHS0283 4000"))
    runs(real, 6 + 4)


async def test_a_code_that_is_void_locks_nothing(mwanga: Server, clock: time_machine.Traveller) -> None:
    """Who hears that a code counts no more does not type it: the next one has to lock the device."""
    real = await at_home(mwanga)
    await by_office(mwanga, await unlocked(mwanga, real))
    clock.shift(2 * DAY)
    await by_office(mwanga, await sold(mwanga, "BUY SHS0283 5000"))
    await types(real, await sold(mwanga, "BUY SHS0283 3000"))
    runs(real, 6 + 3)
    assert (await device("SHS0283")).paid_until == real.paid_until


async def test_who_buys_a_device_that_was_unlocked_pays_for_its_days(mwanga: Server) -> None:
    real = await at_home(mwanga)
    await unlocked(mwanga, real)
    async with mwanga.database.work():
        await give_back(await device("SHS0283"), GRACE, "bought back", mwanga.company.today())
    await types(real, await sold(mwanga, "SELL 3, Solar home, 156 weekly, SHS0283"))
    runs(real, 7)


async def test_who_buys_a_device_that_had_days_left_pays_for_its_days(mwanga: Server) -> None:
    """Baraka typed one code and has another one, which counts no more."""
    real = await at_home(mwanga)
    await types(real, await sold(mwanga, "BUY SHS0283 20000"))
    [unused] = await execute(
        connection(), "SELECT digits FROM token WHERE sale_id = $1", [(await sold(mwanga, "BUY SHS0283 9000")).id]
    )
    async with mwanga.database.work():
        await give_back(await device("SHS0283"), GRACE, "bought back", mwanga.company.today())
    await types(real, await sold(mwanga, "SELL 3, Solar home, 156 weekly, SHS0283"))
    runs(real, 7)
    assert not isinstance(real.enter(unused["digits"], datetime.now(UTC)), Accepted)
    await types(real, await sold(mwanga, "BUY SHS0283 3000"))
    runs(real, 7 + 3)
    assert (await device("SHS0283")).paid_until == real.paid_until


async def test_who_buys_an_appliance_whose_sale_is_void_pays_for_its_days(mwanga: Server) -> None:
    real = await at_home(mwanga, "SHS0284")
    sale = await sold(mwanga, "SELL 3, Solar home, 156 weekly, SHS0284")
    await types(real, sale)
    await by_office(mwanga, sale)
    await types(real, await sold(mwanga, "SELL 1, Solar home, 156 weekly, SHS0284"))
    runs(real, 7)


async def test_a_first_code_that_is_void_sets_nothing(mwanga: Server) -> None:
    """Whoever has the bike next did not type it: of the former owner's days none are given away."""
    real = await at_home(mwanga, "EB100042")
    await types(real, await sold(mwanga, "BUY EB100042 60000"))
    former = await device("EB100042")
    async with mwanga.database.work():
        await give_back(former, GRACE, "bought back", mwanga.company.today())
    await Device.filter(id=former.id).update(customer_id=(await Customer.get(phone=PEOPLE["Amina"])).id)
    await by_office(mwanga, await sold(mwanga, "BUY EB100042 4000"))
    await types(real, await sold(mwanga, "BUY EB100042 6000"))
    runs(real, 3)
    await types(real, await sold(mwanga, "BUY EB100042 2000"))
    runs(real, 3 + 1)
    assert (await device("EB100042")).paid_until == real.paid_until


async def test_a_first_owner_keeps_what_runs_on_the_device_when_the_first_code_is_void(mwanga: Server) -> None:
    """They may be days of before it came to us. The office agreed to the void, and knew whether the code was typed."""
    real = await at_home(mwanga, "EB100042")
    first = await sold(mwanga, "BUY EB100042 4000")
    await types(real, first)
    await by_office(mwanga, first)
    await types(real, await sold(mwanga, "BUY EB100042 6000"))
    runs(real, 2 + 3)


async def test_who_gets_one_with_days_left_in_the_place_of_a_broken_one_has_the_own_days(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    real = await at_home(mwanga)
    await types(real, await sold(mwanga, "BUY SHS0283 90000"))
    async with mwanga.database.work():
        await give_back(await device("SHS0283"), GRACE, "bought back", mwanga.company.today())
    await sold(mwanga, "SELL 3, Solar home, 156 weekly, SHS0284")
    clock.shift(4 * DAY)
    done = await swap(mwanga, "SHS0284", "SHS0283")
    assert isinstance(real.enter(done.swap.digits, datetime.now(UTC)), Accepted)
    runs(real, 3)


async def test_so_does_who_buys_it_after_a_restore(mwanga: Server) -> None:
    """All counts were moved on: no code is as new as the count any more."""
    real = await at_home(mwanga)
    await unlocked(mwanga, real)
    async with mwanga.database.work():
        await give_back(await device("SHS0283"), GRACE, "bought back", mwanga.company.today())
        await advance_since(NOON, 2, "test")
    await types(real, await sold(mwanga, "SELL 3, Solar home, 156 weekly, SHS0283"))
    runs(real, 7)


async def test_what_takes_the_place_of_one_without_days_is_locked_at_once(
    mwanga: Server, clock: time_machine.Traveller
) -> None:
    """Who has nothing left to run would have it for good, and never buy again."""
    real = await at_home(mwanga)
    await unlocked(mwanga, real)
    async with mwanga.database.work():
        await give_back(await device("SHS0283"), GRACE, "bought back", mwanga.company.today())
    await sold(mwanga, "SELL 3, Solar home, 156 weekly, SHS0284")
    clock.shift(8 * DAY)
    done = await swap(mwanga, "SHS0284", "SHS0283")
    assert (done.swap.unit, done.swap.units) == ("", 0)
    assert isinstance(real.enter(done.swap.digits, datetime.now(UTC)), Accepted)
    assert not real.is_on(datetime.now(UTC))
    later = await sold(mwanga, "BUY SHS0283 5000")
    await types(real, later)
    runs(real, 5)


async def test_what_takes_the_place_of_a_broken_one_may_have_been_unlocked(mwanga: Server) -> None:
    real = await at_home(mwanga)
    await unlocked(mwanga, real)
    async with mwanga.database.work():
        await give_back(await device("SHS0283"), GRACE, "bought back", mwanga.company.today())
    await sold(mwanga, "SELL 3, Solar home, 156 weekly, SHS0284")
    done = await swap(mwanga, "SHS0284", "SHS0283")
    assert isinstance(real.enter(done.swap.digits, NOON), Accepted)
    runs(real, 7)


async def test_what_was_unlocked_in_the_place_of_a_broken_one_is_locked_again(mwanga: Server) -> None:
    await unlocked(mwanga, await at_home(mwanga))
    real = await at_home(mwanga, "SHS0284")
    done = await swap(mwanga, "SHS0283", "SHS0284")
    assert isinstance(real.enter(done.swap.digits, NOON), Accepted) and real.is_on(NOON + 10_000 * DAY)
    async with mwanga.database.work():
        await give_back(await device("SHS0284"), GRACE, "bought back", mwanga.company.today())
    await types(real, await sold(mwanga, "SELL 3, Solar home, 156 weekly, SHS0284"))
    runs(real, 7)
