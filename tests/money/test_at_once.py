"""What was read before somebody else's commit is not believed after it: two units of work on PostgreSQL."""

from datetime import UTC, datetime

import pytest
from tortoise.exceptions import OperationalError

from bot.payments import Answer, State, by_hand
from bot.payments.settling import Settler
from bot.server import Server
from handlers.account.retire import retire
from handlers.selling.received import assign_payment, book_payment, credit_payment
from handlers.selling.received import book as book_answer
from models.audit import Audit
from models.devices import Device, with_owner
from models.money import reconciling, wallets
from models.money.books import find_fault
from models.money.hand_in import HandIn, OtherReference, hand_in
from models.money.ledger import AccountKind, Posting, balance, post
from models.money.payments import Payment
from models.money.providers import provider_id
from models.money.receiving import Incoming, Source, Suspense, unapplied
from models.money.reconciling import NotSettled, Said
from models.money.statements import Direction, StatementLine
from models.money.write_offs import WriteOff
from models.people import Agent, Customer, OfficeRole, OfficeUser, promotions
from models.people.office_users import change_role, remove_user
from models.people.tables import Invitation
from models.selling import collection, ownership, requests, voids
from models.selling.contracts import Contract, Ending
from models.selling.moving import move
from models.selling.requests import PaymentRequest, RequestState
from models.selling.sales import Sale
from models.sql import lock_rows
from tests.world.at_once import do_meanwhile, happen_meanwhile
from tests.world.books import book
from tests.world.people import NOON, PEOPLE, PINS, Phones

YES = f"1 {PINS['Asha']}"
AT = datetime(2026, 11, 24, 7, tzinfo=UTC)


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def told_of(account: str, phone: str = PEOPLE["Neema"]) -> Incoming:
    """Neema paid, by a callback."""
    return Incoming(
        source=Source.CALLBACK,
        provider="daraja",
        reference="RKL51ZDR4F",
        amount=5_000_00,
        paid_at=AT,
        payer_phone=phone,
        account_text=account,
    )


async def waits(mwanga: Server, phone: str = PEOPLE["Neema"]) -> Payment:
    """A payment of which nobody knows what it is for."""
    async with mwanga.database.work():
        received, _told = await book_payment(told_of("0712", phone), mwanga.company)
    return received.payment


# --- A payment that never came, and the line that says that it did


async def its_line() -> None:
    said = Said(provider="daraja", reference="RKL51ZDR4F", direction=Direction.IN, amount=5_000_00, at=AT)
    await reconciling.add_line(said, actor="zuberi")


@pytest.mark.parametrize("first", ["the line", "never came"])
async def test_a_payment_whose_line_comes_as_it_is_taken_out_of_the_books_is_in_them(
    mwanga: Server, first: str
) -> None:
    payment = await waits(mwanga)
    async with mwanga.database.work():
        await reconciling.add_file("daraja", AT, AT, actor="rehema")

    async def never() -> None:
        await reconciling.never_came(payment, "on no statement", actor="rehema")

    if first == "the line":
        with pytest.raises(NotSettled):
            await do_meanwhile(mwanga, its_line, never)
    else:
        await do_meanwhile(mwanga, never, its_line)
    assert (await StatementLine.get(reference="RKL51ZDR4F")).settled == "payment"
    assert await unapplied(payment.id) == 5_000_00
    assert await balance(AccountKind.CLEARING, await provider_id("daraja")) == 5_000_00
    assert (await Suspense.get(payment_id=payment.id)).closed_at is None
    assert await find_fault() == ""


# --- A wallet that goes away


async def asha() -> Agent:
    return await Agent.get(phone=PEOPLE["Asha"])


async def with_wallet() -> Agent:
    await Agent.filter(phone=PEOPLE["Asha"]).update(prepaid=True)
    return await asha()


@pytest.mark.parametrize("gone", ["by limit", "retired"])
async def test_money_for_a_wallet_that_is_taken_away_as_it_comes_waits_for_the_office(
    mwanga: Server, gone: str
) -> None:
    agent = await with_wallet()

    async def take_away() -> None:
        if gone == "retired":
            await retire(agent, actor="rehema")
        else:
            await wallets.make_postpaid(agent, "rehema")

    told = await do_meanwhile(mwanga, take_away, lambda: book_payment(told_of(f"W{agent.id}"), mwanga.company))
    [(_origin, [copy])] = told[1]
    assert copy.text.to("en").startswith("We have your TZS 5,000")
    assert await wallets.in_wallet(agent.id) == 0 and not await wallets.TopUp.exists()
    assert (await Suspense.get()).why == "nobody" and await unapplied(told[0].payment.id) == 5_000_00


