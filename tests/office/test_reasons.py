"""Why rows of a file are refused, in the reader's language, beside the lines that have it."""

import pytest

from bot.text.i18n import catalogue
from handlers.exchange import group_problems
from handlers.exchange.sheet import Problem
from handlers.office.frame.reasons import REASONS, WHERE, say_problems, say_reason
from handlers.office.frame.words import LANGUAGE


@pytest.fixture
def in_french() -> None:
    LANGUAGE.set("fr")


@pytest.mark.usefixtures("in_french")
def test_a_reason_is_said_with_what_the_row_has() -> None:
    assert say_reason("phone is no phone number: 'x1'") == "phone n'est pas un numéro de téléphone : 'x1'"
    assert say_reason("limit is no whole number from 1 to 99: 'a: b'").endswith("de 1 à 99 : 'a: b'")
    assert say_reason("something else is wrong") == "something else is wrong"


@pytest.mark.usefixtures("in_french")
def test_lines_are_named_in_the_same_language() -> None:
    problems = [Problem(line, "name is empty") for line in range(2, 10)] + [Problem(12, "pin is empty")]
    assert say_problems(problems) == [
        "lignes 2, 3, 4, 5, 6 et 3 de plus: name est vide",
        "ligne 12: pin est vide",
    ]


def test_in_english_nothing_is_other_than_at_the_prompt() -> None:
    LANGUAGE.set("en")
    problems = [Problem(2, "name is empty"), Problem(3, "'A' is a model of another kind already")]
    assert say_problems(problems) == group_problems(problems)


@pytest.mark.parametrize("language", ["sw", "fr", "pt", "ha"])
def test_each_reason_is_translated(language: str) -> None:
    said = catalogue(language, "office")
    assert [each for each in (*REASONS, *WHERE) if said.get(each, each) == each] == []
