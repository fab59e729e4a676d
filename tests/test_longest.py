"""One SMS part, one USSD screen, at the longest values allowed, in every language."""

import re
import string
from datetime import UTC, date, datetime

import pytest
from babel.messages.extract import extract_from_dir

from bot.config import LANGUAGES
from bot.gsm import SCREEN, is_gsm, plain, septets
from bot.i18n import LOCALES, Text, _, _catalogue
from bot.parts import Mwanga
from handlers import TALKS
from handlers.buy import buy
from models.appliances import Appliance, Contract, Instalment
from models.devices import Device, Plan
from models.ledger import AccountKind, Posting, post
from models.people import Agent, Customer, Village
from tests.world import PEOPLE, Phones

ROOT = LOCALES.parent.parent
KEYWORDS = {"_": None, "_n": (1, 2)}
GAPS = {
    "access": "9,999,999",
    "amount": "TZS 9,999,999",
    "answer": "W" * 15,
    "bought": "99999.9 kWh",
    "choices": "W" * 40,
    "code": "1234 5678 9012 3456 7890",
    "company": "W" * 20,
    "count": "999",
    "day": "22 Nov",
    "debt": "9,999,999",
    "done": "WWWWWW",
    "due": "9,999,999",
    "tail": "W" * 8,
    "sell": "WWWWWW",
    "price": "TZS 9,999,999",
    "pieces": ", ".join(["99999", "W" * 20, "W" * 14, "W" * 8]),
    "parts": _("{amount} a day", amount="TZS 999,999"),
    "first": _(", first due {day}", day="22 Nov"),
    "each": "4,999,999",
    "energy": "9,999,999",
    "example": "W" * 12,
    "header": "W" * 40,
    "held": "99,999,999",
    "digits": "1234 5678 9012 3456 7890",
    "item": "S99999 " + "W" * 16,
    "help": "+255700000000",
    "how": "",
    "last": _("Last token {day} {time}.", day="22 Nov", time="22:22"),
    "left": "TZS 99,999,999",
    "limit": "99,999,999",
    "line": "22 Nov 9,999,999: 123 456 789 012 345",
    "lines": "",
    "n": "1234",
    "most": 60,
    "name": "W" * 12,
    "next": "9,999,999",
    "nothing": "",
    "owner": "W" * 12,
    "paid": "9,999,999",
    "phone": "+2557000000001",
    "problem": "..WWWW: " + "W" * 45,
    "question": "",
    "ref": "WWWWW",
    "reference": "W" * 20,
    "room": "99,999,999",
    "serial": "W" * 20,
    "share": "100",
    "status": "WWWWWWW",
    "subject": "..WWWW: " + "W" * 30,
    "surplus": "W" * 13,
    "talk": "",
    "time": "22:22",
    "usage": "",
    "number": "99999",
    "plan": ", " + "W" * 13,
    "draft": "W" * 33,
    "why": "",
    "wanted": "",
    "who": _("Agent {name} {phone} will call.", name="W" * 12, phone="+2557000000001"),
    "warning": _(", {share}%: HAND IN", share=100),
    "word": "W" * 13,
    "words": "W" * 95,
    "again": _("AGAIN"),
}
# What both name a code has a short serial (receipts write the tail of a long one); a list of tokens is longest
# for a meter: 13 digits (IEC 62055-41), and three tokens of 20.
RECEIPT = {"serial": "..WWWW"}
HISTORY = {"serial": "0123456789012", "lines": "\n".join(["22 Nov 9,999,999: 1234 5678 9012 3456 7890"] * 3)}


def sentences() -> set[str]:
    """Every English sentence that is marked for translation, both forms of those that count."""
    found = set()
    for folder in ("bot", "handlers"):
        for _file, _line, message, _comments, _context in extract_from_dir(ROOT / folder, keywords=KEYWORDS):
            found.update(message if isinstance(message, tuple) else (message,))
    return {sentence for sentence in found if sentence}


def gaps(sentence: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(sentence) if name}


