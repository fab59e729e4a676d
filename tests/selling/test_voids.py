"""Sales that are taken back: whatever one did is undone by further entries, and nothing is deleted."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from bot.server import Server
from handlers.account.retire import retire
from handlers.selling.void import void_by_office
from models.devices import Device, Tariff, Unit, with_owner
from models.money.books import find_fault
from models.money.hand_in import hand_in
from models.money.ledger import AccountKind, balance
from models.money.receiving import Incoming, Source, Suspense, Why, receive
from models.money.wallets import make_postpaid, make_prepaid, top_up
from models.office.money_days import read_sold
from models.people import Agent, Customer, OfficeUser
from models.people.two_people import SamePerson
from models.selling import Sale, voids
from models.selling.applying import apply
from models.selling.contracts import Contract, Instalment
from models.selling.ownership import give_back, transfer
from models.selling.payable import PayableDevice
from models.selling.taking_back import NotTheirs, PaidSince, VoidBefore
from models.selling.voids import AskedBefore, AskedTooLate, NobodyAsked
from models.sql import connection, execute
from tests.world.people import NOON, PEOPLE, Phones

GRACE, HENRY = OfficeUser(name="grace"), OfficeUser(name="henry")
YES = "1 482915"


async def sold(mwanga: Server, *texts: str) -> Sale:
    """What Asha sells by these texts; the last of them."""
    phones = Phones(mwanga)
    for text in texts:
        await phones.text("Asha", text)
        await phones.text("Asha", YES)
    sale = await Sale.all().order_by("-id").first()
    assert sale
    return sale


async def standing() -> dict[str, list[dict[str, Any]]]:
    """All figures that a sale moves: what money is where, what is owed, until when a device is paid."""
    asked = {
        "accounts": "SELECT kind, owner, balance FROM account WHERE balance <> 0 ORDER BY kind, owner",
        "instalments": "SELECT id, paid FROM instalment ORDER BY id",
        "contracts": "SELECT id, ended_on, earned FROM contract ORDER BY id",
        "devices": "SELECT id, customer_id, access_due FROM device ORDER BY id",
    }
    return {name: await execute(connection(), statement) for name, statement in asked.items()}


async def void(mwanga: Server, sale: Sale) -> None:
    """Asha asks, and Grace agrees."""
    async with mwanga.database.work():
        asha = await Agent.get(phone=PEOPLE["Asha"])
        if await voids.ask(sale, asha, "wrong meter", 15, today=NOON.date()) is None:
            await voids.approve(sale, GRACE, today=NOON.date())


async def by_office(mwanga: Server, sale: Sale) -> None:
    """Grace takes it back, and Henry agrees, however old it is."""
    async with mwanga.database.work():
        await voids.approve(sale, GRACE, "wrong device", today=NOON.date())
        await voids.approve(sale, HENRY, today=NOON.date())


@pytest.mark.parametrize(
    "texts",
    [
        ("BUY SHS0283 8000",),  # instalments, days
        ("BUY EB100042 4000",),  # days
        ("BUY 04123456784 5000",),  # energy
        ("BUY EB100042 4000", "BUY EB100042 6000"),  # the last of two
        ("BUY EB100042 4500",),  # with a rest that is credit
        ("SELL 2, Solar lamp", "PAY S1002 128"),  # goods, whose void is automatic
    ],
)
async def test_everything_is_as_before_the_sale(mwanga: Server, texts: tuple[str, ...]) -> None:
    with time_machine.travel(NOON, tick=False):
        *first, last = texts
        if first:
            await sold(mwanga, *first)
        before = await standing()
        sale = await sold(mwanga, last)
        assert await standing() != before
        count = (await Device.get(id=sale.device_id)).count if sale.device_id else 0
        await void(mwanga, sale)
        assert await standing() == before
        if sale.device_id:
            assert (await Device.get(id=sale.device_id)).count == count  # a token that was made is used up
    assert await find_fault() == ""
    assert await Sale.exists(id=sale.id)


async def test_the_access_rate_that_fell_due_is_due_still(mwanga: Server) -> None:
    meter = await Device.get(serial="04123456784")
    day = NOON.date() - timedelta(days=40)
    await execute(
        connection(), "UPDATE tariff SET access_rate = 50000, access_days = 7 WHERE id = $1", [meter.tariff_id]
    )
    async with mwanga.database.work():
        await execute(
            connection(),
            "INSERT INTO access_rate (tariff_id, since, rate, days) VALUES ($1, $2, 50000, 7)",
            [meter.tariff_id, day],
        )
        await execute(connection(), "UPDATE device SET access_until = $2 WHERE id = $1", [meter.id, day])
    with time_machine.travel(NOON, tick=False):
        sale = await sold(mwanga, "BUY 04123456784 9000")
        assert sale.access == 5 * 50_000
        await void(mwanga, sale)
        assert (await Device.get(id=meter.id)).access_due == 5 * 50_000
        assert await balance(AccountKind.ACCESS_DUE, meter.id) == 5 * 50_000
        again = await sold(mwanga, "BUY 04123456784 9000")
        assert again.access == sale.access and again.units == sale.units
    assert await find_fault() == ""


async def test_a_contract_that_was_paid_off_is_open_again(mwanga: Server) -> None:
    with time_machine.travel(NOON, tick=False):
        await sold(mwanga, "SELL 2, Solar lamp")
        sale = await sold(mwanga, "PAY S1002 900")
        contract = await Contract.get(id=sale.contract_id)
        assert contract.ended_on and not sale.owed
        await void(mwanga, sale)
        contract = await Contract.get(id=sale.contract_id)
        assert contract.ended_on is None
        assert await balance(AccountKind.DEBT, contract.id) == 900_00
        assert not await Instalment.filter(contract_id=contract.id, paid__gt=0)


async def test_with_a_down_payment_goes_the_appliance(mwanga: Server) -> None:
    with time_machine.travel(NOON, tick=False):
        before = await standing()
        sale = await sold(mwanga, "SELL 2, Solar lamp")
        later = await sold(mwanga, "PAY S1002 128")
        async with mwanga.database.work():
            asha = await Agent.get(phone=PEOPLE["Asha"])
            with pytest.raises(PaidSince):
                await voids.ask(sale, asha, "changed mind", 15, today=NOON.date())
        await void(mwanga, later)
        await void(mwanga, sale)
        after = await standing()
        assert after["accounts"] == before["accounts"]
        contract = await Contract.get(id=sale.contract_id)
        assert contract.ended_on and contract.ending == "void" and contract.earned == 0
    assert await find_fault() == ""


async def test_an_appliance_whose_sale_is_void_is_sold_anew_without_a_hold(mwanga: Server) -> None:
    with time_machine.travel(NOON, tick=False):
        await void(mwanga, await sold(mwanga, "SELL 2, Solar lamp"))
        again = await sold(mwanga, "SELL 2, Solar lamp")
        assert (await Contract.get(id=again.contract_id)).ended_on is None


async def test_an_agent_names_a_sale_that_stands_in_no_list(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the time for it is a day, some sell more in it than is worth paging through."""
    monkeypatch.setattr("handlers.selling.void.LISTED", 1)
    first, second = await sold(mwanga, "BUY EB100042 4000"), await sold(mwanga, "BUY EB100042 6000")
    phones = Phones(mwanga)
    await phones.news()
    [(_asha, question)] = await phones.text("Asha", "VOID")
    assert second.reference in question and first.reference not in question
    [(_asha, question)] = await phones.text("Asha", f"VOID {first.reference} wrong bike")
    assert question.startswith("Ask the office to take back TZS 4,000, EB100042 NEEMA P.?")
    assert (await phones.text("Asha", YES))[0][1].startswith("ASKED: take back TZS 4,000, EB100042")


