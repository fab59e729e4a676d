"""Numbered choices on as many screens as they need."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, starmap
from operator import sub

from bot.text import SCREEN, Text, _, plain, plain_word, septets
from bot.text.i18n import until_reworded

BACK, MORE = "0", "9"
FEWEST_LETTERS = 3  # of a name that stand for it
MOST_WORDS = 5  # of a name
LINES = 6  # choices on one screen; small phones show seven lines
NO_WORDS: Mapping[str, Collection[str]] = {}
ROOM = 40  # septets of the choices that one sentence names


def pages(
    header: Text, labels: Sequence[Text], more: Text, back: Text, languages: Collection[str]
) -> Sequence[Sequence[int]]:
    """Which labels (by position) stand on each page: six, or as many as fit in the longest of the languages. So a
    number stands for the same line in all of them. There is room for the way back, and for what a wrong key is told in
    place of the header."""
    languages = tuple(languages)
    head, lines = tuple(_head(header, languages)), [*labels, more, back]
    if all(line.is_fixed for line in lines):
        return _pages_of_fixed(head, tuple(line.english for line in lines), languages)
    return _laid_out(head, lines, languages)


@until_reworded(most=256)  # whatever key is pressed in a menu, its pages are needed to know which line it stands for
def _pages_of_fixed(head: tuple[int, ...], lines: tuple[str, ...], languages: tuple[str, ...]) -> Sequence[range]:
    return _laid_out(head, [*map(Text, lines)], languages)


def _laid_out(head: Sequence[int], lines: Sequence[Text], languages: tuple[str, ...]) -> Sequence[range]:
    """The pages of all lines but the last two, which are for more and for the way back; `head` is what the header costs
    in each of the languages."""
    *labels, more, back = (_costs(line, languages) for line in lines)
    numbered = [[cost + len("1. ") for cost in costs] for costs in labels]
    if len(labels) <= LINES and all(sum(costs) <= SCREEN for costs in zip(head, back, *numbered, strict=True)):
        return (range(len(labels)),)
    empty = [SCREEN - sum(costs) - len("9. ") for costs in zip(head, back, more, strict=True)]
    room, begins = empty, [0]  # what is left on the last page in each of the languages, and where each page begins
    for position, costs in enumerate(numbered):
        left = list(map(sub, room, costs))
        if position > begins[-1] and (position - begins[-1] == LINES or min(left) < 0):
            begins.append(position)
            left = list(map(sub, empty, costs))
        room = left
    return tuple(starmap(range, pairwise([*begins, len(labels)])))


def on_one_page(header: Text, labels: Sequence[Text], back: Text, languages: Collection[str]) -> bool:
    """Whether all labels fit below the header, with the way back, in each of the languages."""
    languages = tuple(languages)
    numbers = len("1. ") * len(labels)
    shown = [_head(header, languages), _costs(back, languages), *(_costs(label, languages) for label in labels)]
    return all(sum(costs) + numbers <= SCREEN for costs in zip(*shown, strict=True))


def _head(header: Text, languages: tuple[str, ...]) -> list[int]:
    """What the header costs in each of the languages, or what is told of a wrong key in its place."""
    return list(map(max, _costs(header, languages), _costs_of_wrong_key(languages)))


def _costs(line: Text, languages: tuple[str, ...]) -> Sequence[int]:
    """Septets in each of the languages, with the line break."""
    if line.is_fixed:
        return _costs_of_fixed(line.english, languages)
    return _measure(line, languages[:1]) * len(languages) if line.is_verbatim else _measure(line, languages)


def _measure(line: Text, languages: tuple[str, ...]) -> list[int]:
    return [septets(plain(line.to(one), accents=True)) + 1 for one in languages]


@until_reworded(most=1024)  # each screen measures all lines of its menu
def _costs_of_fixed(english: str, languages: tuple[str, ...]) -> list[int]:
    return _measure(Text(english), languages)


@until_reworded(most=64)
def _costs_of_wrong_key(languages: tuple[str, ...]) -> list[int]:
    return _measure(choose_up_to(LINES), languages)  # the longest of them


def choose_up_to(count: int) -> Text:
    """What a wrong key is told, where the choices go from 1 to `count`."""
    if count == 1:
        return _("Choose 1.")
    return _("Choose 1 or 2.") if count == 2 else _("Choose a number 1 to {n}.", n=count)


def screen(header: str, labels: Sequence[str], more: str) -> str:
    """A header, the choices numbered from 1, and the line for more (empty: there is no more)."""
    lines = [header] if header else []
    lines += [f"{number}. {label}" for number, label in enumerate(labels, 1)]
    if more:
        lines.append(f"{MORE}. {more}")
    return "\n".join(lines)


def enumerated(choices: Sequence[str]) -> str:
    """Choices in a sentence, as many whole ones as there is room for: E-bike, Radio, .."""
    for count in range(len(choices), 0, -1):
        said = ", ".join([*choices[:count], *([".."] if count < len(choices) else [])])
        if septets(plain(said)) <= ROOM:
            return said
    return choices[0][:ROOM] if choices else ""


@dataclass(frozen=True)
class Choices:
    """The options of one question: values with their labels."""

    options: Sequence[tuple[str, Text]]
    languages: Sequence[str]
    words: Mapping[str, Collection[str]]  # further ones, by value

    @cached_property
    def names(self) -> dict[str, set[str]]:
        """By what each option goes: its label in every language as keywords do, further words, and its value; but a
        value of digits is a number of ours, which only looks like one on the screen. Made for who sends a word: most
        people press a number."""
        labels = {value: {label.to(language) for language in self.languages} for value, label in self.options}
        return {
            value: {*several, *self.words.get(value, ()), *([] if value.isdecimal() else [value])}
            for value, several in labels.items()
        }


def means_one(names: Mapping[str, Collection[str]], pieces: Sequence[str]) -> bool:
    """Whether the first of the pieces names an option, or has the number of one."""
    numbers = map(str, range(1, len(names) + 1))
    return bool(pieces) and (pieces[0] in numbers or choice_named(names, pieces[0]) is not None)


def choice_named(names: Mapping[str, Collection[str]], word: str) -> str | None:
    """The choice that has this name, or the only one with a name that begins so; a space, a hyphen or a full stop more
    or less does not count: ebike is the E-bike."""
    for spelt in (plain_word, _closed_up):
        typed = spelt(word)
        plain = {value: [spelt(name) for name in several] for value, several in names.items()}
        whole = [value for value, several in plain.items() if typed in several]
        if whole and (spelt is plain_word or len(whole) == 1):
            return whole[0]
        if len(typed) < FEWEST_LETTERS:
            return None
        begun = [value for value, several in plain.items() if any(name.startswith(typed) for name in several)]
        if begun:
            return begun[0] if len(begun) == 1 else None
    return None


def _closed_up(word: str) -> str:
    return re.sub("[ .-]", "", plain_word(word))


def spoken(names: Mapping[str, Collection[str]], pieces: Sequence[str]) -> int:
    """How many of the pieces of one line say a choice: names have spaces."""
    counts = range(min(len(pieces), MOST_WORDS), 1, -1)
    return next((count for count in counts if choice_named(names, " ".join(pieces[:count]))), 1)
