"""A device that broke under warranty: another one takes its place, with its plan, its debts and its days."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tortoise.exceptions import IntegrityError

from bot.server import Server
from models.audit import Audit
from models.devices import Device, Kind
from models.devices.keys import open_key, seal_key
from models.money.books import find_fault
from models.money.ledger import AccountKind, Posting, balance, post
from models.people import Customer, OfficeUser
from models.selling import Contract
from models.selling.ownership import NoOwner, give_back, transfer
from models.selling.swaps import DeviceSwap, MoreThanSold, NotInStock, OtherKind, swap_to
from models.selling.voids import Void
from models.sql import connection, execute
from models.tokens.openpaygo import group as group_days
from models.tokens.sts import VendingKey, decode, derive_key, group
from tests.emulators.openpaygo_device import Accepted
from tests.emulators.openpaygo_device import Device as Simulated
from tests.world.ownership import device, newest, sold, swap, told
from tests.world.people import PEOPLE, Phones
from tests.world.registering import SHS, by_one_message, said


async def test_the_new_device_takes_over_plan_debt_and_days(mwanga: Server) -> None:
    await sold(mwanga, "BUY SHS0283 8000")
    old, before = await device("SHS0283"), await newest()
    debt = await balance(AccountKind.DEBT, 1)
    done = await swap(mwanga, "SHS0283", "SHS0284")
    assert (done.swap.units, done.swap.unit, len(done.swap.digits)) == (8, "days", 9)
    new, left = await device("SHS0284"), await device("SHS0283")
    assert (new.customer_id, new.tariff_id) == (old.customer_id, old.tariff_id) and new.paid_until
    assert new.count == done.swap.count and abs(new.paid_until - old.paid_until) < timedelta(days=1)  # type: ignore[operator]
    assert (left.customer_id, left.paid_until, left.count) == (None, None, old.count) and left.retired_at
    contract = await Contract.get(id=1)
    assert contract.device_id == new.id and await balance(AccountKind.DEBT, 1) == debt
    said = await told(mwanga, before)
    grouped = " ".join(done.swap.digits[place : place + 3] for place in (0, 3, 6))
    assert said["Baraka"].startswith(f"SHS0284\nCode {grouped}\n8 days\nIn the place of SHS0283, which is out of use.")
    assert said["Asha"] == "SWAPPED for BARAKA P.: SHS0284 takes the place of SHS0283. Sell for SHS0284 only."
    assert await find_fault() == ""
    assert (await swap_to(new)).former_id == old.id  # type: ignore[union-attr]


async def test_the_device_takes_the_code_and_the_next_one(mwanga: Server) -> None:
    await sold(mwanga, "BUY SHS0283 8000")
    before = await device("SHS0284")
    key = open_key(before, mwanga.company.vault)
    real = Simulated(bytes.fromhex(str(key["secret"])), int(key["starting_code"]), count=before.count)
    done = await swap(mwanga, "SHS0283", "SHS0284")
    now = datetime.now(UTC)
    taken = real.enter(done.swap.digits, now)
    assert isinstance(taken, Accepted) and taken.days == 8
    phones = Phones(mwanga)
    await phones.news()
    [(_who, again)] = await phones.text("Baraka", "TOKEN")
    assert again.startswith("SHS0284\nCode ")
    sale = await sold(mwanga, "BUY SHS0284 8000")
    [row] = await execute(connection(), "SELECT digits FROM token WHERE sale_id = $1", [sale.id])
    assert isinstance(real.enter(row["digits"], now), Accepted) and sale.contract_id == 1


async def test_a_device_that_was_paid_off_is_unlocked_again(mwanga: Server) -> None:
    await Contract.filter(id=1).update(ended_on=mwanga.company.today())
    done = await swap(mwanga, "SHS0283", "SHS0284")
    assert (done.swap.unit, done.swap.units) == ("unlock", 0) and done.swap.digits
    assert "It runs for good." in (await told(mwanga))["Baraka"]


async def test_the_days_that_came_along_are_in_the_balance_though_nothing_was_paid(mwanga: Server) -> None:
    await sold(mwanga, "BUY EB100042 6000")
    await swap(mwanga, "EB100042", "EB100043")
    phones = Phones(mwanga)
    await phones.news()
    [(_who, said)] = await phones.text("Neema", "BAL")
    assert said.startswith("EB100043: 3 days left, until ")


async def test_who_gets_a_device_that_was_somebody_elses_reads_the_own_code(mwanga: Server) -> None:
    """It was Rehema's, who bought for it and brought it back."""
    phones = Phones(mwanga)
    await by_one_message(phones, SHS)
    await sold(mwanga, "BUY SHS0284 3000")
    async with mwanga.database.work():
        await give_back(await device("SHS0284"), OfficeUser(name="grace"), "moved away", mwanga.company.today())
    await sold(mwanga, "BUY SHS0283 8000")
    done = await swap(mwanga, "SHS0283", "SHS0284")
    code = group_days(done.swap.digits)
    await phones.news()
    assert (await said(phones, "TOKEN", "Baraka")).startswith(f"SHS0284\nCode {code}\n8 days\n")
    assert code in await said(phones, "TOKEN SHS0284")
    assert (await said(phones, "BAL", "Baraka")).startswith("SHS0284: 8 days left")


