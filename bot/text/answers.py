"""Words that answer a question, in every language at once (reference: users 2.4). Digits are what we print."""

import re
from itertools import dropwhile

from bot.text.grammar import plain_word, split

YES = frozenset({"1", "YES", "Y", "NDIYO", "NDIO", "OUI", "SIM", "EH"})
NO = frozenset({"2", "NO", "HAPANA", "NON", "NAO", "AA"})
PIN_DIGITS = 6
AGAIN = frozenset({"AGAIN", "TENA", "ENCORE", "DENOVO", "SAKE"})
# Said for yes to what shows all it will do and asks for the PIN; alone they are thanks as well, so they answer no list.
CONSENT = YES | {"OK", "OKAY", "OKEY", "SAWA", "DACCORD", "CERTO"}
COURTESY = frozenset({
    "PLEASE", "PLS", "THANKS", "THANK", "YOU", "TAFADHALI", "NAOMBA", "ASANTE", "SVP", "MERCI", "OBRIGADO", "OBRIGADA",
    "FAVOR", "NAGODE",
})  # fmt: skip
# What stands beside a PIN and says nothing: 1 and my PIN is 482915.
BESIDE_PIN = COURTESY | {
    "PIN", "SIRI", "SENHA", "MY", "IS", "AND", "WITH", "NA", "NI", "YANGU", "YA", "ET", "MON", "EST", "AVEC", "LE",
    "E", "O", "A", "MEU", "MINHA", "COM", "DA", "NE",
}  # fmt: skip
_GLUED = re.compile(r"1\W?(\d{6})")


def yes(answer: str) -> str | None:
    """The digits behind a yes (none: an empty text); None when it is no yes."""
    if glued := _GLUED.fullmatch(answer):
        return glued[1]
    pieces = split(answer) or [""]
    if plain_word(pieces[0]) not in YES:
        return None
    digits = "".join(pieces[1:])
    return digits if digits.isdecimal() or not digits else None


def consent(answer: str) -> str | None:
    """The same where a PIN is asked for with the yes: it may stand alone, and words that say nothing beside it. With
    words before it that are no yes it has six digits in one piece: all else would not be starred where it is stored."""
    if (digits := yes(answer)) is not None:
        return digits
    pieces = [piece.rstrip(".!") for piece in split(answer) if any(map(str.isalnum, piece))]
    said = [piece for piece in pieces if plain_word(piece) not in BESIDE_PIN]
    agreed = [piece for piece in said if plain_word(piece) in CONSENT]
    behind = said[len(agreed) :]
    if said[: len(agreed)] != agreed or not all(map(str.isdecimal, behind)):
        return None
    digits = "".join(behind)
    if agreed and (plain_word(pieces[0]) in CONSENT or not digits):
        return digits
    whole = len(behind) == 1 or len(behind) == len(pieces)
    return digits if whole and len(digits) == PIN_DIGITS else None


def is_courtesy(word: str) -> bool:
    """Whether a word is a please or a thank you."""
    return plain_word(word).strip(".!") in COURTESY


def without_courtesy(answer: str) -> str:
    """An answer without a please and a thank you around it; all of it where there is nothing else."""
    words = answer.split()
    while words and is_courtesy(words[-1]):
        words.pop()
    return " ".join(dropwhile(is_courtesy, words)) or answer


def no(answer: str) -> bool:
    return plain_word(answer.replace(" ", "")) in NO


def declines(answer: str) -> bool:
    """A no to a question that is open; a thank you may stand beside it."""
    first, *more = split(answer) or [""]
    return no(answer) or (plain_word(first) in NO and all(plain_word(word) in COURTESY for word in more))


def apart(pieces: list[str]) -> list[str]:
    """The pieces between commas; AGAIN at the end needs no comma before it."""
    before, _space, last = pieces[-1].rpartition(" ") if pieces else ("", "", "")
    return [*pieces[:-1], before, last] if before and plain_word(last) in AGAIN else pieces


def begins(answer: str) -> bool | None:
    """What a text begins with, whatever follows (2 still dark): True for a yes, False for a no, None for neither.
    The Portuguese yes with words behind it may be an English SIM card (reference: users 2.4)."""
    first, *more = split(answer) or [""]
    word = plain_word(first)
    if word in NO or no(answer):
        return False
    return True if word in YES and not (word == "SIM" and more) else None


def looks_like_answer(answer: str) -> bool:
    """Whether a text is a yes or a no with no question to belong to."""
    return no(answer) or yes(answer) is not None
