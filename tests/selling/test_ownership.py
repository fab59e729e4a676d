"""Wrong devices, returns, transfers, write-offs, devices out of use: each has its entries, and everybody is told."""

from datetime import UTC, datetime, timedelta
from unittest.mock import AsyncMock, patch

import pytest
import time_machine

from bot.server import Server
from handlers.customers.ownership import (
    pay_claim,
    retire_device,
    return_device,
    transfer_device,
    use_again,
    write_off,
)
from handlers.selling.moved import move_by_office
from models.devices import Tariff
from models.devices.access_rate import access_due, begin_access, keep_rate
from models.money import claims
from models.money.books import find_fault
from models.money.ledger import AccountKind, Posting, balance, cash_held, commission_due
from models.money.till import moves
from models.money.write_offs import Lost, NoReason, NotWaiting, WriteOff, agree_or_propose, refuse
from models.people import Agent, Customer, OfficeUser
from models.people.two_people import OtherAmount, SamePerson
from models.selling import Contract, voids
from models.selling.contracts import Instalment
from models.selling.moving import NotForThat, NothingToMove, SameDevice
from models.selling.ownership import InUse, NoOwner, NothingOwed, OpenDebt, OwnAlready, RetiredBefore
from models.selling.taking_back import MovedBefore, VoidBefore
from models.sql import connection, execute
from tests.world.books import book
from tests.world.ownership import device, means, newest, sold, told
from tests.world.people import NOON, PEOPLE, Phones

GRACE, HENRY = OfficeUser(name="grace"), OfficeUser(name="henry")


async def test_a_sale_moves_to_the_right_device_and_the_other_customer_owes_it(mwanga: Server) -> None:
    sale = await sold(mwanga, "BUY SHS0283 8000")
    asha, baraka = await Agent.get(phone=PEOPLE["Asha"]), await Customer.get(phone=PEOPLE["Baraka"])
    held, due, before = await cash_held(asha.id), await commission_due(asha.id), await newest()
    async with mwanga.database.work():
        moved = await move_by_office(sale, await device("EB100042"), GRACE, **means(mwanga))
    assert moved.owes == await balance(AccountKind.CLAIM, baraka.id) == 800_000
    assert (moved.sold.sale.replaces_id, moved.sold.sale.payment_id) == (sale.id, sale.payment_id)
    assert (moved.sold.sale.part, moved.sold.sale.units) == (2, 4)
    assert (await cash_held(asha.id), await commission_due(asha.id)) == (held, due)
    assert await balance(AccountKind.UNAPPLIED, sale.payment_id) == 0
    said = await told(mwanga, before)
    assert said["Neema"].startswith("EB100042\nCode ")
    assert said["Baraka"].startswith(f"TZS 8,000 for SHS0283, ref {sale.reference}, was somebody else's money.")
    assert said["Asha"].startswith(
        f"MOVED: TZS 8,000, ref {sale.reference}, goes from SHS0283 to EB100042. NEEMA P. has"
    )
    assert await find_fault() == ""
    async with mwanga.database.work():
        with pytest.raises(MovedBefore):
            await move_by_office(sale, await device("04123456784"), GRACE, **means(mwanga))
        with pytest.raises(MovedBefore):
            await voids.approve(sale, GRACE, "wrong", today=NOON.date())


async def test_what_cannot_be_moved(mwanga: Server) -> None:
    sale = await sold(mwanga, "BUY EB100042 4000")
    await sold(mwanga, "SELL 2, Solar lamp")
    lamp = await sold(mwanga, "PAY S1002 128")
    books = await execute(connection(), "SELECT COUNT(*) AS n FROM entry")
    for what, to, why in (
        (sale, "EB100042", SameDevice),
        (lamp, "EB100042", NothingToMove),
        (sale, "SHS0284", NotForThat),  # nobody has it
    ):
        with pytest.raises(why):
            async with mwanga.database.work():
                await move_by_office(what, await device(to), GRACE, **means(mwanga))
    assert await execute(connection(), "SELECT COUNT(*) AS n FROM entry") == books
    async with mwanga.database.work():
        await voids.approve(sale, GRACE, "wrong", today=NOON.date())
        await voids.approve(sale, HENRY, today=NOON.date())
        with pytest.raises(VoidBefore):
            await move_by_office(sale, await device("SHS0283"), GRACE, **means(mwanga))


