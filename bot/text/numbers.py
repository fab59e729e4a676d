"""Phone numbers, made equal where they enter: whatever a person or a gateway writes becomes E.164."""

import re
from enum import StrEnum
from functools import cache, lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from bot.text.gsm import plain
from bot.text.i18n import N_

_SEPARATORS = re.compile(r"[\s().-]")
_NUMBER = re.compile(r"\+?[0-9]{4,20}")
_SHORT_CODE = re.compile(r"\+?([0-9]{3,6})")
# 3GPP TS 23.040 9.1.2.5: an address has at most 20 digits or 11 letters. The rest of a longer one is noise.
_ADDRESS_LENGTH = 20
# ITU-T E.164 6.1: with the calling code. The tables know longer ones in some countries, which are machines' alone.
_MOST_DIGITS = 15


class SenderKind(StrEnum):
    """Only a number has a person behind it; the other two are machines and get no answer."""

    NUMBER = "number"
    SHORT = "short"
    ALPHA = "alpha"


class Sender(NamedTuple):
    """`value` is E.164 for a number, digits for a short code, else the name as it came (perhaps empty)."""

    kind: SenderKind
    value: str


@lru_cache(maxsize=8192)
def parse(raw: str, country: str) -> str:
    """The number in E.164; one without a calling code is of `country` (ISO 3166, two capitals).

    Takes 0712.., 712.., 255712.., +255712.. and 00255712.. with spaces, dashes, dots and any script's digits.
    The length must be possible there, and no longer than E.164 lets it be; the prefix may be unknown, since operators
    have new ones before the tables do. Raises ValueError with a short sentence, and LookupError for an unknown country.
    """
    if _canonical(country).fullmatch(raw):
        return raw
    text = _SEPARATORS.sub("", plain(raw))
    if not _NUMBER.fullmatch(text):
        raise ValueError(N_("This is not a phone number."))
    # 00 is dialled everywhere, also where the tables name another prefix (Tanzania 000, Nigeria 009).
    text = re.sub(r"^00(?=[1-9])", "+", text)
    try:
        number = _read(text, country)
    except NumberParseException:
        raise ValueError(N_("This is not a phone number.")) from None
    match _length(number):
        case ValidationResult.IS_POSSIBLE:
            return phonenumbers.format_number(number, PhoneNumberFormat.E164)
        case ValidationResult.TOO_LONG:
            raise ValueError(N_("This phone number has too many digits."))
        case ValidationResult.TOO_SHORT | ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            raise ValueError(N_("This phone number has too few digits."))
        case _:
            raise ValueError(N_("This is not a phone number."))


def _read(text: str, country: str) -> phonenumbers.PhoneNumber:
    number = phonenumbers.parse(text, country)
    code = str(number.country_code)
    # Nigeria allows 14 digits, so 234 would stay part of a number whose prefix the tables do not know yet.
    doubled = text.startswith(code) and str(number.national_number).startswith(code)
    if doubled and not phonenumbers.is_valid_number(number):
        return phonenumbers.parse("+" + text, country)
    return number


def _length(number: phonenumbers.PhoneNumber) -> int:
    """Whether the length is possible, as a ValidationResult."""
    if len(phonenumbers.format_number(number, PhoneNumberFormat.E164)) > len("+") + _MOST_DIGITS:
        return ValidationResult.TOO_LONG
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    if number.italian_leading_zero and phonenumbers.ndd_prefix_for_region(region, True) == "0":
        # The package counts the 0 as a digit of the number when a digit is missing: 071234567 for 0712345678.
        return ValidationResult.TOO_SHORT
    return phonenumbers.is_possible_number_with_reason(number)


@cache
def _canonical(country: str) -> re.Pattern[str]:
    """E.164 numbers of the country that can only be read one way: 20 µs of parsing saved on most messages.

    One that seems to keep its trunk prefix (+255 0712..) is left to the parser, which takes the prefix out.
    """
    region = phonenumbers.PhoneMetadata.metadata_for_region(country, None)
    if region is None or region.general_desc is None:
        raise LookupError(f"{country} is not a country code.")
    trunk = f"(?!{region.national_prefix_for_parsing})" if region.national_prefix_for_parsing else ""
    most = _MOST_DIGITS - len(str(region.country_code))
    lengths = "|".join(f"[0-9]{{{length}}}" for length in region.general_desc.possible_length if length <= most)
    return re.compile(rf"\+{region.country_code}{trunk}(?:{lengths})")


def is_number(raw: str, country: str) -> bool:
    """Whether `parse` reads it."""
    try:
        parse(raw, country)
    except ValueError:
        return False
    return True


def sender(raw: str, country: str) -> Sender:
    """Who a gateway says a message is from. Never fails: what is neither number nor short code is a name."""
    value = plain(raw).strip()
    if code := _SHORT_CODE.fullmatch(value):
        return Sender(SenderKind.SHORT, code[1])
    # Form data turns an unescaped + into a space, and Kannel delivers foreign numbers without one.
    international = "+" + value
    abroad = raw.startswith(" ") or _is_abroad(value, country)
    for spelling in (international, value) if abroad else (value, international):
        try:
            return Sender(SenderKind.NUMBER, parse(spelling, country))
        except ValueError:
            continue
    # Not made plain: É is in the alphabet of names, and whoever may call himself MPÉSA is not MPESA.
    name = "".join(letter if letter.isprintable() and letter != "\ufffd" else "?" for letter in raw.strip())
    return Sender(SenderKind.ALPHA, name[:_ADDRESS_LENGTH])


@lru_cache(maxsize=8192)
def _is_abroad(digits: str, country: str) -> bool:
    """Whether these are a number of another country that lacks its plus, and none of this one as far as the tables
    know: Nigeria allows 14 digits, so its length alone would make one of any of them."""
    if not digits.isdecimal() or len(digits) > _ADDRESS_LENGTH:
        return False
    try:
        here, there = _read(digits, country), phonenumbers.parse(f"+{digits}")
    except NumberParseException:
        return False
    return phonenumbers.is_valid_number(there) and not phonenumbers.is_valid_number(here)


def local(e164: str, country: str) -> str:
    """An E.164 number as people of `country` write it: 0712 345 678, or +254 712 345678 for a foreign one."""
    number = phonenumbers.parse(e164, country)
    at_home = number.country_code == phonenumbers.country_code_for_region(country)
    return phonenumbers.format_number(
        number, PhoneNumberFormat.NATIONAL if at_home else PhoneNumberFormat.INTERNATIONAL
    )


def masked(e164: str) -> str:
    """The number for a log line: +2557*****001. Of a short one only the last three digits."""
    shown = 5 if len(e164) > 10 else 0
    return e164[:shown] + "*" * (len(e164) - shown - 3) + e164[-3:]


def is_machine(sender: Sender) -> bool:
    """Short codes and names are machines: an answer could be answered, for ever (reference: gateways 5.6)."""
    return sender.kind is not SenderKind.NUMBER