async def test_who_has_no_wallet_any_more_is_paid_nothing_out_of_it(mwanga: Server) -> None:
    """The commission that is due would have come into it."""
    agent, seen = await with_wallet(), await asha()
    await book("due", Posting(AccountKind.COMMISSION_COST, 0, 900), Posting(AccountKind.COMMISSION, agent.id, -900))
    with pytest.raises(wallets.NotInWallet):
        await do_meanwhile(
            mwanga,
            lambda: wallets.make_postpaid(agent, "rehema"),
            lambda: wallets.pay_out(seen, 500, "zuberi"),
        )
    assert await wallets.in_wallet(agent.id) == 0


# --- Two of the office, each with a part of one payment


async def test_two_parts_for_the_same_device_are_two_sales(mwanga: Server) -> None:
    payment = await waits(mwanga)

    async def give(amount: int, by: str) -> list[str]:
        told = await assign_payment(payment, "SHS0283", by, mwanga.company, amount=amount)
        return [origin for origin, _copies in told]

    told = await do_meanwhile(mwanga, lambda: give(2_000_00, "rehema"), lambda: give(1_000_00, "zuberi"))
    assert sorted(await Sale.all().values_list("amount", flat=True)) == [1_000_00, 2_000_00]
    assert told == [f"sale {(await Sale.get(amount=1_000_00)).id}"] and await unapplied(payment.id) == 2_000_00


async def test_two_parts_for_the_same_customer_are_both_credit(mwanga: Server) -> None:
    payment, neema = await waits(mwanga), await Customer.get(phone=PEOPLE["Neema"])

    async def give(amount: int, by: str) -> str:
        [(_origin, [copy])] = await credit_payment(payment, neema, by, mwanga.company, amount=amount)
        return copy.text.to("en")

    said = await do_meanwhile(mwanga, lambda: give(2_000_00, "rehema"), lambda: give(1_000_00, "zuberi"))
    assert said.startswith("TZS 1,000 (ref RKL51ZDR4F) is your credit now.")
    assert await balance(AccountKind.CREDIT, neema.id) == -3_000_00


# --- A push that is answered as somebody of the office decides about it


async def unknown_push() -> PaymentRequest:
    """Baraka's phone was asked for 5,000, and nobody knows whether it is paid."""
    device = await Device.get(serial="SHS0283")
    push = await requests.ask_to_pay(
        requests.Wanted(
            provider="daraja",
            phone=PEOPLE["Baraka"],
            language="en",
            amount=5_000_00,
            account=device.serial,
            customer_id=device.customer_id,
            device_id=device.id,
        ),
        key="asked",
    )
    await PaymentRequest.filter(id=push.id).update(state=RequestState.UNKNOWN)
    return await PaymentRequest.get(id=push.id)


@pytest.mark.parametrize("wants", ["a receipt", "the same receipt", "to put it aside", "to ask again"])
async def test_a_push_that_is_paid_meanwhile_is_paid_once(mwanga: Server, wants: str) -> None:
    async with mwanga.database.work():
        push = await unknown_push()
    settler = Settler(mwanga.company, book_answer, mwanga.composer.tell)
    paid = Answer(state=State.PAID, provider="daraja", request=push.reference, payment=told_of(""))
    receipt = "RKL51ZDR4F" if wants == "the same receipt" else "RKL99ZDR4F"

    async def decide() -> None:
        if wants == "to put it aside":
            await by_hand.park(push, settler=settler, actor="rehema")
        elif wants == "to ask again":
            await by_hand.ask_again(push, actor="rehema")
        else:
            await by_hand.book_receipt(push, receipt, company=mwanga.company, settler=settler, actor="rehema")

    with pytest.raises(by_hand.NotDone, match="is paid"):
        await do_meanwhile(mwanga, lambda: settler.settle(paid), decide)
    assert await Payment.all().count() == await Sale.all().count() == 1
    assert (await PaymentRequest.get()).look_at == 0
    assert not await Audit.filter(action__startswith="payments").exists()


