"""Sentences that are said later, in the listener's language. Catalogues are gettext `.po` files, each read when it is
needed first."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

Made = TypeVar("Made", bound=Callable[..., Any])
LOCALES = Path(__file__).parent / "locales"
# An entry of a catalogue, each sentence on one line; the forms that count are there or not.
MESSAGE = re.compile(
    r'^msgid (".*")\s*\n(?:msgid_plural (".*")\s*\n)?msgstr(?:\[0\])? (".*")\s*$(?:\nmsgstr\[1\] (".*")\s*$)?',
    re.MULTILINE,
)
CONTINUED = '"\n"'  # between two lines of one sentence
# A sentence with `{named}` gaps and its values, as its reader is told it: pages in their language, logs in English.
Say = Callable[..., str]


@dataclass(frozen=True)
class Text:
    """A sentence in English with `{named}` gaps; the values may be sentences themselves."""

    english: str
    values: Mapping[str, object] = field(default_factory=dict)
    plural: str = ""
    count: int = 1

    def to(self, language: str) -> str:
        """The sentence in a language, or in English where a translation is missing."""
        template = template_of(language, self._english_for(language) if self.plural else self.english)
        if not self.values:
            return template
        return template.format_map(
            {name: value.to(language) if isinstance(value, Text) else value for name, value in self.values.items()}
        )

    @property
    def is_fixed(self) -> bool:
        """Whether its English alone says what it is in each language."""
        return not self.values

    @property
    def is_verbatim(self) -> bool:
        """Whether it is the same in every language."""
        return "verbatim" in self.values

    def _english_for(self, language: str) -> str:
        """The form for its count. English, Swahili, French, Portuguese and Hausa have two; French counts 0 as one."""
        singular = self.count == 1 or (self.count == 0 and language == "fr")
        return self.english if singular else self.plural


def _(english: str, **values: object) -> Text:
    """Mark a sentence for translation. Babel extracts the first argument."""
    return Text(english, values)


def _n(one: str, many: str, count: int) -> Text:
    """Mark a sentence that counts: `_n("{n} day", "{n} days", days)`."""
    return Text(one, {"n": count}, many, count)


def N_(english: str) -> str:
    """Mark a sentence of the office's pages for translation; logs and the command line say it in English."""
    return english


def in_english(sentence: str, **values: object) -> str:
    """The way to say it for logs and the command line."""
    return sentence.format(**values) if values else sentence


class Reason(ValueError):
    """Why something is not taken: a sentence with `{named}` gaps, marked by `N_`, and its values, which may be such
    sentences themselves. Its text is the English one."""

    def __init__(self, english: str, **values: object) -> None:
        super().__init__(in_english(english, **values))
        self._english, self._values = english, values

    def to(self, say: Say = in_english) -> str:
        """As its reader is told it."""
        told = {name: value.to(say) if isinstance(value, Reason) else value for name, value in self._values.items()}
        return say(self._english, **told)


def verbatim(text: str) -> Text:
    """Something that is the same in every language: digits, a serial, an answer that was stored."""
    return Text("{verbatim}", {"verbatim": text})


def joined(sentences: Iterable[Text | None], between: str = " ") -> Text:
    """Sentences one behind the other, or with a line break between them each on its own line. None and an empty
    `verbatim` fall away."""
    said = [each for each in sentences if each is not None and each.values.get("verbatim") != ""]
    gaps = between.join(f"{{s{n}}}" for n in range(len(said)))
    return Text(gaps, {f"s{n}": each for n, each in enumerate(said)})


def catalogued(language: str, english: str) -> str:
    """A sentence with its gaps as the catalogue has it, or in English."""
    return catalogue(language).get(english, english)


def list_english() -> list[str]:
    """The English of all sentences, in the order of their letters."""
    return sorted(catalogue("sw"))


_OTHERWISE: dict[str, dict[str, str]] = {}  # by language: what the office says in its own words
_FORGET: list[Callable[[], None]] = []  # what is kept until it says something otherwise


def template_of(language: str, english: str) -> str:
    """A sentence in a language with its gaps: in the office's words, in those of the catalogue, or in English."""
    return _sentences(language).get(english, english)


def say_otherwise(texts: Mapping[str, dict[str, str]]) -> None:
    """From now on these sentences count before the catalogues', by language and by their English; and no others."""
    _OTHERWISE.clear()
    _OTHERWISE.update(texts)
    for forget in _FORGET:
        forget()


def until_reworded(most: int) -> Callable[[Made], Made]:
    """Keep so many results of what is made of sentences alone, until the office says one of them otherwise."""

    def keep(make: Made) -> Made:
        kept = lru_cache(most)(make)
        _FORGET.append(kept.cache_clear)
        return cast(Made, kept)

    return keep


@until_reworded(most=64)
def _sentences(language: str) -> Mapping[str, str]:
    """All that is said in a language, by its English, until the office says something otherwise."""
    return catalogue(language) | _OTHERWISE.get(language, {})


@cache
def catalogue(language: str, domain: str = "mwanga") -> dict[str, str]:
    """English sentence to translation, of what phones say or, as `office`, of the office's pages; both forms of a
    counting sentence stand under their own English form.

    We read our own catalogues ourselves: babel takes five times as long for what is read while a message waits."""
    path = LOCALES / language / "LC_MESSAGES" / f"{domain}.po"
    if not path.exists():
        return {}
    entries = MESSAGE.findall(path.read_text(encoding="utf-8").replace(CONTINUED, ""))
    pairs = [pair for one, many, said, of_many in entries for pair in ((one, said), (many, of_many)) if all(pair)]
    # Catalogues quote as JSON does, so all sentences are read at once.
    found = json.loads("[" + ",".join(f"[{english},{said}]" for english, said in pairs) + "]", strict=False)
    return {english: said for english, said in found if english and said}
