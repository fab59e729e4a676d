"""Texts of an operator to a gateway phone: which become payments by themselves, which wait, and what a person says."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import time_machine
from tortoise.exceptions import OperationalError

from bot.app import PURGES, assembled
from bot.config import Config
from bot.receipts import Heard, Receipts
from bot.receipts.rules import BadRule, add_rule
from bot.runtime import Database, Housekeeping
from bot.server import Server
from bot.text.numbers import Sender, SenderKind
from handlers.selling.received import book_payment
from models.alerts import Alert
from models.audit import Audit
from models.messages import Phone
from models.money import receipt_texts as kept
from models.money.ledger import AccountKind, balance
from models.money.providers import provider_id
from models.money.receipt_texts import NotWaiting, ReceiptText, ReceiptWallet, open_text
from models.money.receiving import Evidence, Incoming, Source, receive
from models.money.reconciling import add_file, never_came
from models.sql import ms_of
from tests.emulators.android.clock import Clock
from tests.world.at_once import happen_meanwhile
from tests.world.books import check_ledger
from tests.world.people import NOON, PEOPLE
from tests.world.receipt_table import company_of
from tests.world.receipt_texts import Till, open_till, personal
from tests.world.shop import open_shop

FIRST = personal("DKN1234567", 5_000, 15_000, NOON)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
async def till(mwanga: Server) -> Till:
    """SIM 1 of the till phone is bound to M-Pesa, with 10,000 in its wallet."""
    return await open_till(mwanga, balance=10_000)


async def test_a_text_that_fits_is_a_payment_once(till: Till) -> None:
    await till.hears(FIRST)
    assert await till.texts() == [("paid", "")] and await till.paid() == [5_000]
    await till.hears(FIRST)
    await till.hears(FIRST.replace("\u0020", "\n"), "mpesa")
    assert await till.states() == "paid seen seen" and await till.paid() == [5_000]
    assert await balance(AccountKind.CLEARING, await provider_id("mpesa-tz")) == 5_000_00
    [seen] = await Evidence.all()
    assert (seen.source, seen.reference, seen.seen_by) == ("text", "DKN1234567", "Till phone SIM 1")
    assert seen.balance_after == 15_000_00
    assert [row["outcome"] for row in await till.sql("SELECT outcome FROM inbox ORDER BY id")] == [
        "receipt paid",
        "receipt seen",
        "receipt seen",
    ]
    await check_ledger(till.mwanga)


async def test_what_is_kept_is_sealed_and_whole(till: Till) -> None:
    await till.hears(FIRST)
    row = await ReceiptText.get()
    assert "DKN1234567" not in row.sealed and open_text(till.mwanga.company.vault, row) == FIRST
    assert (row.reference, row.amount, row.balance_after, row.rule) == (
        *("DKN1234567", 5_000_00, 15_000_00),
        "mpesa-tz personal",
    )


async def test_nobody_is_answered_by_a_receipt(till: Till) -> None:
    """A name is a machine: an answer to it would go nowhere, and cost."""
    await till.hears(FIRST)
    assert not await till.sql("SELECT 1 FROM outbox WHERE phone = 'M-PESA'")


@pytest.mark.first_on_postgres
@pytest.mark.parametrize("gateway", ["africastalking", "kannel", "simulator", "phone-99", "phone-99x"])
async def test_only_our_own_phones_are_believed(till: Till, gateway: str) -> None:
    await till.hears(FIRST, gateway=gateway)
    assert await till.texts() == [] and await till.paid() == []
    assert [row["outcome"] for row in await till.sql("SELECT outcome FROM inbox")] == ["machine"]


async def test_a_person_who_types_a_receipt_is_told_that_it_is_none(till: Till) -> None:
    await till.hears(FIRST, "+255700000061")
    assert await till.texts() == [] and await till.paid() == []
    [sent] = await till.sql("SELECT phone, text FROM outbox")
    assert sent["text"].startswith("Nothing was booked: a forwarded receipt is no payment.")


async def test_the_balance_of_a_wallet_is_no_airtime(config: Config) -> None:
    """The pattern that finds what airtime is left fits a receipt as well, which speaks of a balance too."""
    pattern = "balance is (?:TZS|Tsh) ?([0-9,.]+)"
    async with assembled(config.model_copy(update={"airtime_pattern": pattern}), serving=False) as mwanga:
        till = await open_till(mwanga, balance=10_000)
        await till.hears(FIRST)
        await till.hears("HA10000001 Confirmed. Tsh 1,000 paid to DUKA. New M-PESA balance is Tsh 14,000.")
        assert await till.states() == "paid ignored" and await till.paid() == [5_000]
        assert not await till.sql("SELECT 1 FROM gatewaystate WHERE airtime <> ''")
        await till.hears("Your balance is TZS 14,000. Dial *149#.")  # of the wallet that its sender names
        await till.hears("Your Airtel Money balance is TZS 9,000.", "AIRTEL")
        assert not await till.sql("SELECT 1 FROM gatewaystate WHERE airtime <> ''")
        for left, sender in (("300", "AIRTEL"), ("250", "Vodacom")):
            await till.hears(f"Your airtime balance is TZS {left}.", sender)
            [state] = await till.sql("SELECT airtime FROM gatewaystate WHERE airtime <> ''")
            assert state["airtime"] == f"{left}."
        heard = await till.sql("SELECT outcome FROM inbox ORDER BY id")
        assert [row["outcome"] for row in heard] == ["receipt paid", *["receipt ignored"] * 4, "airtime"]


async def test_nothing_is_read_before_the_office_binds_a_phone(till: Till) -> None:
    await ReceiptWallet.all().delete()
    await till.hears(FIRST)
    assert await till.texts() == [] and await till.paid() == []


async def test_a_phone_with_one_sim_need_not_say_which(mwanga: Server) -> None:
    till = await open_till(mwanga, balance=10_000, sims=1)
    await till.hears(FIRST, sim=0)
    assert await till.states() == "paid"


async def test_a_reference_that_comes_again_with_another_amount_waits(till: Till) -> None:
    await till.hears(FIRST)
    await till.hears(personal("DKN1234567", 50_000, 65_000, NOON))
    assert await till.texts() == [("paid", ""), ("waiting", "DKN1234567 is a payment of TZS 5,000 already.")]
    assert await till.paid() == [5_000]


async def test_texts_that_overtake_each_other_are_all_taken(till: Till) -> None:
    texts = [personal(f"DKN12345{n:02d}", 1_000 * n, 10_000 + 500 * n * (n + 1), NOON) for n in range(1, 9)]
    Random(4).shuffle(texts)
    for text in texts:
        await till.hears(text)
    assert set((await till.states()).split()) == {"paid"}
    assert sorted(await till.paid()) == [1_000 * n for n in range(1, 9)]
    await check_ledger(till.mwanga)


async def test_many_at_once_are_each_taken_once(till: Till) -> None:
    """Several workers on PostgreSQL, and a name in two spellings, so that no queue keeps them apart."""
    texts = [personal(f"DKN12345{n:02d}", 1_000, 10_000 + 1_000 * n, NOON) for n in range(1, 13)] * 2
    names = ["M-PESA", "m-pesa", "MPESA"]
    await asyncio.gather(*(till.hears(text, names[n % 3]) for n, text in enumerate(texts)))
    states = (await till.states()).split()
    assert sorted(await till.paid()) == [1_000] * 12, states
    assert states.count("paid") == 12 and states.count("waiting") == 0
    await check_ledger(till.mwanga)


async def test_after_a_gap_all_wait_until_a_person_accepts_the_first(till: Till) -> None:
    """Somebody took 3,000 out, which no text tells us of. What follows on an unproven text is no better proven."""
    await till.hears(personal("DKN1234501", 1_000, 8_000, NOON))
    await till.hears(personal("DKN1234502", 2_000, 10_000, NOON))
    gap = "Balance is {} and should be {}: a text is missing, or this one is made up."
    assert await till.texts() == [
        ("waiting", gap.format("8,000", "11,000")),
        ("waiting", gap.format("10,000", "12,000")),
    ]
    assert await till.paid() == []
    assert await till.accept(1)
    assert await till.texts() == [("paid", "by Neema"), ("paid", "")]
    assert await till.paid() == [1_000, 2_000]
    noted = await Audit.filter(action="receipt accepted").values_list("actor", "subject")
    assert noted == [("Neema", "DKN1234501")]
    await till.hears(personal("DKN1234503", 500, 10_500, NOON))
    assert await till.paid() == [1_000, 2_000, 500]
    await check_ledger(till.mwanga)


async def test_the_office_is_told_of_the_first_text_that_waits(till: Till) -> None:
    said = "A text that money came in waits for a person: `mwanga receipts waiting`."
    for number in (1, 2):
        await till.hears(personal(f"DKN123450{number}", 1_000, 8_000, NOON))
    assert await Alert.all().values_list("sentence", flat=True) == [said]
    for number in (1, 2):
        await till.refuse(number)
    await till.hears(personal("DKN1234503", 1_000, 8_000, NOON))
    assert await Alert.all().values_list("sentence", flat=True) == [said, said]


async def test_money_that_goes_out_is_followed_by_its_balance(database: Database) -> None:
    """Kenya's texts of who pays tell what is left: the next payment goes on from there."""
    booked: list[Incoming] = []

    async def book(incoming: Incoming) -> None:
        booked.append(incoming)

    async def hear(number: int, text: str) -> None:
        heard = Heard(
            inbox_id=number,
            gateway=phone.gateway,
            sim=1,
            sender=Sender(SenderKind.ALPHA, "MPESA"),
            text=text,
            reached_at=ms_of(NOON),
        )
        async with database.work():
            with contextlib.suppress(LookupError):  # this book keeps no payments
                await receipts.take(heard)

    receipts = Receipts(company_of("mpesa-ke"), book)
    async with database.work():
        phone = await Phone.create(name="Till phone", signing_key="", added_at=1, linked_at=1)
        await kept.bind(phone, 1, "mpesa-ke", trusted=False, balance=1_146_12, actor="test")
    out = (
        "UKOK6H7AAA Confirmed. Ksh1000.00 sent to DEMO ENERGY for account 40021 on 24/11/26 at 10:26 AM New M-PESA "
        "balance is Ksh123.12. Transaction cost, Ksh23.00."
    )
    await hear(1, out.replace("123.12", "923.12"))
    assert (await ReceiptWallet.get()).last_balance("main") == 1_146_12, "a balance that cannot be is not believed"
    await hear(2, out)
    assert (await ReceiptWallet.get()).last_balance("main") == 123_12 and not booked
    await hear(
        3,
        "UKO4A7B2QF Confirmed.You have received Ksh70.00 from PETER MUSA 0712***345 on 24/11/26 at 10:41 AM "
        "New M-PESA balance is Ksh193.12. Thank you.",
    )
    assert [(each.provider, each.reference, each.amount) for each in booked] == [("daraja", "UKO4A7B2QF", 70_00)]


