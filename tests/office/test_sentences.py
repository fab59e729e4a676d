"""The sentences of the office's pages in five languages: each is translated, and keeps its gaps."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from bot.text.i18n import LOCALES, catalogue

PAGES = Path(__file__).parents[2] / "handlers/office"
KEYWORDS = {"_": None, "N_": None, "_n": (1, 2)}
LANGUAGES = ("sw", "fr", "pt", "ha")
GAP = re.compile(r"\{\w+\}")


def sentences() -> Iterator[str]:
    """All that the pages say, as `make messages` finds it."""
    methods = [("templates/**.html", "jinja2"), ("**.py", "python")]
    for _file, _line, said, _comments, _context in extract_from_dir(PAGES, methods, keywords=KEYWORDS):
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
    assert kept <= set(sentences())