async def test_a_void_sale_is_no_repeat_and_no_token_and_no_figure_of_the_day(mwanga: Server) -> None:
    phones = Phones(mwanga)
    with time_machine.travel(NOON, tick=False):
        sale = await sold(mwanga, "BUY EB100042 4000")
        await void(mwanga, sale)
        await phones.news()
        [(_name, day)] = await phones.text("Asha", "STMT")
        assert day.startswith("24/11: 0 sold, TZS 0. Handed in 0. You hold 0 of 200,000. Commission due 0.")
        today = mwanga.company.today()
        assert (await read_sold(today, today, mwanga.company.zone)).today.amount == 0
        [(_name, tokens)] = await phones.text("Asha", "TOKEN EB100042")
        assert tokens == "EB100042, newest first\n24/11 4,000: void"
        [(_name, asked)] = await phones.text("Asha", "BUY EB100042 4000")
        assert asked.startswith("Sell 2 days for TZS 4,000")


async def test_money_of_a_provider_waits_for_the_office(mwanga: Server) -> None:
    device = await Device.get(serial="EB100042").select_related("customer", "tariff")
    money = Incoming(source=Source.CALLBACK, provider="bank", reference="QX1", amount=400_000, paid_at=NOON)
    company = mwanga.company
    async with mwanga.database.work():
        payment = (await receive(money)).payment
        applied = await apply(
            payment.id,
            PayableDevice(device),
            actor="bank",
            key="apply 1",
            today=company.today(),
            coin=company.coin,
            vault=company.vault,
        )
        assert applied.sold
        sale = applied.sold.sale
        assert await voids.approve(sale, GRACE, "paid twice", today=NOON.date()) is None
        with pytest.raises(SamePerson):
            await voids.approve(sale, GRACE, today=NOON.date())
        done = await voids.approve(sale, HENRY, today=NOON.date())
    assert done and done.agent is None
    assert await balance(AccountKind.UNAPPLIED, payment.id) == -400_000
    assert (await Suspense.get(payment_id=payment.id)).why == Why.TAKEN_BACK
    assert await find_fault() == ""