async def test_a_write_off_is_refused_or_agreed_and_never_both(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    baraka = (await Customer.get(phone=PEOPLE["Baraka"])).id
    asked = (Lost.CLAIM, baraka, 800_000)
    async with mwanga.database.work():
        first = await agree_or_propose(*asked, "moved away", GRACE)
        read = await WriteOff.get(id=first.id)
        await refuse(first.id, GRACE)
    monkeypatch.setattr(WriteOff, "get_or_none", AsyncMock(return_value=read))  # before somebody refused it
    async with mwanga.database.work():
        for amount in (800_000, 700_000):
            with pytest.raises(NotWaiting):
                await agree_or_propose(Lost.CLAIM, baraka, amount, "", HENRY)
    row = await WriteOff.get(id=first.id)
    assert (row.agreed_at, row.refused_by, row.amount) == (None, "grace", 800_000)


async def test_who_agrees_has_seen_the_very_proposal(mwanga: Server) -> None:
    baraka = (await Customer.get(phone=PEOPLE["Baraka"])).id
    async with mwanga.database.work():
        old = await agree_or_propose(Lost.CLAIM, baraka, 800_000, "moved away", GRACE)
        await refuse(old.id, GRACE)
        with pytest.raises(NotWaiting):
            await agree_or_propose(Lost.CLAIM, baraka, 800_000, "", HENRY, seen=old)
        new = await agree_or_propose(Lost.CLAIM, baraka, 700_000, "once more", GRACE)
        with pytest.raises(NotWaiting):
            await agree_or_propose(Lost.CLAIM, baraka, 700_000, "", HENRY, seen=old)
        seen = await WriteOff.get(id=new.id)
        await agree_or_propose(Lost.CLAIM, baraka, 600_000, "", GRACE)
        with pytest.raises(OtherAmount):
            await agree_or_propose(Lost.CLAIM, baraka, 600_000, "", HENRY, seen=seen)


async def test_a_claim_is_paid_and_the_rest_written_off_by_two(mwanga: Server) -> None:
    sale = await sold(mwanga, "BUY SHS0283 8000")
    async with mwanga.database.work():
        await move_by_office(sale, await device("EB100042"), GRACE, **means(mwanga))
        [claim] = await claims.open_claims()
        assert (claim.customer.phone, claim.owed) == (PEOPLE["Baraka"], 800_000)
        with pytest.raises(claims.NoClaim):
            await pay_claim(claim.customer, 800_001, GRACE, key="form 1", **means(mwanga))
        assert await pay_claim(claim.customer, 500_000, GRACE, key="form 1", **means(mwanga)) == 300_000
        with pytest.raises(NoReason):
            await claims.write_off(claim.customer, GRACE, "")
        assert (await claims.write_off(claim.customer, GRACE, "moved away")).agreed_at is None
        with pytest.raises(SamePerson):
            await claims.write_off(claim.customer, GRACE, "")
        await pay_claim(claim.customer, 100_000, GRACE, key="form 2", **means(mwanga))
        assert (await claims.write_off(claim.customer, HENRY, "")).agreed_at is None  # of another amount by now
        assert (await claims.write_off(claim.customer, GRACE, "")).agreed_at
        assert await claims.open_claims() == []
        with pytest.raises(claims.NoClaim):
            await claims.write_off(claim.customer, GRACE, "again")
    assert await balance(AccountKind.OFFICE, 0) == 600_000 and await balance(AccountKind.WRITE_OFF, 0) == 200_000
    assert (await told(mwanga))["Baraka"] == "PAID TZS 1,000 of what you owe. TZS 2,000 is left."
    assert await find_fault() == ""


async def test_a_claim_is_as_old_as_what_is_not_paid_of_it(mwanga: Server) -> None:
    now, customer = datetime.now(UTC).replace(microsecond=0), await Customer.get(phone=PEOPLE["Baraka"])

    async def owes(days: int, amount: int) -> None:
        with time_machine.travel(now - timedelta(days=days), tick=False):
            lines = Posting(AccountKind.CLAIM, customer.id, amount), Posting(AccountKind.UNAPPLIED, 1, -amount)
            await book(f"{days} days ago", *lines)

    await owes(100, 5000)
    await owes(90, 3000)
    assert [(now - one.since).days for one in await claims.open_claims()] == [100]
    await owes(80, -6000)
    assert [(now - one.since).days for one in await claims.open_claims()] == [90]
    await owes(70, -2000)
    await owes(3, 1000)
    assert [(one.owed, (now - one.since).days) for one in await claims.open_claims()] == [(1000, 3)]


async def test_two_payments_of_a_claim_at_one_moment_both_count_and_one_sent_twice_counts_once(mwanga: Server) -> None:
    sale = await sold(mwanga, "BUY SHS0283 8000")
    async with mwanga.database.work():
        await move_by_office(sale, await device("EB100042"), GRACE, **means(mwanga))
    [claim] = await claims.open_claims()
    before = await newest()
    with patch("handlers.customers.ownership.now_ms", return_value=1_780_000_000_000):
        for key, left in (("form 1", 700_000), ("form 2", 600_000), ("form 1", 600_000)):
            async with mwanga.database.work():
                assert await pay_claim(claim.customer, 100_000, GRACE, key=key, **means(mwanga)) == left
    assert await balance(AccountKind.OFFICE, 0) == 200_000
    said = await execute(connection(), "SELECT text FROM outbox WHERE id > $1 ORDER BY id", [before])
    assert [row["text"] for row in said] == [
        "PAID TZS 1,000 of what you owe. TZS 7,000 is left.",
        "PAID TZS 1,000 of what you owe. TZS 6,000 is left.",
    ]
    newest_first = [(one.what, one.number, one.amount) for one in await moves()]
    assert newest_first == [("claim paid", claim.customer.id, 100_000)] * 2
    assert await find_fault() == ""


async def test_a_customer_reads_the_claim_in_the_balance(mwanga: Server) -> None:
    sale = await sold(mwanga, "BUY SHS0283 8000")
    async with mwanga.database.work():
        await move_by_office(sale, await device("EB100042"), GRACE, **means(mwanga))
    phones = Phones(mwanga)
    await phones.news()
    [(_name, said)] = await phones.text("Baraka", "BAL")
    assert said.endswith("TZS 8,000 is owed for power that somebody else had paid.")


async def test_a_device_comes_back_and_what_was_open_is_owed_no_more(mwanga: Server) -> None:
    await sold(mwanga, "BUY SHS0283 8000")
    contract = await Contract.get(device_id=(await device("SHS0283")).id)
    debt, cash = await balance(AccountKind.DEBT, contract.id), await balance(AccountKind.CASH, 1)
    async with mwanga.database.work():
        done = await return_device(await device("SHS0283"), GRACE, "cannot pay", **means(mwanga))
    assert done.owed == debt > 0
    assert await balance(AccountKind.DEBT, contract.id) == 0 and await balance(AccountKind.CASH, 1) == cash
    contract = await Contract.get(id=contract.id)
    assert contract.ended_on and contract.ending == "returned"
    instalments = await Instalment.filter(contract_id=contract.id)
    assert all(one.paid == one.amount for one in instalments)
    back = await device("SHS0283")
    assert back.customer_id is None and back.paid_until is None
    assert (await told(mwanga))["Baraka"].startswith("RETURNED: SHS0283. TZS 1,08")
    with pytest.raises(NoOwner):
        async with mwanga.database.work():
            await return_device(back, GRACE, "twice", **means(mwanga))
    assert await find_fault() == ""
    phones = Phones(mwanga)
    await phones.news()
    [(_name, plan)] = await phones.text("Baraka", "PLAN")
    assert plan.endswith("Returned. Nothing is owed.")
    [(_name, stock)] = await phones.text("Asha", "STOCK Solar home")
    assert "SHS0283" in stock


async def test_a_device_goes_to_somebody_else_with_its_debt(mwanga: Server) -> None:
    neema, bike = await Customer.get(phone=PEOPLE["Neema"]), await device("SHS0283")
    debt = await balance(AccountKind.DEBT, 1)
    async with mwanga.database.work():
        with pytest.raises(OpenDebt) as refused:
            await transfer_device(bike, neema, GRACE, "sold it", with_debt=False, **means(mwanga))
        assert refused.value.owed == debt
        await transfer_device(bike, neema, GRACE, "sold it", with_debt=True, **means(mwanga))
        with pytest.raises(OwnAlready):
            await transfer_device(await device("SHS0283"), neema, GRACE, "twice", with_debt=True, **means(mwanga))
    assert (await Contract.get(id=1)).customer_id == neema.id and await balance(AccountKind.DEBT, 1) == debt
    said = await told(mwanga)
    assert said["Baraka"].startswith("SHS0283 belongs to NEEMA P. now.")
    assert said["Neema"].startswith("SHS0283 is yours now, with TZS 1,092,000 to pay.")
    sale = await sold(mwanga, "BUY SHS0283 8000")
    assert (sale.customer_id, sale.contract_id) == (neema.id, 1)
    assert await find_fault() == ""


async def three_months_later(mwanga: Server, clock: time_machine.Traveller) -> None:
    """Amina's meter costs 3,000 every 30 days, and she buys nothing."""
    meter, today = await device("04123456784"), mwanga.company.today()
    async with mwanga.database.work():
        await Tariff.filter(id=meter.tariff_id).update(access_rate=3_000_00, access_days=30)
        await keep_rate(await Tariff.get(id=meter.tariff_id), today)
        await begin_access(meter, today)
    clock.shift(timedelta(days=90))


async def test_what_fell_due_since_the_last_sale_goes_along_with_a_meter(mwanga: Server) -> None:
    """It is in no book yet, but the next payment for it pays that first."""
    neema = await Customer.get(phone=PEOPLE["Neema"])
    with time_machine.travel(NOON, tick=False) as clock:
        await three_months_later(mwanga, clock)
        async with mwanga.database.work():
            with pytest.raises(OpenDebt) as refused:
                await transfer_device(
                    await device("04123456784"), neema, GRACE, "sold it", with_debt=False, **means(mwanga)
                )
            assert (refused.value.contract, refused.value.owed) == (None, 9_000_00)
            await transfer_device(await device("04123456784"), neema, GRACE, "sold it", with_debt=True, **means(mwanga))
        assert (await told(mwanga))["Neema"].startswith("..6784 is yours now, with TZS 9,000 to pay.")
        sale = await sold(mwanga, "BUY 04123456784 16000")
    assert (sale.customer_id, sale.access, sale.units) == (neema.id, 9_000_00, 200) and await find_fault() == ""


async def test_what_was_out_of_use_is_sold_and_paid_again(mwanga: Server) -> None:
    """A bike of the stock that was repaired, and a meter that nobody meant: it owes nothing for the time between."""
    with time_machine.travel(NOON, tick=False) as clock:
        async with mwanga.database.work():
            with pytest.raises(InUse):
                await use_again(await device("EB100043"), GRACE, "repaired", **means(mwanga))
            for serial in ("EB100043", "04123456784"):
                await retire_device(await device(serial), GRACE, "broken", **means(mwanga))
        await three_months_later(mwanga, clock)
        before = await newest()
        async with mwanga.database.work():
            for serial in ("EB100043", "04123456784"):
                await use_again(await device(serial), GRACE, "repaired", **means(mwanga))
        assert await told(mwanga, before) == {"Amina": "..6784 inatumika tena: unaweza kuinunulia umeme."}
        assert (await sold(mwanga, "BUY 04123456784 7000")).units == 200
        assert (await sold(mwanga, "SELL 2, E-bike, daily, EB100043")).device_id == (await device("EB100043")).id
        clock.shift(timedelta(days=30))
        assert (await access_due(await device("04123456784"), mwanga.company.today())).due == 3_000_00
        for step in (retire_device, use_again, retire_device):
            clock.shift(timedelta(minutes=1))
            async with mwanga.database.work():
                await step(await device("EB100043"), GRACE, "broken", **means(mwanga))
    said = await execute(connection(), "SELECT text FROM outbox WHERE text LIKE 'EB100043 is %' ORDER BY id")
    assert [row["text"].split(":")[0] for row in said] == [
        "EB100043 is out of use",
        "EB100043 is in use again",
        "EB100043 is out of use",
    ]


async def test_what_fell_due_since_the_last_sale_is_forgiven_with_a_meter_that_comes_back(mwanga: Server) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        await three_months_later(mwanga, clock)
        async with mwanga.database.work():
            await return_device(await device("04123456784"), GRACE, "moved away", **means(mwanga))
    assert (await told(mwanga))["Amina"].startswith("IMERUDISHWA: ..6784. TZS 9,000 ")
    assert await balance(AccountKind.ACCESS, 0) == 0 and await find_fault() == ""


async def test_a_meter_out_of_use_owes_no_access_rate(mwanga: Server) -> None:
    """Nobody could pay it any more: it is settled before, and nothing falls due later."""
    with time_machine.travel(NOON, tick=False) as clock:
        await three_months_later(mwanga, clock)
        async with mwanga.database.work():
            with pytest.raises(OpenDebt) as refused:
                await retire_device(await device("04123456784"), GRACE, "burnt", **means(mwanga))
        assert (refused.value.contract, refused.value.owed) == (None, 9_000_00)
        await sold(mwanga, "BUY 04123456784 16000")
        async with mwanga.database.work():
            await retire_device(await device("04123456784"), GRACE, "burnt", **means(mwanga))
        clock.shift(timedelta(days=365))
        assert (await access_due(await device("04123456784"), mwanga.company.today())).due == 0


async def test_two_of_the_office_write_a_debt_off(mwanga: Server) -> None:
    contract = await Contract.get(id=1)
    debt, today = await balance(AccountKind.DEBT, 1), mwanga.company.today()
    async with mwanga.database.work():
        assert not (await write_off(contract, GRACE, "house burnt", today=today, **means(mwanga))).agreed_at
        assert await balance(AccountKind.DEBT, 1) == debt
        with pytest.raises(SamePerson):
            await write_off(contract, GRACE, "", today=today, **means(mwanga))
        assert (await write_off(contract, HENRY, "", today=today, **means(mwanga))).agreed_at
        with pytest.raises(NothingOwed):
            await write_off(contract, HENRY, "", today=today, **means(mwanga))
    assert await balance(AccountKind.DEBT, 1) == 0 and await balance(AccountKind.WRITE_OFF, 0) == debt
    assert (await told(mwanga))["Baraka"] == "S1001: TZS 1,092,000 that was open is owed no more."
    shown = (await Phones(mwanga).text("Asha", "CUST 2"))[-1][1]
    assert "SHS0283 solar: Nothing is owed any more." in shown and "paid off" not in shown
    assert await find_fault() == ""


async def test_nothing_is_sold_for_a_device_out_of_use(mwanga: Server) -> None:
    async with mwanga.database.work():
        with pytest.raises(OpenDebt):
            await retire_device(await device("SHS0283"), GRACE, "stolen", **means(mwanga))
        for serial in ("EB100042", "EB100043"):
            await retire_device(await device(serial), GRACE, "burnt", **means(mwanga))
        with pytest.raises(RetiredBefore):
            await retire_device(await device("EB100042"), GRACE, "burnt", **means(mwanga))
    assert (await told(mwanga))["Neema"].startswith("EB100042 is out of use: please buy no more for it.")
    phones = Phones(mwanga)
    await phones.news()
    [(_name, said)] = await phones.text("Asha", "BUY EB100042 4000")
    assert said == "Not sold. EB100042 is out of use. Call +255700000000."
    [(_name, said)] = await phones.text("Asha", "SELL 2, E-bike, daily, EB100043")
    assert said == "Not sold. No E-bike is in stock. Call +255700000000."
