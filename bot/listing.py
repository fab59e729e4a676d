"""Numbered choices on as many screens as they need."""

from collections.abc import Sequence

from bot.gsm import SCREEN, septets

BACK, MORE = "0", "9"
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
