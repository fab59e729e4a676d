"""Some rows of a list, the newest first, and where it goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True)
class Listed(Generic[Row]):
    """Some rows of a list that goes on behind them."""

    rows: Sequence[Row]
    next: int  # the id behind which the list goes on; 0: this is all
    looked: int = 0  # how many were looked through, where that ended these rows and not their number
