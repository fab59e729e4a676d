"""Which of two a line is that may be both: a command, or an answer to what was asked."""

import re

from bot.talks import Talk
from bot.talks.commands import NO_ARGUMENTS, Found
from bot.talks.replay import TurnResult
from bot.talks.state import Fits, TalkState
from bot.text import plain_word
from bot.text.answers import PIN_DIGITS, begins, consent, looks_like_answer
from bot.text.grammar import split

_SERIAL = re.compile(r"\d{3}")  # what names a device has so many digits together
_LINE = re.compile(r"\W*\d{1,2}(?!\w|[.,]\d)")  # what a text begins with that chooses a line of a list


def fits_at_worst(found: Found | None, text: str) -> Fits | None:
    """How a text, in which this command was found or none, has to fit what somebody else's talk asked, to be its
    answer. None: it is a command."""
    if found is None:
        return Fits.UNCLEAR
    if found.talk.gives_way and found.arguments and not _SERIAL.search(text):  # problem solved
        return Fits.OTHER
    return Fits.ANSWER if found.talk.find_question else None  # Fixed, thank you


def is_answer_after_all(asked: TalkState, talk: Talk, line: str, result: TurnResult, language: str) -> bool:
    """Whether a line that begins with a keyword of this talk, which answered it so, is for the question that was open:
    it was to be answered by words, and no whole command came of them."""
    rejected = result.outcome == "rejected"
    if not asked.naming:
        return asked.free and rejected and _is_sentence(talk, line)
    undone = rejected or (not talk.reads and (result.open or result.outcome == "ended"))
    return undone and talk.name != asked.talk and _is_name(talk, line, language)


def _is_name(talk: Talk, line: str, language: str) -> bool:
    """Whether a line may be the name of somebody which begins with a keyword, as Shida Juma does: words alone, of which
    the first is none that help shows for the command."""
    first, *others = split(line)
    shown = {plain_word(talk.keyword.to(each)) for each in (language, "en")}
    return bool(others) and plain_word(first) not in shown and not any(map(str.isdigit, line))


def _is_sentence(talk: Talk, line: str) -> bool:
    """Whether a line that does not fit the command with whose keyword it begins is none: either nothing stands behind
    that keyword, or a number, and there is none. Token does not work."""
    if talk.usage is NO_ARGUMENTS:
        return True
    if talk.example is None or talk.commas:  # SELL, which takes a name as well
        return False
    if _is_shortened(split(line)[0], talk):
        return False
    return has_digit(split(talk.example.to("en"))[0]) and not has_digit(line)


def _is_shortened(word: str, talk: Talk) -> bool:
    """Whether a keyword is the beginning of another one of its language, as CUST is: nobody writes it in a sentence."""
    known = [tuple(map(plain_word, words)) for words in talk.words.values()]
    short = plain_word(word)
    return any(short in words and any(other != short and other.startswith(short) for other in words) for words in known)


def is_first(state: TalkState, talk: Talk, text: str) -> bool:
    """Whether a text is for a command's first question, and may bring the answers to the others with it. One that
    names a line of a list does not: 2 still dark is not for ticket K2."""
    names_line = state.shown and _LINE.match(text)
    return not (state.answers or state.confirming or state.free or talk.secret or names_line)


def may_be_all_answers(talk: Talk, text: str) -> bool:
    """Whether a text may be all answers to this talk's questions at once. No yes is, nor its PIN, which came late."""
    pieces = split(text)
    pin = begins(text) is not None and any(piece.isdecimal() and len(piece) == PIN_DIGITS for piece in pieces)
    parted = "," in text if talk.commas else len(pieces) > 1
    return parted and not (pin or looks_like_answer(text) or consent(text) is not None)


def has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))
