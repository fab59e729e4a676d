"""Why a row of a file is refused, in the reader's language: the import says it in English, for the prompt as well.

What is not among these sentences is shown as the import says it.
"""

import re
from collections.abc import Sequence
from functools import cache

from handlers.exchange import group_problems
from handlers.exchange.sheet import Problem
from handlers.office.frame.words import N_, _

REASONS = (
    N_("{column} is empty"),
    N_("{column} is longer than {most} characters"),
    N_("{column} is no whole number from {least} to {most}: {said}"),
    N_("{column} is no amount from {least} to {most}: {said}"),
    N_("{column} is no percentage from 0 to 100: {said}"),
    N_("{column} is neither yes nor no: {said}"),
    N_("{column} is none of {words}: {said}"),
    N_("{column} is no phone number: {said}"),
    N_("the same as line {line}"),
    N_("there is no header"),
    N_("this is a workbook: save it as CSV UTF-8"),
    N_("there is no {what} called {name}"),
    N_("the row has another number of fields than the header, {cells} and not {columns}"),
    N_("pin is not six digits, or easily guessed"),
    N_("this customer is not there: import customers first"),
    N_("several customers have this name and phone: write the number of one as customer"),
    N_("{serial} belongs to somebody else"),
    N_("{serial} is not in stock: import it as stock first"),
    N_("customer {number} is somebody else: {name}"),
    N_("name and surname have 3 letters or more each, 60 at most, and nothing but letters"),
)
# How lines are named; handlers/exchange/problems.py says them.
WHERE = (
    N_("line {lines}"),
    N_("lines {lines}"),
    N_("lines {lines} and {n} more"),
    N_("and {n} more lines that are wrong in such ways"),
)


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The longest first: what is said more closely fits before what is said of many."""
    return tuple((each, re.compile(_as_pattern(each), re.DOTALL)) for each in sorted(REASONS, key=len, reverse=True))


def _as_pattern(sentence: str) -> str:
    pieces = re.split(r"\{(\w+)\}", sentence)
    return "".join(f"(?P<{piece}>.+?)" if n % 2 else re.escape(piece) for n, piece in enumerate(pieces))


def say_reason(english: str) -> str:
    """The reason as the reader reads it."""
    for sentence, pattern in _patterns():
        if found := pattern.fullmatch(english):
            return _(sentence, **found.groupdict())
    return english


def say_problems(problems: Sequence[Problem]) -> list[str]:
    """What is wrong with a file, a sentence for each problem, with the lines that have it."""
    return group_problems([Problem(one.line, say_reason(one.reason)) for one in problems], _)
