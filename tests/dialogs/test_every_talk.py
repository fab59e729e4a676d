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
# What is said where the demo world does not lead, by its first words.
UNSAID = {
    "the office does it at its desk, or a second person there": (
        "Returned. Nothing is owed.",
        "Nothing is owed any more.",
        "Taken back. Nothing is owed.",
        "{serial}: nothing is owed any more.",
        "It runs for good.",
        "In the place of {former}",
        "VOID: your {amount} for {serial}, ref {ref}. Do not enter its code. We have the money",
        "PAID OUT {amount} of your wallet.",
        "PAID OUT {amount} of your credit.",
        "VOID: {amount} for {serial}, ref {ref}. Do not enter its code. We call who paid it.",
        "{wallet} shows no payment.",
        "TOPPED UP {amount}, and commission {paid}.",
        "{amount} (ref {ref}) is your credit now.",
        "{number} is closed by the office",
        "{number} is closed. {owner} has no phone to ask.",
    ),
    "the office is set up otherwise, or wrote by hand": (
        "To buy, call {help}.",
        "No token yet for {serial}. Call {help}.",
        "Or pay to till {bill}.",
        "Top up: {wallet} pay bill {bill}",
        "Your wallet has {held}. Top it up first: {wallet} pay bill",
        "The office reads what you wrote.",
    ),
    "an agent reads it while customers wait": (
        "Your wallet has {held}. Customers asked you for {pending}",
        "You hold {held} of {limit}. Customers asked you for {pending}",
    ),
    "the clock does it": (
        "{ref} is over: {amount} for {serial}.",
        "Agent {name} {phone} did not answer",
        "{number} is closed: {owner} did not answer.",
        "{number} is closed. Not fixed after all? Send T",
        "{number} is open again: {owner} {phone} did not say that it is fixed",
    ),
    "it takes more customers, goods or kinds of meters than the demo world has": (
        "Further customers",
        "The first {n}. Write more to find fewer.",
        "{header}, of the first {n}",
        "Several fit {answer}.",
        "Not sold. {item} is not offered like this.",
        "This meter is not in stock.",
        "Sub connection type?",
    ),
    "it stands behind a keyword alone, or where there is no room for more": (
        "Cash handed in",
        "Which day?",
        "Which page?",
        "{answer} is no word to send.",
        "You have no PIN.",
        "Agent {name} {phone} is asked until {time}: give the cash.",
        "{name} disputes hand-in {reference}, {amount}, that you counted. The office decides.",
        "Paid until {day}.",
    ),
    "somebody else is sooner by a moment": ("An agent has just answered.",),
    "it is a line far down the menu, of some alone": ("Top up my wallet",),
    "something went wrong, or somebody attacks": (
        "Something changed. Once more, please.",
        "Sorry, that did not work.",
        "This session is over.",
        "Many wrong PINs were sent to LOCK you",
    ),
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
    known = tuple(begin for begins in UNSAID.values() for begin in begins)
    missing = [one for one in unsaid(language) if not one[0].startswith(known)]
    assert missing == [], "say it in a transcript of tests/dialogs/en, or why not in UNSAID"


def test_what_is_said_in_each_language_needs_no_reason() -> None:
    somewhere = {one[0] for language in LANGUAGES for one in unsaid(language)}
    begins = {begin for some in UNSAID.values() for begin in some}
    assert {begin for begin in begins if not any(one.startswith(begin) for one in somewhere)} == set()


@cache
def unsaid(language: str) -> list[tuple[str, ...]]:
    answers = said_in(language)
    return [one for one in sentences() if not any(is_said(catalogued(language, form), answers) for form in one)]


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
