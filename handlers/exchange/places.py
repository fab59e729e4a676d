"""What the office defines before anybody is registered: villages, meter types, connections, models of devices."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from bot.site import Site
from handlers.exchange.sheet import Imported, Row, needed
from models.connections import ConnectionGroup, ConnectionType, MeterType, SubConnectionType
from models.devices import LONGEST, DeviceModel, Kind, Plan, Unit
from models.people import MiniGrid, Village


class VillageRow(NamedTuple):
    mini_grid: str
    village: str


class MeterTypeRow(NamedTuple):
    name: str


class ConnectionRow(NamedTuple):
    """A connection type with what is usual for it, or one of its sub types, or (with neither) a group."""

    type: str
    sub_type: str
    tariff: str
    meter_type: str
    group: str


class ModelRow(NamedTuple):
    name: str
    manufacturer: str
    kind: str
    prefix: str


async def _fits(_row: object) -> None:
    """Nothing has to be there before."""


def _short(row: Row, column: str) -> str:
    """A field that may be empty. Raises ValueError."""
    return needed(row, column) if row.get(column) else ""


def _read_village(row: Row, _site: Site) -> VillageRow:
    return VillageRow(needed(row, "mini_grid"), _short(row, "village"))


async def _write_village(row: VillageRow, _site: Site) -> bool:
    """A mini-grid that is new is made, with a village or without one."""
    grid, new = await MiniGrid.get_or_create(name=row.mini_grid)
    if row.village:
        _village, new = await Village.get_or_create(name=row.village, mini_grid=grid)
    return new


async def _villages(_site: Site) -> AsyncIterator[Sequence[object]]:
    for grid in await MiniGrid.all().order_by("id"):
        villages = await Village.filter(mini_grid_id=grid.id).order_by("id")
        for name in [village.name for village in villages] or [""]:
            yield grid.name, name


def _read_meter_type(row: Row, _site: Site) -> MeterTypeRow:
    return MeterTypeRow(needed(row, "name"))


async def _write_meter_type(row: MeterTypeRow, _site: Site) -> bool:
    return (await MeterType.get_or_create(name=row.name))[1]


async def _meter_types(_site: Site) -> AsyncIterator[Sequence[object]]:
    for one in await MeterType.all().order_by("id"):
        yield (one.name,)


def _read_connection(row: Row, _site: Site) -> ConnectionRow:
    read = ConnectionRow(*(_short(row, column) for column in ConnectionRow._fields))
    usual = read.tariff or read.meter_type
    if not read.type and (read.sub_type or usual):
        raise ValueError("type is empty")
    if read.sub_type and (usual or read.group):
        raise ValueError("what is usual stands in the row of the type, the one without a sub_type")
    if not any(read):
        raise ValueError("type and group are empty")
    return read


async def _fits_connection(row: ConnectionRow) -> None:
    if row.tariff and not await Plan.exists(name=row.tariff, unit=Unit.ENERGY):
        raise ValueError(f"there is no tariff of energy called {row.tariff[:40]!r}")
    if row.meter_type and not await MeterType.exists(name=row.meter_type):
        raise ValueError(f"there is no meter type called {row.meter_type[:40]!r}")


async def _write_connection(row: ConnectionRow, _site: Site) -> bool:
    """A type or group that is new is made. The row of a type says all that is usual for it."""
    group, new_group = await ConnectionGroup.get_or_create(name=row.group) if row.group else (None, False)
    if not row.type:
        return new_group
    type_, new = await ConnectionType.get_or_create(name=row.type)
    if row.sub_type:
        return (await SubConnectionType.get_or_create(name=row.sub_type, type=type_))[1]
    tariff = await Plan.get(name=row.tariff) if row.tariff else None
    meter_type = await MeterType.get(name=row.meter_type) if row.meter_type else None
    usual = {"usual_plan_id": tariff, "usual_meter_type_id": meter_type, "usual_group_id": group}
    wanted = {column: one.id if one else None for column, one in usual.items()}
    if not new and all(getattr(type_, column) == value for column, value in wanted.items()):
        return new_group
    await ConnectionType.filter(id=type_.id).update(**wanted)
    return True


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
    kind, prefix = needed(row, "kind"), row.get("prefix", "").upper()
    if kind not in list(Kind):
        raise ValueError(f"kind is none of {', '.join(Kind)}: {kind[:20]!r}")
    if len(prefix) > LONGEST:
        raise ValueError(f"prefix is longer than {LONGEST} characters")
    return ModelRow(needed(row, "name"), needed(row, "manufacturer"), kind, prefix)


async def _fits_model(row: ModelRow) -> None:
    known = await DeviceModel.get_or_none(name=row.name)
    if known and known.kind != row.kind:
        raise ValueError(f"{row.name[:40]!r} is a model of another kind already")


async def _write_model(row: ModelRow, _site: Site) -> bool:
    known = await DeviceModel.get_or_none(name=row.name)
    if known is None:
        await DeviceModel.create(**row._asdict())
        return True
    if (known.manufacturer, known.prefix) == (row.manufacturer, row.prefix):
        return False
    await DeviceModel.filter(id=known.id).update(manufacturer=row.manufacturer, prefix=row.prefix)
    return True


async def _models(_site: Site) -> AsyncIterator[Sequence[object]]:
    for one in await DeviceModel.all().order_by("id"):
        yield one.name, one.manufacturer, one.kind, one.prefix


VILLAGES = Imported(VillageRow._fields, _villages, ("village",), lambda row: row, _read_village, _fits, _write_village)
METER_TYPES = Imported(
    MeterTypeRow._fields, _meter_types, (), lambda row: row, _read_meter_type, _fits, _write_meter_type
)
CONNECTIONS = Imported(
    ConnectionRow._fields,
    _connections,
    ConnectionRow._fields[1:],
    lambda row: (row.type, row.sub_type, "" if row.type else row.group),
    _read_connection,
    _fits_connection,
    _write_connection,
)
MODELS = Imported(ModelRow._fields, _models, ("prefix",), lambda row: row.name, _read_model, _fits_model, _write_model)