async def test_an_old_text_that_is_accepted_late_moves_no_balance_back(till: Till) -> None:
    await till.hears(personal("DKN1234501", 1_000, 9_000, NOON))
    await till.hears(personal("DKN1234502", 2_000, 12_000, NOON))
    assert await till.states() == "waiting paid"
    await till.accept(1)
    await till.hears(personal("DKN1234503", 500, 12_500, NOON))
    assert await till.states() == "paid paid paid"


async def test_the_payers_own_text_is_never_credited(till: Till) -> None:
    await till.hears("DKN1234500 Confirmed. NEEMA KOMBA has received Tsh 4000 on 2026-11-24 10:20:55.")
    assert await till.texts() == [("ignored", "It is about money that went out.")] and await till.paid() == []


async def test_a_payment_that_a_callback_told_of_is_seen_by_the_text(till: Till) -> None:
    callback = Incoming(
        source=Source.CALLBACK, provider="mpesa-tz", reference="dkn 1234567", amount=5_000_00, paid_at=NOON
    )
    async with till.mwanga.database.work():
        await receive(callback)
    await till.hears(FIRST)
    await till.hears(personal("DKN1234568", 1_000, 16_000, NOON))
    assert await till.states() == "seen paid" and await till.paid() == [5_000, 1_000]
    assert sorted(await Evidence.all().values_list("source", flat=True)) == ["callback", "text", "text"]


