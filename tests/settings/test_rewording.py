"""The office's own words for a sentence keep the rules of the catalogue."""

import pytest

from bot.text.i18n import catalogued, list_english
from bot.text.rewording import find_mistake, find_sentences

HELP = "Not sure. Send TOKEN serial before you sell again. Help {help}"


@pytest.mark.parametrize(
    ("said", "mistake"),
    [
        ("Not sure. Send TOKEN serial, then sell again. {help}", ""),
        ("Not sure.", "Write each of these once: {help}."),
        ("Not sure {help} {name}", "Write each of these once: {help}."),
        ("Not sure {help} {help}", "Write each of these once: {help}."),
        ("Not sure {help", "A gap is written like {name}, and { } stand nowhere else."),
        ("Not sure {help!r}", "A gap is written like {name}, and { } stand nowhere else."),
        ("Not sure {help.__class__}", "A gap is written like {name}, and { } stand nowhere else."),
        ("Not sure {0}", "A gap is written like {name}, and { } stand nowhere else."),
        ("Not sûre {help}", "These letters would make it cost more: û"),
        ("Ça, not surè {help}", "The machine's texts go out without accents: write Çè without."),
        ("Not sure 😀 {help}", "These letters would make it cost more: 😀"),
        (HELP + "!", "It may have 64: more would not fit"),
        ("Send YES {help}", "Carriers keep the word YES"),
    ],
)
def test_a_sentence_is_held_to_the_rules(said: str, mistake: str) -> None:
    found = find_mistake("en", HELP, said)
    assert mistake in str(found or "") and bool(mistake) == bool(found)


@pytest.mark.parametrize("language", ["en", "sw", "fr", "pt", "ha"])
def test_what_the_catalogue_says_may_be_said(language: str) -> None:
    assert not [each for each in list_english() if find_mistake(language, each, catalogued(language, each))]


def test_a_sentence_is_found_by_its_words_in_either_language() -> None:
    assert HELP in find_sentences("before YOU sell", "sw")
    assert HELP in find_sentences(catalogued("sw", HELP), "sw")
