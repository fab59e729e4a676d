"""The sentences of the office's pages in five languages: each is translated, and keeps its gaps."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from babel.util import pathmatch

from bot.text.i18n import LOCALES, catalogue

ROOT = Path(__file__).parents[2]
KEYWORDS = {"_": None, "N_": None, "_n": (1, 2)}
LANGUAGES = ("sw", "fr", "pt", "ha")
GAP = re.compile(r"\{\w+\}")


@cache
def sentences() -> frozenset[str]:
    """What stands in the files, which are read once for all languages."""
    return frozenset(_found())


def _found() -> Iterator[str]:
    """All that the pages say, as `make messages` finds it: their own, and what they show of the machine."""
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["babel"]["mappings"]
    methods = [(one["pattern"], one["method"]) for one in mappings]
    places = {ROOT / one["pattern"].partition("*")[0] for one in mappings}
    files = [file for place in places for file in (place.rglob("*") if place.is_dir() else [place])]
    for path in sorted(set(files)):
        method = next((how for pattern, how in methods if pathmatch(pattern, str(path.relative_to(ROOT)))), None)
        if method and path.is_file():
            for _line, said, _comments, _context in extract_from_file(method, path, keywords=KEYWORDS):
                yield from (said,) if isinstance(said, str) else filter(None, said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sentence_of_the_pages_is_translated(language: str) -> None:
    known = catalogue(language, "office")
    missing = sorted({said for said in sentences() if said.strip() and said not in known})
    assert not missing, "run `make messages` and translate:\n" + "\n".join(missing)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_translation_has_the_gaps_of_its_sentence(language: str) -> None:
    wrong = [
        f"{english!r}: {said!r}"
        for english, said in catalogue(language, "office").items()
        if sorted(GAP.findall(english)) != sorted(GAP.findall(said))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalogue_has_no_sentence_that_nobody_says(language: str) -> None:
    with (LOCALES / language / "LC_MESSAGES/office.po").open("rb") as file:
        kept = {str(each.id[0] if isinstance(each.id, tuple) else each.id) for each in read_po(file) if each.id}
    assert kept <= sentences()
