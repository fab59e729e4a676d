"""Money that comes by phone: what it is for and in which order that is looked for, who is told, that it counts once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tortoise.exceptions import OperationalError
from typer.testing import Result

from bot.app import assembled
from bot.config import load
from bot.payments import Answer, Refusal, State, by_hand
from bot.payments.settling import NotYet, Settler
from bot.server import Server
from handlers.selling.received import assign, book, book_payment, validate
from handlers.selling.statement_lines import take_line
from models.clock import CLOCK, Doubt
from models.devices import Device
from models.money.books import find_fault
from models.money.ledger import AccountKind, balance
from models.money.payments import Payment
from models.money.receiving import Incoming, Source, Suspense, Why
from models.money.reconciling import NotSettled, Said, ToldAnew, add_file, add_line, never_came, reconcile
from models.money.statements import Direction, StatementLine
from models.money.waiting import NoSuchPayment
from models.people import Agent, Customer, OfficeUser
from models.selling import Contract, requests, voids
from models.selling.ownership import write_off
from models.selling.requests import PaymentRequest, RequestState, Wanted
from models.selling.sales import Sale, Token
from models.settings import switch_sales
from models.sql import connection, execute, now_ms
from models.tokens.sts import MAX_LEAD_MINUTES, next_tid
from tests.world.money_life import Life
from tests.world.people import NOON, PEOPLE
from tests.world.prompt import Run, query

M_PESA = "daraja"
ON_SQLITE = pytest.mark.everyday_on_sqlite
DAY = 1_000_00  # of SHS0283


def paid(account: str, amount: int = 5_000, *, reference: str = "RKL51ZDR4F", phone: str = PEOPLE["Neema"]) -> Incoming:
    return Incoming(
        source=Source.CALLBACK,
        provider=M_PESA,
        reference=reference,
        amount=amount * 100,
        paid_at=datetime.now(UTC),
        payer_phone=phone,
        account_text=account,
    )


async def take(mwanga: Server, payment: Incoming, request: str = "") -> list[tuple[str, str]]:
    """Who is told of a payment: the phone, and the language and words."""
    async with mwanga.database.work():
        answer = Answer(state=State.PAID, provider=M_PESA, request=request, payment=payment)
        told = await book(answer, mwanga.company)
        for origin, copies in told:
            await mwanga.composer.tell(origin, copies)
    return [(copy.phone, copy.text.to(copy.language)) for _origin, copies in told for copy in copies]


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("account", "serial"),
    [
        ("SHSO283", "SHS0283"),
        ("0710000002", "SHS0283"),
        ("S1001", "SHS0283"),
        pytest.param("SHS0283", "SHS0283", marks=ON_SQLITE),
        pytest.param("shs0283", "SHS0283", marks=ON_SQLITE),
        pytest.param("shs 0283", "SHS0283", marks=ON_SQLITE),
        pytest.param("SHS-0283", "SHS0283", marks=ON_SQLITE),
        pytest.param("eb-1ooo42", "EB100042", marks=ON_SQLITE),
        pytest.param("EBI00042", "EB100042", marks=ON_SQLITE),
        pytest.param("EBl00042", "EB100042", marks=ON_SQLITE),
        pytest.param("0412 3456 784", "04123456784", marks=ON_SQLITE),
        pytest.param("O4123456784", "04123456784", marks=ON_SQLITE),
        pytest.param("+255 710 000 002", "SHS0283", marks=ON_SQLITE),
        pytest.param("255710000002", "SHS0283", marks=ON_SQLITE),
        pytest.param("s-1001", "SHS0283", marks=ON_SQLITE),
        pytest.param("S10O1", "SHS0283", marks=ON_SQLITE),
    ],
)
async def test_a_payment_finds_its_device_in_any_spelling(mwanga: Server, account: str, serial: str) -> None:
    told = await take(mwanga, paid(account))
    sale = await Sale.all().order_by("-id").prefetch_related("device").first()
    assert sale.device.serial == serial and sale.agent_id is None
    assert len(told) in (1, 2) and all("Paid TZS 5,000" in words or "Umelipa TZS 5,000" in words for _to, words in told)


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    "account", ["", "0712", "SHS9999", "hello", "0700000001", "S9999", "' OR 1=1 --", "\0" * 9, "🙏" * 200]
)
async def test_what_is_for_nobody_waits_and_the_payer_hears(mwanga: Server, account: str) -> None:
    told = await take(mwanga, paid(account, phone="+255799999999"))
    assert told == [
        ("+255799999999", "We have your TZS 5,000 (ref RKL51ZDR4F). The office finds where it belongs."),
    ]
    payment = await Payment.get(reference="RKL51ZDR4F")
    assert await balance(AccountKind.UNAPPLIED, payment.id) == -5_000_00
    assert (await Suspense.get(payment_id=payment.id)).why == Why.NOBODY


async def test_of_two_that_are_meant_none_is_taken(mwanga: Server) -> None:
    serial = await Device.get(serial="SHS0284")
    await Device.filter(id=serial.id).update(serial="SHSO283", customer_id=(await Customer.get(name="Neema")).id)
    [(_to, words)] = await take(mwanga, paid("SHS-0283"))
    assert words.startswith("We have your TZS 5,000") and (await Suspense.all().first()).why == Why.SEVERAL
    await take(mwanga, paid("SHS0283", reference="RKL52ZDR4F"))  # in full it is one of them
    assert (await Sale.all().order_by("-id").prefetch_related("device").first()).device.serial == "SHS0283"


async def test_a_phone_with_two_devices_says_nothing(mwanga: Server) -> None:
    await Device.filter(serial="SHS0284").update(customer_id=(await Customer.get(name="Baraka")).id)
    await take(mwanga, paid("0710000002"))
    assert (await Suspense.all().first()).why == Why.SEVERAL


async def test_a_payment_is_told_once_however_often_and_by_whom_it_is_told(mwanga: Server) -> None:
    first = await take(mwanga, paid("SHS0283"))
    assert [phone for phone, _words in first] == [PEOPLE["Baraka"], PEOPLE["Neema"]]
    again = [paid("SHS0283"), paid("SHS0283", reference=" rkl-51 zdr4f"), paid("EB100042"), paid("", phone="")]
    for each in again:
        assert await take(mwanga, each) == []
    assert await Sale.all().count() == 1 and await Token.all().count() == 1


async def test_two_at_the_same_moment_are_one(mwanga: Server) -> None:
    async def once() -> list[tuple[str, str]]:
        for _try in range(5):
            try:
                return await take(mwanga, paid("SHS0283"))
            except OperationalError:  # two that wanted the same rows: as the reader does, once more
                continue
        raise AssertionError("it never came through")

    told = await asyncio.gather(*(once() for _n in range(6)))
    assert sorted(map(len, told)) == [0, 0, 0, 0, 0, 2]
    assert await Sale.all().count() == 1


async def test_a_text_that_came_first_is_applied_when_the_callback_says_what_for(mwanga: Server) -> None:
    """A gateway phone hears of it without an account; then the provider says which push it answers."""
    request = await asked(mwanga)
    waits = await take(mwanga, paid("", phone="2557*****002"))
    assert waits == []  # nobody can be told whose phone is not known
    told = await take(mwanga, paid("", phone=PEOPLE["Baraka"]), request.reference)
    assert [phone for phone, _words in told] == [PEOPLE["Baraka"]] and "Code" in told[0][1]
    assert (await PaymentRequest.get(id=request.id)).state == RequestState.PAID
    payment = await Payment.get(reference="RKL51ZDR4F")
    assert await balance(AccountKind.UNAPPLIED, payment.id) == 0


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (paid("", phone="2557*****002"), paid("shs 0283", phone="2557*****002")),
        (paid("", phone=""), paid("", phone=PEOPLE["Baraka"])),
        (paid("", phone="2557*****002"), paid("SHS0283", phone=PEOPLE["Baraka"])),
    ],
    ids=["the account", "the phone", "both"],
)
async def test_a_text_that_came_first_is_applied_when_another_source_says_more(
    mwanga: Server, first: Incoming, then: Incoming
) -> None:
    """An operator's text hides the phone and has no account; the provider's own callback has what the payer typed."""
    assert await take(mwanga, replace(first, source=Source.TEXT)) == []
    told = await take(mwanga, then)
    assert [phone for phone, _words in told] == [PEOPLE["Baraka"]] and "Code" in told[0][1]
    for again in (first, then):
        assert await take(mwanga, again) == []
    payment = await Payment.get(reference="RKL51ZDR4F")
    assert await balance(AccountKind.UNAPPLIED, payment.id) == 0
    assert await Sale.all().count() == 1 and await Suspense.filter(closed_at=None).count() == 0


async def test_the_account_that_comes_later_says_which_of_several_is_meant(mwanga: Server) -> None:
    await Device.filter(serial="SHS0284").update(customer_id=(await Customer.get(name="Baraka")).id)
    await take(mwanga, replace(paid("", phone=PEOPLE["Baraka"]), source=Source.TEXT))
    assert (await Suspense.get()).why == Why.SEVERAL
    [(_phone, said)] = await take(mwanga, paid("SHS0283", phone="2557*****002"))
    assert "SHS0283" in said and "Code" in said


async def test_what_another_source_says_more_fills_a_wallet(mwanga: Server) -> None:
    await Agent.filter(phone=PEOPLE["Asha"]).update(prepaid=True)
    agent = await Agent.get(phone=PEOPLE["Asha"])
    await take(mwanga, replace(paid("", phone=""), source=Source.TEXT))
    [(phone, said)] = await take(mwanga, paid(f"W{agent.id}", phone="2557*****001"))
    assert phone == PEOPLE["Asha"] and said.startswith("TOPPED UP TZS 5,000.")


@pytest.mark.parametrize("done", ["a part is used", "amounts differ", "sale void"])
async def test_what_another_source_says_more_changes_nothing_where_the_office_is_at_work(
    mwanga: Server, done: str
) -> None:
    await take(mwanga, replace(paid("", phone=""), source=Source.TEXT))
    if done == "amounts differ":
        assert await take(mwanga, paid("SHS0283", 4_000)) == []
    else:
        async with mwanga.database.work():
            part = 2_000_00 if done == "a part is used" else None
            await assign("RKL51ZDR4F", "EB100042", "grace", mwanga.company, amount=part)
    if done == "sale void":
        sale = await Sale.get()
        async with mwanga.database.work():
            await voids.approve(sale, OfficeUser(name="grace"), "wrong bike", today=NOON.date())
            await voids.approve(sale, OfficeUser(name="henry"), today=NOON.date())
    sales = await Sale.all().count()
    assert await take(mwanga, paid("SHS0283")) == []
    assert await Sale.all().count() == sales and await Suspense.filter(closed_at=None).count() == 1


async def asked(mwanga: Server, amount: int = 5_000) -> PaymentRequest:
    """Baraka's phone was asked to pay for his device."""
    device = await Device.get(serial="SHS0283")
    wanted = Wanted(
        provider=M_PESA,
        phone=PEOPLE["Baraka"],
        language="en",
        amount=amount * 100,
        account=device.serial,
        customer_id=device.customer_id,
        device_id=device.id,
    )
    async with mwanga.database.work():
        return await requests.ask_to_pay(wanted, key=f"test {now_ms()}")


