"""Two sources say different amounts of one payment: who is right is found out, and the books follow. And credit
that two pay out."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from bot.server import Server
from handlers.customers.proposals import agree
from handlers.selling.received import assign, book_payment
from models.devices import Device, with_owner
from models.money import amounts, reconciling
from models.money.amounts import NeverCame, NobodySays, NoDoubt
from models.money.books import find_fault
from models.money.credit import NotSoMuch
from models.money.ledger import AccountKind, Posting, balance, credit_of
from models.money.payments import Payment
from models.money.providers import provider_id
from models.money.receiving import Evidence, Incoming, Source, Suspense, Why, counted, receive, unapplied
from models.money.reconciling import NotSettled, Said
from models.money.statements import Direction
from models.money.wallets import in_wallet
from models.people import Agent, Customer, OfficeUser
from models.people.two_people import SamePerson
from models.selling.cash_requests import Wish, ask_agent
from models.selling.payable import PayableDevice
from models.selling.proposals import AskedAlready, Decided, propose_amount, propose_credit
from models.selling.sales import Sale
from models.selling.voids import approve
from models.sql import connection, execute
from tests.world.books import book, check_ledger
from tests.world.people import NOON, PEOPLE
from tests.world.prompt import Run, do_in_one_work

REHEMA, ZUBERI = OfficeUser(name="rehema"), OfficeUser(name="zuberi")
AT = datetime(2026, 11, 24, 7, tzinfo=UTC)


def told_of(amount: int, account: str = "SHS0283") -> Incoming:
    """Neema paid, by a callback."""
    return Incoming(
        source=Source.CALLBACK,
        provider="daraja",
        reference="RKL51ZDR4F",
        amount=amount * 100,
        paid_at=AT,
        payer_phone=PEOPLE["Neema"],
        account_text=account,
    )


async def in_doubt(mwanga: Server, *, callback: int, statement: int, account: str = "SHS0283") -> Payment:
    """A payment of which the callback and the statement say other amounts, and the provider's payout of the latter."""
    async with mwanga.database.work():
        received, _told = await book_payment(told_of(callback, account), mwanga.company)
    async with mwanga.database.work():
        line = Said(provider="daraja", reference="RKL51ZDR4F", direction=Direction.IN, amount=statement * 100, at=AT)
        out = Said(
            provider="daraja", reference="OUT1", direction=Direction.OUT, amount=statement * 100, at=AT, to_bank=True
        )
        await reconciling.add_line(line, actor="rehema")
        await reconciling.add_line(out, actor="rehema")
    return received.payment


async def asked(mwanga: Server, payment: Payment, amount: int, key: str = "form 1") -> int:
    async with mwanga.database.work():
        return int((await propose_amount(payment, amount * 100, REHEMA, "the portal says so", key)).id)


async def agreed(mwanga: Server, number: int, by: OfficeUser = ZUBERI) -> None:
    async with mwanga.database.work():
        await agree(number, by, company=mwanga.company, composer=mwanga.composer)


async def clearing() -> int:
    return await balance(AccountKind.CLEARING, await provider_id("daraja")) // 100


async def open_why(payment: Payment) -> str | None:
    row = await Suspense.get_or_none(payment_id=payment.id, closed_at=None)
    return row.why if row else None


async def test_what_is_more_waits_to_be_assigned_and_clearing_returns_to_zero(mwanga: Server) -> None:
    payment = await in_doubt(mwanga, callback=5_000, statement=9_000)
    assert await clearing() == -4_000 and await open_why(payment) == Why.AMOUNTS
    number = await asked(mwanga, payment, 9_000)
    assert await clearing() == -4_000, "nothing is done yet"
    with pytest.raises(SamePerson):
        await agreed(mwanga, number, REHEMA)
    await agreed(mwanga, number)
    assert await clearing() == 0 and await counted(payment) == 9_000_00
    assert (await unapplied(payment.id), await open_why(payment)) == (4_000_00, Why.NOBODY)
    with pytest.raises(Decided):
        await agreed(mwanga, number)
    async with mwanga.database.work():
        await assign("RKL51ZDR4F", "SHS0283", "rehema", mwanga.company)
    assert await open_why(payment) is None and await Sale.all().count() == 2
    async with mwanga.database.work():  # the sources say again what they said
        for again in (5_000, 9_000):
            assert not (await book_payment(told_of(again), mwanga.company))[0].new
    assert await open_why(payment) is None
    fit = await reconciling.reconcile("daraja", AT, datetime.now(UTC))
    assert not fit.different and not fit.unapplied
    assert await find_fault() == ""
    await check_ledger(mwanga)


