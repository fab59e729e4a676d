"""Models of devices, as CSV."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from bot.company import Company
from handlers.exchange.cells import NOTHING, Row, needed, one_of, optional, present, said
from handlers.exchange.sheet import Imported
from models.devices.tables import LONGEST, DeviceModel, Kind
from models.names import folded, named, renew

MODEL_COLUMNS = ("name", "manufacturer", "kind", "prefix")


class ModelRow(NamedTuple):
    name: str
    kind: str
    said: dict[str, Any]


def _read_model(row: Row, _company: Company) -> ModelRow:
    name, manufacturer = needed(row, "name"), needed(row, "manufacturer")
    prefix = optional(row, "prefix", LONGEST)
    kept = said(manufacturer=manufacturer, prefix="" if prefix == NOTHING else prefix and prefix.upper())
    return ModelRow(name, present(one_of(row, "kind", Kind), "kind"), kept)


async def _fits_model(row: ModelRow, _company: Company) -> None:
    known = await named(DeviceModel, row.name)
    if known and known.kind != row.kind:
        raise ValueError(f"{row.name[:40]!r} is a model of another kind already")


async def _write_model(row: ModelRow, _company: Company) -> bool:
    if known := await named(DeviceModel, row.name):
        return await renew(known, row.said)
    await DeviceModel.create(name=row.name, kind=row.kind, **row.said)
    return True


async def _models(_company: Company) -> AsyncIterator[Sequence[object]]:
    for one in await DeviceModel.all().order_by("id"):
        yield one.name, one.manufacturer, one.kind, one.prefix


MODELS = Imported(
    MODEL_COLUMNS,
    _models,
    ("prefix",),
    lambda row: folded(row.name),
    _read_model,
    _fits_model,
    _write_model,
)