async def test_what_a_push_was_for_counts_and_not_what_the_phone_showed(mwanga: Server) -> None:
    request = await asked(mwanga)
    await take(mwanga, paid("EB100042", phone=PEOPLE["Baraka"]), request.reference)
    assert (await Sale.all().prefetch_related("device").first()).device.serial == "SHS0283"


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("retired", "SHS0283 is out of use. The office sees to it."),
        ("unowned", "The office sees to it."),
        ("written off", "Nothing is left to pay for SHS0283. The office sees to it."),
        ("paid off", "Nothing is left to pay for SHS0283. The office sees to it."),
        ("no codes left", "SHS0283 can have no code now. The office sees to it."),
        ("sales off", "Sales are stopped for now. The office sees to it."),
    ],
)
async def test_money_for_what_can_take_none_is_safe_and_said_so(mwanga: Server, why: str, words: str) -> None:
    await close(mwanga, why)
    sales = await Sale.all().count()
    [(phone, said)] = await take(mwanga, paid("SHS0283"))
    assert phone == PEOPLE["Neema"] and said.startswith("We have your TZS 5,000 (ref RKL51ZDR4F).") and words in said
    assert await Sale.all().count() == sales


async def close(mwanga: Server, why: str) -> None:
    """Nothing can be sold for SHS0283 any more."""
    changes = {
        "retired": {"retired_at": datetime.now(UTC)},
        "unowned": {"customer_id": None},
        "no codes left": {"count": 65_535},
    }
    if why == "written off":
        async with mwanga.database.work():
            for name in ("grace", "henry"):
                contract, by = await Contract.get(id=1), OfficeUser(name=name)
                await write_off(contract, by, "moved away", mwanga.company.today())
    elif why == "paid off":
        await take(mwanga, paid("SHS0283", 1_092_000, reference="RKL50ZDR4F", phone=PEOPLE["Baraka"]))
    elif why == "sales off":
        async with mwanga.database.work():
            await switch_sales(False, actor="rehema", reason="flood")
    else:
        await Device.filter(serial="SHS0283").update(**changes[why])


