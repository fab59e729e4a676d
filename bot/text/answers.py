"""Words that answer a question, in every language at once (reference: users 2.4). Digits are what we print."""

import re

from bot.text.grammar import plain_word, split

YES = frozenset({"1", "YES", "Y", "NDIYO", "NDIO", "OUI", "SIM", "EH"})
NO = frozenset({"2", "NO", "HAPANA", "NON", "NAO", "AA"})
AGAIN = frozenset({"AGAIN", "TENA", "ENCORE", "DENOVO", "SAKE"})
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


def no(answer: str) -> bool:
    return plain_word(answer.replace(" ", "")) in NO


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
