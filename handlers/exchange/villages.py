"""What the office defines before anybody is registered: villages, meter types, connections, models of devices."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from bot.company import Company
from handlers.exchange.cells import Row, needed, text
from handlers.exchange.sheet import Imported
from models.names import folded, named_or_new
from models.people.tables import MiniGrid, Village


class VillageRow(NamedTuple):
    mini_grid: str
    village: str | None


def _folded(row: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(folded(name or "") for name in row)


async def _fits(_row: object, _company: Company) -> None:
    """Nothing has to be there before."""


def _read_village(row: Row, _company: Company) -> VillageRow:
    return VillageRow(needed(row, "mini_grid"), text(row, "village"))


async def _write_village(row: VillageRow, _company: Company) -> bool:
    """A mini-grid that is new is made, with a village or without one."""
    grid, new = await named_or_new(MiniGrid, row.mini_grid)
    if row.village:
        _village, new = await named_or_new(Village, row.village, mini_grid_id=grid.id)
    return new


async def _villages(_company: Company) -> AsyncIterator[Sequence[object]]:
    for grid in await MiniGrid.all().order_by("id"):
        villages = await Village.filter(mini_grid_id=grid.id).order_by("id")
        for name in [village.name for village in villages] or [""]:
            yield grid.name, name


VILLAGES = Imported(VillageRow._fields, _villages, ("village",), _folded, _read_village, _fits, _write_village)