async def test_less_than_a_day_is_kept_and_counts_with_the_next(mwanga: Server) -> None:
    [(_phone, said)] = await take(mwanga, paid("SHS0283", 600))
    assert said == (
        "We have your TZS 600 (ref RKL51ZDR4F): kept as credit. Pay TZS 400 more for SHS0283, then the code comes."
    )
    told = await take(mwanga, paid("SHS0283", 400, reference="RKL52ZDR4F"))
    assert "1 day" in told[0][1] and "Code" in told[0][1]


def by_office(run: Run, *words: str, who: str = "admin") -> Result:
    """What somebody of the office does with a payment that waits, by name and password."""
    return run("payments", *words, "--by", who, input="mwanga-demo\n")


def test_the_office_says_what_it_was_for_and_both_are_told(demo_url: str, run: Run) -> None:
    async def came() -> None:
        async with assembled(load(database=demo_url), serving=False) as mwanga:
            await take(mwanga, paid("0712"))

    asyncio.run(came())
    shown = run("payments", "waiting").output
    assert shown.startswith("daraja RKL51ZDR4F TZS 5,000, 0 h: nothing goes by this account; typed")
    assert by_office(run, "assign", "RKL51ZDR4F", "SHS9999").output == "Nothing of ours goes by SHS9999.\n"
    assert by_office(run, "assign", "rkl51 zdr4f", "shs-0283").output.endswith("2 SMS will go out.\n")
    assert run("payments", "waiting").output == "No payment waits.\n"
    assert by_office(run, "assign", "RKL51ZDR4F", "SHS0283").exit_code == 1
    texts = query(demo_url, "SELECT phone, text FROM outbox ORDER BY id")
    assert [row["phone"] for row in texts] == [PEOPLE["Neema"], PEOPLE["Baraka"], PEOPLE["Neema"]]
    assert "We have your TZS 5,000" in texts[0]["text"] and all("Code" in row["text"] for row in texts[1:])


