"""Whatever the parser takes for a PIN, the redactor has starred: they forgive the same."""

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.talks import Commands
from bot.text import normalise
from bot.text.answers import BESIDE_PIN, CONSENT, consent, yes
from bot.text.grammar import split, unglued
from bot.text.redact import Redactor
from handlers import TALKS
from models.people import Role
from tests.world.long_texts import BITS, long_text, takes_long
from tests.world.stored import remaining

COMMANDS = Commands(TALKS)
REDACTOR = Redactor(CONSENT, COMMANDS.words("pin"), COMMANDS.words("lock"), BESIDE_PIN)
# Inside a word, where a phone's keyboard or a finger puts them.
INSIDE = [
    "",
    "",
    "",
    "\u2019",
    "'",
    "\u02bc",
    "`",
    "\u00b4",
    "\u200b",
    "\u00ad",
    "\u0301",
    "\u2060",
    "\ufe0f",
    "-",
    ".",
]
GAPS = [
    " ",
    "  ",
    "\n",
    ", ",
    ".",
    "...",
    ":",
    "/",
    "*",
    "#",
    "_",
    " - ",
    "\u00a0",
    "\u3000",
    "",
    "\t",
    "; ",
    ") ",
    "! ",
]
BEFORE = [
    "",
    "",
    "",
    " ",
    "\n",
    "*",
    "# ",
    ". ",
    "(",
    "\u201c",
    "\u2705 ",
    "'",
    "\u200b",
    "Please ",
    "ok ",
    "asante ",
    "my ",
]
DIGITS = ["0123456789", "٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９", "۰۱۲۳۴۵۶۷۸۹", "0①②③④⑤⑥⑦⑧⑨"]
PIN = "482915"


def spelled(word: str) -> st.SearchStrategy[str]:
    """A word as people type it."""
    between = st.lists(st.sampled_from(INSIDE), min_size=len(word), max_size=len(word))
    cases = st.sampled_from([str.lower, str.upper, str.title, lambda text: text.translate(WIDE)])
    return st.builds(lambda marks, case: "".join(a + b for a, b in zip(case(word), marks, strict=True)), between, cases)


WIDE = {ord(letter): chr(ord(letter) + 0xFEE0) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"}


@st.composite
def pin_as_typed(draw: st.DrawFn) -> str:
    digits = draw(st.sampled_from(DIGITS))
    pieces = draw(st.sampled_from([[6], [3, 3], [2, 2, 2], [4, 2], [1, 1, 1, 1, 1, 1], [5, 1]]))
    typed, start = [], 0
    for length in pieces:
        typed.append("".join(digits[int(digit)] for digit in PIN[start : start + length]))
        start += length
    return draw(st.sampled_from(GAPS)).join(typed)


words_before = st.lists(st.sampled_from(BEFORE), max_size=2).map("".join)
agreed = st.sampled_from(sorted(CONSENT)).flatmap(spelled)
beside = st.lists(st.sampled_from(["", *sorted(BESIDE_PIN)]).flatmap(spelled), max_size=2).map(" ".join)


yes_with_a_pin = given(
    words_before,
    beside,
    st.sampled_from(sorted(CONSENT)).flatmap(spelled),
    st.sampled_from(GAPS),
    beside,
    pin_as_typed(),
)


@settings(max_examples=100)
@yes_with_a_pin
@example("", "", "Ye\u2019s", " ", "", "4829 15")
@example("", "", "ok", " ", "", "4829 15")
@example("Please ", "", "1", " ", "", "4829 15")
@example("", "", "1", " ", "my pin is ", "48 29 15")
def test_a_yes_with_a_pin_keeps_no_digit(before: str, courtesy: str, word: str, gap: str, more: str, pin: str) -> None:
    text = f"{before}{courtesy} {word}{gap}{more}{pin}"
    read = normalise(text)
    if PIN in (yes(read), consent(read)):
        kept = remaining(REDACTOR.clean(text))
        assert kept in ("", "1"), f"{text!r} is kept as {REDACTOR.clean(text)!r}"


test_however_a_yes_with_a_pin_is_typed_no_digit_is_kept = pytest.mark.slow(
    settings(max_examples=600)(yes_with_a_pin(test_a_yes_with_a_pin_keeps_no_digit.hypothesis.inner_test))
)


command_with_a_pin = given(
    words_before,
    st.sampled_from([(name, word) for name in ("pin", "lock") for word in COMMANDS.words(name)]).flatmap(
        lambda pair: st.tuples(st.just(pair[0]), spelled(pair[1]))
    ),
    st.sampled_from(GAPS),
    pin_as_typed(),
)


@settings(max_examples=100)
@command_with_a_pin
@example("", ("pin", "P'IN"), " ", "4829 15")
@example("", ("lock", "LO\u2019CK"), " ", "4829 15")
def test_a_command_with_a_pin_keeps_no_digit(before: str, command: tuple[str, str], gap: str, pin: str) -> None:
    name, word = command
    text = f"{before}{word}{gap}{pin}"
    pieces = split(normalise(text)) or [""]
    for first, *_rest in (pieces, *unglued(pieces)):
        found = COMMANDS.find(first, Role.AGENT)
        if found and found[0].name == name:
            assert remaining(REDACTOR.clean(text)) == "", f"{text!r} is kept as {REDACTOR.clean(text)!r}"


test_however_a_command_with_a_pin_is_typed_no_digit_is_kept = pytest.mark.slow(
    settings(max_examples=600)(command_with_a_pin(test_a_command_with_a_pin_keeps_no_digit.hypothesis.inner_test))
)


@pytest.mark.parametrize("bit", BITS)
@pytest.mark.parametrize("before", ["", "1 ", "PIN ", "LOCK "])
async def test_no_text_takes_long_to_clean(before: str, bit: str) -> None:
    text = before + long_text(BITS[bit])

    async def clean() -> float:
        started = time.process_time()
        REDACTOR.clean(text)
        return time.process_time() - started

    assert not await takes_long(clean)


def test_what_is_starred_is_known_by_its_words_alone() -> None:
    assert re.fullmatch(r"[A-Z0-9]+", "".join(CONSENT | BESIDE_PIN)), "folded as they are"