@pytest.mark.parametrize(("balance_", "used"), [(15_000, True), (95_000, False)], ids=["due", "made up"])
async def test_a_text_says_what_money_is_for_that_waits_only_with_the_balance_that_is_due(
    till: Till, balance_: int, used: bool
) -> None:
    """Who was shown its reference could have it used for himself, under the operator's name."""
    callback = Incoming(
        source=Source.CALLBACK, provider="mpesa-tz", reference="DKN1234567", amount=5_000_00, paid_at=NOON
    )
    async with till.mwanga.database.work():
        received, _told = await book_payment(callback, till.mwanga.company)
    await till.hears(personal("DKN1234567", 5_000, balance_, NOON, PEOPLE["Baraka"].lstrip("+")))
    assert await till.states() == "seen"
    assert await balance(AccountKind.UNAPPLIED, received.payment.id) == (0 if used else -5_000_00)
    assert await till.sql("SELECT phone FROM outbox") == ([{"phone": PEOPLE["Baraka"]}] if used else [])


@pytest.mark.parametrize(("balance_", "state"), [(15_000, "seen"), (95_000, "waiting")], ids=["due", "made up"])
async def test_a_text_brings_money_back_into_the_books_only_with_the_balance_that_is_due(
    till: Till, balance_: int, state: str
) -> None:
    callback = Incoming(
        source=Source.CALLBACK, provider="mpesa-tz", reference="DKN1234567", amount=5_000_00, paid_at=NOON
    )
    async with till.mwanga.database.work():
        payment = (await book_payment(callback, till.mwanga.company))[0].payment
    async with till.mwanga.database.work():
        await add_file("mpesa-tz", NOON, NOON, actor="rehema")
        await never_came(payment, "on no statement", actor="rehema")
    await till.hears(personal("DKN1234567", 5_000, balance_, NOON))
    assert await till.states() == state
    assert await balance(AccountKind.UNAPPLIED, payment.id) == (-5_000_00 if state == "seen" else 0)
    if state == "waiting":  # a person looks at it
        await till.accept(1)
        assert await balance(AccountKind.UNAPPLIED, payment.id) == -5_000_00