async def test_what_is_less_and_was_used_is_an_adjustment(mwanga: Server) -> None:
    payment = await in_doubt(mwanga, callback=5_000, statement=3_000)
    assert await clearing() == 2_000
    await agreed(mwanga, await asked(mwanga, payment, 3_000))
    assert await clearing() == 0 and await balance(AccountKind.ADJUSTMENT, 0) == 2_000_00
    assert await open_why(payment) is None and await find_fault() == ""


async def void(sale: Sale, mwanga: Server) -> None:
    async with mwanga.database.work():
        await approve(sale, REHEMA, "wrong device", today=NOON.date())
        await approve(sale, ZUBERI, today=NOON.date())


async def test_what_never_came_goes_back_to_nobody_when_its_sale_is_void(mwanga: Server) -> None:
    """5,000 were told of and used, 3,000 came: whoever paid has 3,000 to get when the sale is taken back."""
    payment = await in_doubt(mwanga, callback=5_000, statement=3_000)
    await agreed(mwanga, await asked(mwanga, payment, 3_000))
    [sale] = await Sale.all()
    await void(sale, mwanga)
    assert (await unapplied(payment.id), await open_why(payment)) == (3_000_00, Why.TAKEN_BACK)
    assert await balance(AccountKind.ADJUSTMENT, 0) == 0 and await find_fault() == ""
    async with mwanga.database.work():
        await assign("RKL51ZDR4F", "SHS0283", "rehema", mwanga.company)
    await void(await Sale.get(replaces_id=None, id__not=sale.id), mwanga)
    assert await unapplied(payment.id) == 3_000_00 and await balance(AccountKind.ADJUSTMENT, 0) == 0


async def test_a_sale_of_money_that_never_came_leaves_nothing_that_waits(mwanga: Server) -> None:
    payment = await in_doubt(mwanga, callback=5_000, statement=3_000, account="0712")
    async with mwanga.database.work():
        await assign("RKL51ZDR4F", "SHS0283", "rehema", mwanga.company, amount=4_000_00)
        await assign("RKL51ZDR4F", "SHS0283", "rehema", mwanga.company)
    await agreed(mwanga, await asked(mwanga, payment, 3_000))
    for sale in await Sale.all().order_by("-id"):
        await void(sale, mwanga)
    assert (await unapplied(payment.id), await balance(AccountKind.ADJUSTMENT, 0)) == (3_000_00, 0)
    assert await find_fault() == ""


async def test_what_was_lost_and_came_after_all_is_lost_no_more(mwanga: Server) -> None:
    """Two people said 3,000, all of 5,000 was used, and then two say that it was 6,000: 1,000 are to be assigned."""
    payment = await in_doubt(mwanga, callback=5_000, statement=3_000)
    await agreed(mwanga, await asked(mwanga, payment, 3_000))
    async with mwanga.database.work():
        await receive(replace(told_of(6_000), source=Source.QUERY))
    await agreed(mwanga, await asked(mwanga, payment, 6_000, "form 2"))
    assert (await unapplied(payment.id), await balance(AccountKind.ADJUSTMENT, 0)) == (1_000_00, 0)
    assert await find_fault() == ""


async def test_what_is_less_comes_out_of_what_waits(mwanga: Server) -> None:
    payment = await in_doubt(mwanga, callback=5_000, statement=3_000, account="0712")
    await agreed(mwanga, await asked(mwanga, payment, 3_000))
    assert await clearing() == 0 and await balance(AccountKind.ADJUSTMENT, 0) == 0
    assert (await unapplied(payment.id), await open_why(payment)) == (3_000_00, Why.NOBODY)
    assert await find_fault() == ""


async def test_who_says_that_the_books_are_right_ends_the_doubt_alone(mwanga: Server) -> None:
    payment = await in_doubt(mwanga, callback=5_000, statement=9_000)
    async with mwanga.database.work():
        await amounts.let_stand(payment, "the portal mistook it", actor="rehema")
    assert await open_why(payment) is None and await counted(payment) == 5_000_00
    async with mwanga.database.work():
        with pytest.raises(NoDoubt):
            await amounts.let_stand(payment, "once more", actor="rehema")


