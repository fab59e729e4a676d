"""Names as people mean them: the size of letters, accents and spaces do not tell two things apart."""

import unicodedata
from typing import Any, TypeVar

from tortoise.models import Model

from models.rows import find_row, find_rows

M = TypeVar("M", bound=Model)


def folded(text: str) -> str:
    """Small letters without accents, one space between words."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())


async def named(table: type[M], name: str, **scope: Any) -> M | None:
    """The row of this name, however it is spelt, among those of the scope. A table that people name things in is
    short; a name as it stands there is looked up by its index."""
    within = " AND ".join([f"{column} = ${number}" for number, column in enumerate(scope, 1)] or ["TRUE"])
    values = list(scope.values())
    if exact := await find_row(table, f"{within} AND name = ${len(values) + 1} ORDER BY id", [*values, name]):
        return exact
    wanted = folded(name)
    return next(
        (one for one in await find_rows(table, f"{within} ORDER BY id", values) if folded(_name(one)) == wanted), None
    )


def _name(one: Model) -> str:
    return str(one.name)  # type: ignore[attr-defined]


async def named_or_new(table: type[M], name: str, **scope: Any) -> tuple[M, bool]:
    """The row of this name, and whether it is new."""
    if known := await named(table, name, **scope):
        return known, False
    return await table.create(name=name, **scope), True


async def renew(known: Model, wanted: dict[str, Any]) -> bool:
    """Give a row these values, and `known` too; whether any of them is another one than before."""
    if all(getattr(known, column) == value for column, value in wanted.items()):
        return False
    await type(known).filter(pk=known.pk).update(**wanted)
    for column, value in wanted.items():
        setattr(known, column, value)
    return True
