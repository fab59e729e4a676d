"""What a text is about in which no keyword stands first: it is looked through for words, by a table that
handlers/meanings.py has. Reading alone may follow from it, or a question; never an effect."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from bot.text import plain_word

THING = "thing"  # the kind of a text that is one name with digits, and nothing else: SHS0283, SHS 0283
SEVERAL = "several"  # the kind of two words and more
ANYTHING = "anything"  # the kind of whatever came
LONGEST_BEGINNING = 12  # letters of a word of the table that ends in *
_THING = re.compile(r"[^\W\d_]* ?[\d /_.-]*\d[\d /_.-]*")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


@dataclass(frozen=True)
class Meaning:
    """A kind of text, and the words that tell it, by language. Each line is one way to say it: all of its words are
    somewhere in the text, in any order; `a|b` is either, `a*` is whatever begins so."""

    kind: str
    lines: Mapping[str, str]
    most: int = 0  # words of a text that may mean it: a greeting before other words means nothing; 0 is any number


@dataclass(frozen=True)
class _Line:
    kind: str
    language: str
    most: int
    words: tuple[frozenset[str], ...]


class Meanings:
    """The table, ready to be looked through. The first meaning that fits is what a text is about."""

    def __init__(self, table: Sequence[Meaning] = ()) -> None:
        self.kinds = {meaning.kind for meaning in table} | {THING, SEVERAL, ANYTHING}
        self._lines = [
            _Line(meaning.kind, language, meaning.most, _compiled(line))
            for meaning in table
            for language, lines in meaning.lines.items()
            for line in lines.splitlines()
            if line.strip()
        ]
        # Which lines one of a text's words may tell: of what a line wants, that which can be said in the fewest ways.
        self._told_by: dict[str, list[int]] = {}
        for number, line in enumerate(self._lines):
            for word in min(line.words, key=len):
                self._told_by.setdefault(word, []).append(number)

    def find(self, text: str) -> Iterator[tuple[str, str]]:
        """The kinds of a normalised text in the order of the table, each once, with the language of the words that told
        it; empty where none did. What the text costs is linear in its length; of the table only lines with a word of it
        are looked at."""
        words = _words_of(text)
        count, told = len(_WORD.findall(text)), set()
        for number in sorted({number for word in words for number in self._told_by.get(word, ())}):
            line = self._lines[number]
            fits = not line.most or count <= line.most
            if line.kind not in told and fits and all(not each.isdisjoint(words) for each in line.words):
                told.add(line.kind)
                yield line.kind, line.language
        if _THING.fullmatch(text):
            yield THING, ""
        if count > 1:
            yield SEVERAL, ""
        yield ANYTHING, ""


@cache
def _compiled(line: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(plain_word(either) for either in word.split("|")) for word in line.split())


def _words_of(text: str) -> set[str]:
    """The words of a text as the table has them: capitals without accents. One with an apostrophe is there whole and in
    its parts (don't, l'energie); beginnings have their star."""
    found: set[str] = set()
    for word in _WORD.findall(text):
        for part in {word, *word.split("'")}:
            plain = plain_word(part)
            found.add(plain)
            found.update(f"{plain[:length]}*" for length in range(2, min(len(plain), LONGEST_BEGINNING) + 1))
    return found