async def test_a_doubt_stays_until_somebody_has_looked(mwanga: Server) -> None:
    """However the money is used meanwhile."""
    payment = await in_doubt(mwanga, callback=5_000, statement=9_000, account="0712")
    async with mwanga.database.work():
        await assign("RKL51ZDR4F", "SHS0283", "rehema", mwanga.company)
    assert await unapplied(payment.id) == 0 and await open_why(payment) == Why.AMOUNTS


async def test_an_amount_that_nobody_says_is_refused_and_two_ask_once(mwanga: Server) -> None:
    payment = await in_doubt(mwanga, callback=5_000, statement=9_000)
    with pytest.raises(NobodySays):
        await asked(mwanga, payment, 8_000)
    with pytest.raises(NoDoubt):
        await asked(mwanga, payment, 5_000)
    number = await asked(mwanga, payment, 9_000)
    assert await asked(mwanga, payment, 9_000) == number, "the same form"
    with pytest.raises(AskedAlready):
        await asked(mwanga, payment, 9_000, "form 2")


async def test_of_two_callbacks_that_disagree_both_amounts_are_offered(mwanga: Server) -> None:
    async with mwanga.database.work():
        payment = (await book_payment(told_of(5_000), mwanga.company))[0].payment
    for amount in (9_000, 9_000, 5_000):  # each may come again, and again
        async with mwanga.database.work():
            await book_payment(told_of(amount), mwanga.company)
    doubt = await amounts.doubt_of(payment)
    assert doubt and (doubt.booked, doubt.said) == (5_000_00, [5_000_00, 9_000_00])
    said = await Evidence.filter(payment_id=payment.id).order_by("id").values_list("source", "amount")
    assert said == [("callback", 5_000_00), ("callback", 9_000_00)]
    await agreed(mwanga, await asked(mwanga, payment, 9_000))
    assert (await counted(payment), await unapplied(payment.id)) == (9_000_00, 4_000_00)
    assert await find_fault() == ""


async def test_two_who_agree_at_once_book_it_once(mwanga: Server) -> None:
    payment = await in_doubt(mwanga, callback=5_000, statement=9_000)
    number = await asked(mwanga, payment, 9_000)
    done = await asyncio.gather(
        *(agreed(mwanga, number, OfficeUser(name=name)) for name in ("zuberi", "grace")), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in done) in (["Decided", "NoneType"], ["NoneType", "OperationalError"])
    assert await clearing() == 0 and await find_fault() == ""


async def test_a_payment_that_never_came_has_no_amount_to_be_right(mwanga: Server) -> None:
    """A second callback may tell of a forged payment, with another amount."""
    async with mwanga.database.work():
        payment = (await book_payment(told_of(5_000, "0712"), mwanga.company))[0].payment
    async with mwanga.database.work():
        await reconciling.add_file("daraja", AT, AT, actor="rehema")
        await reconciling.never_came(payment, "forged", actor="rehema")
    async with mwanga.database.work():
        await receive(replace(told_of(3_000, "0712"), source=Source.QUERY))
    with pytest.raises(NeverCame):
        await asked(mwanga, payment, 3_000)
    async with mwanga.database.work():
        await amounts.let_stand(payment, "it never came", actor="rehema")
    assert await open_why(payment) is None and await clearing() == 0
    assert await balance(AccountKind.ADJUSTMENT, 0) == 0 and await find_fault() == ""


async def test_a_payment_whose_amount_two_people_know_came(mwanga: Server) -> None:
    """Else what was used of it stays, and the rest of it is taken out of the books."""
    async with mwanga.database.work():
        payment = (await book_payment(told_of(5_000), mwanga.company))[0].payment
        await receive(replace(told_of(10_000), source=Source.QUERY))
    await agreed(mwanga, await asked(mwanga, payment, 10_000))
    assert await unapplied(payment.id) == 5_000_00
    async with mwanga.database.work():
        await reconciling.add_file("daraja", AT, AT, actor="rehema")
        with pytest.raises(NotSettled, match="it came"):
            await reconciling.never_came(payment, "forged", actor="rehema")


# --- Money that is in a wallet


async def asha_with_wallet() -> Agent:
    await Agent.filter(phone=PEOPLE["Asha"]).update(prepaid=True)
    return await Agent.get(phone=PEOPLE["Asha"])