async def test_the_code_that_a_device_came_with_is_among_the_last_ones(mwanga: Server) -> None:
    """Who had no SMS of it reads it also when something was sold since."""
    await sold(mwanga, "BUY EB100042 6000")
    done = await swap(mwanga, "EB100042", "EB100043")
    await sold(mwanga, "BUY EB100043 4000")
    [row] = await execute(
        connection(), "SELECT t.digits FROM token t JOIN device d ON d.id = t.device_id WHERE d.serial = 'EB100043'"
    )
    phones = Phones(mwanga)
    await phones.news()
    day = mwanga.company.day(done.swap.created_at)
    lines = f"{day} 4,000: {group_days(row['digits'])}\n{day} 3 days: {group_days(done.swap.digits)}"
    for name, text in (("Neema", "TOKEN"), ("Asha", "TOKEN EB100043")):
        assert await said(phones, text, name) == f"EB100043, newest first\n{lines}"


async def test_an_agent_reads_until_when_a_device_has_days_that_came_along(mwanga: Server) -> None:
    await sold(mwanga, "BUY EB100042 6000")
    neema = (await device("EB100042")).customer_id
    await swap(mwanga, "EB100042", "EB100043")
    phones = Phones(mwanga)
    await phones.news()
    [(_who, said)] = await phones.text("Asha", f"CUST {neema}")
    paid_until = (await device("EB100043")).paid_until
    assert f"Paid until {mwanga.company.day(paid_until)}." in said and "No token yet" not in said


async def test_a_device_with_nothing_left_gets_no_code(mwanga: Server) -> None:
    await Device.filter(serial="EB100042").update(paid_until=datetime.now(UTC) - timedelta(days=3))
    done = await swap(mwanga, "EB100042", "EB100043")
    assert (done.swap.digits, done.swap.count, done.swap.unit) == ("", 10, "")
    said = (await told(mwanga))["Neema"]
    assert said == "EB100043\nIn the place of EB100042, which is out of use. Call +255700000000."


async def test_a_meter_takes_over_what_is_owed_and_its_labels(mwanga: Server) -> None:
    amina = await device("04123456784")
    await spare_meter(mwanga)
    await Device.filter(id=amina.id).update(access_due=500)
    async with mwanga.database.work():
        lines = [Posting(AccountKind.ACCESS_DUE, amina.id, 500), Posting(AccountKind.ACCESS, 0, -500)]
        await post("access fell due", lines, actor="test")
    done = await swap(mwanga, "04123456784", "04123456792")
    new = await device("04123456792")
    assert (done.swap.digits, new.access_due, new.tariff_id) == ("", 500, amina.tariff_id)
    assert await balance(AccountKind.ACCESS_DUE, new.id) == 500 and await balance(AccountKind.ACCESS_DUE, amina.id) == 0
    assert await find_fault() == ""


async def spare_meter(mwanga: Server) -> Device:
    amina = await device("04123456784")
    spare = await Device.create(serial="04123456792", kind=Kind.METER, issuer="sts", sealed_key=amina.sealed_key)
    await Device.filter(id=spare.id).update(sealed_key=_resealed(mwanga, amina, spare))
    return spare


async def test_what_a_meter_still_shows_goes_along_within_what_it_got(mwanga: Server) -> None:
    spare, sale = await spare_meter(mwanga), await sold(mwanga, "BUY 04123456784 7000")
    assert (sale.unit, sale.units) == ("energy", 200)
    with pytest.raises(MoreThanSold) as refused:
        await swap(mwanga, "04123456784", "04123456792", shown=201)
    assert refused.value.most == 200 and not await DeviceSwap.all(), "and nothing was done"
    before = await newest()
    done = await swap(mwanga, "04123456784", "04123456792", shown=123)
    assert (done.swap.unit, done.swap.units, len(done.swap.digits)) == ("energy", 123, 20)
    key = open_key(await device(spare.serial), mwanga.company.vault)
    vending = VendingKey(sgc=str(key["sgc"]), krn=int(key["krn"]), secret=bytes.fromhex(str(key["secret"])))
    meter = derive_key(vending, spare.serial, tariff_index=int(key["ti"]), base_year=int(key["base_year"]))
    assert decode(meter, done.swap.digits).tenths == 123
    new = await device(spare.serial)
    assert (new.count, new.paid_until) == (done.swap.count, None)
    said = (await told(mwanga, before))["Amina"]
    assert said.startswith(f"04123456792\nTokeni {group(done.swap.digits)}\n12.3 kWh\n")
    [note, _other] = await Audit.filter(action="device swapped").order_by("id")
    assert "12.3 kWh" in note.detail and await find_fault() == ""


