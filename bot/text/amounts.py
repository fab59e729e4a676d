"""An amount of money as people write it: read when there is one way to read it, else left unread.

The company's own currency may stand beside it, and nothing else: 5mil, 5usd and 20kwh are no amounts.
"""

import re
from collections.abc import Sequence

from bot.text.grammar import plain_word

# How people write the currencies of the countries where this is used, beside the ISO 4217 code.
_SHILLING = ("SH", "SHS", "SHILLING", "SHILLINGS", "SHILINGI", "/=", "/-")
_FRANC = ("F", "FR", "FRANC", "FRANCS")
_CFA = (*_FRANC, "CFA", "FCFA", "F CFA")
MARKS: dict[str, tuple[str, ...]] = {
    "TZS": ("TSH", "TSHS", *_SHILLING),
    "KES": ("KSH", "KSHS", *_SHILLING),
    "UGX": ("USH", "USHS", *_SHILLING),
    "SOS": ("SOSH", *_SHILLING),
    "NGN": ("N", "₦", "NAIRA", "=N="),
    "XOF": _CFA,
    "XAF": _CFA,
    "RWF": ("FRW", "RF", "AMAFARANGA", *_FRANC),
    "BIF": ("FBU", "AMAFARANGA", *_FRANC),
    "CDF": ("FC", *_FRANC),
    "GNF": ("FG", *_FRANC),
    "DJF": ("FDJ", *_FRANC),
    "KMF": ("FC", *_FRANC),
    "MGA": ("AR", "ARIARY"),
    "MZN": ("MT", "MTS", "MTN", "METICAL", "METICAIS"),
    "AOA": ("KZ", "KWANZA", "KWANZAS"),
    "STN": ("DB", "DOBRA", "DOBRAS"),
    "CVE": ("ESC", "ESCUDO", "ESCUDOS"),
    "ZMW": ("K", "ZK", "KWACHA"),
    "MWK": ("K", "MK", "KWACHA"),
    "ZAR": ("R", "RAND", "RANDS"),
    "NAD": ("N$", "NAD"),
    "BWP": ("P", "PULA"),
    "LSL": ("M", "LOTI", "MALOTI"),
    "SZL": ("E", "LILANGENI", "EMALANGENI"),
    "ZWG": ("ZIG",),
    "GHS": ("GH₵", "₵", "GHC", "CEDI", "CEDIS"),
    "SLE": ("LE", "NLE", "LEONE", "LEONES"),
    "LRD": ("LD", "L$"),
    "GMD": ("D", "DALASI", "DALASIS"),
    "MRU": ("UM", "OUGUIYA"),
    "ETB": ("BR", "BIRR"),
    "ERN": ("NFK", "NAKFA"),
    "SSP": ("SSP",),
    "SDG": ("SDG",),
    "EGP": ("LE", "E£"),
    "MAD": ("DH", "DHS", "DIRHAM", "DIRHAMS"),
    "DZD": ("DA", "DINAR", "DINARS"),
    "TND": ("DT", "DINAR", "DINARS"),
    "LYD": ("LD", "DINAR", "DINARS"),
    "USD": ("$", "US$", "DOLLAR", "DOLLARS"),
    "EUR": ("€", "EURO", "EUROS"),
    "GBP": ("£", "POUND", "POUNDS"),
    "INR": ("₹", "RS", "RUPEE", "RUPEES", "/-"),
    "NPR": ("RS", "RUPEE", "RUPEES", "/-"),
    "PKR": ("RS", "RUPEE", "RUPEES", "/-"),
    "BDT": ("৳", "TK", "TAKA", "/-"),
    "MMK": ("K", "KS", "KYAT", "KYATS"),
    "PHP": ("₱", "P", "PESO", "PESOS"),
    "IDR": ("RP", "RUPIAH"),
    "PGK": ("K", "KINA"),
    "HTG": ("G", "GDE", "GOURDE", "GOURDES"),
}
# Letters that make another number of the one before them: 5K and 5M are no kwachas and no malotis.
_MULTIPLE = frozenset("KM")

# Words that stand with a number and make it another one, or another thing. Never read: they are taught.
_THOUSAND = ("K", "MIL", "MILLE", "ELFU", "ELF", "BUKU", "DUBU", "DUB", "THOUSAND", "THOUSANDS", "THOU")
_OTHER_THINGS = """
    LAKI LAKHI MIA MILIONI MILLION MILLIONS MILHAO MILHOES MILIYAN M HUNDRED CENT CENTS CEM CENTO DARI
    MOJA MBILI TATU NNE TANO SITA SABA NANE TISA KUMI ISHIRINI
    KWH KW WH W UNIT UNITS UNITI UNITE UNITES UNIDADE UNIDADES
    DAY DAYS SIKU JOUR JOURS DIA DIAS KWANA KWANAKI RANA RANAKU
    WEEK WEEKS WIKI SEMAINE SEMAINES SEMANA SEMANAS MAKO MONTH MONTHS MWEZI MIEZI MOIS MES MESES WATA HOUR HOURS
"""
_OWN_MARKS = [mark for marks in MARKS.values() for mark in marks]
_STAND_BESIDE = frozenset((*_THOUSAND, *_OTHER_THINGS.split(), *MARKS, *_OWN_MARKS))