async def test_who_may_ask_and_who_decides(mwanga: Server) -> None:
    asha = await Agent.get(phone=PEOPLE["Asha"])
    with time_machine.travel(NOON, tick=False) as clock:
        sale = await sold(mwanga, "BUY EB100042 4000")
        async with mwanga.database.work():
            with pytest.raises(NobodyAsked):
                await voids.approve(sale, GRACE, today=NOON.date())
            with pytest.raises(NobodyAsked):
                await voids.refuse(sale, GRACE)
            clock.shift(timedelta(minutes=15))
            assert await voids.ask(sale, asha, "wrong meter", 15, today=NOON.date()) is None
            with pytest.raises(AskedBefore):
                await voids.ask(sale, asha, "wrong meter", 15, today=NOON.date())
            await voids.refuse(sale, GRACE)
            assert await voids.ask(sale, asha, "really", 15, today=NOON.date()) is None  # once more, after a no
            assert await voids.approve(sale, GRACE, today=NOON.date())
            with pytest.raises(VoidBefore):
                await voids.ask(sale, asha, "twice", 15, today=NOON.date())
            with pytest.raises(VoidBefore):
                await voids.approve(sale, HENRY, today=NOON.date())
        other = await sold(mwanga, "BUY EB100042 6000")
        clock.shift(timedelta(minutes=15, seconds=1))
        async with mwanga.database.work():
            with pytest.raises(AskedTooLate):
                await voids.ask(other, asha, "late", 15, today=NOON.date())
    alerts = [row["sentence"] for row in await execute(connection(), "SELECT sentence FROM alert ORDER BY id")]
    assert alerts[0] == f"Asha Mushi wants sale {sale.reference} void. `mwanga sale void`. wrong meter"


@pytest.mark.parametrize("engine", ["postgres"])
async def test_two_who_approve_at_once_take_back_once(mwanga: Server) -> None:
    sale = await sold(mwanga, "BUY EB100042 4000")
    async with mwanga.database.work():
        await voids.ask(sale, await Agent.get(phone=PEOPLE["Asha"]), "wrong meter", 15, today=NOON.date())

    async def approve(by: OfficeUser) -> bool:
        try:
            async with mwanga.database.work():
                return await voids.approve(sale, by, today=NOON.date()) is not None
        except VoidBefore:
            return False

    assert sorted(await asyncio.gather(approve(GRACE), approve(HENRY))) == [False, True]
    assert await balance(AccountKind.CASH, sale.agent_id or 0) == 0


async def test_a_lost_token_is_sent_again_and_never_made_anew(mwanga: Server) -> None:
    phones = Phones(mwanga)
    sale = await sold(mwanga, "BUY EB100042 4000")
    [token] = await execute(connection(), "SELECT digits FROM token")
    digits = token["digits"]
    await phones.news()
    for _time in range(3):
        [(_name, said)] = await phones.text("Asha", "TOKEN EB100042")
        assert f"{digits[:3]} {digits[3:6]} {digits[6:]}" in said
    assert len(await execute(connection(), "SELECT 1 FROM token")) == 1 and sale.reference


