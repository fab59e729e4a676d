"""Texts that are far too long, each in its own way."""

from itertools import cycle, islice

LONG = 8_000  # characters: more than any door lets in
WITHIN_S = 0.05
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
