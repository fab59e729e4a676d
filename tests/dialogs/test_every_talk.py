"""Nothing that people read is missing among what is played in each language: each talk begins there by its own word,
and what refuses, answers or tells is read there as people read it, in one part (tests/world/transcripts.py measures
each)."""

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from bot.config import LANGUAGES
from bot.text.i18n import catalogued
from handlers import TALKS
from tests.world.transcripts import LABEL, is_answer

DIALOGS = Path(__file__).parent
ROOT = DIALOGS.parent.parent
GAP = re.compile(r"\{[a-z_]+\}")
KEYWORDS = {"_": None, "_n": (1, 2)}
# The rooms of all that people read, but for the office's own pages and the phone of the demo.
ROOMS = ("bot/talks", "bot/inbound", "handlers")
OTHERS = {"office", "simulator"}
# What no transcript can lead to, by the files that say it.
UNPLAYED = {
    "bot/inbound/worker.py": "the database goes away, or takes too long",
    "handlers/menu.py": "every role has a menu",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_talk_begins_by_its_word_or_its_line_of_the_menu(language: str) -> None:
    sent = {line for path in (DIALOGS / language).glob("*.txt") for line in path.read_text().splitlines()}
    begun = {begin for line in sent if line.startswith("> ") for begin in (line.split()[1], *LABEL.findall(line))}
    for one in TALKS:
        lines = {one.keyword.to(language), *([one.menu.to(language)] if one.menu else [])}
        assert lines & begun, one.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sentence_of_the_talks_is_said(language: str) -> None:
    missing = [one for file, one in unsaid(language) if file not in UNPLAYED]
    assert missing == [], "say it in a transcript of tests/dialogs/en"


def test_what_is_played_needs_no_reason() -> None:
    assert {file for file, _one in unsaid("en")} == set(UNPLAYED)


@cache
def unsaid(language: str) -> list[tuple[str, tuple[str, ...]]]:
    answers = said_in(language)
    return [
        (file, one)
        for file, one in sentences()
        if not any(is_said(catalogued(language, form), answers) for form in one)
    ]


@cache
def sentences() -> set[tuple[str, tuple[str, ...]]]:
    """Each sentence that people may read, with the file that says it; of one that counts, both its forms together."""
    found = set()
    for room in ROOMS:
        said = extract_from_dir(ROOT / room, keywords=KEYWORDS, directory_filter=lambda at: Path(at).name not in OTHERS)
        for file, _line, message, *_rest in said:
            forms = message if isinstance(message, tuple) else (message,)
            if " " in forms[0]:  # a word alone is a label, or part of a sentence
                found.add((f"{room}/{file}", forms))
    return found


def is_said(sentence: str, answers: set[str]) -> bool:
    """Whether a message has this sentence, with something in its gaps."""
    pieces = GAP.split(sentence)
    filled = re.compile(r"[\s\S]{0,160}?".join(map(re.escape, pieces)))
    longest = max(pieces, key=len)  # most messages have not even that, which is seen at once
    return any(filled.search(answer) for answer in answers if longest in answer)


def said_in(language: str) -> set[str]:
    """What people read, each message whole."""
    answers: list[str] = []
    for path in (DIALOGS / language).glob("*.txt"):
        for line in path.read_text().splitlines():
            if is_answer(line):
                answers.append(line.partition("< ")[2])
            elif line.startswith("  "):
                answers[-1] += f"\n{line[2:]}"
    return set(answers)
