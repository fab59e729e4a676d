"""Which lines of a list stand on which screen: as many as fit in every language, and as the office says them now."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config import LANGUAGES
from bot.talks import Commands
from bot.talks.chat import BACK_LINE, MORE_LINE
from bot.talks.listing import LINES, choose_up_to, pages, screen
from bot.text import SCREEN, Text, _, plain, septets, verbatim
from bot.text.i18n import say_otherwise
from handlers import TALKS
from models.people import Role

COMPANY = verbatim("Mwanga")
MENU = [line for _name, line in Commands(TALKS).menu(Role.AGENT)]
OTHERS = [
    verbatim("Ç" * 5),
    verbatim("{[~]}"),
    verbatim("A" * 60),
    TALKS[0].keyword,
    _("Choose a number 1 to {n}.", n=7),
]
lines = st.lists(st.sampled_from([*MENU, *OTHERS]), max_size=30)


@pytest.fixture(autouse=True)
def in_the_words_of_the_catalogue() -> Iterator[None]:
    yield
    say_otherwise({})


def longest(labels: list[Text]) -> int:
    """The septets of a screen with these lines, the one for more and the way back, in the language that says it
    longest, and where the header is what a wrong key is told."""
    costs = []
    for one in LANGUAGES:
        for header in (COMPANY, choose_up_to(LINES)):
            shown = screen(header.to(one), [label.to(one) for label in labels], MORE_LINE.to(one))
            costs.append(septets(plain(f"{shown}\n{BACK_LINE.to(one)}\n", accents=True)))
    return max(costs)


@given(lines)
def test_a_page_has_as_many_lines_as_fit_in_every_language(labels: list[Text]) -> None:
    found = pages(COMPANY, labels, MORE_LINE, BACK_LINE, LANGUAGES)
    assert [position for page in found for position in page] == [*range(len(labels))]
    if len(found) == 1:
        assert len(labels) <= LINES
        return
    for page, following in zip(found, [*found[1:], []], strict=True):
        shown = [labels[position] for position in page]
        assert len(shown) == 1 or (len(shown) <= LINES and longest(shown) <= SCREEN)
        if following:
            one_more = [*shown, labels[following[0]]]
            assert len(one_more) > LINES or longest(one_more) > SCREEN


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_line_that_the_office_says_otherwise_counts_at_once(language: str) -> None:
    def found() -> Sequence[Sequence[int]]:
        return pages(COMPANY, MENU, MORE_LINE, BACK_LINE, LANGUAGES)

    usual = found()
    say_otherwise({language: {MENU[0].english: "A" * 100}})
    assert MENU[0].to(language) == "A" * 100
    assert len(found()[0]) < len(usual[0])
    say_otherwise({})
    assert MENU[0].to(language) != "A" * 100 and found() == usual