SWAHILI = (
    "DKN1234567 imethibitishwa. Umepokea Tshs 5,000.00 kutoka DEMO BANK, Akaunti ****1234 - NEEMA KOMBA "
    "tarehe 24/11/2026 saa 10:40:12."
)


@pytest.mark.parametrize("texts", [(SWAHILI, FIRST), (FIRST, SWAHILI)])
async def test_two_texts_of_one_payment_are_one(till: Till, texts: tuple[str, str]) -> None:
    for text in texts:
        await till.hears(text)
    assert sorted((await till.states()).split()) == ["paid", "seen"] and await till.paid() == [5_000]


async def test_what_a_person_refuses_is_never_taken_afterwards(till: Till) -> None:
    await till.hears(personal("DKN1234567", 5_000, 95_000, NOON))
    await till.refuse(1)
    await till.hears(FIRST)
    assert await till.texts() == [("refused", "by Neema"), ("waiting", "DKN1234567 was refused before.")]
    assert await till.paid() == []
    for text_id in (1, 3):
        with pytest.raises(NotWaiting):
            await till.refuse(text_id)
    await till.accept(2)
    assert await till.paid() == [5_000]
    with pytest.raises(NotWaiting):
        await till.accept(2)


async def test_two_who_accept_at_once_book_once(till: Till) -> None:
    await till.hears(personal("DKN1234567", 5_000, 95_000, NOON))
    done = await asyncio.gather(till.accept(1), till.accept(1), return_exceptions=True)
    assert sorted(map(type, done), key=str) == sorted([bool, NotWaiting], key=str)
    assert await till.paid() == [5_000]
    await check_ledger(till.mwanga)