async def test_a_sale_stands_when_its_device_is_somebody_elses(mwanga: Server) -> None:
    with time_machine.travel(NOON, tick=False):
        sale = await sold(mwanga, "BUY EB100042 4000")
        device, amina = await Device.get(id=sale.device_id), await Customer.get(phone=PEOPLE["Amina"])
        paid_until = device.paid_until
        async with mwanga.database.work():
            await transfer(await with_owner(device.id), amina, GRACE, "sold it", today=NOON.date())
            with pytest.raises(NotTheirs):
                await voids.ask(sale, await Agent.get(phone=PEOPLE["Asha"]), "wrong bike", 15, today=NOON.date())
        assert (await Device.get(id=sale.device_id)).paid_until == paid_until


async def test_a_payment_on_what_came_back_stands(mwanga: Server) -> None:
    with time_machine.travel(NOON, tick=False):
        sale = await sold(mwanga, "BUY SHS0283 8000")
        async with mwanga.database.work():
            await give_back(await with_owner(sale.device_id or 0), GRACE, "moved away", NOON.date())
            with pytest.raises(NotTheirs):
                await voids.ask(sale, await Agent.get(phone=PEOPLE["Asha"]), "wrong", 15, today=NOON.date())
    assert await find_fault() == ""


async def test_the_office_hears_of_what_it_does_not_decide(mwanga: Server) -> None:
    with time_machine.travel(NOON, tick=False):
        sale = await sold(mwanga, "SELL 2, Solar lamp", "PAY S1002 128")
        await void(mwanga, sale)
        [alert] = [row["sentence"] for row in await execute(connection(), "SELECT sentence FROM alert")]
        assert alert == f"Asha Mushi has taken sale {sale.reference} back, without the office. wrong meter"


@pytest.mark.parametrize("phone", [None, PEOPLE["Asha"]])
async def test_the_office_decides_where_the_customer_cannot_be_told(phone: str | None, mwanga: Server) -> None:
    """Nor on the agent's own phone. The question says who decides."""
    phones = Phones(mwanga)
    with time_machine.travel(NOON, tick=False):
        sale = await sold(mwanga, "SELL 2, Solar lamp", "PAY S1002 128")
        await Customer.filter(id=sale.customer_id).update(phone=phone)
        await phones.news()
        [(_asha, question)] = await phones.text("Asha", f"VOID {sale.reference} wrong lamp")
        assert question.startswith("Ask the office to take back TZS 128")
        [(_asha, said)] = await phones.text("Asha", YES)
        assert said.startswith("ASKED: take back TZS 128")


@pytest.mark.parametrize("prepaid", [False, True])
async def test_the_office_gives_the_cash_back_for_an_agent_who_has_left(prepaid: bool, mwanga: Server) -> None:
    """What the agent holds still, or has in the wallet, is what it was: nobody gets it from somebody who is gone."""
    asha, composer, company = await Agent.get(phone=PEOPLE["Asha"]), mwanga.composer, mwanga.company
    if prepaid:
        async with mwanga.database.work():
            await make_prepaid(asha, "grace")
            await top_up(asha, 900_000, "grace")
    sale = await sold(mwanga, "BUY EB100042 4000")
    kind = AccountKind.WALLET if prepaid else AccountKind.CASH
    before, till = await balance(kind, asha.id), await balance(AccountKind.OFFICE, 0)
    last = (await execute(connection(), "SELECT MAX(id) AS id FROM outbox"))[0]["id"]
    async with mwanga.database.work():
        await retire(asha, with_cash=True, actor="grace")
        assert await void_by_office(sale, GRACE, "wrong bike", company=company, composer=composer) is None
        done = await void_by_office(sale, HENRY, company=company, composer=composer)
    assert done and done.at_counter and done.agent is None
    assert await balance(kind, asha.id) == before
    assert await balance(AccountKind.OFFICE, 0) == till - sale.amount
    [told] = await execute(connection(), "SELECT phone, text FROM outbox WHERE id > $1", [last])
    assert told["phone"] == PEOPLE["Neema"] and f"{company.name} gives you the cash back" in told["text"]
    assert await find_fault() == ""


