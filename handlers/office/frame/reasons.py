"""What is wrong with a file, in the reader's language: the command line says the same in English."""

from collections.abc import Sequence

from handlers.exchange import group_problems
from handlers.exchange.sheet import Problem
from handlers.office.frame.words import _


def say_problems(problems: Sequence[Problem]) -> list[str]:
    """A sentence for each problem, with the lines that have it."""
    return group_problems(problems, _)
