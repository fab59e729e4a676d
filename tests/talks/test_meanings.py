"""What a text without a keyword is about: how the table is read, and what that costs."""

import time
from statistics import median

import pytest

from bot.talks import Commands
from bot.talks.meanings import ANYTHING, SEVERAL, THING, Meaning, Meanings
from handlers import TALKS
from handlers.meanings import MEANINGS
from models.people import Role

TABLE = Meanings(
    [
        Meaning("fault", {"en": "not|never work|works\nbroken", "sw": "haiwak*"}),
        Meaning("token", {"en": "code", "fr": "l'énergie"}),
        Meaning("thanks", {"en": "thanks"}, most=3),
    ]
)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("it works not", ["fault", SEVERAL, ANYTHING]),
        ("it works", [SEVERAL, ANYTHING]),
        ("Broken!", ["fault", ANYTHING]),
        ("taa HAIWAKI kabisa", ["fault", SEVERAL, ANYTHING]),
        ("the code never works", ["fault", "token", SEVERAL, ANYTHING]),
        ("decode", [ANYTHING]),
        ("L'ENERGIE", ["token", ANYTHING]),
        ("many thanks", ["thanks", SEVERAL, ANYTHING]),
        ("thanks for nothing at all", [SEVERAL, ANYTHING]),
        ("SHS0283", [THING, ANYTHING]),
        ("", [ANYTHING]),
        ("🙏", [ANYTHING]),
    ],
)
def test_a_line_of_the_table_is_told_by_its_words_in_any_order(text: str, kinds: list[str]) -> None:
    assert [kind for kind, _language in TABLE.find(text)] == kinds


def test_the_language_is_that_of_the_words() -> None:
    assert Commands(TALKS, Meanings(MEANINGS)).language_of("nataka umeme") == "sw"


AGENTS_OWN = {"register", "void", "pin", "sold", "held", "work"}


def test_every_kind_of_the_table_is_answered_to_customers_and_every_kind_of_a_talk_is_in_it() -> None:
    kinds = Meanings(MEANINGS).kinds
    answered = {role: {kind for one in TALKS if role in one.roles for kind in one.kinds} for role in Role}
    assert set().union(*answered.values()) <= kinds
    assert kinds - answered[Role.CUSTOMER] == AGENTS_OWN <= answered[Role.AGENT]


@pytest.mark.parametrize("text", ["a" * 8000, "no " * 2700, "l'" * 4000, "haiwaki " * 1000, "١" * 8000, "é" * 8000])
def test_a_long_text_costs_little(text: str) -> None:
    table, costs = Meanings(MEANINGS), []
    for _ in range(5):
        start = time.process_time()
        list(table.find(text))
        costs.append(time.process_time() - start)
    assert median(costs) < 0.05