async def test_what_a_meter_came_with_counts_when_it_breaks_too(mwanga: Server) -> None:
    await spare_meter(mwanga)
    await sold(mwanga, "BUY 04123456784 7000")
    await swap(mwanga, "04123456784", "04123456792", shown=150)
    amina = await device("04123456792")
    third = await Device.create(serial="04123456800", kind=Kind.METER, issuer="sts", sealed_key=amina.sealed_key)
    await Device.filter(id=third.id).update(sealed_key=_resealed(mwanga, amina, third))
    with pytest.raises(MoreThanSold):
        await swap(mwanga, "04123456792", "04123456800", "swap 2", shown=151)
    done = await swap(mwanga, "04123456792", "04123456800", "swap 2", shown=150)
    assert done.swap.units == 150


async def test_what_a_former_owner_left_on_a_meter_goes_along_too(mwanga: Server) -> None:
    """Amina gave the meter to Neema with what was left on it."""
    await spare_meter(mwanga)
    await sold(mwanga, "BUY 04123456784 7000")
    neema, today = await Customer.get(phone=PEOPLE["Neema"]), mwanga.company.today()
    async with mwanga.database.work():
        await transfer(await device("04123456784"), neema, OfficeUser(name="grace"), "sold it", today=today)
    with pytest.raises(MoreThanSold) as refused:
        await swap(mwanga, "04123456784", "04123456792", shown=201)
    assert refused.value.most == 200
    assert (await swap(mwanga, "04123456784", "04123456792", shown=150)).swap.units == 150


async def test_a_sale_that_was_taken_back_left_nothing_on_the_meter(mwanga: Server) -> None:
    await spare_meter(mwanga)
    sale = await sold(mwanga, "BUY 04123456784 7000")
    await Void.create(sale=sale, reason="wrong", asked_by="grace", asked_at=datetime.now(UTC), state="done")
    with pytest.raises(MoreThanSold) as refused:
        await swap(mwanga, "04123456784", "04123456792", shown=1)
    assert refused.value.most == 0


def _resealed(mwanga: Server, old: Device, new: Device) -> str:
    return seal_key(new.serial, open_key(old, mwanga.company.vault), mwanga.company.vault)


async def test_what_cannot_be_swapped(mwanga: Server) -> None:
    for former, serial, why in (
        ("SHS0284", "SHS0283", NoOwner),  # nobody has it
        ("SHS0283", "EB100042", NotInStock),  # somebody has it
        ("SHS0283", "SHS0283", NotInStock),
        ("SHS0283", "EB100043", OtherKind),
    ):
        with pytest.raises(why):
            await swap(mwanga, former, serial)
    assert not await DeviceSwap.all() and await told(mwanga) == {}


async def test_the_same_swap_is_done_once(mwanga: Server) -> None:
    first, again = await swap(mwanga, "SHS0283", "SHS0284"), await swap(mwanga, "SHS0283", "SHS0284")
    assert first.new and not again.new and first.swap.id == again.swap.id
    assert len(await execute(connection(), "SELECT 1 FROM outbox")) == 2
    with pytest.raises(NoOwner):
        await swap(mwanga, "SHS0283", "SHS0284", key="another form")


async def test_two_at_once_do_it_once(mwanga: Server) -> None:
    done = await asyncio.gather(
        *(swap(mwanga, "SHS0283", "SHS0284", key=f"form {number}") for number in range(3)), return_exceptions=True
    )
    assert sorted(isinstance(each, BaseException) for each in done) == [False, True, True]
    assert len(await DeviceSwap.all()) == 1 and await find_fault() == ""


async def test_it_stands_in_the_audit_and_stays(mwanga: Server) -> None:
    await swap(mwanga, "SHS0283", "SHS0284", reason="does not charge")
    notes = await Audit.filter(action="device swapped").order_by("id").values_list("actor", "subject", "detail")
    baraka = await Customer.get(phone=PEOPLE["Baraka"])
    assert notes[0][:2] == ("grace", "SHS0283") and notes[1][:2] == ("grace", "SHS0284")
    assert f"-> SHS0284, of customer {baraka.id}" in notes[0][2] and notes[0][2].endswith("does not charge")
    for statement in ("UPDATE device_swap SET reason = 'x'", "DELETE FROM device_swap"):
        with pytest.raises(IntegrityError):
            await execute(connection(), statement)
    assert (await device("SHS0283")).customer is None
