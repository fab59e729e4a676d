"""Money as people write it: what is read is what a person would read, and nothing is guessed."""

import re
import time
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.text import normalise
from bot.text.amounts import count_pieces, probable_amount, read_amount

READ = [
    ("5000", "TZS", 2, 5000),
    ("5,000", "TZS", 2, 5000),
    ("5.000", "TZS", 2, 5000),
    ("5'000", "TZS", 2, 5000),
    ("1,234,567", "TZS", 2, 1_234_567),
    ("5000.00", "TZS", 2, 5000),
    ("5.000,00", "TZS", 2, 5000),
    ("5,000/=", "TZS", 2, 5000),
    ("Tsh 5,000/=", "TZS", 2, 5000),
    ("Tsh.5000", "TZS", 2, 5000),
    ("5000 TZS", "TZS", 2, 5000),
    ("5000 sh.", "TZS", 2, 5000),
    ("5000/= Tsh", "TZS", 2, 5000),
    ("ksh5000", "KES", 2, 5000),
    ("₦5,000", "NGN", 2, 5000),
    ("N5000", "NGN", 2, 5000),
    ("5000 naira", "NGN", 2, 5000),
    ("5000 FCFA", "XOF", 0, 5000),
    ("5000F", "XAF", 0, 5000),
    ("5.000 MT", "MZN", 2, 5000),
    ("K5000", "ZMW", 2, 5000),
    ("$20", "USD", 2, 20),
    ("0", "TZS", 2, 0),
    ("5.000", "TND", 3, 5),
    ("5,000", "KWD", 3, 5),
    ("5,000.000", "BHD", 3, 5000),
]
UNCLEAR = [
    *("5mil", "5MIL", "5OOO", "5ooo", "50OO0", "8OOO", "5usd", "20kwh", "5elf", "5dub", "5ish", "5k", "2.5k", "10mil"),
    *("5 000", "5 mil", "20 kwh", "8 days", "elfu tano", "buku tano", "laki 2", "5m", "5000 naira", "5000 MT"),
    *("N5000", "$5000", "US$5000", "5000 ksh", "ugx 5000", "5 000 FCFA", "2²00", "½", "5①0", "Ⅴ", "-5000", "+5000"),
    *("0283", "5.5", "5000.50", "1,00,000", "5,0000", "50.00.00", "1,000.000", "1.000,000", "5000/", "5000=", "5e3"),
    *("5_000", "", "TZS", "5000 5000", "5000 1", "5000TZSx", "tshtsh5000", "9" * 5000, "l000", "5000 500"),
]


@pytest.mark.parametrize(("typed", "currency", "exponent", "amount"), READ)
def test_the_own_currency_may_stand_beside_an_amount(typed: str, currency: str, exponent: int, amount: int) -> None:
    assert read_amount(normalise(typed), currency, exponent) == amount


@pytest.mark.parametrize("typed", UNCLEAR)
def test_all_else_is_not_read(typed: str) -> None:
    assert read_amount(normalise(typed), "TZS", 2) is None


@pytest.mark.parametrize("typed", ["5.500", "1,500,000", "5'000", "5.00.000"])
def test_three_digits_are_decimals_where_the_currency_has_three(typed: str) -> None:
    assert read_amount(typed, "TND", 3) is None


@pytest.mark.parametrize("typed", ["5k", "5K", "5 m", "5M"])
def test_a_thousand_is_no_kwacha_and_no_loti(typed: str) -> None:
    assert {read_amount(typed, one, 2) for one in ("ZMW", "MWK", "LSL", "TZS")} == {None}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        *(
            ("5k", 5000),
            ("5mil", 5000),
            ("5 mil", 5000),
            ("5OOO", 5000),
            ("5,OOO", 5000),
            ("50oO0", 50000),
            ("5elf", 5000),
        ),
        *(("5 000", 5000), ("1 234 567", 1_234_567), ("elfu 5", 5000), ("12 thousand", 12000), ("Tsh 5k", 5000)),
        *(("5usd", None), ("20kwh", None), ("5 00", None), ("-5000", None), ("2²00", None), ("2.5k", None)),
    ],
)
def test_what_was_probably_meant_is_taught(typed: str, meant: int | None) -> None:
    assert probable_amount(normalise(typed), "TZS") == meant


@pytest.mark.parametrize(
    ("line", "count"),
    [
        *(("5000", 1), ("5000 AGAIN", 1), ("5000 asante", 1), ("5000 Asha", 1), ("TZS 5000", 2), ("5000 TZS", 2)),
        *(("tsh 5000 /=", 3), ("5 000 FCFA", 3), ("5 000", 2), ("20 kwh", 2), ("8 days", 2), ("buku tano", 2)),
        *(("elfu 5", 2), ("5000 1 482915", 3), ("5 mil", 2), ("5000 usd", 2), ("TZS", 1)),
    ],
)
def test_what_stands_with_an_amount_belongs_to_it(line: str, count: int) -> None:
    assert count_pieces(line.split()) == count