@pytest.mark.parametrize("engine", ["postgres"])
async def test_what_a_person_refuses_is_not_taken_by_the_text_that_it_has_waited_for(till: Till) -> None:
    """The text before it comes while the refusal is not committed."""
    await till.hears(personal("DKN1234568", 1_000, 16_000, NOON))

    async def refuse() -> None:
        await till.mwanga.receipts.refuse(1, actor="Neema")

    await happen_meanwhile(till.mwanga, refuse, lambda: till.hears(FIRST))
    assert await till.states() == "refused paid" and await till.paid() == [5_000]
    await check_ledger(till.mwanga)


async def test_a_person_may_say_what_a_text_means_that_no_rule_fits(till: Till) -> None:
    await till.hears("You have received money from NEEMA: 5000 shillings, number DKN1234567, thank you.")
    [(state, why)] = await till.texts()
    assert state == "waiting" and why.startswith("No rule fits it")
    told = Incoming(source=Source.TEXT, provider="mpesa-tz", reference="DKN1234567", amount=5_000_00, paid_at=NOON)
    async with till.mwanga.database.work():
        assert await till.mwanga.receipts.accept(1, told, actor="Neema")
    await till.hears(FIRST)
    assert await till.states() == "paid seen" and await till.paid() == [5_000]


async def test_without_a_balance_only_a_trusting_office_is_paid(mwanga: Server) -> None:
    till = await open_till(mwanga, balance=10_000)
    await till.hears(SWAHILI)
    assert await till.states() == "waiting"
    trusting = await open_till(mwanga, balance=None, trusted=True, name="Second phone")
    await trusting.hears(SWAHILI.replace("567", "568"))
    assert await till.states() == "waiting paid"


async def test_a_phone_that_was_off_since_yesterday_is_believed_by_its_own_clock(till: Till) -> None:
    came = NOON - timedelta(hours=40)
    text = personal("DKM1234567", 5_000, 15_000, came)
    await till.hears(text, at=came + timedelta(minutes=1))
    await till.hears(personal("DKM1234568", 5_000, 20_000, came))
    assert await till.states() == "paid waiting"
    assert "came at another time" in (await till.texts())[1][1]


async def test_a_text_that_falls_with_the_database_is_paid_once_afterwards(till: Till) -> None:
    """The money was booked and the commit did not come: all of it is done again, and nothing is left of the first."""
    receipts, falls = till.mwanga.receipts, iter([True, True])
    book = receipts._book

    async def falling(incoming: Incoming) -> None:
        await book(incoming)
        if next(falls, False):
            raise OperationalError("the connection broke")

    receipts._book = falling
    await till.hears(FIRST)
    assert await till.texts() == [("paid", "")] and await till.paid() == [5_000]
    await check_ledger(till.mwanga)


async def test_a_text_that_breaks_us_waits_for_a_person(till: Till) -> None:
    async def broken(_incoming: Incoming) -> None:
        raise LookupError("a fault of ours")

    till.mwanga.receipts._book = broken
    await till.hears(FIRST)
    assert await till.texts() == [("waiting", "It could not be handled: LookupError.")]
    assert await till.paid() == [] and not await till.sql("SELECT 1 FROM outbox")
    assert [row["state"] for row in await till.sql("SELECT state FROM inbox")] == ["failed"]


async def test_what_a_payer_typed_goes_with_the_payment(mwanga: Server) -> None:
    till = await open_till(mwanga, balance=0)
    text = (
        "DKN1234567 Confirmed. On 24/11/26 at 10:06 AM Tsh5,000.00 Tsh. has been received from 255700000061 - "
        "NEEMA KOMBA.Your balance is Tsh5,000.00 Tsh."
    )
    await till.hears(text)
    assert await till.states() == "waiting", "the merchant's wallet has another balance, which nobody has told us"
    await till.accept(1)
    [payment] = await till.sql("SELECT payer_phone, payer_name FROM payment WHERE provider <> 'cash'")
    assert payment == {"payer_phone": "+255700000061", "payer_name": "NEEMA KOMBA"}


