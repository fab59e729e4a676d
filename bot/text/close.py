"""Which known word was probably meant: "did you mean"."""

from collections.abc import Iterable

from rapidfuzz.distance import OSA

SHARE = 3  # one slip of the keyboard for each so many letters


def find_close(word: str, known: Iterable[str]) -> str | None:
    """The known word that is nearest to this one, when it is near enough to be meant."""
    near = min(known, key=lambda other: OSA.distance(word, other), default=None)
    return near if near and OSA.distance(word, near) <= max(1, min(len(word), len(near)) // SHARE) else None


def did_you_mean(word: str, known: Iterable[str], mark: str = "") -> str:
    """`: did you mean company?`, or a full stop when nothing is near. `mark` stands around the word."""
    near = find_close(word, known)
    return f": did you mean {mark}{near}{mark}?" if near else "."