def read_by_a_person(typed: str, own: tuple[str, ...], decimals: int) -> set[int]:
    """All whole amounts that somebody who knows the country could read: made by trying each mark as the one of
    thousands and as the one of decimals."""
    words = sorted(own, key=len, reverse=True)
    number = re.sub(rf"^\s*(?:{'|'.join(map(re.escape, words))})?[.\s]*", "", typed, flags=re.IGNORECASE)
    number = re.sub(rf"(?:\s*(?:{'|'.join(map(re.escape, words))})[.\s]*){{0,2}}$", "", number, flags=re.IGNORECASE)
    number = number.strip().rstrip(".")
    found = set()
    for thousands in ("", ",", ".", "'", " "):
        for point in ("", ",", "."):
            whole, _, rest = number.partition(point) if point else (number, "", "")
            groups = whole.split(thousands) if thousands else [whole]
            fits = all(len(group) == 3 for group in groups[1:]) and 1 <= len(groups[0]) <= (3 if thousands else 99)
            if not fits or not all(re.fullmatch("[0-9]+", group) for group in groups) or (point and not rest):
                continue
            if rest and not re.fullmatch(rf"[0-9]{{1,{decimals}}}", rest):
                continue
            if point == thousands and point:
                continue
            value = Fraction("".join(groups) + (f".{rest}" if rest else ""))
            if value.denominator == 1:
                found.add(int(value))
    return found


DIGITS, SIGNS = ["0", "1", "5", "50", "500", "000", "00", "5000", ",000", "\u00b2", "\u0665"], [*",.'-/ "]
LETTERS = [
    "O",
    "o",
    "l",
    "k",
    "mil",
    "elf",
    "usd",
    "kwh",
    "N",
    "\u20a6",
    "$",
    "F",
    "MT",
    "TZS",
    "tsh",
    "Tsh",
    "sh",
    "/=",
]
PARTS = st.sampled_from(DIGITS + SIGNS + LETTERS)
TYPED = st.lists(PARTS, min_size=1, max_size=7).map("".join)
OWN = ("TZS", "TSH", "TSHS", "SH", "SHS", "/=", "/-")


@given(TYPED, st.sampled_from([0, 2, 3]))
@example("5.000", 3)
@example("5,000.000", 3)
def test_what_is_read_is_what_a_person_would_read(typed: str, exponent: int) -> None:
    typed = normalise(typed)
    amount = read_amount(typed, "TZS", exponent)
    if amount is None:
        return
    readings = read_by_a_person(typed, OWN, max(exponent, 2))
    assert amount in readings
    if exponent < 3:
        assert readings == {amount}, "it could be read otherwise"


@given(
    st.integers(1, 9_999_999),
    st.sampled_from(["{}", "{}/=", "TZS {}", "Tsh{}", "{} sh", "tsh {}/=", "{} TZS"]),
    st.sampled_from(["", ",", ".", "'"]),
)
def test_every_amount_is_read_in_every_usual_spelling(amount: int, style: str, thousands: str) -> None:
    assert read_amount(style.format(f"{amount:,}".replace(",", thousands)), "TZS", 2) == amount


@given(st.integers(1, 9_999_999), st.integers(0, 6), st.sampled_from([*"oOlIkKmM²x$€#?", "mil", "elfu", "usd", "kwh"]))
def test_a_letter_never_makes_it_another_amount(amount: int, place: int, letter: str) -> None:
    digits = str(amount)
    typed = normalise(digits[:place] + letter + digits[place:])
    assert read_amount(typed, "TZS", 2) in (None, amount if typed == digits else None)


@given(
    st.integers(0, 9_999_999),
    st.sampled_from(["SHS", "shs", "SH", "Sh"]),
    st.sampled_from(["TZS", "KES", "UGX", "SOS"]),
)
@example(1284, "SHS", "TZS")
def test_a_serial_is_no_sum_of_shillings(number: int, letters: str, currency: str) -> None:
    glued, is_money = f"{letters}{number:04}", number % 100 == 0
    assert read_amount(normalise(glued), currency, 2) == (
        number if is_money and (number >= 1000 or not number) else None
    )
    assert probable_amount(normalise(glued), currency) is None
    for style in (
        f"{letters} {number}",
        f"{letters}.{number}",
        f"{letters}{number}/=",
        f"{letters}{number:,}",
        f"{letters}{number:,}".replace(",", "'"),
    ):
        assert number < 1000 or read_amount(normalise(style), currency, 2) == number


def test_a_long_text_takes_no_time() -> None:
    began = time.process_time()
    for typed in ("1" * 8000, "1O" * 4000, "1,000" * 1600, "1 " * 4000, "TZS" * 2700, "5k" * 4000):
        assert read_amount(typed, "TZS", 2) is None
        assert probable_amount(typed, "TZS") is None
    assert time.process_time() - began < 0.05
