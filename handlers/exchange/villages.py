"""What the office defines before anybody is registered: villages, meter types, connections, models of devices."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from bot.company import Site
from handlers.exchange.cells import NOTHING, Row, needed, one_of, optional, present, said, text
from handlers.exchange.references import number_of
from handlers.exchange.sheet import Imported
from models.devices.connections import ConnectionGroup, ConnectionType, MeterType, SubConnectionType
from models.devices.tables import LONGEST, DeviceModel, Kind, Plan, Unit
from models.names import folded, named, named_or_new, renew
from models.people.tables import MiniGrid, Village

CONNECTION_COLUMNS = ("type", "sub_type", "tariff", "meter_type", "group")
MODEL_COLUMNS = ("name", "manufacturer", "kind", "prefix")


class VillageRow(NamedTuple):
    mini_grid: str
    village: str | None


class MeterTypeRow(NamedTuple):
    name: str


class ConnectionRow(NamedTuple):
    """A connection type with what is usual for it, or one of its sub types, or (with neither) a group."""

    type: str | None
    sub_type: str | None
    tariff: str | None
    meter_type: str | None
    group: str | None


class ModelRow(NamedTuple):
    name: str
    kind: str
    said: dict[str, Any]


def _folded(row: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(folded(name or "") for name in row)


async def _fits(_row: object, _site: Site) -> None:
    """Nothing has to be there before."""


def _read_village(row: Row, _site: Site) -> VillageRow:
    return VillageRow(needed(row, "mini_grid"), text(row, "village"))


async def _write_village(row: VillageRow, _site: Site) -> bool:
    """A mini-grid that is new is made, with a village or without one."""
    grid, new = await named_or_new(MiniGrid, row.mini_grid)
    if row.village:
        _village, new = await named_or_new(Village, row.village, mini_grid_id=grid.id)
    return new


async def _villages(_site: Site) -> AsyncIterator[Sequence[object]]:
    for grid in await MiniGrid.all().order_by("id"):
        villages = await Village.filter(mini_grid_id=grid.id).order_by("id")
        for name in [village.name for village in villages] or [""]:
            yield grid.name, name


def _read_meter_type(row: Row, _site: Site) -> MeterTypeRow:
    return MeterTypeRow(needed(row, "name"))


async def _write_meter_type(row: MeterTypeRow, _site: Site) -> bool:
    return (await named_or_new(MeterType, row.name))[1]


async def _meter_types(_site: Site) -> AsyncIterator[Sequence[object]]:
    for one in await MeterType.all().order_by("id"):
        yield (one.name,)


def _read_connection(row: Row, _site: Site) -> ConnectionRow:
    names = (text(row, column) for column in ("type", "sub_type"))
    read = ConnectionRow(*names, *(optional(row, column) for column in ("tariff", "meter_type", "group")))
    usual = read.tariff or read.meter_type
    if not read.type and (read.sub_type or usual):
        raise ValueError("type is empty")
    if read.sub_type and (usual or read.group):
        raise ValueError("what is usual stands in the row of the type, the one without a sub_type")
    if not read.type and (not read.group or read.group == NOTHING):
        raise ValueError("type and group are empty")
    return read


async def _fits_connection(row: ConnectionRow, _site: Site) -> None:
    await _usual(row)


async def _usual(row: ConnectionRow) -> dict[str, int | None]:
    """What is usual for a type, as far as it has to be there already. Raises ValueError."""
    usual: dict[str, int | None] = {}
    if row.tariff:
        energy = Unit.ENERGY.value
        usual["usual_plan_id"] = await number_of(Plan, row.tariff, "tariff of energy", unit=energy)
    if row.meter_type:
        usual["usual_meter_type_id"] = await number_of(MeterType, row.meter_type, "meter type")
    return usual


async def _write_connection(row: ConnectionRow, _site: Site) -> bool:
    """A type or group that is new is made. The row of a type says what is usual for it."""
    usual, new_group = await _usual(row), False
    if row.group == NOTHING:
        usual["usual_group_id"] = None
    elif row.group:
        group, new_group = await named_or_new(ConnectionGroup, row.group)
        usual["usual_group_id"] = group.id
    if not row.type:
        return new_group
    type_, new = await named_or_new(ConnectionType, row.type)
    if row.sub_type:
        return (await named_or_new(SubConnectionType, row.sub_type, type_id=type_.id))[1] or new
    return await renew(type_, usual) or new or new_group


async def _connections(_site: Site) -> AsyncIterator[Sequence[object]]:
    for group in await ConnectionGroup.all().order_by("id"):
        yield "", "", "", "", group.name
    types = ConnectionType.all().order_by("id").select_related("usual_plan", "usual_meter_type", "usual_group")
    for one in await types:
        usual = (one.usual_plan, one.usual_meter_type, one.usual_group)
        yield one.name, "", *(each.name if each else "" for each in usual)
        for sub in await SubConnectionType.filter(type_id=one.id).order_by("id"):
            yield one.name, sub.name, "", "", ""


def _read_model(row: Row, _site: Site) -> ModelRow:
    name, manufacturer = needed(row, "name"), needed(row, "manufacturer")
    prefix = optional(row, "prefix", LONGEST)
    kept = said(manufacturer=manufacturer, prefix="" if prefix == NOTHING else prefix and prefix.upper())
    return ModelRow(name, present(one_of(row, "kind", Kind), "kind"), kept)


async def _fits_model(row: ModelRow, _site: Site) -> None:
    known = await named(DeviceModel, row.name)
    if known and known.kind != row.kind:
        raise ValueError(f"{row.name[:40]!r} is a model of another kind already")


async def _write_model(row: ModelRow, _site: Site) -> bool:
    if known := await named(DeviceModel, row.name):
        return await renew(known, row.said)
    await DeviceModel.create(name=row.name, kind=row.kind, **row.said)
    return True


async def _models(_site: Site) -> AsyncIterator[Sequence[object]]:
    for one in await DeviceModel.all().order_by("id"):
        yield one.name, one.manufacturer, one.kind, one.prefix


VILLAGES = Imported(VillageRow._fields, _villages, ("village",), _folded, _read_village, _fits, _write_village)
METER_TYPES = Imported(MeterTypeRow._fields, _meter_types, (), _folded, _read_meter_type, _fits, _write_meter_type)
CONNECTIONS = Imported(
    CONNECTION_COLUMNS,
    _connections,
    CONNECTION_COLUMNS[1:],
    lambda row: _folded((row.type, row.sub_type, "" if row.type else row.group)),
    _read_connection,
    _fits_connection,
    _write_connection,
)
MODELS = Imported(
    MODEL_COLUMNS,
    _models,
    ("prefix",),
    lambda row: folded(row.name),
    _read_model,
    _fits_model,
    _write_model,
)