async def two_came(demo_url: str) -> None:
    """Two providers gave their payments one reference."""
    async with assembled(load(database=demo_url), serving=False) as mwanga:
        await take(mwanga, paid("0712"))
        await take(mwanga, replace(paid("0712", 4_000), provider="airtel"))


def test_of_two_with_one_reference_the_provider_says_which(demo_url: str, run: Run) -> None:
    asyncio.run(two_came(demo_url))
    several = by_office(run, "assign", "RKL51ZDR4F", "SHS0283")
    assert several.output == "Several payments RKL51ZDR4F wait, of daraja and airtel: add --provider.\n"
    done = by_office(run, "assign", "RKL51ZDR4F", "SHS0283", "--provider", "airtel")
    assert done.exit_code == 0, done.output
    assert run("payments", "waiting").output.startswith("daraja RKL51ZDR4F TZS 5,000")
    [said] = query(demo_url, "SELECT actor FROM audit WHERE action = 'assign payment'")
    assert said["actor"] == "admin"
    assert by_office(run, "assign", "RKL51ZDR4F", "SHS0283").exit_code == 0, "one alone is left"


def test_the_office_reads_that_a_payment_waits_on(demo_url: str, run: Run) -> None:
    asyncio.run(two_came(demo_url))
    assert run("sales", "off", "--why", "stock-taking").exit_code == 0
    said = by_office(run, "assign", "RKL51ZDR4F", "SHS0283", "--provider", "daraja").output
    assert said.startswith("RKL51ZDR4F waits on: SHS0283 can take nothing now.")
    assert query(demo_url, "SELECT 1 FROM sale") == []


def test_the_office_makes_parts_of_a_payment_credit(demo_url: str, run: Run) -> None:
    asyncio.run(two_came(demo_url))
    part = ("assign", "RKL51ZDR4F", "--provider", "daraja", "--credit", "1", "--amount", "2000")
    for left in ("3,000", "1,000"):
        assert by_office(run, *part).output == "RKL51ZDR4F is for the credit of customer 1 now. 1 SMS will go out.\n"
        assert run("payments", "waiting").output.startswith(f"daraja RKL51ZDR4F TZS {left}, 0 h")
    assert by_office(run, *part).output == "TZS 1,000 of RKL51ZDR4F waits, and not TZS 2,000.\n"
    assert query(demo_url, "SELECT balance FROM account WHERE kind = 'credit'") == [{"balance": -4_000_00}]
    texts = query(demo_url, "SELECT text FROM outbox WHERE origin LIKE '%credit%'")
    said = "TZS 2,000 (ref RKL51ZDR4F) sasa ni salio lako. Litahesabiwa ukinunua tena."
    assert [row["text"] for row in texts] == [said, said]
    assert by_office(run, "assign", "RKL51ZDR4F", "SHS0283", "--credit", "1").exit_code == 1
    assert by_office(run, "assign", "RKL51ZDR4F", "--credit", "99").output == "There is no customer 99.\n"


def test_somebody_of_the_office_looks_after_what_waits(demo_url: str, run: Run) -> None:
    asyncio.run(two_came(demo_url))
    taken = by_office(run, "take", "rkl51 zdr4f", "--provider", "airtel")
    assert taken.output == "admin looks after rkl51 zdr4f.\n"
    lines = run("payments", "waiting").output.splitlines()
    assert [line.endswith(", admin looks after it") for line in lines] == [False, True]
    assert "eve is no office user" in by_office(run, "take", "RKL51ZDR4F", who="eve").output
    assert "This is not the password of admin." in run("payments", "take", "X1", "--by", "admin", input="no\n").output
    assert "No payment X1 waits" in by_office(run, "take", "X1").output