async def told_asha(mwanga: Server) -> list[str]:
    texts = "SELECT text FROM outbox WHERE phone = $1 ORDER BY id"
    return [row["text"] for row in await execute(mwanga.database.client, texts, [PEOPLE["Asha"]])]


async def test_what_never_came_is_taken_out_of_the_wallet_that_got_it(mwanga: Server) -> None:
    agent = await asha_with_wallet()
    payment = await in_doubt(mwanga, callback=5_000, statement=3_000, account=f"W{agent.id}")
    assert await in_wallet(agent.id) == 5_000_00
    await agreed(mwanga, await asked(mwanga, payment, 3_000))
    assert (await in_wallet(agent.id), await clearing(), await balance(AccountKind.ADJUSTMENT, 0)) == (3_000_00, 0, 0)
    assert (await unapplied(payment.id), await open_why(payment)) == (0, None)
    assert await told_asha(mwanga) == [
        "TAKEN BACK TZS 2,000 of your wallet: payment RKL51ZDR4F was less. Wallet 3,000. Not right? Call +255700000000."
    ]
    assert not await execute(connection(), "SELECT 1 FROM alert WHERE sentence LIKE '%owes%'")
    assert await find_fault() == ""
    async with mwanga.database.work():  # and then it was all that was said first
        await receive(replace(told_of(4_500), source=Source.QUERY))
    await agreed(mwanga, await asked(mwanga, payment, 4_500, "form 2"))
    assert (await unapplied(payment.id), await open_why(payment)) == (1_500_00, Why.NOBODY)
    async with mwanga.database.work():
        assert await assign("RKL51ZDR4F", f"W{agent.id}", "rehema", mwanga.company)
    assert (await in_wallet(agent.id), await unapplied(payment.id)) == (4_500_00, 0)
    async with mwanga.database.work():  # the sources say again what they said
        assert await book_payment(told_of(5_000, f"W{agent.id}"), mwanga.company)
    assert await in_wallet(agent.id) == 4_500_00 and await find_fault() == ""
    await check_ledger(mwanga)


async def test_what_was_sold_from_the_wallet_meanwhile_is_lost_and_the_office_hears_who_owes_it(mwanga: Server) -> None:
    agent = await asha_with_wallet()
    payment = await in_doubt(mwanga, callback=5_000, statement=1_000, account=f"W{agent.id}")
    await book("sold", Posting(AccountKind.WALLET, agent.id, 3_500_00), Posting(AccountKind.DAYS, 0, -3_500_00))
    async with mwanga.database.work():  # Baraka asks her for cash: that is promised
        paid_for = PayableDevice(await with_owner((await Device.get(serial="SHS0283")).id))
        baraka = await Customer.get(phone=PEOPLE["Baraka"])
        wish = Wish(paid_for, baraka, 1_000_00, PEOPLE["Baraka"], "en")
        await ask_agent(wish, agent, key="asks", minutes=60, alone=True)
    await agreed(mwanga, await asked(mwanga, payment, 1_000))
    assert (await in_wallet(agent.id), await clearing()) == (1_000_00, 0)
    assert await balance(AccountKind.ADJUSTMENT, 0) == 3_500_00 and await unapplied(payment.id) == 0
    [alert] = await execute(connection(), "SELECT sentence FROM alert WHERE sentence LIKE '%owes%'")
    said = "Asha Mushi owes TZS 3,500: the wallet got it of RKL51ZDR4F, which was less, and is used."
    assert alert["sentence"] == said and len(await told_asha(mwanga)) == 1
    assert await find_fault() == ""


# --- A customer's credit, in cash


async def neema_with_credit(amount: int) -> Customer:
    neema = await Customer.get(phone=PEOPLE["Neema"])
    lines = Posting(AccountKind.OFFICE, 0, amount * 100), Posting(AccountKind.CREDIT, neema.id, -amount * 100)
    await book("a test's credit", *lines)
    return neema