async def test_who_sells_from_a_wallet_by_now_gives_the_cash_of_before_back(mwanga: Server) -> None:
    """The cash was handed in, so what Asha gives is her own: it comes into the wallet."""
    asha = await Agent.get(phone=PEOPLE["Asha"])
    with time_machine.travel(NOON, tick=False):
        sale = await sold(mwanga, "BUY EB100042 4000")
        async with mwanga.database.work():
            await hand_in(asha, 4_000_00, "grace")
            await make_prepaid(asha, "grace")
            done = await voids.ask(sale, asha, "wrong bike", 15, today=NOON.date())
            done = done or await voids.approve(sale, GRACE, today=NOON.date())
        assert done and done.held == 4_000_00
        assert (await balance(AccountKind.CASH, asha.id), await balance(AccountKind.WALLET, asha.id)) == (0, -4_000_00)
    assert await find_fault() == ""


async def test_who_holds_cash_by_now_gives_that_back_for_a_sale_from_the_wallet(mwanga: Server) -> None:
    asha = await Agent.get(phone=PEOPLE["Asha"])
    with time_machine.travel(NOON, tick=False):
        async with mwanga.database.work():
            await make_prepaid(asha, "grace")
            await top_up(asha, 4_000_00, "grace")
        sale = await sold(mwanga, "BUY EB100042 4000")
        async with mwanga.database.work():
            await make_postpaid(asha, "grace")
        await sold(mwanga, "BUY EB100042 6000")
        await by_office(mwanga, sale)
        assert (await balance(AccountKind.CASH, asha.id), await balance(AccountKind.WALLET, asha.id)) == (2_000_00, 0)
    assert await find_fault() == ""


async def test_a_share_of_a_meters_payment_comes_before_the_down_payment(mwanga: Server) -> None:
    await Tariff.filter(unit="energy").update(recovery=50)
    with time_machine.travel(NOON, tick=False) as clock:
        sale = await sold(mwanga, "SELL 1, Solar lamp")
        clock.shift(timedelta(days=10))  # the first instalment is overdue
        shared = await sold(mwanga, "BUY 04123456784 5000")
        assert shared.recovered
        async with mwanga.database.work():
            with pytest.raises(PaidSince):
                await voids.approve(sale, GRACE, "changed mind", today=NOON.date())


@pytest.mark.parametrize("waits", [0, 1, 5])
async def test_days_that_were_used_up_are_not_taken_from_later_ones(mwanga: Server, waits: int) -> None:
    """Without the first payment, of two days, the later one counts from its own day."""
    with time_machine.travel(NOON, tick=False) as clock:
        wrong = await sold(mwanga, "BUY EB100042 4000")
        clock.shift(timedelta(days=waits))
        later = await sold(mwanga, "BUY EB100042 6000")
        await by_office(mwanga, wrong)
        assert (await Device.get(id=later.device_id)).paid_until == later.created_at + timedelta(days=3)


async def test_the_days_before_an_unlocking_that_is_void_are_left(mwanga: Server) -> None:
    await Agent.filter(phone=PEOPLE["Asha"]).update(cash_limit=10_000_000_00)
    with time_machine.travel(NOON, tick=False) as clock:
        days = await sold(mwanga, "BUY SHS0283 8000")
        clock.shift(timedelta(days=2))
        await sold(mwanga, "BUY SHS0283 5000")
        paid_until = (await Device.get(id=days.device_id)).paid_until
        assert paid_until == NOON + timedelta(days=13)
        unlocking = await sold(mwanga, "BUY SHS0283 1079000")
        assert unlocking.unit == Unit.UNLOCK and (await Device.get(id=days.device_id)).paid_until is None
        await by_office(mwanga, unlocking)
        assert (await Device.get(id=days.device_id)).paid_until == paid_until


async def test_an_appliance_ends_on_the_operators_day(mwanga: Server) -> None:
    phones, after_midnight = Phones(mwanga), NOON.replace(hour=22)  # the 25th in Mtwara
    with time_machine.travel(after_midnight, tick=False):
        sale = await sold(mwanga, "SELL 2, Solar lamp")
        await phones.text("Asha", f"VOID {sale.reference} wrong lamp")
        assert (await phones.text("Asha", YES))[0][1].startswith(f"VOID {sale.reference}")
    contract = await Contract.get(id=sale.contract_id)
    assert contract.ended_on == contract.sold_on == after_midnight.date() + timedelta(days=1)
