"""What cells name: however it is spelt, and whether it is there already."""

from collections.abc import Sequence
from typing import Any, TypeVar

from rapidfuzz.distance import OSA

from bot.text.i18n import N_, Reason
from handlers.exchange.cells import NOTHING, quoted
from models.names import folded, named

M = TypeVar("M", bound=Any)
NO_MINI_GRID = N_("there is no mini_grid called {name}")
NEAR = 2  # letters that a slip of the keyboard changes


async def find_defined(table: type[M], name: str, none: str, **scope: Any) -> M:
    """The row of this name. Raises Reason: `none`, which says that there is no such `{name}`, with the name that was
    probably meant."""
    if one := await named(table, name, **scope):
        return one
    near = find_near(name, [one.name for one in await table.filter(**scope)])
    wrong = Reason(none, name=quoted(name, 40))
    raise Reason(N_("{wrong}: did you mean {near}?"), wrong=wrong, near=repr(near)) if near else wrong


def find_near(name: str, others: Sequence[str]) -> str:
    """The one that was probably meant; an empty text when none is near."""
    near = min(others, key=lambda other: _distance(name, other), default="")
    return near if near and _distance(name, near) <= NEAR else ""


def _distance(name: str, other: str) -> int:
    return OSA.distance(folded(name), folded(other))


async def find_id(table: type[M], name: str, none: str, **scope: Any) -> int | None:
    """Its id, or None for the word that takes it away. Raises Reason."""
    return None if name == NOTHING else int((await find_defined(table, name, none, **scope)).id)


def fold(names: Sequence[str | None]) -> tuple[str, ...]:
    """What no two rows share whose names may be spelt in different ways."""
    return tuple(folded(name or "") for name in names)
