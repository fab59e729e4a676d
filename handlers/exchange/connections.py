"""Meter types and the connections that customers may have, as CSV."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from bot.company import Company
from bot.text.i18n import N_, Reason
from handlers.exchange.cells import NOTHING, Row, needed_text, optional_name, text
from handlers.exchange.references import find_id, fold
from handlers.exchange.sheet import ImportKind
from models.devices import Tariff, Unit
from models.devices.connections import ConnectionGroup, ConnectionType, MeterType, SubConnectionType
from models.names import named_or_new, renew

NO_METER_TYPE = N_("there is no meter type called {name}")
CONNECTION_COLUMNS = ("type", "sub_type", "tariff", "meter_type", "group")


class MeterTypeRow(NamedTuple):
    name: str


class ConnectionRow(NamedTuple):
    """A connection type with what is usual for it, or one of its sub types, or (with neither) a group."""

    type: str | None
    sub_type: str | None
    tariff: str | None
    meter_type: str | None
    group: str | None


def _read_meter_type(row: Row, _company: Company) -> MeterTypeRow:
    return MeterTypeRow(needed_text(row, "name"))


async def _write_meter_type(row: MeterTypeRow, _company: Company) -> bool:
    return (await named_or_new(MeterType, row.name))[1]


async def _meter_types(_company: Company) -> AsyncIterator[Sequence[object]]:
    for one in await MeterType.all().order_by("id"):
        yield (one.name,)


def _read_connection(row: Row, _company: Company) -> ConnectionRow:
    names = (text(row, column) for column in ("type", "sub_type"))
    read = ConnectionRow(*names, *(optional_name(row, column) for column in ("tariff", "meter_type", "group")))
    usual = read.tariff or read.meter_type
    if not read.type and (read.sub_type or usual):
        raise Reason(N_("{column} is empty"), column="type")
    if read.sub_type and (usual or read.group):
        raise Reason(N_("what is usual stands in the row of the type, the one without a sub_type"))
    if not read.type and (not read.group or read.group == NOTHING):
        raise Reason(N_("type and group are empty"))
    return read


async def _fits_connection(row: ConnectionRow, _company: Company) -> None:
    await _usual(row)


async def _usual(row: ConnectionRow) -> dict[str, int | None]:
    """What is usual for a type, as far as it has to be there already. Raises Reason."""
    usual: dict[str, int | None] = {}
    if row.tariff:
        energy, none = Unit.ENERGY.value, N_("there is no tariff of energy called {name}")
        usual["usual_tariff_id"] = await find_id(Tariff, row.tariff, none, unit=energy)
    if row.meter_type:
        usual["usual_meter_type_id"] = await find_id(MeterType, row.meter_type, NO_METER_TYPE)
    return usual


async def _write_connection(row: ConnectionRow, _company: Company) -> bool:
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


async def _connections(_company: Company) -> AsyncIterator[Sequence[object]]:
    for group in await ConnectionGroup.all().order_by("id"):
        yield "", "", "", "", group.name
    types = ConnectionType.all().order_by("id").select_related("usual_tariff", "usual_meter_type", "usual_group")
    for one in await types:
        usual = (one.usual_tariff, one.usual_meter_type, one.usual_group)
        yield one.name, "", *(each.name if each else "" for each in usual)
        for sub in await SubConnectionType.filter(type_id=one.id).order_by("id"):
            yield one.name, sub.name, "", "", ""


METER_TYPES = ImportKind(
    columns=MeterTypeRow._fields,
    rows=_meter_types,
    read=_read_meter_type,
    key=fold,
    write=_write_meter_type,
)
CONNECTIONS = ImportKind(
    columns=CONNECTION_COLUMNS,
    rows=_connections,
    optional=CONNECTION_COLUMNS[1:],
    read=_read_connection,
    key=lambda row: fold((row.type, row.sub_type, "" if row.type else row.group)),
    fits=_fits_connection,
    write=_write_connection,
)