async def test_what_is_assigned_is_assigned_once(mwanga: Server) -> None:
    await take(mwanga, paid("0712"))
    async with mwanga.database.work():
        told = await assign("RKL51ZDR4F", "SHS0283", "office", mwanga.company)
    assert [copy.phone for _origin, copies in told for copy in copies] == [PEOPLE["Baraka"], PEOPLE["Neema"]]
    with pytest.raises(NoSuchPayment):
        async with mwanga.database.work():
            await assign("RKL51ZDR4F", "EB100042", "office", mwanga.company)


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("account", "amount", "refusal"),
    [
        ("shs-o283", 1_000, None),
        ("0710000002", 5_000, None),
        ("S1001", 1_000, None),
        ("SHS0283", 999, Refusal.AMOUNT),
        pytest.param("SHS0283", 1_000, None, marks=ON_SQLITE),
        pytest.param("04123456784", 35, None, marks=ON_SQLITE),
        pytest.param("04123456784", 34, Refusal.AMOUNT, marks=ON_SQLITE),
        pytest.param("SHS0284", 1_000, Refusal.ACCOUNT, marks=ON_SQLITE),  # it is in stock: nobody owns it
        pytest.param("SHS9999", 1_000, Refusal.ACCOUNT, marks=ON_SQLITE),
        pytest.param("0712", 1_000, Refusal.ACCOUNT, marks=ON_SQLITE),
        pytest.param("", 1_000, None, marks=ON_SQLITE),  # a till asks for no account
        pytest.param("SHS0283", 9_000_000, None, marks=ON_SQLITE),  # what is too much stays credit
    ],
)
async def test_a_provider_that_asks_is_told_whether_it_exists_and_is_enough(
    mwanga: Server, account: str, amount: int, refusal: Refusal | None
) -> None:
    async with mwanga.database.work():
        assert await validate(account, amount * 100, mwanga.company) == refusal


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("why", ["sales off", "clock", "no codes left", "too many codes"])
async def test_nobody_is_let_pay_while_no_code_can_be_made(
    mwanga: Server, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same in which BUY asks no phone: who pays now would wait for the office."""

    async def behind() -> Doubt:
        return Doubt.BEHIND

    account = "SHS0283"
    if why == "clock":
        monkeypatch.setattr(CLOCK, "doubt", behind)
    elif why == "too many codes":
        account = "04123456784"
        last = next_tid(datetime.now(UTC), None, 2014) + MAX_LEAD_MINUTES + 3
        await Device.filter(serial=account).update(count=last)
    else:
        await close(mwanga, why)
    async with mwanga.database.work():
        assert await validate(account, 5_000_00, mwanga.company) is Refusal.OTHER
        assert await validate("SHS9999", 5_000_00, mwanga.company) is Refusal.ACCOUNT


async def test_what_is_no_payment_books_nothing(mwanga: Server) -> None:
    for wrong in (paid("SHS0283", 0), paid("SHS0283", reference=" -- ")):
        with pytest.raises(ValueError, match="no "):
            async with mwanga.database.work():
                await book_payment(wrong, mwanga.company)
    assert await Payment.all().count() == 0


async def alerts() -> list[str]:
    return [row["sentence"] for row in await execute(connection(), "SELECT sentence FROM alert ORDER BY id")]


async def sent() -> list[str]:
    return [row["phone"] for row in await execute(connection(), "SELECT phone FROM outbox ORDER BY id")]


async def assigned(mwanga: Server, reference: str, account: str) -> int:
    """How many messages the office causes by saying what a payment is for."""
    before = len(await sent())
    async with mwanga.database.work():
        for origin, copies in await assign(reference, account, "office", mwanga.company):
            await mwanga.composer.tell(origin, copies)
    return len(await sent()) - before


async def test_what_waited_once_more_is_told_when_it_is_sold(mwanga: Server) -> None:
    await take(mwanga, paid("0712"))
    await Device.filter(serial="SHS0283").update(retired_at=datetime.now(UTC))
    assert await assigned(mwanga, "RKL51ZDR4F", "SHS0283") == 1
    await Device.filter(serial="SHS0283").update(retired_at=None)
    assert await assigned(mwanga, "RKL51ZDR4F", "SHS0283") == 2  # owner and payer get the code


async def test_what_was_taken_back_goes_to_the_same_device_again(mwanga: Server) -> None:
    await take(mwanga, paid("EB100042"))
    sale = await Sale.get()
    async with mwanga.database.work():
        await voids.approve(sale, OfficeUser(name="grace"), "wrong bike", today=NOON.date())
        await voids.approve(sale, OfficeUser(name="henry"), today=NOON.date())
    for _again in range(2):
        assert await assigned(mwanga, "RKL51ZDR4F", "EB100042") == 1
        sale = await Sale.all().order_by("-id").first()
        async with mwanga.database.work():
            await voids.approve(sale, OfficeUser(name="grace"), "wrong bike", today=NOON.date())
            await voids.approve(sale, OfficeUser(name="henry"), today=NOON.date())
    assert await Sale.all().count() == 3


async def pushed_for_another(mwanga: Server) -> PaymentRequest:
    """Neema's phone was asked to pay for Baraka's device."""
    device = await Device.get(serial="SHS0283")
    wanted = Wanted(
        provider=M_PESA,
        phone=PEOPLE["Neema"],
        language="en",
        amount=500_000,
        account=device.serial,
        customer_id=device.customer_id,
        device_id=device.id,
    )
    async with mwanga.database.work():
        request = await requests.ask_to_pay(wanted, key="for another")
    await PaymentRequest.filter(id=request.id).update(state=RequestState.ASKED)
    return request


async def test_a_text_ahead_of_the_callback_is_for_what_the_phone_was_asked_for(mwanga: Server) -> None:
    request = await pushed_for_another(mwanga)
    told = await take(mwanga, paid(""))
    assert {phone for phone, _words in told} == {PEOPLE["Baraka"], PEOPLE["Neema"]}
    assert await take(mwanga, paid(""), request.reference) == []
    assert (await Sale.get().prefetch_related("device")).device.serial == "SHS0283"


async def test_the_payer_gets_the_code_when_the_callback_says_who_it_was(mwanga: Server) -> None:
    request = await pushed_for_another(mwanga)
    told = await take(mwanga, paid("SHS0283", phone="2557*****003"))
    assert [phone for phone, _words in told] == [PEOPLE["Baraka"]]
    told = await take(mwanga, paid("SHS0283"), request.reference)
    assert [phone for phone, _words in told] == [PEOPLE["Neema"]] and "Code" in told[0][1]


async def test_the_office_hears_where_nobody_else_can(mwanga: Server) -> None:
    await take(mwanga, paid("0712", phone="2557*****003"))
    await Customer.filter(phone=PEOPLE["Baraka"]).update(phone=None)
    await take(mwanga, paid("SHS0283", reference="RKL52ZDR4F", phone="2557*****003"))
    sale = await Sale.get()
    assert await alerts() == [
        "Money waits for somebody of the office to say what it is for: mwanga payments waiting",
        f"Sale {sale.reference}, SHS0283: neither payer nor owner has a phone. Tell the owner.",
    ]


async def test_nothing_waits_any_more_when_all_is_applied(mwanga: Server) -> None:
    request = await asked(mwanga)
    await take(mwanga, paid("", phone="2557*****002"))
    assert await Suspense.filter(closed_at=None).count() == 1
    await take(mwanga, paid("", phone=PEOPLE["Baraka"]), request.reference)
    assert await Suspense.filter(closed_at=None).count() == 0


async def test_a_callback_of_a_push_that_nobody_knows_waits_two_minutes_at_most(mwanga: Server) -> None:
    """Another server asks a phone: its answer is on the way, or the server has died."""
    await asked(mwanga)
    async with mwanga.database.work():
        await requests.claim(M_PESA, 1, me="another server", now=now_ms())
    settler = Settler(mwanga.company, book, mwanga.composer.tell)
    answer = Answer(state=State.PAID, provider=M_PESA, external_id="ws_CO_9", payment=paid("SHS0283"))
    with pytest.raises(NotYet):
        async with mwanga.database.work():
            await settler.settle(answer, since=now_ms())
    async with mwanga.database.work():
        await settler.settle(answer, since=now_ms() - requests.LEASE_MS - 1)
    assert await Sale.all().count() == 1


# --- One payment under two names of its provider


def under_another_name(payment: Incoming, name: str = "pesa") -> Incoming:
    return replace(payment, provider=name, source=Source.TEXT, reference=payment.reference.lower())


async def test_what_another_name_told_of_waits_and_buys_nothing(mwanga: Server) -> None:
    """However often it is told of, as the answer to a push too."""
    first = paid("SHS0283")
    assert len(await take(mwanga, first)) == 2
    for _twice in range(2):
        assert await take(mwanga, under_another_name(first)) == []
    assert await Sale.all().count() == 1 and await Payment.all().count() == 2
    second = await Payment.get(provider="pesa")
    waits = await Suspense.get(payment_id=second.id)
    assert (waits.why, waits.closed_at) == (Why.OTHER_NAME, None)
    assert await balance(AccountKind.UNAPPLIED, second.id) == -first.amount
    [alert] = await execute(connection(), "SELECT sentence FROM alert WHERE sentence LIKE '%RKL51ZDR4F%'")
    assert alert["sentence"].startswith("pesa and daraja tell of RKL51ZDR4F")
    assert await find_fault() == ""


async def test_the_office_says_whether_another_name_has_other_money(mwanga: Server) -> None:
    first = paid("SHS0283")
    for payment in (first, under_another_name(first), under_another_name(first, "kesho")):
        await take(mwanga, payment)
    async with mwanga.database.work():
        await assign("RKL51ZDR4F", "SHS0283", "rehema", mwanga.company, provider="pesa")
        with pytest.raises(NotSettled):
            await never_came(await Payment.get(provider="pesa"), "the same money", actor="rehema")
        await never_came(await Payment.get(provider="kesho"), "the same money", actor="rehema")
    assert await Sale.all().count() == 2
    assert not await Suspense.filter(closed_at=None).exists()
    assert await find_fault() == ""


async def test_an_old_reference_of_another_provider_is_chance(mwanga: Server) -> None:
    first = paid("SHS0283")
    await take(mwanga, replace(first, paid_at=first.paid_at - timedelta(days=31)))
    assert await take(mwanga, under_another_name(first)) != []


async def test_two_names_at_the_same_instant_buy_once(engine: str, demo_url: str) -> None:
    life = Life()
    await life.begin(demo_url, beside=engine == "postgres")
    try:
        said = [under_another_name(paid("SHS0283"), name) for name in ("daraja", "pesa", "kesho", "leo")]

        async def one(number: int) -> None:
            await life.do(lambda at: book_payment(said[number], at.company), number % len(life.servers))

        await asyncio.gather(*map(one, range(4)))
        async with life.servers[0].database.work():
            assert await Sale.all().count() == 1 and await Payment.all().count() == 4
            assert await Suspense.filter(why=Why.OTHER_NAME, closed_at=None).count() == 3
    finally:
        await life.end()


# --- Money that was taken out of the books, and comes after all


async def taken_out(mwanga: Server, said: Incoming) -> Payment:
    """A payment that waits, and that a statement has not which was read since."""
    await take(mwanga, said)
    payment = await Payment.get(provider=said.provider, reference=said.reference)
    async with mwanga.database.work():
        await add_file(said.provider, said.paid_at, said.paid_at + timedelta(minutes=1), actor="rehema")
        await never_came(payment, "on no statement", actor="rehema")
    return payment


async def alerts_of(reference: str) -> list[str]:
    rows = await execute(connection(), "SELECT sentence FROM alert ORDER BY id")
    return [row["sentence"] for row in rows if reference in row["sentence"]]


async def test_what_never_came_is_for_the_push_that_tells_of_it_since(mwanga: Server) -> None:
    request, text = await asked(mwanga), replace(paid("0712", phone=""), source=Source.TEXT)
    payment = await taken_out(mwanga, text)
    told = await take(mwanga, paid("", phone=PEOPLE["Baraka"]), request.reference)
    [(phone, words)] = told
    assert phone == PEOPLE["Baraka"] and "Code" in words and "Paid TZS 5,000" in words
    assert (await Sale.get()).payment_id == payment.id
    assert (await PaymentRequest.get(id=request.id)).state == RequestState.PAID
    assert not await Suspense.filter(closed_at=None).exists()
    [alert] = await alerts_of("RKL51ZDR4F")
    assert "out of the books" in alert
    for _again in range(2):
        assert await take(mwanga, paid("", phone=PEOPLE["Baraka"]), request.reference) == []
    assert await Sale.all().count() == 1 and await find_fault() == ""


@pytest.mark.parametrize("source", [Source.QUERY, Source.TEXT])
async def test_what_never_came_waits_again_when_another_source_tells_of_it(mwanga: Server, source: Source) -> None:
    said = paid("0712")
    payment = await taken_out(mwanga, said)
    assert await take(mwanga, replace(said, source=source)) == []
    assert await balance(AccountKind.UNAPPLIED, payment.id) == -5_000_00
    waits = await Suspense.get(payment_id=payment.id)
    assert (waits.why, waits.closed_at) == (Why.NOBODY, None)
    fit = await reconcile(M_PESA, said.paid_at, said.paid_at + timedelta(minutes=1))
    assert [row["id"] for row in fit.without_money] == [payment.id]  # no statement has it still
    async with mwanga.database.work():
        with pytest.raises(ToldAnew):
            await never_came(payment, "once more", actor="rehema")
    assert await find_fault() == ""


async def test_what_is_told_of_as_before_stays_out_of_the_books_and_the_office_hears(mwanga: Server) -> None:
    said = paid("0712")
    payment = await taken_out(mwanga, said)
    for _twice in range(2):
        assert await take(mwanga, said) == []
    assert await balance(AccountKind.UNAPPLIED, payment.id) == 0 and len(await alerts_of("RKL51ZDR4F")) == 1
    assert not await Suspense.filter(closed_at=None).exists()


async def test_the_same_money_under_another_name_stays_out_of_the_books(mwanga: Server) -> None:
    first = paid("SHS0283")
    for payment in (first, under_another_name(first)):
        await take(mwanga, payment)
    async with mwanga.database.work():
        await never_came(await Payment.get(provider="pesa"), "the same money", actor="rehema")
    assert await take(mwanga, replace(under_another_name(first), source=Source.CALLBACK)) == []
    assert await balance(AccountKind.UNAPPLIED, (await Payment.get(provider="pesa")).id) == 0
    assert await Sale.all().count() == 1 and await find_fault() == ""


async def test_what_is_in_the_books_under_no_other_name_any_more_is_not_the_same_money(mwanga: Server) -> None:
    """It was taken out of them under both names."""
    text = replace(paid("0712"), source=Source.TEXT)
    await taken_out(mwanga, replace(text, provider="pesa"))
    payment = await taken_out(mwanga, text)
    assert not await Suspense.filter(why=Why.OTHER_NAME).exists()
    await take(mwanga, paid("0712"))
    assert await balance(AccountKind.UNAPPLIED, payment.id) == -5_000_00
    [alert] = await alerts_of("out of the books")
    assert "it is in them again" in alert and await find_fault() == ""


async def same_money_as_the_push_of(mwanga: Server) -> PaymentRequest:
    """A push whose receipt was taken out of the books, since another name has the same money in them."""
    request, said = await asked(mwanga), paid("EB100042", phone=PEOPLE["Baraka"])
    for payment in (under_another_name(said), replace(said, source=Source.TEXT)):
        await take(mwanga, payment)
    async with mwanga.database.work():
        await never_came(await Payment.get(provider=M_PESA), "the same money", actor="rehema")
    return request


@pytest.mark.parametrize("state", ["asked", "expired"])
async def test_a_push_is_left_to_a_person_whose_receipt_stays_out_of_the_books(mwanga: Server, state: str) -> None:
    request = await same_money_as_the_push_of(mwanga)
    await PaymentRequest.filter(id=request.id).update(state=state, look_at=now_ms())
    for _twice in range(2):
        assert await take(mwanga, paid("", phone=PEOPLE["Baraka"]), request.reference) == []
    [push] = await requests.list_open(unknown=True)
    assert (push.id, push.payment_id, push.look_at) == (request.id, None, 0)
    assert len(await alerts_of("stays out")) == 1
    assert await Sale.all().count() == 1 and await find_fault() == ""


async def test_nor_is_it_said_to_be_booked_by_the_receipt_of_the_portal(mwanga: Server) -> None:
    request = await same_money_as_the_push_of(mwanga)
    await PaymentRequest.filter(id=request.id).update(state="unknown", look_at=0)
    settler = Settler(mwanga.company, book, mwanga.composer.tell)
    with pytest.raises(by_hand.NotDone, match="RKL51ZDR4F is not booked"):
        async with mwanga.database.work():
            await by_hand.book_receipt(request, "RKL51ZDR4F", company=mwanga.company, settler=settler, actor="rehema")
    assert (await PaymentRequest.get(id=request.id)).state == RequestState.UNKNOWN


async def test_of_what_a_line_puts_in_the_books_nobody_hears_that_it_stays_out(mwanga: Server) -> None:
    said, line = paid("SHS0283"), {"direction": Direction.IN, "provider": M_PESA, "reference": "RKL51ZDR4F"}
    async with mwanga.database.work():
        await add_line(Said(amount=said.amount, at=said.paid_at, **line), actor="rehema")
    for payment in (under_another_name(said), said):
        await take(mwanga, payment)
    async with mwanga.database.work():
        await never_came(await Payment.get(provider=M_PESA), "the same money", actor="rehema")
    async with mwanga.database.work():
        by = {"company": mwanga.company, "composer": mwanga.composer}
        booked = await take_line(await StatementLine.get(), "rehema", **by)
    assert (booked.waits, booked.messages) == (said.amount, 0) and await alerts_of("stays out") == []
    assert await find_fault() == ""


async def test_the_portal_shows_a_receipt_that_was_taken_out_of_the_books(mwanga: Server) -> None:
    request = await asked(mwanga)
    await taken_out(mwanga, paid("0712", phone=PEOPLE["Baraka"]))
    settler = Settler(mwanga.company, book, mwanga.composer.tell)
    async with mwanga.database.work():
        await by_hand.book_receipt(request, "RKL51ZDR4F", company=mwanga.company, settler=settler, actor="rehema")
    assert (await PaymentRequest.get(id=request.id)).state == RequestState.PAID
    assert await Sale.all().count() == 1 and await find_fault() == ""


# --- Payers whose phone the provider masks


@pytest.mark.parametrize(
    "masked", ["2547*****126", "2547 ***** 126", "0722XXXXXX", "+255710******", "***", "254***", "b2f5ff47"]
)
@pytest.mark.everyday_on_sqlite
async def test_a_masked_payer_is_nobody_by_phone(mwanga: Server, masked: str) -> None:
    """It is found by what the payer typed, told to the owner alone, and without an account it waits."""
    told = await take(mwanga, paid("SHS0283", phone=masked))
    assert [phone for phone, _words in told] == [PEOPLE["Baraka"]]
    assert await take(mwanga, paid("", reference="RKL52ZDR4F", phone=masked)) == []
    waits = await Suspense.get(payment__reference="RKL52ZDR4F")
    assert waits.why == Why.NOBODY
    payment = await Payment.get(reference="RKL52ZDR4F")
    assert payment.payer_phone == masked and await balance(AccountKind.UNAPPLIED, payment.id) == -5_000_00


async def test_a_masked_payer_is_not_taken_for_the_push_of_another(mwanga: Server) -> None:
    """A push waits for the same amount: money of a masked phone without its number is not its."""
    device = await Device.get(serial="SHS0283")
    wanted = Wanted(
        provider=M_PESA, phone=PEOPLE["Baraka"], language="en", amount=5_000_00, account="SHS0283",
        customer_id=device.customer_id, device_id=device.id,
    )  # fmt: skip
    async with mwanga.database.work():
        request = await requests.ask_to_pay(wanted, key="test")
    await take(mwanga, paid("", phone="2557*****002"))
    assert (await PaymentRequest.get(id=request.id)).state == RequestState.NEW
    assert not await Sale.all().exists()
    told = await take(mwanga, paid("", reference="RKL53ZDR4F", phone="2557*****002"), request.reference)
    assert [phone for phone, _words in told] == [PEOPLE["Baraka"]]
    assert (await Sale.get()).device_id == device.id