def longest(sentence: str, language: str) -> dict[str, object]:
    """The longest values of this sentence's gaps, with the keywords of this language."""
    wanted = gaps(sentence)
    values: dict[str, object] = {**GAPS, "keyword": max((one.keyword(language) for one in TALKS), key=len)}
    values["buy"] = buy.keyword(language)
    if {"code", "owner"} <= wanted:
        values |= RECEIPT
    if {"serial", "lines"} <= wanted:
        values |= HISTORY
    return {name: values[name] for name in wanted}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated_with_the_same_gaps(language: str) -> None:
    if language == "en":
        return
    catalogue = _catalogue(language)
    missing = [sentence for sentence in sentences() if sentence not in catalogue]
    assert not missing
    assert {s: gaps(s) for s in sentences()} == {s: gaps(catalogue[s]) for s in sentences()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_fits_at_the_longest_values(language: str) -> None:
    for sentence in sentences():
        said = Text(sentence, longest(sentence, language)).to(language)
        assert is_gsm(said) and plain(said) == said, said
        assert septets(said) <= SCREEN, (septets(said), said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_sentences_offer_no_word_that_a_carrier_takes(language: str) -> None:
    """Never CANCEL, END, YES as a choice (reference: users 2.5); STOP and START only where they are meant."""
    for sentence in sentences():
        said = Text(sentence).to(language)
        assert not re.search(r"\b(CANCEL|END|QUIT|YES|UNSUBSCRIBE)\b", said), said


LONG_SERIAL = "WWWWWWWWWWWWWWWW0283"
LONG_STOCK = "WWWWWWWWWWWWWWWW0284"
LONG_NAME = f"{'W' * 60} {'W' * 60}"
BIG = "9,999,999"
PAST = date(2020, 11, 22)
KEY = {"secret": "00" * 16, "starting_code": 123456789}
SMS = {
    "Asha": [
        "BUY", "0", "BUY WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW 1", f"BUY {LONG_SERIAL}", "W" * 50, "12k",
        f"BUY {LONG_SERIAL} {BIG}", "1", "1 000000", "1 482915", "1 482915", f"BUY {LONG_SERIAL} {BIG}",
        f"BUY {LONG_SERIAL} {BIG} AGAIN", "what", "1 482915", f"BUY {LONG_SERIAL} 0", f"BUY {LONG_SERIAL} 1 {'W' * 40}",
        f"TOKEN {LONG_SERIAL}", "TOKEN", "TOKEN 1", "CASH", "CASH 1", "HELP", "MENU", "7",
        "STMT", "x", "1", "x", "1", f"STMT {'W' * 50}", "STMT 1 99",
        "LANG", "LANG zz", "PIN", "PIN 1",
        "PIN 000000 1", "LOCK", "LOCK 0712", "LOCK 0712345678 1", "STOP", "START", "STOP 1", "BYU", "W" * 160,
        "BUY EB100042 9999999", "BUY 04123456784 5000000", "1 482915", "TOKEN 04123456784",
        f"FIX {LONG_SERIAL} {'W' * 120}", f"FIX {LONG_SERIAL} technical", "FIX", f"FIX {LONG_SERIAL}", "1",
        "STATUS", "x" * 50, "T K1", "W" * 120, "STATUS K1", "DONE K1", "DONE K1", "STATUS K1", "DONE", "STATUS K9",
        "T K9 w", "FIX x",
        "REG", "W" * 300, f"{'W' * 60} {'W' * 60}", "W" * 50, "0713000111", "x", "1", "1", "0600123456789", "W" * 50,
        "9", "9", "REG", "9", "1", "Mtwara", "x", "Household", "x", "1", "x", "1", "x", "1", "x", "1", "x", "1",
        "REG", "1", "REG x", f"REG {LONG_NAME}, {'W' * 50}", f"REG {LONG_NAME}, none, {'W' * 50}",
        f"REG {LONG_NAME}, none, meter, {'W' * 50}", f"REG {LONG_NAME}, none, shs, {LONG_SERIAL}",
        f"REG {LONG_NAME}, none, ebike, {LONG_STOCK}", f"REG {LONG_NAME}, 0710000002, shs, {LONG_STOCK}, Mtwara", "x",
        "2", "x", "REG", "9", f"REG {LONG_NAME}, 0710000002, shs, {LONG_STOCK}, Mtwara", "2", "1",
        f"REG {LONG_NAME}, none, shs, {'W' * 50}", f"REG {LONG_NAME}, none, shs, {LONG_SERIAL}, {'W' * 50}",
        "LIST", "W" * 50, "9", "0", "2", "1", f"LIST {'W' * 50}", "LIST 99", "LIST METER", "1", "LIST TODAY Mtwara",
        "FIND", "w", "W" * 50, "wwwwww", "x", "2", "2", "FIND 1", f"FIND {'W' * 50}", "CUST", "W" * 50, "1",
        "CUST 2", "x", "1", f"CUST {'W' * 50}", "CUST 1 2", "CUST 2", "4",
        "PAY", "W" * 50, "S1002", "12k", f"PAY S1002 {BIG}", "1 482915", "1 482915", f"PAY S1002 {BIG}",
        f"PAY S1002 {BIG} AGAIN", "1 482915", f"PAY S1002 {BIG} AGAIN", "1 482915", "PAY S1002 1", "PAY S9999 1",
        f"PAY S1003 {BIG}", "1 482915", f"PAY S1001 {BIG}", f"PAY S1001 2{'0' * 6}", "1 482915",
        f"BUY 04123456784 {BIG}", "2", "BUY 04123456784 4000000", "1 482915", "BUY 04123456784 1",
        "PLAN", "W" * 50, "S1001", f"PLAN {LONG_SERIAL}", "PLAN S1002", "PLAN S1003", "PLAN EB100042", "PLAN S1001 2",
        "SALES", "9", "1", "SALES x", "SALES 1 2", "SALES 2",
    ],
    "Baraka": ["TOKEN", "1", "TOKEN X", "BAL", "2", "HELP", "MENU", "9", "LANG", "BUY 1 1", "hello", "STOP",
        "2 " + "W" * 120, "STATUS K1", f"FIX {'W' * 120}", "1", "FIX no power", "9", "FIX", "W" * 300,
        f"T K1 {'W' * 120}", "STATUS", "DONE", "1", "1", "DONE K1 1", "STATUS K1", "T K1 dark again", "FIX no power",
        "3", "FIX 1", "T K9 w", "DONE K9", "BAL", "3", "PLAN", "x", "1", "PLAN S1003", "PLAN x",
    ],
    "Amina": ["BAL", "PLAN", "1", "PLAN x", "TOKEN"],
    "Stranger": ["hello", "STOP", "LOCK", "0712345678", "1"],
}  # fmt: skip
USSD = {
    "Asha": [
        ["1", "W" * 80, LONG_SERIAL, "x", BIG, "7", "1", "000000", "482915"],
        ["1", LONG_SERIAL, BIG, "5", "1", "2"],
        ["2", LONG_SERIAL, "1", "482915"], ["3", "482915"], ["4", "482915", "1", "730582", "1"],
        ["5", "8"], ["6", "x", "0712345678", "1"], ["9", "7", "3"],
        ["9", "4", LONG_SERIAL, "4", "W" * 120, "3"], ["9", "5", "W" * 50, "1"], ["9", "9", "1", "W" * 50, "2"],
        ["9", "9", "3", "5", "1", "2", "730582", "1"], ["9", "9", "3", "x", "1", "9", "2", "730582", "1"],
        ["9", "9", "4", "1", "W" * 50, "ww", "2", "730582", "2"], ["9", "9", "5", "W" * 50, "1", "730582"],
        ["9", "9", "9", "3", "x", "S1003", "x", BIG, "1", "1", "482915"], ["9", "9", "9", "4", "S1001", "482915"],
        ["9", "9", "9", "5", "482915", "9", "1"],
        ["9", "9", "2", "3", LONG_NAME, "x", "none", "x", "1", "x", "0600123456789", "x", "9", "1", "1", "1", "1", "1"],
    ],
    "Baraka": [["1", "8", "1"], ["2", "1"], ["9", "8"], ["9", "2", "4", "W" * 120, "1"], ["9", "3", "W" * 50]],
    "Stranger": [["8", "1", "x"]],
}  # fmt: skip


@pytest.mark.parametrize("engine", ["sqlite"])  # what is said does not depend on where it is stored
@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_message_and_screen_fits_at_the_longest_values(mwanga: Mwanga, language: str) -> None:
    await _longest_world(mwanga, language)
    phones = Phones(mwanga)
    for name, texts in SMS.items():
        for text in texts:
            for _receiver, message in await phones.text(name, text):
                assert septets(message) <= SCREEN, (text, septets(message), message)
    for name, sessions in USSD.items():
        for answers in sessions:
            screens = [await phones.dial(name, "*384*20#")]
            for answer in answers:
                screens.append(await phones.enter(name, answer))
            for screen in screens:
                assert septets(screen[4:]) <= SCREEN, (answers, septets(screen[4:]), screen)
            for _receiver, message in await phones.news():
                assert septets(message) <= SCREEN, message


async def _longest_world(mwanga: Mwanga, language: str) -> None:
    """Everybody has a long name and everything costs a lot."""
    await post("before", [Posting(AccountKind.CASH, 1, 90_000_000_00), Posting(AccountKind.REVENUE, 0, -90_000_000_00)])
    await Agent.all().update(name="W" * 30, language=language, cash_limit=99_999_999_00)
    await Customer.all().update(name="Wwwwwwwwwwwwwwwwwwwwww", surname="Wwwwwwwwwwww", language=language)
    await Customer.filter(phone=PEOPLE["Neema"]).update(phone=PEOPLE["Baraka"])
    await Plan.filter(unit="days").update(price=20_000_00)
    shs = await Device.get(serial="SHS0283").select_related("plan")
    for serial, customer_id in ((LONG_SERIAL, shs.customer_id), (LONG_STOCK, None)):
        await Device.create(
            serial=serial,
            kind=shs.kind,
            issuer="openpaygo",
            sealed_key=mwanga.site.vault.seal_json(KEY, f"device {serial}"),
            customer_id=customer_id,
            plan_id=shs.plan_id,
            paid_until=datetime(2099, 12, 22, tzinfo=UTC),
        )
    await _debts()
    for village in range(12):
        await Village.create(name=f"{village} {'W' * 90}", mini_grid_id=1)


async def _debts() -> None:
    """Baraka's long device and goods of his and of Amina's are on plans of large sums; hers are overdue."""
    for item in await Appliance.all():
        await Appliance.filter(id=item.id).update(name=f"{'W' * 50} {item.id}")
    device = await Device.get(serial=LONG_SERIAL)
    await Contract.filter(id=1).update(device_id=device.id)
    await Instalment.filter(contract_id=1).update(amount=99_999_00)
    amina, baraka = await Customer.get(phone=PEOPLE["Amina"]), await Customer.get(id=device.customer_id)
    for number, (owner, due) in enumerate([(baraka, date(2099, 12, 22)), (baraka, date(2099, 11, 22)), (amina, PAST)]):
        goods = await Contract.create(
            key=f"goods {number}", appliance_id=1, customer=owner, agent_id=1, terms="instalments", price=0, down=0,
            period="weekly", day_price=0, minimum=100, commission=0, sold_on=PAST, created_at=datetime.now(UTC),
        )  # fmt: skip
        for n in range(1, 4):
            await Instalment.create(contract=goods, number=n, due_on=due, amount=9_999_999_00)
    await Plan.filter(unit="energy").update(recovery=50)
    await Device.filter(serial="04123456784").update(access_due=1_000_000_00)


def test_every_talk_has_a_keyword_in_every_language_or_in_english() -> None:
    for one in TALKS:
        assert one.words["en"], one.name
        for language in LANGUAGES:
            assert one.keyword(language)
