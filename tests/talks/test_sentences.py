"""Every sentence is translated, and fits one SMS part or one USSD screen at the longest values of its gaps."""

import re
import string

import pytest
from babel.messages.extract import extract_from_dir

from bot.config import LANGUAGES
from bot.text import SCREEN, Text, _, plain, plain_word, septets
from bot.text.gsm import is_gsm
from bot.text.i18n import LOCALES
from bot.text.i18n import catalogue as find_all
from handlers import TALKS
from handlers.selling.buy import buy

ROOT = LOCALES.parent.parent
KEYWORDS = {"_": None, "_n": (1, 2)}
GAPS = {
    "access": "9,999,999",
    "amount": "TZS 9,999,999",
    "answer": "W" * 15,
    "bill": "9" * 10,
    "bought": "99999.9 kWh",
    "choices": "W" * 40,
    "code": "*" + "9" * 15 + "#",
    "command": "COMPRAR 9999999 WWWWWWWW",
    "company": "W" * 20,
    "count": "999",
    "day": "22/11/2029",
    "debt": "9,999,999",
    "done": "WWWWWW",
    "due": "9,999,999",
    "tail": "W" * 8,
    "token": "CODIGO",
    "fix": "PROBLEMA",
    "help_word": "TAIMAKO",
    "text": "W" * 60,
    "sell": "WWWWWW",
    "price": "TZS 9,999,999",
    "pieces": ", ".join(["99999", "W" * 20, "W" * 14, "W" * 8]),
    "parts": _("{amount} a day", amount="TZS 999,999"),
    "first": _(", first due {day}", day="22/11/2029"),
    "each": "4,999,999",
    "energy": "9,999,999",
    "example": "W" * 12,
    "header": "W" * 40,
    "held": "99,999,999",
    "digits": "1234 5678 9012 3456 7890",
    "item": "S99999 " + "W" * 16,
    "help": "+2348000000000",
    "how": "",
    "last": _("Last token {day} {time}.", day="22/11/2029", time="22:22"),
    "left": "TZS 99,999,999",
    "limit": "99,999,999",
    "line": "22/11 9,999,999: 123 456 789 012 345",
    "lines": "",
    "n": "1234",
    "most": 60,
    "name": "W" * 12,
    "late": "99,999,999",
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
    "said": _("{number} is open again.", number="99999"),
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
# A list of tokens is longest for a meter: 13 digits (IEC 62055-41), and three tokens of 20.
HISTORY = {"serial": "0123456789012", "lines": "\n".join(["22/11 9,999,999: 1234 5678 9012 3456 7890"] * 3)}


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
    values: dict[str, object] = {**GAPS, "keyword": max((one.keyword.to(language) for one in TALKS), key=len)}
    values["buy"] = buy.keyword.to(language)
    if {"serial", "lines"} <= wanted:
        values |= HISTORY
    return {name: values[name] for name in wanted}


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_sentence_is_translated_with_the_same_gaps(language: str) -> None:
    catalogue = find_all(language)
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


OTHER_WORDS = {
    "buy": "the sale is asked for with the customer's word; the word for selling does it too, before a serial",
    "note": "T is short for the ticket that it is written on",
    "stop": "a menu never offers STOP, which carriers take for themselves",
    "start": "the opposite of it",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_menu_line_and_a_keyword_are_the_same_word(language: str) -> None:
    """Who reads the menu knows what to text: a word of the line begins as a keyword does (Registar, REGISTAR)."""
    for one in TALKS:
        if one.menu is None or one.name in OTHER_WORDS:
            continue
        line = re.split(r"[ ']", plain_word(one.menu.to(language)))
        words = [plain_word(word)[:3] for word in (*one.words.get(language, ()), *one.words["en"])]
        assert any(word[:3] in words for word in line), (one.name, line, words)


def test_every_talk_has_a_keyword_in_every_language_or_in_english() -> None:
    for one in TALKS:
        assert one.words["en"], one.name
        for language in LANGUAGES:
            assert one.keyword.to(language)
