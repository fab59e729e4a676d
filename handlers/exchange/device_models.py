"""Models of devices, as CSV."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from bot.company import Company
from bot.text.i18n import N_, Reason
from handlers.exchange.cells import NOTHING, Row, drop_empty, needed_text, one_of, optional_name, quoted, require
from handlers.exchange.sheet import ImportKind
from models.devices import LONGEST, DeviceModel, Kind
from models.names import folded, named, renew

COLUMNS = ("name", "manufacturer", "kind", "prefix")


class ModelRow(NamedTuple):
    name: str
    kind: str
    given: dict[str, Any]


def _read(row: Row, _company: Company) -> ModelRow:
    name, manufacturer = needed_text(row, "name"), needed_text(row, "manufacturer")
    prefix = optional_name(row, "prefix", LONGEST)
    kept = drop_empty(manufacturer=manufacturer, prefix="" if prefix == NOTHING else prefix and prefix.upper())
    return ModelRow(name, require(one_of(row, "kind", Kind), "kind"), kept)


async def _fits(row: ModelRow, _company: Company) -> None:
    known = await named(DeviceModel, row.name)
    if known and known.kind != row.kind:
        raise Reason(N_("{name} is a model of another kind already"), name=quoted(row.name, 40))


async def _write(row: ModelRow, _company: Company) -> bool:
    if known := await named(DeviceModel, row.name):
        return await renew(known, row.given)
    await DeviceModel.create(name=row.name, kind=row.kind, **row.given)
    return True


async def _rows(_company: Company) -> AsyncIterator[Sequence[object]]:
    for one in await DeviceModel.all().order_by("id"):
        yield one.name, one.manufacturer, one.kind, one.prefix


MODELS = ImportKind(
    columns=COLUMNS,
    rows=_rows,
    optional=("prefix",),
    read=_read,
    key=lambda row: folded(row.name),
    fits=_fits,
    write=_write,
)