async def test_a_receipt_that_the_office_gives_away_meanwhile_is_not_the_pushs(mwanga: Server) -> None:
    """A text told of it without a phone."""
    payment = await waits(mwanga, phone="")
    async with mwanga.database.work():
        push = await unknown_push()
    settler = Settler(mwanga.company, book_answer, mwanga.composer.tell)
    with pytest.raises(by_hand.NotDone, match="is another payment"):
        await do_meanwhile(
            mwanga,
            lambda: assign_payment(payment, "EB100042", "zuberi", mwanga.company),
            lambda: by_hand.book_receipt(
                push, payment.reference, company=mwanga.company, settler=settler, actor="rehema"
            ),
        )
    assert (await PaymentRequest.get()).state == RequestState.UNKNOWN and await Sale.all().count() == 1


# --- What is paid for changes as the money comes


async def test_money_for_what_changes_hands_meanwhile_is_applied_with_the_new_owner_held(mwanga: Server) -> None:
    device, amina = await Device.get(serial="EB100042"), await Customer.get(phone=PEOPLE["Amina"])

    async def give_away() -> None:
        by, today = OfficeUser(name="rehema"), mwanga.company.today()
        await ownership.transfer(await with_owner(device.id), amina, by, "sold", today=today, with_debt=True)

    money = told_of(device.serial)
    with pytest.raises(OperationalError, match="changed hands"):
        await do_meanwhile(mwanga, give_away, lambda: book_payment(money, mwanga.company))
    async with mwanga.database.work():  # as a server does then
        await book_payment(money, mwanga.company)
    assert (await Sale.get()).customer_id == amina.id


async def test_goods_that_are_paid_again_after_a_void_earn_their_commission_again(mwanga: Server) -> None:
    """The payment was read while the goods were paid off and all of the commission was earned."""
    phones = Phones(mwanga)
    for text in ("SELL 2, Solar lamp", YES, "PAY S1002 900", YES):
        await phones.text("Asha", text)
    contract, paid = await Contract.get(id=2), await Sale.filter(contract_id=2).order_by("-id").first()
    assert contract.ended_on and 0 < contract.commission == contract.earned
    grace, henry = OfficeUser(name="grace"), OfficeUser(name="henry")

    async def void() -> None:
        assert paid
        await voids.approve(paid, grace, "wrong amount", today=NOON.date())
        await voids.approve(paid, henry, today=NOON.date())
        assert (await Contract.get(id=2)).earned < contract.commission

    await do_meanwhile(mwanga, void, lambda: book_payment(told_of("S1002"), mwanga.company))
    assert (await Contract.get(id=2)).earned == contract.commission and await find_fault() == ""


async def test_a_plan_that_is_written_off_meanwhile_is_lost_and_its_device_has_come_back(mwanga: Server) -> None:
    """Nothing of the plan is open any more, and it is on the device no more."""
    device, today = await with_owner((await Device.get(serial="SHS0283")).id), mwanga.company.today()
    contract, owed = await Contract.get(device_id=device.id), await ownership.owed_on(device, today)
    async with mwanga.database.work():
        await ownership.write_off(contract, OfficeUser(name="rehema"), "moved away", today)
    passed = await do_meanwhile(
        mwanga,
        lambda: ownership.write_off(contract, OfficeUser(name="zuberi"), "", today),
        lambda: ownership.give_back(device, OfficeUser(name="grace"), "found it", today),
    )
    assert owed and passed.owed == 0 and (await Contract.get(id=contract.id)).ending == Ending.RETURNED
    assert [one.amount for one in await WriteOff.filter(owner=contract.id)] == [owed]
    assert (await Device.get(id=device.id)).customer_id is None and await find_fault() == ""


async def test_a_device_that_goes_to_somebody_else_meanwhile_is_not_out_of_use_with_its_plan_open(
    mwanga: Server,
) -> None:
    device, amina = await with_owner((await Device.get(serial="SHS0283")).id), await Customer.get(phone=PEOPLE["Amina"])
    by, today = OfficeUser(name="rehema"), mwanga.company.today()
    with pytest.raises(ownership.OpenDebt):
        await do_meanwhile(
            mwanga,
            lambda: ownership.transfer(device, amina, by, "sold", today=today, with_debt=True),
            lambda: ownership.retire_device(device, OfficeUser(name="zuberi"), "broken", today=today),
        )
    assert (await Device.get(id=device.id)).retired_at is None


# --- One reference, given to two agents


