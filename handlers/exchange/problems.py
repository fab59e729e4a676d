"""What is wrong with a file, told so that it can be read: equal problems as one, and never more than a screen."""

import re
from collections.abc import Sequence

from bot.text.i18n import N_, Say, in_english
from handlers.exchange.sheet import Problem

SHOWN = 20  # problems
LINES = 5  # of one problem
# What differs from row to row: what stands between quotation marks, and words with a digit in them, as serials have.
_OWN = re.compile(r"'[^']*'|\S*\d\S*")


def group_problems(problems: Sequence[Problem], say: Say = in_english) -> list[str]:
    """A sentence for each problem, with the lines that have it: at most `SHOWN`, at least one of each sort while there
    is room, and how many lines more are wrong. `say` fills a sentence, as in the reader's language."""
    lines: dict[str, list[int]] = {}
    for problem in problems:
        lines.setdefault(problem.reason.to(say), []).append(problem.line)
    first_of_sort = {_OWN.sub("", reason): reason for reason in reversed(lines)}
    chosen = list(dict.fromkeys([*reversed(first_of_sort.values()), *lines]))[:SHOWN]
    told = [f"{_name(lines[reason], say)}: {reason}" for reason in lines if reason in chosen]
    left = sum(len(numbers) for reason, numbers in lines.items() if reason not in chosen)
    return [*told, say(N_("and {n} more lines that are wrong in such ways"), n=f"{left:,}")] if left else told


def _name(numbers: Sequence[int], say: Say) -> str:
    lines = ", ".join(map(str, numbers[:LINES]))
    if len(numbers) > LINES:
        return say(N_("lines {lines} and {n} more"), lines=lines, n=f"{len(numbers) - LINES:,}")
    return say(N_("line {lines}") if len(numbers) == 1 else N_("lines {lines}"), lines=lines)