async def test_credit_is_paid_out_when_a_second_person_agrees_and_the_customer_is_told(mwanga: Server) -> None:
    neema = await neema_with_credit(4_080)
    async with mwanga.database.work():
        with pytest.raises(NotSoMuch):
            await propose_credit(neema, 4_081_00, REHEMA, "paid off", "form 0")
        first = await propose_credit(neema, 4_000_00, REHEMA, "paid off", "form 1")
        with pytest.raises(AskedAlready):
            await propose_credit(neema, 80_00, REHEMA, "paid off", "form 2")
    with pytest.raises(SamePerson):
        await agreed(mwanga, first.id, REHEMA)
    assert await credit_of(neema.id) == 4_080_00
    await agreed(mwanga, first.id)
    assert (await credit_of(neema.id), await balance(AccountKind.OFFICE, 0)) == (80_00, 80_00)
    [told] = await execute(mwanga.database.client, "SELECT phone, text FROM outbox")
    assert told == {"phone": neema.phone, "text": "PAID OUT TZS 4,000 of your credit. Credit left: 80."}
    with pytest.raises(Decided):
        await agreed(mwanga, first.id)
    assert await find_fault() == ""


async def test_credit_that_was_used_meanwhile_is_not_paid_out(mwanga: Server) -> None:
    neema = await neema_with_credit(4_000)
    async with mwanga.database.work():
        first = await propose_credit(neema, 4_000_00, REHEMA, "paid off", "form 1")
    await book("used", Posting(AccountKind.CREDIT, neema.id, 1_000_00), Posting(AccountKind.OFFICE, 0, -1_000_00))
    with pytest.raises(NotSoMuch):
        await agreed(mwanga, first.id)
    assert await credit_of(neema.id) == 3_000_00


# --- At the prompt


@pytest.mark.everyday_on_sqlite
def test_both_at_the_prompt(run: Run, demo_url: str) -> None:
    passwords = {"admin": "mwanga-demo", "grace": "a long password"}
    assert run("admin", "add", "grace", "--role", "finance", input=f"{passwords['grace']}\n").exit_code == 0

    def by(who: str, *words: object) -> str:
        return run(*words, "--by", who, input=f"{passwords[who]}\n").output

    async def begin() -> None:
        await receive(told_of(5_000))
        line = Said(provider="daraja", reference="RKL51ZDR4F", direction=Direction.IN, amount=9_000_00, at=AT)
        await reconciling.add_line(line, actor="rehema")
        await neema_with_credit(4_000)

    do_in_one_work(demo_url, begin)
    assert "mwanga payments amount RKL51ZDR4F AMOUNT --provider daraja" in run("reconcile", "show").output
    right = "payments", "amount", "rkl51zdr4f"
    assert "Nobody has proposed it yet" in by("grace", *right, 9000)
    assert "nobody says TZS 8,000" in by("grace", *right, 8000, "--reason", "so")
    assert "RKL51ZDR4F is TZS 9,000 then. Another one" in by("grace", *right, 9000, "--reason", "the portal says so")
    assert "grace proposed it." in by("grace", *right, 9000)
    assert by("admin", *right, 9000).endswith("RKL51ZDR4F is TZS 9,000 in the books now.\n")
    assert "all say the same of RKL51ZDR4F, or it was looked at" in by("admin", *right, 9000, "--reason", "again")
    neema = do_in_one_work(demo_url, lambda: Customer.get(phone=PEOPLE["Neema"])).id
    out = "customer", "payout", neema
    assert "the credit of Neema Paulo is TZS 4,000." in by("grace", *out, 4001, "--reason", "paid off")
    assert "TZS 4,000 are to be paid out. Another one" in by("grace", *out, 4000, "--reason", "paid off")
    assert by("admin", *out, 4000).endswith("TZS 4,000 are paid out to Neema Paulo.\n")
    assert do_in_one_work(demo_url, find_fault) == ""


# --- Evidence of older versions


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_evidence_moves_to_its_wider_table_with_all_that_guards_it(mwanga: Server) -> None:
    """SQLite changes no key of a table. An older version's table is made here by the same steps backwards."""
    step, client = import_module("models.migrations.0017_second_amounts"), mwanga.database.client
    await in_doubt(mwanga, callback=5_000, statement=9_000)
    rows, made = (
        "SELECT * FROM evidence",
        "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'evidence' ORDER BY name",
    )
    before = await execute(client, rows), await execute(client, made)
    back = {"FORMER_KEY": step.KEY, "KEY": step.FORMER_KEY, "FORMER_SAME": step.SAME, "SAME": step.FORMER_SAME}
    async with mwanga.database.work():
        with patch.multiple(step, **back):
            await step.widen(None, SimpleNamespace(client=connection()))
        assert await execute(connection(), made) != before[1]
        await step.widen(None, SimpleNamespace(client=connection()))
    assert (await execute(client, rows), await execute(client, made)) == before and len(before[0]) == 2
