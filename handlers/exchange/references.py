"""What cells name: however it is spelt, and whether it is there already."""

from collections.abc import Sequence
from typing import Any, TypeVar

from rapidfuzz.distance import OSA

from handlers.exchange.cells import NOTHING
from models.names import folded, named

M = TypeVar("M", bound=Any)
NEAR = 2  # letters that a slip of the keyboard changes


async def find_defined(table: type[M], name: str, what: str, **scope: Any) -> M:
    """The row of this name. Raises ValueError, with the name that was probably meant."""
    if one := await named(table, name, **scope):
        return one
    near = find_near(name, [one.name for one in await table.filter(**scope)])
    meant = f": did you mean {near!r}?" if near else ""
    raise ValueError(f"there is no {what} called {name[:40]!r}{meant}")


def find_near(name: str, others: Sequence[str]) -> str:
    """The one that was probably meant; an empty text when none is near."""
    near = min(others, key=lambda other: _distance(name, other), default="")
    return near if near and _distance(name, near) <= NEAR else ""


def _distance(name: str, other: str) -> int:
    return OSA.distance(folded(name), folded(other))


async def find_id(table: type[M], name: str, what: str, **scope: Any) -> int | None:
    """Its id, or None for the word that takes it away. Raises ValueError."""
    return None if name == NOTHING else int((await find_defined(table, name, what, **scope)).id)


def fold(names: Sequence[str | None]) -> tuple[str, ...]:
    """What no two rows share whose names may be spelt in different ways."""
    return tuple(folded(name or "") for name in names)
