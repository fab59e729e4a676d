"""What the macro `chart` draws: bars of figures, each with a sentence that says what it is."""

from typing import NamedTuple


class Bar(NamedTuple):
    """One bar."""

    title: str  # what is shown to whoever points at it
    value: int | float
    mark: str = ""  # a class of office.css: `down`, `paused`, `none`, `soft`
