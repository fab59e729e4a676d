"""No PIN in what is stored, in whatever form, script or spacing it comes, and nothing else lost."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import normalise
from bot.text.answers import CONSENT, consent
from bot.text.redact import Redactor
from tests.world.stored import remaining

YES = sorted({"1", *(word.lower() for word in CONSENT)})
SECRET = ["PIN", "SIRI", "SENHA"]
LOCK = ["LOCK", "FUNGA", "BLOQUER", "BLOQUEAR", "KULLE"]
redactor = Redactor(YES, SECRET, LOCK)

# Of all scripts: Unicode has no digits behind its second plane, and looking there took half a second of each process.
ZEROS = [chr(code) for code in range(0x20000) if unicodedata.decimal(chr(code), None) == 0]
SEPARATORS = [" ", ",", ".", "-", "*", ":", "/", "#", "\n", "\t", "\u00a0", "\u202f", "\u3000", " - ", ", "]
INVISIBLE = ["", "\u200b", "\u200d", "\ufeff", "\u2060", "\u202a", "\u00ad", "\u0301"]
PHONES = ["0700000001", "700000001", "255700000001", "+255700000001", "00255700000001"]
PHONES_IN_PIECES = ["+255 700 000 001", "0700 000 001", "0700-000-001", "07 00 00 00 01"]

pins = st.from_regex("[0-9]{6}", fullmatch=True)
attempts = st.from_regex("[0-9]{4,8}", fullmatch=True)
separators = st.sampled_from(SEPARATORS)
blanks = st.text(alphabet=" \n\t\u00a0\u200b\ufeff", max_size=3)


@st.composite
def as_typed(draw: st.DrawFn, digits: st.SearchStrategy[str], pieces: bool = True) -> str:
    """Digits in one script, perhaps in two or more pieces, perhaps with something invisible inside."""
    zero = draw(st.sampled_from(["0", draw(st.sampled_from(ZEROS))]))
    gap = draw(st.sampled_from(["", "", " ", "-", ".", "\u00a0"])) if pieces else ""
    cut = draw(st.sampled_from([2, 3, 4]))
    hidden = draw(st.sampled_from(INVISIBLE))
    typed = [chr(ord(zero) + int(digit)) for digit in draw(digits)]
    return gap.join(hidden.join(typed[start : start + cut]) for start in range(0, len(typed), cut))


def in_any_case(word: str) -> st.SearchStrategy[str]:
    return st.sampled_from([word.lower(), word.upper(), word.capitalize(), "\u200b".join(word)])


@given(blanks, st.sampled_from(YES).flatmap(in_any_case), separators, as_typed(attempts), blanks)
def test_a_confirmation_keeps_no_digit_of_its_pin(before: str, yes: str, gap: str, pin: str, after: str) -> None:
    clean = redactor.clean(before + yes + gap + pin + after)
    assert remaining(clean) in ("", remaining(yes))


@given(
    st.lists(st.sampled_from(["1", "ok", "Sawa", "yes", "PIN", "my", "is", "na", "asante", "please", ""]), max_size=4),
    separators,
    as_typed(attempts),
    st.sampled_from(["", ".", " asante", "!"]),
)
def test_what_is_taken_for_a_yes_with_its_pin_keeps_none_of_it(
    before: list[str], gap: str, pin: str, after: str
) -> None:
    text = gap.join([*before, pin]) + after
    if consent(normalise(text)):
        assert remaining(redactor.clean(text)) in ("", "1", "11", "111", "1111"), text


@given(
    blanks,
    st.sampled_from(YES).flatmap(in_any_case),
    as_typed(pins),
    st.sampled_from(["", ".", " Asha", "\nAsha"]),
)
def test_a_confirmation_without_its_space_keeps_no_digit_either(before: str, yes: str, pin: str, after: str) -> None:
    clean = redactor.clean(before + yes + pin + after)
    assert remaining(clean) in ("", remaining(yes))


@given(
    blanks,
    st.sampled_from(SECRET).flatmap(in_any_case),
    st.lists(st.tuples(st.sampled_from([*SEPARATORS, " ni ", ": "]), as_typed(attempts)), min_size=1, max_size=3),
)
def test_a_change_of_pin_keeps_no_digit(before: str, word: str, pins: list[tuple[str, str]]) -> None:
    assert remaining(redactor.clean(before + word + "".join(gap + pin for gap, pin in pins))) == ""


def test_two_pins_run_together_are_not_mistaken_for_a_phone_number() -> None:
    assert redactor.clean("PIN 482915739164") == "PIN ************"
    assert redactor.clean("PIN 482 915 739 164") == "PIN *** *** *** ***"


@given(
    blanks,
    st.sampled_from(LOCK).flatmap(in_any_case),
    as_typed(st.sampled_from(PHONES).map(lambda phone: phone.lstrip("+")), pieces=False),
    separators,
    as_typed(attempts),
)
def test_a_lock_keeps_the_phone_and_no_digit_of_the_pin(before: str, word: str, phone: str, gap: str, pin: str) -> None:
    assert remaining(redactor.clean(f"{before}{word} {phone}{gap}{pin}")) == remaining(phone)


@given(
    st.sampled_from(LOCK),
    st.sampled_from(PHONES_IN_PIECES),
    st.sampled_from([" ", ", ", " pin "]),
    as_typed(pins),
)
def test_a_lock_with_the_phone_in_pieces_keeps_no_digit_of_the_pin(word: str, phone: str, gap: str, pin: str) -> None:
    assert remaining(redactor.clean(f"{word} {phone}{gap}{pin}")) in ("", remaining(phone))


@pytest.mark.parametrize("phone", PHONES + PHONES_IN_PIECES)
def test_a_lock_shows_whom_it_locked(phone: str) -> None:
    assert redactor.clean(f"LOCK {phone} 482915") == f"LOCK {phone} ******"


@given(blanks, as_typed(pins), st.sampled_from(["", ".", "!", "#", " "]), blanks)
def test_a_pin_alone_in_a_dialogue_is_starred_whole(before: str, pin: str, end: str, after: str) -> None:
    assert remaining(redactor.clean(before + pin + end + after)) == ""


@given(
    st.sampled_from(["my pin is ", "ok, ", "BUY SHS0283 8000 ", "نمبر "]),
    as_typed(pins, pieces=False),
    st.sampled_from(["", " ok", "!", " SHS0283"]),
)
def test_six_digits_alone_are_starred_wherever_they_stand(before: str, pin: str, after: str) -> None:
    clean = redactor.clean(before + pin + after)
    assert remaining(clean) in (remaining(before), remaining(before) + remaining(after))


@given(st.text(max_size=60))
def test_a_clean_text_differs_only_in_its_stars(text: str) -> None:
    for clean in (redactor.clean(text), redactor.clean_transcript(text)):
        assert len(clean) == len(text)
        assert all(new in (old, "*") for new, old in zip(clean, text, strict=True))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("1 482915", "1 ******"),
        ("1482915", "1******"),
        ("1 4829", "1 ****"),
        ("1, 48 29 15.", "1, ** ** **."),
        ("(1) 482915", "(1) ******"),
        ("1482 915 Asha", "1*** *** Asha"),
        ("Ndiyo 482915\n--\nAsha 0700000001", "Ndiyo ******\n--\nAsha **********"),
        ("182915", "******"),
        ("482915 SHS0283", "****** SHS0283"),
        ("48291573", "********"),
        ("Pin482915 739164", "Pin****** ******"),
        ("P-IN 4829 15", "P-IN **** **"),
        ("my P.'I.N. is 482 915", "my P.'I.N. is *** ***"),
        ("LOCK 482915", "LOCK ******"),
        ("LOCK 482915 0700000001", "LOCK ****** 0700000001"),
        ("LOCK 0700000001", "LOCK 0700000001"),
        ("LOCK 700000001482915", "LOCK ***************"),
        ("lock 0700 000 001 48 29 15", "lock **** *** *** ** ** **"),
        ("１　４８２９１５", "１　******"),
        ("①②③④⑤⑥", "******"),
    ],
)
def test_what_may_be_a_pin_is_starred(text: str, clean: str) -> None:
    assert redactor.clean(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "2",
        "BUY SHS0283 8000",
        "BUY 04123456784 500 AGAIN",
        "BUY SHS0283 1,000,000",
        "TOKEN EB100042",
        "EB100042",
        "SHS0283",
        "04123456784",
        "0412 345 6784",
        "0700000001",
        "BUY SHS0283 KES100000",
        "FIX EB100042 no power since 3 days",
        "REG*Amina Juma*0712345678",
        "STATUS K41",
        "Yesterday 12345 failed",
        "Pineapple 12 34567",
        "Tulip, in 12 34567",
        "Ship-in 12 34567",
        "Simu 0712345678",
        "100 SHS0283",
    ],
)
def test_everything_else_is_kept(text: str) -> None:
    assert redactor.clean(text) == text


@given(
    st.lists(st.sampled_from(["1", "2", "SHS0283", "8000", "04123456784", "EB100042", "00"]), max_size=4),
    st.sampled_from(["", "1 ", "1", "yes ", "pin "]),
    as_typed(pins),
    st.sampled_from(["", "*1", "#", "*8000*2"]),
)
def test_a_transcript_keeps_no_digit_of_a_pin(menu: list[str], before: str, pin: str, after: str) -> None:
    path = "".join(f"{answer}*" for answer in menu)
    pin = pin if before != "pin " else "".join(letter for letter in pin if letter not in " -.\u00a0")
    clean = redactor.clean_transcript(path + before + pin + after)
    assert remaining(clean) in {remaining(path) + kept + remaining(after) for kept in ("", remaining(before))}


@pytest.mark.parametrize(
    ("transcript", "clean"),
    [
        ("", ""),
        ("1*SHS0283*8000*1", "1*SHS0283*8000*1"),
        ("1*EB100042*1200000*48291", "1*EB100042*1*******48291"),
        ("33*2*04123456784*2500000", "33*2*04123456784*2500000"),
        ("1*SHS0283*8000*482915", "1*SHS0283*8000*******"),
        ("48 29 15*1", "** ** ***1"),
        ("1*1482915", "1*1******"),
        ("*384*20*1*SHS0283#", "*384*20*1*SHS0283#"),
        ("2*pin 482915 please*500", "2*pin ****** please*500"),
    ],
)
def test_a_transcript_keeps_menu_numbers_amounts_and_serials(transcript: str, clean: str) -> None:
    assert redactor.clean_transcript(transcript) == clean


def test_without_words_only_the_form_counts() -> None:
    bare = Redactor([], [])
    assert bare.clean("1 4829157x") == "1 4829157x"
    assert bare.clean("1 482915x 739164") == "1 482915x ******"
