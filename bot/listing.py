"""Numbered choices on as many screens as they need."""

from collections.abc import Mapping, Sequence

from bot.grammar import plain_word
from bot.gsm import SCREEN, septets

BACK, MORE = "0", "9"
FEWEST_LETTERS = 3  # of a name that stand for it
MOST_WORDS = 5  # of a name
LINES = 6  # choices on one screen; small phones show seven lines


def pages(header: str, labels: Sequence[str], more: str, spare: int) -> list[list[int]]:
    """Which labels (by position) stand on each page, as many as fit. `spare` septets stay free at the end."""
    found: list[list[int]] = [[]]
    for position in range(len(labels)):
        trial = [*found[-1], position]
        text = screen(header, [labels[i] for i in trial], more)
        if found[-1] and (len(trial) > LINES or septets(text) + spare > SCREEN):
            found.append([position])
        else:
            found[-1] = trial
    return found


def screen(header: str, labels: Sequence[str], more: str) -> str:
    """A header, the choices numbered from 1, and the line for more (empty: there is no more)."""
    lines = [header] if header else []
    lines += [f"{number}. {label}" for number, label in enumerate(labels, 1)]
    if more:
        lines.append(f"{MORE}. {more}")
    return "\n".join(lines)


def called(names: Mapping[str, Sequence[str]], word: str) -> str | None:
    """The choice that has this name, or the only one with a name that begins so."""
    typed = plain_word(word)
    plain = {value: [plain_word(name) for name in several] for value, several in names.items()}
    whole = [value for value, several in plain.items() if typed in several]
    if whole or len(typed) < FEWEST_LETTERS:
        return whole[0] if whole else None
    begun = [value for value, several in plain.items() if any(name.startswith(typed) for name in several)]
    return begun[0] if len(begun) == 1 else None


def spoken(names: Mapping[str, Sequence[str]], pieces: Sequence[str]) -> int:
    """How many of the pieces of one line say a choice: names have spaces."""
    counts = range(min(len(pieces), MOST_WORDS), 1, -1)
    return next((count for count in counts if called(names, " ".join(pieces[:count]))), 1)