_DIGITS = re.compile(r"[1-9][0-9]*")
_ROUND = re.compile(r"([1-9][0-9]*)[.,](0{1,3})")
_GROUPED = re.compile(r"([1-9][0-9]{0,2}(?:([.,' ])[0-9]{3})(?:\2[0-9]{3})*)([.,]0{1,3})?")
_WITH_DECIMALS = re.compile(r"(0|[1-9][0-9]*|[1-9][0-9]{0,2}(?:([.,'])[0-9]{3})(?:\2[0-9]{3})*)([.,])([0-9]{1,3})")
_OF_THOUSANDS = re.compile(rf"([1-9][0-9]{{0,3}}) ?(?:{'|'.join(_THOUSAND)})|(?:ELFU|BUKU|DUBU) ?([1-9][0-9]{{0,3}})")
_SPACED = re.compile(r"[1-9][0-9]{0,2}(?: [0-9]{3})+")
# May be the serial of a solar home system, where the currency is a shilling: SHS0283. SHS5000 is written for money.
_LIKE_A_SERIAL = re.compile(r"SHS?[0-9]{4,}(?<!00)")
_LONGEST = 40  # characters; what is longer is no amount
_MOST_PIECES = 6  # of a line that are about one amount


def read_amount(typed: str, currency: str, exponent: int) -> int | None:
    """Whole units of the currency, when the text can be read in one way only; 0 for a nought. None for all else, a
    fraction among it. `exponent` is the currency's: where it is three, 5.000 is five. SHS1284 is a serial."""
    if _LIKE_A_SERIAL.fullmatch(typed.upper().strip(". ")):
        return None
    number = _without_marks(typed, currency)
    if number and not number.strip("0"):
        return 0
    if _DIGITS.fullmatch(number):
        return int(number)
    decimals = max(exponent, 2)  # people write 5000.00 for a currency that has no cents, too
    if (round_ := _ROUND.fullmatch(number)) and len(round_[2]) <= decimals:
        return int(round_[1])
    grouped = _GROUPED.fullmatch(number)
    if grouped is None or grouped[2] == " ":
        return None
    behind = grouped[3] or ""
    if behind[:1] == grouped[2] or len(behind) - 1 > decimals or (exponent == 3 and len(behind) != 4):
        return None
    return int(re.sub(r"\D", "", grouped[1]))


def read_minor(typed: str, currency: str, exponent: int, coin: int) -> int | None:
    """The same in minor units; with its decimals, 2.50, where the smallest coin (in minor units) is a part of a whole
    one."""
    unit = int(10**exponent)
    whole = read_amount(typed, currency, exponent)
    if whole is not None or coin % unit == 0:
        return whole if whole is None else whole * unit
    parts = _WITH_DECIMALS.fullmatch(_without_marks(typed, currency))
    if parts is None or parts[2] == parts[3] or len(parts[4]) > exponent:
        return None
    return int(re.sub(r"\D", "", parts[1])) * unit + int(parts[4].ljust(exponent, "0"))


def probable_amount(typed: str, currency: str) -> int | None:
    """What was probably meant by an amount that is not clear, to be taught and never taken: 5000 for 5k, 5mil, 5OOO,
    5 000."""
    number = _without_marks(typed, currency)
    zeros = re.sub("(?<=[0-9])[,.' ](?=[0-9]{3})", "", number.replace("O", "0"))
    if "O" in number and _DIGITS.fullmatch(zeros):
        return int(zeros)
    if several := _OF_THOUSANDS.fullmatch(plain_word(number)):
        return int(several[1] or several[2]) * 1000
    return int(number.replace(" ", "")) if _SPACED.fullmatch(number) else None


def count_pieces(pieces: Sequence[str]) -> int:
    """How many pieces of a line are about one amount: the number, a currency or what else is written with a number,
    and further digits, which make it unclear."""
    count = 2 if len(pieces) > 1 and stands_beside(pieces[0]) else 1
    while count < min(len(pieces), _MOST_PIECES) and (stands_beside(pieces[count]) or pieces[count].isdecimal()):
        count += 1
    return count


def stands_beside(word: str) -> bool:
    """Whether a number with this word is an amount of the currency, another number or another thing."""
    return _mark(word) in _STAND_BESIDE


def _mark(word: str) -> str:
    return plain_word(word).strip(".")


def _without_marks(typed: str, currency: str) -> str:
    """The text in capitals without the company's own currency, of which one may stand before the number and two behind
    it: Tsh 5000/=, 5000/= Tsh."""
    number = " ".join(typed[: _LONGEST + 1].upper().split())
    if len(number) > _LONGEST:
        return ""
    own = sorted((currency, *MARKS.get(currency, ())), key=len, reverse=True)
    before = next((mark for mark in own if number.startswith(mark)), "")
    number = number.removeprefix(before).lstrip(". ") if before else number
    for _twice in range(2):
        number = number.rstrip(". ")
        behind = next((mark for mark in own if mark not in _MULTIPLE and number.endswith(mark)), "")
        number = number.removesuffix(behind)
    return number.rstrip(". ")
