"""One SMS part, one USSD screen, at the longest values allowed, in every language."""

import re
import string
from datetime import UTC, datetime

import pytest
from babel.messages.extract import extract_from_dir

from bot.config import LANGUAGES
from bot.gsm import SCREEN, is_gsm, plain, septets
from bot.i18n import LOCALES, Text, _catalogue
from bot.parts import Mwanga
from handlers import TALKS
from models.devices import Device, Plan
from models.ledger import AccountKind, Posting, post
from models.people import Agent, Customer
from tests.world import PEOPLE, Phones

ROOT = LOCALES.parent.parent
KEYWORDS = {"_": None, "_n": (1, 2)}
GAPS = {
    "amount": "TZS 9,999,999",
    "answer": "W" * 15,
    "bought": "99999.9 kWh",
    "buy": "NUNUA",
    "choices": "W" * 40,
    "code": "1234 5678 9012 3456 7890",
    "company": "W" * 20,
    "day": "22 Nov",
    "due": "9,999,999",
    "example": "W" * 12,
    "held": "99,999,999",
    "help": "+255700000000",
    "how": "",
    "keyword": "TOKENI",
    "left": "",
    "limit": "99,999,999",
    "lines": "",
    "n": "1234",
    "nothing": "",
    "owner": "W" * 12,
    "phone": "+2557000000001",
    "question": "",
    "ref": "WWWWW",
    "room": "99,999,999",
    "serial": "W" * 20,
    "share": "100",
    "surplus": "W" * 13,
    "talk": "",
    "time": "22:22",
    "usage": "",
    "wanted": "",
    "warning": ", 100%: KABIDHI",
    "word": "W" * 13,
    "again": "TENA",
}


def sentences() -> set[str]:
    """Every English sentence that is marked for translation, both forms of those that count."""
    found = set()
    for folder in ("bot", "handlers"):
        for _file, _line, message, _comments, _context in extract_from_dir(ROOT / folder, keywords=KEYWORDS):
            found.update(message if isinstance(message, tuple) else (message,))
    return {sentence for sentence in found if sentence}


def gaps(sentence: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(sentence) if name}


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
        filled = {name: GAPS[name] for name in gaps(sentence)}
        if "code" in filled and "owner" in filled:
            filled["serial"] = "..WWWW"  # receipts write the tail of a long serial
        said = Text(sentence, filled).to(language)
        assert is_gsm(said) and plain(said) == said, said
        assert septets(said) <= SCREEN, (septets(said), said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_sentences_offer_no_word_that_a_carrier_takes(language: str) -> None:
    """Never CANCEL, END, YES as a choice (reference: users 2.5); STOP and START only where they are meant."""
    for sentence in sentences():
        said = Text(sentence).to(language)
        assert not re.search(r"\b(CANCEL|END|QUIT|YES|UNSUBSCRIBE)\b", said), said


LONG_SERIAL = "WWWWWWWWWWWWWWWW0283"
BIG = "9,999,999"
KEY = {"secret": "00" * 16, "starting_code": 123456789}
SMS = {
    "Asha": [
        "BUY", "0", "BUY WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW 1", f"BUY {LONG_SERIAL}", "W" * 50, "12k",
        f"BUY {LONG_SERIAL} {BIG}", "1", "1 000000", "1 482915", "1 482915", f"BUY {LONG_SERIAL} {BIG}",
        f"BUY {LONG_SERIAL} {BIG} AGAIN", "what", "1 482915", f"BUY {LONG_SERIAL} 0", f"BUY {LONG_SERIAL} 1 {'W' * 40}",
        f"TOKEN {LONG_SERIAL}", "TOKEN", "TOKEN 1", "CASH", "CASH 1", "HELP", "MENU", "7",
        "LANG", "LANG zz", "PIN", "PIN 1",
        "PIN 000000 1", "LOCK", "LOCK 0712", "LOCK 0712345678 1", "STOP", "START", "STOP 1", "BYU", "W" * 160,
        "BUY EB100042 9999999", "BUY 04123456784 5000000", "1 482915", "TOKEN 04123456784",
    ],
    "Baraka": ["TOKEN", "1", "TOKEN X", "BAL", "2", "HELP", "MENU", "9", "LANG", "BUY 1 1", "hello", "STOP"],
    "Stranger": ["hello", "STOP", "LOCK", "0712345678", "1"],
}  # fmt: skip
USSD = {
    "Asha": [
        ["1", "W" * 80, LONG_SERIAL, "x", BIG, "7", "1", "000000", "482915"],
        ["1", LONG_SERIAL, BIG, "5", "1", "2"],
        ["2", LONG_SERIAL, "1", "482915"], ["3", "482915"], ["4", "482915", "1", "730582", "1"],
        ["5", "8"], ["6", "x", "0712345678", "1"], ["9", "7", "3"],
    ],
    "Baraka": [["1", "8", "1"], ["2", "1"], ["9", "8"]],
    "Stranger": [["8", "1", "x"]],
}  # fmt: skip


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
    await Agent.all().update(language=language, cash_limit=99_999_999_00)
    await Customer.all().update(name="Wwwwwwwwwwwwwwwwwwwwww", surname="Wwwwwwwwwwww", language=language)
    await Customer.filter(phone=PEOPLE["Neema"]).update(phone=PEOPLE["Baraka"])
    await Plan.filter(unit="days").update(price=20_000_00)
    shs = await Device.get(serial="SHS0283").select_related("plan")
    await Device.create(
        serial=LONG_SERIAL,
        kind=shs.kind,
        issuer="openpaygo",
        sealed_key=mwanga.site.vault.seal_json(KEY, f"device {LONG_SERIAL}"),
        customer_id=shs.customer_id,
        plan_id=shs.plan_id,
        paid_until=datetime(2099, 12, 22, tzinfo=UTC),
    )


def test_every_talk_has_a_keyword_in_every_language_or_in_english() -> None:
    for one in TALKS:
        assert one.words["en"], one.name
        for language in LANGUAGES:
            assert one.keyword(language)
