"""One number, however it was written."""

import phonenumbers
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, ValidationResult

from bot.text.numbers import Sender, SenderKind, is_number, local, masked, parse, sender

ASHA = "+255712345678"
NUMBER, SHORT, ALPHA = SenderKind

countries = st.sampled_from(
    [
        "TZ",
        "KE",
        "UG",
        "RW",
        "NG",
        "MZ",
        "SN",
        "CD",
        "ZA",
        "GH",
        "SL",
        "NE",
        "BJ",
        "MW",
        "ZM",
        "IT",
        "BR",
        "US",
    ]
)


def in_script(zero: str, text: str) -> str:
    return "".join(chr(ord(zero) + int(letter)) if letter.isdigit() else letter for letter in text)


@pytest.mark.parametrize(
    "raw",
    [
        "+255712345678",
        "0712345678",
        "712345678",
        "255712345678",
        "00255712345678",
        "0712 345 678",
        " 0712-345.678 \n",
        "+255 (0)712 345678",
        "+2550712345678",
        "0712\u00a0345\u2011678",
        "\u202a+255 712 345 678\u202c",
        "＋２５５７１２３４５６７８",
        *(in_script(zero, "0712345678") for zero in "０٠۰०০"),
    ],
)
def test_every_spelling_is_the_same_number(raw: str) -> None:
    assert parse(raw, "TZ") == ASHA


@pytest.mark.parametrize(
    ("raw", "country", "expected"),
    [
        ("+254712345678", "TZ", "+254712345678"),
        ("00254712345678", "TZ", "+254712345678"),
        ("08031234567", "NG", "+2348031234567"),
        ("2348031234567", "NG", "+2348031234567"),
        ("2347990001234", "NG", "+2347990001234"),  # a prefix that the tables do not know
        ("0799 000 1234", "NG", "+2347990001234"),
        ("84 123 4567", "MZ", "+258841234567"),
        ("77 123 45 67", "SN", "+221771234567"),
    ],
)
def test_other_countries_numbers_are_read(raw: str, country: str, expected: str) -> None:
    assert parse(raw, country) == expected


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "not a phone number"),
        ("MPESA", "not a phone number"),
        ("0712-ENERGY", "not a phone number"),
        ("0712345678/0755123456", "not a phone number"),
        ("++255712345678", "not a phone number"),
        ("+0712345678", "not a phone number"),
        ("07🙂12345678", "not a phone number"),
        ("071234567", "too few digits"),
        ("+255 071234567", "too few digits"),
        ("07123456789", "too many digits"),
        ("254712345678", "too many digits"),  # a foreign number needs its plus: nothing is guessed
        ("9" * 5000, "not a phone number"),
    ],
)
def test_what_is_not_a_number_is_refused_with_a_sentence(raw: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse(raw, "TZ")


def test_an_unknown_country_is_not_mistaken_for_a_wrong_number() -> None:
    with pytest.raises(LookupError, match="XX is not a country code"):
        sender("0712345678", "XX")


@given(countries, st.from_regex(r"[0-9]{4,14}", fullmatch=True))
def test_reading_a_number_again_changes_nothing(country: str, digits: str) -> None:
    assume(is_number(digits, country))
    number = parse(digits, country)
    assert parse(number, country) == number
    assert parse("00" + number[1:], country) == number


@given(countries, st.from_regex(r"\+?[1-9][0-9]{11,17}", fullmatch=True))
def test_no_number_is_longer_than_e164_lets_it_be(country: str, raw: str) -> None:
    kind, value = sender(raw, country)
    assert kind is not NUMBER or len(value) <= 16


@given(countries, st.from_regex(r"[1-9][0-9]{4,12}", fullmatch=True))
def test_what_is_taken_at_first_sight_is_what_the_tables_say(country: str, national: str) -> None:
    raw = f"+{phonenumbers.country_code_for_region(country)}{national}"
    read = phonenumbers.parse(raw)
    if phonenumbers.is_possible_number_with_reason(read) == ValidationResult.IS_POSSIBLE:
        assert parse(raw, country) == phonenumbers.format_number(read, PhoneNumberFormat.E164)
    else:
        with pytest.raises(ValueError, match="phone number"):
            parse(raw, country)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("+255712345678", Sender(NUMBER, ASHA)),
        ("255712345678", Sender(NUMBER, ASHA)),
        ("0712345678", Sender(NUMBER, ASHA)),
        (" 255712345678", Sender(NUMBER, ASHA)),  # form data turned the plus into a space
        (" 254712345678", Sender(NUMBER, "+254712345678")),
        ("254712345678", Sender(NUMBER, "+254712345678")),  # Kannel delivers no plus
        (" 712345678", Sender(NUMBER, ASHA)),
        ("15001", Sender(SHORT, "15001")),
        (" 15001", Sender(SHORT, "15001")),
        ("+100", Sender(SHORT, "100")),
        ("٣٠٠١", Sender(SHORT, "3001")),
        ("12", Sender(ALPHA, "12")),
        ("1234567", Sender(ALPHA, "1234567")),
        ("MPESA", Sender(ALPHA, "MPESA")),
        ("Airtel Money", Sender(ALPHA, "Airtel Money")),
        ("unknown", Sender(ALPHA, "unknown")),
        ("", Sender(ALPHA, "")),
        (" ", Sender(ALPHA, "")),
        ("A" * 5000, Sender(ALPHA, "A" * 20)),
        ("AIRT\x00EL", Sender(ALPHA, "AIRT?EL")),
        ("MPÉSA", Sender(ALPHA, "MPÉSA")),  # GSM 03.38 has it: no name is made another one
        ("МPESA", Sender(ALPHA, "МPESA")),
        ("MPESA\u200b", Sender(ALPHA, "MPESA?")),
    ],
)
def test_a_sender_is_a_number_a_short_code_or_a_name(raw: str, expected: Sender) -> None:
    assert sender(raw, "TZ") == expected


def test_a_space_for_a_plus_decides_where_a_number_could_be_read_both_ways() -> None:
    # Singapore's 65 8123 4567 has ten digits, as a Kenyan number may.
    assert sender(" 6581234567", "KE").value == "+6581234567"


@pytest.mark.parametrize(
    ("raw", "e164"),
    [
        ("22790123456", "+22790123456"),  # Niger, as Kannel brings it: as a number of Nigeria it would have 11 digits
        ("2290197123456", "+2290197123456"),
        ("237650123456", "+237650123456"),
        ("2348031234567", "+2348031234567"),
        ("8031234567", "+2348031234567"),
        ("08031234567", "+2348031234567"),
        ("2347991234567", "+2347991234567"),  # of a prefix that the tables do not know yet
    ],
)
def test_a_sender_abroad_without_a_plus_is_no_longer_number_of_the_country(raw: str, e164: str) -> None:
    assert sender(raw, "NG") == Sender(NUMBER, e164)


@given(st.text(max_size=30))
def test_any_sender_is_read(raw: str) -> None:
    kind, value = sender(raw, "TZ")
    assert len(value) <= (16 if kind is NUMBER else 20)
    assert (kind is NUMBER) == value.startswith("+") or kind is ALPHA


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+255700000001", "0700 000 001"),
        ("+254712345678", "+254 712 345678"),
    ],
)
def test_a_number_is_shown_as_people_at_home_write_it(number: str, shown: str) -> None:
    assert local(number, "TZ") == shown
    assert parse(shown, "TZ") == number


def test_a_log_line_shows_neither_the_middle_nor_the_start_of_a_short_number() -> None:
    assert masked("+255700000001") == "+2557*****001"
    assert masked("+2907123") == "*****123"
    assert masked("") == ""