async def test_a_payment_for_a_serial_brings_its_token(mwanga: Server) -> None:
    """The office's own rule, for an operator that hands on what the payer typed: the owner gets the code."""
    template = (
        "HaloPesa: Umepokea TSh [amount] kutoka kwa [phone] [name]. Kumbukumbu: [serial]. Salio: TSh [balance]. "
        "Ref: [reference]"
    )
    async with mwanga.database.work():
        await add_rule("halo", "halopesa", "HaloPesa", template, company=mwanga.company, actor="test")
    till = await open_till(mwanga, balance=10_000, operator="halopesa")
    await till.hears(
        "HaloPesa: Umepokea TSh 8,000 kutoka kwa 0620000111 ASHA DEMO. Kumbukumbu: shs 0283. Salio: TSh 18,000. "
        "Ref: HP12345678",
        "HALOPESA",
    )
    assert await till.texts() == [("paid", "")]
    sent = {row["phone"]: row["text"] for row in await till.sql("SELECT phone, text FROM outbox")}
    assert "Code " in sent[PEOPLE["Baraka"]]
    await till.hears(
        "HaloPesa: Umepokea TSh 8,000 kutoka kwa 0620000111 ASHA DEMO. Kumbukumbu: shs 0283. Salio: TSh 18,000. "
        "Ref: HP12345678",
        "HALOPESA",
    )
    assert (
        len(await till.sql("SELECT 1 FROM token WHERE sale_id IN (SELECT id FROM sale WHERE key LIKE 'payment%')")) == 1
    )
    await check_ledger(mwanga)


async def test_what_was_about_no_payment_is_forgotten_one_day(till: Till) -> None:
    await till.hears("Win 5,000 today! Dial *150#")
    await till.hears(FIRST)
    await Housekeeping(till.mwanga.database, 365, PURGES).purge()
    assert await till.states() == "ignored paid"
    with time_machine.travel(NOON + timedelta(days=366), tick=False):
        await Housekeeping(till.mwanga.database, 365, PURGES).purge()
    assert await till.states() == "paid"


async def test_a_payment_by_radio_is_in_the_books(demo_url: str, phone_clock: Clock) -> None:
    """The whole way: the operator's text comes to the phone's SIM card, the app brings it, the server books it."""
    async with open_shop(demo_url, phone_clock) as shop:
        await shop.phone.sync()
        async with shop.at.mwanga.database.work():
            phone = await Phone.get()
            await kept.bind(phone, 1, "mpesa-tz", trusted=False, balance=10_000_00, actor="test")
        at = datetime.fromtimestamp(phone_clock(), UTC)
        await shop.text("M-PESA", personal("DKN1234567", 5_000, 15_000, at))
        await shop.text("M-PESA", personal("DKN1234567", 5_000, 15_000, at))
        await shop.text(PEOPLE["Asha"], personal("DKN1234568", 5_000, 20_000, at))
        rows = await shop.at.rows("SELECT provider, reference, amount FROM payment WHERE provider <> 'cash'")
        assert [tuple(row.values()) for row in rows] == [("mpesa-tz", "DKN1234567", 5_000_00)]
        told = "We have your TZS 5,000 (ref DKN1234567). The office finds where it belongs."
        assert await shop.read("+255700000061") == told
        assert (await shop.read(PEOPLE["Asha"])).startswith("Nothing was booked")


async def test_a_sender_that_is_known_keeps_its_provider(mwanga: Server) -> None:
    """Under another name the money that a callback tells of too would be another payment."""
    template = "[reference] Imethibitishwa. Umepokea Tsh[amount] kutoka [name]. Salio Tsh[balance]."
    async with mwanga.database.work():
        with pytest.raises(BadRule, match=r"writes for mpesa-tz\. Give the rule that provider"):
            await add_rule("mine", "pesa", "m-pesa", template, company=mwanga.company, actor="test")
        rule = await add_rule("mine", "mpesa-tz", "M-PESA", template, company=mwanga.company, actor="test")
    assert rule.operator == "mpesa-tz"
