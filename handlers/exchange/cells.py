"""One cell of a row: what it may hold. An empty one, or one whose column is not there, says nothing (None); whatever
else is not understood is a Reason that names the column."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

from babel import Locale

from bot.company import Company
from bot.text import numbers, plain_word
from bot.text.answers import NO, YES
from bot.text.i18n import N_, Reason

Row = Mapping[str, str]
T = TypeVar("T")
NOTHING = "none"  # takes away what was there
DECIMAL = ".0"  # behind a number that a program has kept with decimals: no digit of it
# As spreadsheets write them in the languages of their menus, beside the words that answer a question by text.
TRUE = YES | {"TRUE", "VRAI", "VERDADEIRO", "WAHR", "GASKIYA", "KWELI"}
FALSE = (NO - {"2"}) | {"0", "N", "FALSE", "FAUX", "FALSO", "FALSCH", "KARYA", "UONGO"}


def require(value: T | None, column: str) -> T:
    """What a cell says that may not be empty."""
    if value is None:
        raise Reason(N_("{column} is empty"), column=column)
    return value


def text(row: Row, column: str, longest: int = 100) -> str | None:
    said = row.get(column, "")
    if len(said) > longest:
        raise Reason(N_("{column} is longer than {most} characters"), column=column, most=longest)
    return said or None


def needed_text(row: Row, column: str, longest: int = 100) -> str:
    return require(text(row, column, longest), column)


def whole(row: Row, column: str, least: int, most: int) -> int | None:
    """A whole number between bounds."""
    said = row.get(column, "")
    if not said:
        return None
    if not re.fullmatch(r"[0-9]{1,12}", said) or not least <= int(said) <= most:
        wrong = N_("{column} is no whole number from {least} to {most}: {said}")
        raise Reason(wrong, column=column, least=least, most=most, said=quoted(said))
    return int(said)


def money(row: Row, column: str, least: int, most: int, company: Company) -> int | None:
    """An amount with the decimals of the currency, 350.50 or 350,50, in minor units. `least` is one of minor units,
    `most` of whole ones."""
    said = row.get(column, "")
    if not said:
        return None
    parts = re.fullmatch(r"([0-9]{1,12})(?:[.,]([0-9]+))?", said)
    decimals = (parts[2] or "") if parts else ""
    if parts and len(decimals) > company.exponent:
        raise too_many_decimals(column, said, company)
    minor = int(parts[1] + decimals.ljust(company.exponent, "0")) if parts else -1
    if not least <= minor <= most * company.unit:
        wrong = N_("{column} is no amount from {least} to {most}: {said}")
        raise Reason(wrong, column=column, least=figure(least, company), most=most, said=quoted(said))
    return minor


def coins(row: Row, column: str, least: int, most: int, company: Company) -> int | None:
    """An amount that can be paid in cash, in minor units as `least` and `most` are."""
    said = row.get(column, "")
    if not said:
        return None
    parts = re.fullmatch(r"([0-9]{1,12})(?:[.,]([0-9]+))?", said)
    decimals = (parts[2] or "") if parts else ""
    fits = parts is not None and len(decimals) <= company.exponent
    minor = int(parts[1] + decimals.ljust(company.exponent, "0")) if parts and fits else -1
    if not least <= minor <= most or minor % company.coin:
        if company.coin == company.unit:
            wrong = N_("{column} is no whole number from {least} to {most}: {said}")
        else:
            wrong = N_("{column} is no multiple of {coin} from {least} to {most}: {said}")
        least_, most_, coin = (figure(each, company) for each in (least, most, company.coin))
        raise Reason(wrong, column=column, coin=coin, least=least_, most=most_, said=quoted(said))
    return minor


def too_many_decimals(column: str, said: str, company: Company) -> Reason:
    """An amount is finer than the currency."""
    wrong = N_("{column} has more decimals than {currency}, {decimals}: {said}")
    return Reason(wrong, column=column, currency=company.currency, decimals=company.exponent, said=quoted(said))


def quoted(said: str, most: int = 20) -> str:
    """What a cell says, as far as a sentence has room for it."""
    return repr(said[:most])


def figure(minor: int, company: Company) -> str:
    """An amount as `money` reads it: 350.50, and 8000 without its decimals."""
    return company.typed(minor)


def percent(row: Row, column: str) -> int | None:
    """A percentage with up to two decimals, in basis points."""
    said = row.get(column, "").replace(",", ".")
    if not said:
        return None
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?", said) or float(said) > 100:
        raise Reason(N_("{column} is no percentage from 0 to 100: {said}"), column=column, said=quoted(said))
    return round(float(said) * 100)


def degrees(row: Row, column: str, most: int) -> float | str | None:
    """A latitude or longitude in degrees with its decimals, -6.79235 or -6,79235, rounded to five; or NOTHING."""
    said = row.get(column, "").replace(",", ".").replace("\N{MINUS SIGN}", "-")
    if not said or said.lower() == NOTHING:
        return said.lower() or None
    if not re.fullmatch(r"[-+]?[0-9]{1,3}(\.[0-9]{1,15})?", said) or abs(float(said)) > most:
        wrong = N_("{column} is no number of degrees from -{most} to {most}: {said}")
        raise Reason(wrong, column=column, most=most, said=quoted(said))
    return round(float(said), 5)


def position(row: Row) -> tuple[float | str | None, float | str | None]:
    """Latitude and longitude, which stand together."""
    latitude, longitude = degrees(row, "latitude", 90), degrees(row, "longitude", 180)
    if (latitude is None, latitude == NOTHING) != (longitude is None, longitude == NOTHING):
        raise Reason(N_("latitude and longitude stand together"))
    return latitude, longitude


def flag(row: Row, column: str) -> bool | None:
    """A yes or a no."""
    said = plain_word(row.get(column, ""))
    if said and said not in TRUE | FALSE:
        raise Reason(N_("{column} is neither yes nor no: {said}"), column=column, said=quoted(row[column]))
    return said in TRUE if said else None


def one_of(row: Row, column: str, choices: Iterable[str]) -> str | None:
    """One of a few words, in small letters or capitals."""
    said, words = row.get(column, "").lower(), [str(choice) for choice in choices]
    if said and said not in words:
        raise none_of(column, words, said)
    return said or None


def none_of(column: str, words: Iterable[str], said: str) -> Reason:
    """A cell says another word than it may."""
    return Reason(N_("{column} is none of {words}: {said}"), column=column, words=", ".join(words), said=quoted(said))


def phone(row: Row, column: str, company: Company) -> str | None:
    """A telephone number in any spelling, or NOTHING."""
    said = row.get(column, "")
    if not said or said.lower() == NOTHING:
        return said.lower() or None
    try:
        return numbers.parse(said.removesuffix(DECIMAL), company.country)
    except ValueError as error:
        raise Reason(N_("{column} is no phone number: {said}"), column=column, said=quoted(said)) from error


def language(row: Row, company: Company) -> str | None:
    """The code of a language that we speak: sw, Swahili, Kiswahili, SW."""
    said = plain_word(row.get("language", "").strip())
    if code := next((code for code in company.languages if said in _spellings(code)), None):
        return code
    if said:
        raise none_of("language", company.languages, row["language"])
    return None


@cache
def _spellings(code: str) -> tuple[str, ...]:
    locale = Locale(code)
    return (code.upper(), *(plain_word(str(name)) for name in (locale.english_name, locale.display_name)))


def drop_empty(**values: Any) -> dict[str, Any]:
    """What a row says: without what it says nothing of, and None for what it takes away."""
    return {name: None if value == NOTHING else value for name, value in values.items() if value is not None}


def optional_name(row: Row, column: str, longest: int = 100) -> str | None:
    """The name of something, or NOTHING in any spelling."""
    named = text(row, column, longest)
    return NOTHING if named and named.lower() == NOTHING else named
