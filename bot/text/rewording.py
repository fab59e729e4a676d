"""The office may say a sentence of the catalogue in its own words, by the rules that the catalogue itself keeps."""

import re
import string
from collections.abc import Iterator

from bot.text.gsm import is_gsm, plain, septets
from bot.text.i18n import N_, Reason, catalogued, list_english

# What carriers take for themselves when somebody sends it: never a choice in a text of ours.
TAKEN = re.compile(r"\b(CANCEL|END|QUIT|YES|UNSUBSCRIBE)\b")


def find_gaps(sentence: str) -> list[str]:
    """The gaps of a sentence by their names, in order. Raises ValueError for one that is written wrongly."""
    found = []
    for _text, name, spec, conversion in string.Formatter().parse(sentence):
        if name is not None:
            if spec or conversion or not name.isidentifier():
                raise ValueError(name)
            found.append(name)
    return found


def find_mistake(language: str, english: str, said: str) -> Reason | None:
    """Why a sentence may not be said so; None when it may.

    It may be as long as the one that it replaces: that one was measured at the longest values of its gaps, and with all
    that may stand beside it in one SMS."""
    usual = catalogued(language, english)
    try:
        gaps = find_gaps(said)
    except ValueError:
        return Reason(
            N_("A gap is written like {gap}, and {brackets} stand nowhere else."), gap="{name}", brackets="{ }"
        )
    wanted = find_gaps(usual)
    if {*gaps} != {*wanted} or len(gaps) > len(wanted):
        names = ", ".join(f"{{{name}}}" for name in wanted)
        if not names:
            return Reason(N_("This sentence has no gaps: leave {brackets} out."), brackets="{ }")
        return Reason(N_("Write each of these once: {names}."), names=names)
    if dear := "".join(dict.fromkeys(letter for letter in said if not is_gsm(letter))):
        return Reason(N_("These letters would make it cost more: {letters}"), letters=dear)
    if accents := "".join(dict.fromkeys(letter for letter in said if plain(letter) != letter)):
        return Reason(N_("The machine's texts go out without accents: write {letters} without."), letters=accents)
    letters, room = septets(said), septets(usual)
    if letters > room:
        too_long = N_("It has {letters} letters. It may have {room}: more would not fit into one SMS.")
        return Reason(too_long, letters=letters, room=room)
    if taken := TAKEN.search(said):
        return Reason(N_("Carriers keep the word {word} for themselves."), word=taken[0])
    return None


def find_sentences(words: str, language: str) -> Iterator[str]:
    """The English of sentences that have these words, in English or in this language."""
    looked_for = words.casefold()
    for english in list_english():
        if looked_for in english.casefold() or looked_for in catalogued(language, english).casefold():
            yield english
