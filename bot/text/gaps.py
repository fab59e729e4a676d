"""Gaps in a text that the office writes to many: {name}, {serial} and {owed} are each person's own."""

import re
from collections.abc import Iterable, Mapping

GAPS = ("name", "serial", "owed")
_GAP = re.compile(r"\{([^{}]*)\}")


def gaps_in(text: str) -> set[str]:
    """The gaps that a text has, known or not."""
    return set(_GAP.findall(text))


def wrong_gaps(text: str) -> list[str]:
    """What in a text looks like a gap and is none: {nmae}, or a brace alone."""
    unknown = [f"{{{name}}}" for name in sorted(gaps_in(text) - set(GAPS))]
    alone = sorted(set(_GAP.sub("", text)) & {"{", "}"})
    return unknown or alone


def fill(text: str, values: Mapping[str, str]) -> str:
    """A text with its gaps filled. What is filled in is never looked through for gaps again."""
    return _GAP.sub(lambda gap: values.get(gap[1], gap[0]), text)


def missing(texts: Iterable[str], values: Mapping[str, str]) -> bool:
    """Whether a gap of these texts has nothing to be filled with."""
    return any(not values.get(name) for text in texts for name in gaps_in(text))
