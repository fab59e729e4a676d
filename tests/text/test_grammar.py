"""Forgiving of form, strict in meaning: tables of what people type (reference: users 2.3 to 2.10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.message import Reply
from bot.talks import Chat, Commands, talk
from bot.talks.listing import choice_named
from bot.text import _, normalise, plain_word
from bot.text.answers import consent, declines, no, yes
from bot.text.grammar import split, unglued, written
from handlers import TALKS
from models.people import Role

COMMANDS = Commands(TALKS)


@pytest.mark.parametrize(
    ("typed", "pieces"),
    [
        ("BUY SHS0283 8000", ["BUY", "SHS0283", "8000"]),
        ("  buy\tSHS0283   8000 ", ["buy", "SHS0283", "8000"]),
        ("buy,SHS0283;8000.", ["buy", "SHS0283", "8000"]),
        ("BUY/SHS0283:8000!", ["BUY", "SHS0283", "8000"]),
        ("BUY_SHS0283_8000", ["BUY", "SHS0283", "8000"]),
        ("BUY*SHS0283*8000#", ["BUY", "SHS0283", "8000"]),
        ("REG*Amina Juma*0712345678", ["REG", "Amina Juma", "0712345678"]),
        ("BUY\nSHS0283\n8000\n--\nSent from my phone", ["BUY", "SHS0283", "8000"]),
        ("BUY SHS0283 8,000", ["BUY", "SHS0283", "8,000"]),
        ("BUY SHS0283 TSh8,000/=", ["BUY", "SHS0283", "TSh8,000/="]),
        ("BUY SHS0283,8000", ["BUY", "SHS0283", "8000"]),
        ("BUY 04123456784,500", ["BUY", "04123456784", "500"]),
        ("BUY SHS0283 8.000", ["BUY", "SHS0283", "8.000"]),
        ("BUY SHS٠٢٨٣ ٨٠٠٠", ["BUY", "SHS0283", "8000"]),
        ("ＢＵＹ ＳＨＳ０２８３ 8000", ["BUY", "SHS0283", "8000"]),
        ("\ufeffBUY\u200b SHS0283\u00a08000", ["BUY", "SHS0283", "8000"]),
        ("“BUY” SHS0283", ["BUY", "SHS0283"]),
        ("PAY #S1002 200", ["PAY", "S1002", "200"]),
        ("CUST #2", ["CUST", "2"]),
        ("BUY # SHS0283 # 8000", ["BUY", "SHS0283", "8000"]),
        ("BUY#SHS0283#8000", ["BUY", "SHS0283", "8000"]),
        ("Buy. Shs0283. 8000.", ["Buy", "Shs0283", "8000"]),
        ("BUY\u2026 SHS0283 . 8.000", ["BUY", "SHS0283", "8.000"]),
        ("BUY SHS0283 Sh8,000/=", ["BUY", "SHS0283", "Sh8,000/="]),
        ("BUY SHS0283 8.000,00", ["BUY", "SHS0283", "8.000,00"]),
        ("BUY SHS0283 8000,00", ["BUY", "SHS0283", "8000,00"]),
        ("BUY SHS0283 2²00 ½", ["BUY", "SHS0283", "2²00", "½"]),
        ("\U0001f4a1BUY SHS0283 (8000)!! \U0001f44d\U0001f3fe", ["BUY", "SHS0283", "8000", "\U0001f44d\U0001f3fe"]),
        ("?", ["?"]),
        ("", []),
        ("...", []),
    ],
)
def test_a_message_becomes_its_pieces(typed: str, pieces: list[str]) -> None:
    assert split(normalise(typed)) == pieces


@given(st.text())
def test_no_text_breaks_the_grammar(typed: str) -> None:
    once = normalise(typed)
    assert normalise(once) == once
    assert all(piece.strip() for piece in split(once))


@pytest.mark.parametrize(
    ("typed", "ways"),
    [
        ("BUY500", [["BUY", "500"], ["BU", "Y500"]]),
        ("TK41", [["TK", "41"], ["T", "K41"]]),
        ("BUY", []),
        ("500", []),
    ],
)
def test_a_word_glued_to_digits_comes_apart(typed: str, ways: list[list[str]]) -> None:
    assert unglued([typed]) == ways


@pytest.mark.parametrize(
    ("word", "name", "language"),
    [
        ("buy", "buy", "en"),
        ("Vend", "buy", "en"),
        ("NUNUA", "buy", "sw"),
        ("acheter", "buy", "fr"),
        ("Código", "tokens", "pt"),
        ("lamba", "tokens", "ha"),
        ("KUDI", "cash", "ha"),
        ("?", "help", "en"),
        ("msaada", "help", "sw"),
    ],
)
def test_every_language_is_understood_at_once(word: str, name: str, language: str) -> None:
    found = COMMANDS.find(word, Role.AGENT)
    assert found is not None and (found[0].name, found[1]) == (name, language)


@pytest.mark.parametrize(
    ("language", "typed", "meant"),
    [
        ("en", "BYU", "BUY"),
        ("en", "TOKN", "TOKEN"),
        ("en", "TOKENS", "TOKEN"),
        ("en", "HLEP", "HELP"),
        ("sw", "NUNUWA", "NUNUA"),
        ("sw", "BYU", "BUY"),  # English words are known everywhere
        ("en", "CA", None),
        ("en", "PN", "PIN"),
        ("en", "BUY", None),
        ("en", "GOOD", None),
        # not across languages: the French START, the Hausa TOKEN
        ("en", "NUNUWA", None),
        ("en", "DEBT", None),
        ("sw", "NAMBA", None),
        ("fr", "DEBT", None),
        # never what ends something, or locks somebody
        ("en", "TOP", None),
        ("en", "STOPP", None),
        ("en", "STAR", None),
        ("en", "DONT", None),
        ("en", "LOOK", None),
        ("en", "BLOCK", None),
        ("sw", "FUNGUA", None),
    ],
)
def test_a_close_keyword_of_the_own_language_or_english_is_suggested(
    language: str, typed: str, meant: str | None
) -> None:
    assert COMMANDS.suggest(typed, Role.AGENT, language) == meant


def test_a_suggestion_is_never_done() -> None:
    assert COMMANDS.find("BYU", Role.AGENT) is None


@pytest.mark.parametrize(
    ("answer", "digits"),
    [
        ("1", ""),
        ("1 482915", "482915"),
        ("1482915", "482915"),
        ("1-482915", "482915"),
        ("1. 482915", "482915"),
        ("1 4829 15", "482915"),
        ("YES 482915", "482915"),
        ("ndiyo 482915", "482915"),
        ("oui", ""),
        ("1 please", None),
        ("2", None),
        ("482915", None),
        ("12", None),
        ("", None),
    ],
)
def test_a_yes_and_what_stands_behind_it(answer: str, digits: str | None) -> None:
    assert yes(answer) == digits


@pytest.mark.parametrize("answer", ["2", "no", "HAPANA", "Non", "nao", "A'A", "A A", "aa"])
def test_a_no(answer: str) -> None:
    assert no(answer)
    assert yes(answer) is None


def test_two_talks_never_share_a_word() -> None:
    async def run(chat: Chat) -> Reply:
        return chat.end(_("Not sold."))

    one = talk("one", roles={Role.AGENT}, words={"en": ("SAME",)})(run)
    other = talk("other", roles={Role.AGENT}, words={"en": ("OTHER",), "fr": ("Sàme",)})(run)
    with pytest.raises(ValueError, match="SAME would start both one and other"):
        Commands([one, other])


def test_accents_do_not_matter_in_keywords() -> None:
    assert plain_word("Relevé") == plain_word("RELEVE")
    assert plain_word("A’A".replace("’", "'")) == "AA"


@pytest.mark.parametrize(
    ("line", "count", "end"),
    [
        ("FIX technical: it flickers, blue wire", 5, "technical: it flickers, blue wire"),
        ("FIX SHS0283: no power, at 10:30", 5, "no power, at 10:30"),
        ("T41 half/half", 2, "half/half"),
        ("T K1 8,000 is lost", 3, "8,000 is lost"),
        ("T no no", 1, "no"),
        ("FIX. SHS0283. It is dim. Since 1. May.", 6, "It is dim. Since 1. May."),
        ("FIX*SHS0283*no power, dark", 1, "no power, dark"),
    ],
)
def test_the_rest_of_a_line_is_kept_as_it_was_written(line: str, count: int, end: str) -> None:
    assert written(line, split(line)[-count:]) == end


@pytest.mark.parametrize(
    ("typed", "chosen"),
    [
        *(("E-bike", "bike"), ("ebike", "bike"), ("e bike", "bike"), ("E - BIKE", "bike"), ("ebi", "bike")),
        *(("7weekly", "7"), ("7-weekly", "7"), ("7 week", "7"), ("70 weekly", "70"), ("70weekly", "70")),
        *(("Solar Home", "home"), ("solarhome", "home"), ("Sola-rhome", "home"), ("solar", None), ("solarh", "home")),
        *(("e", None), ("e b", None), ("bike", None), ("a b", "a b"), ("ab", "ab"), ("a-b", None)),
    ],
)
def test_a_space_or_a_hyphen_does_not_hide_a_choice(typed: str, chosen: str | None) -> None:
    names = {"bike": ["E-bike"], "7": ["7 weekly"], "70": ["70 weekly"], "home": ["Solar home"], "lamp": ["Solar lamp"]}
    assert choice_named({**names, "a b": ["A B"], "ab": ["AB"]}, typed) == chosen


@pytest.mark.parametrize(
    ("answer", "digits"),
    [
        ("1", ""),
        ("ok", ""),
        ("1 please", ""),
        ("1 482915", "482915"),
        ("482915", "482915"),
        ("48 29 15", "482915"),
        ("ok 482915", "482915"),
        ("Sawa 482915", "482915"),
        ("1 PIN 482915", "482915"),
        ("1 and 482915", "482915"),
        ("1, my pin is 482915", "482915"),
        ("1 na 482915 asante", "482915"),
        ("oui, mon PIN est 482915", "482915"),
        ("pin: 482915", "482915"),
        ("1 48", "48"),  # a slip, which the question for the PIN calls one
        ("pin 48 29 15", None),  # the stars of what is stored would not cover it
        ("-1", None),
        ("5000", None),
        ("what 482915", None),
        ("2 482915", None),
        ("BUY 482915", None),
        ("1 BUY 482915", None),
        ("", None),
    ],
)
def test_a_yes_where_a_pin_is_asked_for(answer: str, digits: str | None) -> None:
    assert consent(answer) == digits


@pytest.mark.parametrize(
    ("answer", "said"), [("2", True), ("no thanks", True), ("2 482915", False), ("no 5000", False)]
)
def test_a_no_to_an_open_question(answer: str, said: bool) -> None:
    assert declines(answer) is said


def test_tax_is_no_word_for_a_code() -> None:
    assert all(COMMANDS.find("KODI", role) is None for role in Role)


@pytest.mark.parametrize(
    ("word", "role", "name"),
    [
        ("TICKET", Role.AGENT, "fix"),
        ("TICKET", Role.CUSTOMER, "problem"),
        ("CODE", Role.AGENT, "tokens"),
        ("LUKU", Role.AGENT, "buy"),
        ("UMEME", Role.CUSTOMER, "own buying"),
        ("WATEJA", Role.AGENT, "list"),
        ("STOO", Role.AGENT, "stock"),
        ("PREST", Role.AGENT, "pay"),
        ("BEI", Role.CUSTOMER, "price"),
        ("WAKALA", Role.CUSTOMER, "agent"),
        ("MENU", Role.STRANGER, "join"),
        ("AIDE", Role.STRANGER, "join"),
    ],
)
def test_words_that_people_use_are_words(word: str, role: Role, name: str) -> None:
    found = COMMANDS.find(word, role)
    assert found is not None and found[0].name == name
