"""Nothing that talks say is missing among what is played in each language: each talk begins there by its own word, and
what refuses or answers is read there as people read it, in one part (tests/world/transcripts.py measures each)."""

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
# The rooms of talks, and of their files those that no talk says: the office does something, or a day begins.
ROOMS = ("bot/talks", "bot/inbound", "handlers/account", "handlers/customers", "handlers/fields", "handlers/selling")
ROOMS += ("handlers/tickets",)
TOLD = {
    "bot/inbound/callbacks.py",
    "bot/inbound/worker.py",
    "handlers/account/agent_phone.py",
    "handlers/account/commission.py",
    "handlers/account/daily.py",
    "handlers/account/office_lock.py",
    "handlers/account/one_time_pin.py",
    "handlers/customers/ownership.py",
    "handlers/customers/phone.py",
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
    answers = said_in(language)
    missing = [one for one in sentences() if not any(is_said(catalogued(language, form), answers) for form in one)]
    assert missing == [], "say it in a transcript of tests/dialogs/en"


@cache
def sentences() -> set[tuple[str, ...]]:
    """Each sentence that talks may say; of one that counts, both its forms together."""
    found = set()
    for room in ROOMS:
        for file, _line, message, *_rest in extract_from_dir(ROOT / room, keywords={"_": None, "_n": (1, 2)}):
            forms = message if isinstance(message, tuple) else (message,)
            if f"{room}/{file}" not in TOLD and " " in forms[0]:  # a word alone is a label, or part of a sentence
                found.add(forms)
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
