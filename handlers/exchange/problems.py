"""What is wrong with a file, told so that it can be read: equal problems as one, and never more than a screen."""

import re
from collections.abc import Sequence

from handlers.exchange.sheet import Problem

SHOWN = 20  # problems
LINES = 5  # of one problem
# What differs from row to row: what stands between quotation marks, and words with a digit in them, as serials have.
_OWN = re.compile(r"'[^']*'|\S*\d\S*")


def group_problems(problems: Sequence[Problem]) -> list[str]:
    """A sentence for each problem, with the lines that have it: at most `SHOWN`, at least one of each sort while there
    is room, and how many lines more are wrong."""
    lines: dict[str, list[int]] = {}
    for problem in problems:
        lines.setdefault(problem.reason, []).append(problem.line)
    first_of_sort = {_OWN.sub("", reason): reason for reason in reversed(lines)}
    chosen = list(dict.fromkeys([*reversed(first_of_sort.values()), *lines]))[:SHOWN]
    told = [f"{_name(lines[reason])}: {reason}" for reason in lines if reason in chosen]
    left = sum(len(numbers) for reason, numbers in lines.items() if reason not in chosen)
    return [*told, f"and {left:,} more lines that are wrong in such ways"] if left else told


def _name(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"line {numbers[0]}"
    more = f" and {len(numbers) - LINES:,} more" if len(numbers) > LINES else ""
    return f"lines {', '.join(map(str, numbers[:LINES]))}{more}"