@pytest.mark.parametrize("what", ["hand-in", "top-up"])
async def test_a_reference_that_two_agents_get_at_once_names_the_first(mwanga: Server, what: str) -> None:
    asha_, juma = await with_wallet(), await Agent.get(phone=PEOPLE["Juma"])
    if what == "hand-in":
        for agent in (asha_, juma):
            await book(
                f"sold by {agent.id}",
                Posting(AccountKind.CASH, agent.id, 5_000_00),
                Posting(AccountKind.DAYS, 0, -5_000_00),
            )
    else:
        await Agent.filter(id=juma.id).update(prepaid=True)
    does, refusal = {
        "hand-in": (hand_in, OtherReference),
        "top-up": (wallets.top_up, wallets.OtherTopUp),
    }[what]
    with pytest.raises(refusal):
        await do_meanwhile(
            mwanga,
            lambda: does(asha_, 1_000_00, "rehema", "page 7"),
            lambda: does(juma, 1_000_00, "zuberi", "page 7"),
        )


# --- Cash that an agent takes as a cashier counts it


@pytest.mark.parametrize("text", ["CASHIN Asha 50000", "1 111111"])
async def test_cash_that_comes_as_it_is_counted_is_booked_with_question_and_pin_alone(
    mwanga: Server, text: str
) -> None:
    """Asha holds less than was counted, and a moment later more. The yes has a wrong PIN."""
    await Agent.filter(phone=PEOPLE["Juma"]).update(cashier=True)
    phones, agent = Phones(mwanga), await asha()

    async def sells(amount: int) -> None:
        await lock_rows("agent", "id = $1", [agent.id])
        sold = Posting(AccountKind.CASH, agent.id, amount), Posting(AccountKind.DAYS, 0, -amount)
        await post(f"sold for {amount}", sold, actor="test")

    async with mwanga.database.work():
        await sells(49_000_00)
    if text != "CASHIN Asha 50000":
        await phones.text("Juma", "CASHIN Asha 49000")
        async with mwanga.database.work():
            await hand_in(agent, 5_000_00, "rehema")
    told = await happen_meanwhile(mwanga, lambda: sells(10_000_00), lambda: phones.text("Juma", text))
    assert [said.partition(".")[0] for _name, said in told] == ["Haijaandikwa"]
    assert not await HandIn.filter(actor=PEOPLE["Juma"]).exists()


# --- Who counts, and who agrees


async def test_of_two_counts_of_the_instalments_at_once_the_later_one_stands(mwanga: Server) -> None:
    today = mwanga.company.today()
    parts = await collection.count(today)

    async def keep() -> None:
        await collection.keep(parts, today)

    for _before_and_again in range(2):
        await do_meanwhile(mwanga, keep, keep)
        assert await collection.CollectionRow.all().count() == len(parts) > 0


@pytest.mark.parametrize("who", ["who asked", "who agrees"])
@pytest.mark.parametrize("change", ["role", "gone"])
async def test_nobody_agrees_of_whom_one_is_taken_out_as_they_do(mwanga: Server, change: str, who: str) -> None:
    async with mwanga.database.work():
        asker, other, third = [
            await OfficeUser.create(name=name, password_hash="none", role=OfficeRole.OWNER)
            for name in ("rukia", "zuberi", "grace")
        ]
        await promotions.let_in(OfficeRole.OWNER, "my brother", by=asker)
    [asked] = await promotions.list_open(9)

    out = asker if who == "who asked" else third

    async def take_away() -> None:
        if change == "role":
            await change_role(out, OfficeRole.SUPPORT, actor=other.name)
        else:
            await remove_user(out, actor=other.name)

    with pytest.raises(promotions.NotAsked):
        await do_meanwhile(mwanga, take_away, lambda: promotions.agree(asked.id, third))
    assert not await Invitation.exists()


# --- A sale that is done again for another device


@pytest.mark.parametrize("table", ["agent", "device", "customer"])
async def test_who_moves_a_sale_waits_for_whoever_sells_for_the_other_device(mwanga: Server, table: str) -> None:
    """And is not refused again and again, as long as there is always somebody who does."""
    async with mwanga.database.work():
        await book_payment(told_of("EB100042"), mwanga.company)
    device = await Device.get(serial="SHS0283")
    await Contract.filter(device_id=device.id).update(commission=900, agent_id=(await asha()).id)
    held = {"agent": (await asha()).id, "device": device.id, "customer": device.customer_id}[table]
    how = {"today": mwanga.company.today(), "coin": mwanga.company.coin, "vault": mwanga.company.vault}
    by, sale = OfficeUser(name="rehema"), await Sale.get()
    moved = await do_meanwhile(
        mwanga,
        lambda: lock_rows(table, "id = $1", [held]),
        lambda: move(sale, device, by, **how),  # type: ignore[arg-type]
    )
    assert moved.sold.sale.device_id == device.id and await find_fault() == ""
