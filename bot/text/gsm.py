"""GSM 03.38, the alphabet of SMS and USSD: what a text costs, and how any text is made to fit."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache

# 3GPP TS 23.038 6.2.1: the default alphabet in the order of its codes, without ESC (0x1B).
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# 3GPP TS 23.038 6.2.1.1: each of these is ESC and a second septet.
EXTENDED = "\f^{}\\[~]|€"

# 3GPP TS 23.040 9.2.3.24.1: what one message carries, and one part of several, each with a six-octet header.
SINGLE, JOINED = 160, 153
UCS2_SINGLE, UCS2_JOINED = 70, 67
# A USSD string may hold 182 septets, but operators cut lower: Safaricom at 160.
SCREEN = 160

_COST = dict.fromkeys(BASIC, 1) | dict.fromkeys(EXTENDED, 2)

# What Unicode does not decompose: the hooked letters of Hausa, others of Ewe, Wolof, Luganda, French and
# Nordic names, and the typographic signs that phones' keyboards put in by themselves.
_SPELLED = {
    **dict(zip("ɓɗƙƴƁƊƘƳ", "bdkyBDKY", strict=True)),
    **dict(zip("ɖđƒɣłŋɔɛʋøıƉĐƑƔŁŊƆƐƲØ", "ddfglnoevoiDDFGLNOEVO", strict=True)),
    **dict(zip("‹›⁄×·°₦₵", "<>/x.oNC", strict=True)),
    **dict.fromkeys("‘’‚‛ʼʻʹ′´`ˈ", "'"),
    **dict.fromkeys("“”„‟«»", '"'),
    **dict.fromkeys("‐‑‒–—―−•", "-"),
    **dict.fromkeys("\t\v\f", " "),
    **dict.fromkeys("\r\x85\u2028\u2029", "\n"),
    "…": "...",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "ß": "ss",
}
_SIGNS = frozenset("‘’‚‛ʼʻʹ′´ˈ“”„‟«»‐‑‒–—―−…")
# Combining marks, and invisible characters such as joiners and direction marks.
_DROPPED = {"Mn", "Me", "Cf"}
# Letters with accents that are one septet, like the letter without: they cost nothing.
FREE_ACCENTS = frozenset("èéùìòÇØøÅåÉÄÖÑÜäöñüà")
_PLAIN = frozenset(BASIC + EXTENDED) & frozenset(map(chr, range(128))) - {"\r", "\f"}


def _made_of(letters: Iterable[str]) -> Callable[[str], object]:
    """Whether a text has no others. An expression looks at 160 letters in the time in which Python looks at ten."""
    return re.compile(f"[{re.escape(''.join(letters))}]*").fullmatch


_all_basic, _all_gsm, _all_plain = _made_of(BASIC), _made_of(BASIC + EXTENDED), _made_of(_PLAIN)


def is_gsm(text: str) -> bool:
    """Whether the text goes out in septets; one character outside makes the whole message UCS-2."""
    return _all_gsm(text) is not None


def septets(text: str) -> int:
    """The length on the air. Raises ValueError for a character outside the alphabet."""
    if _all_basic(text):
        return len(text)
    try:
        return sum(map(_COST.__getitem__, text))
    except KeyError as unknown:
        raise ValueError(f"{unknown} is not in the GSM 03.38 alphabet") from None


def parts(text: str) -> int:
    """How many SMS the text is billed as, at least one."""
    if fits_sms(text):
        return 1
    if is_gsm(text):
        return _filled([_COST[letter] for letter in text], SINGLE, JOINED)
    return _filled([2 if letter > "\uffff" else 1 for letter in text], UCS2_SINGLE, UCS2_JOINED)


def _filled(costs: Iterable[int], single: int, joined: int) -> int:
    """Fills part after part. An ESC pair or a surrogate pair stays whole, so a part may hold one less."""
    total, count, used = 0, 1, 0
    for cost in costs:
        total += cost
        used += cost
        if used > joined:
            count, used = count + 1, cost
    return 1 if total <= single else count


def fits_sms(text: str) -> bool:
    """Whether the text is one SMS of 160 septets."""
    return is_gsm(text) and septets(text) <= SINGLE


def plain(text: str, *, accents: bool = False) -> str:
    """The text in unaccented GSM-7, line breaks kept: `João’s №5…` becomes `Joao's No5...`.

    Digits of any script become ASCII; what has no spelling becomes `?`. Plain text comes back as it is. With
    `accents` the letters stay that the alphabet has, `é` and its like: the text is as long with them as without.
    """
    if _all_plain(text):
        return text
    text = text.replace("\r\n", "\n")
    if accents:
        text = unicodedata.normalize("NFC", text)
        return "".join(letter if letter in FREE_ACCENTS else _plain(letter) for letter in text)
    return "".join(map(_plain, text))


def straight(text: str) -> str:
    """The text with the quotation marks, dashes and dots of a typewriter, where a keyboard put in others by itself; its
    letters, as Ç and é, stay."""
    return "".join(_SPELLED.get(letter, letter) if letter in _SIGNS else letter for letter in text)


@lru_cache(maxsize=4096)
def _plain(letter: str) -> str:
    if letter in _PLAIN:
        return letter
    if letter in _SPELLED:
        return _SPELLED[letter]
    digit = unicodedata.digit(letter, None)
    if digit is not None:
        return str(digit)
    if unicodedata.category(letter) == "Zs":
        return " "
    pieces = unicodedata.normalize("NFKD", letter)
    spelled = "".join(_SPELLED.get(piece, piece) for piece in pieces if unicodedata.category(piece) not in _DROPPED)
    return spelled if is_gsm(spelled) else "?"


def shorten(text: str, length: int) -> str:
    """A name or label in GSM-7, cut to `length` septets (at least one) with a full stop where something is missing.

    Not with an ellipsis, which is outside the alphabet. Accents that cost nothing stay for whoever wants them.
    """
    text = plain(text, accents=True)
    if septets(text) <= length:
        return text
    kept = text
    while kept and septets(kept) > length - 1:
        kept = kept[:-1]
    return kept.rstrip(" .,-") + "."
