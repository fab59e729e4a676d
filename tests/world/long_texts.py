"""Texts that are far too long, each in its own way."""

import time
from collections.abc import Awaitable, Callable
from itertools import cycle, islice

LONG = 8_000  # characters: more than any door lets in
QUICK_S = 0.05  # nobody asks how fast the machine is
SQUARES = 1_000_000  # that this machine adds up while it understands one text: 50 ms on a fast one, 95 on a slow one
TRIES = 5
# What a step over a text may be bad at: many pieces, one endless piece, signs that separate, marks that pile up.
BITS = {
    "words": "a ",
    "serials": "A1 ",
    "numbers": "1 ",
    "one number": "9",
    "one word": "a",
    "thousands": "1,000,",
    "dashes": "- ",
    "dots": ". . ",
    "stars": "a*",
    "commas": "a, ",
    "hashes": "# #a ",
    "lines": "-- \n\n",
    "apostrophes": "'",
    "accents": "e\u0301\u0316",
    "marks": "\u0301\u0316",
    "ligatures": "\ufdfa",
    "invisible": "\u200b",
    "phone numbers": "+255 700 000 001 ",
}


def long_text(bit: str) -> str:
    return "".join(islice(cycle(bit), LONG))


async def takes_long(understand: Callable[[], Awaitable[float]]) -> bool:
    """Whether understanding a text (which tells its own seconds of work) takes longer than adding up `SQUARES` squares
    in each of several tries: both are slow alike where others use the machine, and one try may be unlucky."""
    for _ in range(TRIES):
        took = await understand()
        if took <= QUICK_S or took <= _yardstick():
            return False
    return True


def _yardstick() -> float:
    """Seconds of work for `SQUARES` squares, here and now."""
    started = time.process_time()
    sum(number * number for number in range(SQUARES))
    return time.process_time() - started
