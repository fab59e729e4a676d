"""Mini-grids and their villages, as CSV."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from bot.company import Company
from handlers.exchange.cells import Row, needed_text, text
from handlers.exchange.references import fold
from handlers.exchange.sheet import ImportKind
from models.names import named_or_new
from models.people import MiniGrid, Village


class VillageRow(NamedTuple):
    mini_grid: str
    village: str | None


def _read(row: Row, _company: Company) -> VillageRow:
    return VillageRow(needed_text(row, "mini_grid"), text(row, "village"))


async def _write(row: VillageRow, _company: Company) -> bool:
    """A mini-grid that is new is made, with a village or without one."""
    grid, new = await named_or_new(MiniGrid, row.mini_grid)
    if row.village:
        _village, new = await named_or_new(Village, row.village, mini_grid_id=grid.id)
    return new


async def _rows(_company: Company) -> AsyncIterator[Sequence[object]]:
    for grid in await MiniGrid.all().order_by("id"):
        villages = await Village.filter(mini_grid_id=grid.id).order_by("id")
        for name in [village.name for village in villages] or [""]:
            yield grid.name, name


VILLAGES = ImportKind(
    columns=VillageRow._fields,
    rows=_rows,
    optional=("village",),
    read=_read,
    key=fold,
    write=_write,
)
