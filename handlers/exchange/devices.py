"""Whose devices are whose, on which plan, and what is known of a meter's connection."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from bot.company import Company
from bot.text.i18n import N_, Reason
from handlers.exchange.cells import NOTHING, Row, text
from handlers.exchange.connections import NO_METER_TYPE
from handlers.exchange.customers import Person, find_meant, person
from handlers.exchange.references import find_defined
from handlers.exchange.sheet import ImportKind
from handlers.exchange.stock import (
    all_devices,
    find_device,
    find_plan_and_model,
    hold_devices,
    require_vending_key,
    serial_number,
)
from models.devices import Device, Kind
from models.devices.access_rate import begin_access, settle_access
from models.devices.connections import Connection, ConnectionGroup, ConnectionType, MeterType, SubConnectionType
from models.devices.meters import new_meter
from models.names import renew
from models.selling.ownership import had_before
from models.tokens.sts import is_meter_number

LABELS = ("meter_type", "group", "type", "sub_type")
COLUMNS = ("serial", "plan", "name", "surname", "phone", "model", *LABELS, "customer")


class DeviceRow(NamedTuple):
    """What is None is left as it is: a device that was sold from the catalogue has no plan beside its contract."""

    serial: str
    owner: Person
    plan: str | None
    model: str | None
    meter_type: str | None
    group: str | None
    type: str | None
    sub_type: str | None


def _read(row: Row, company: Company) -> DeviceRow:
    said = (text(row, column) for column in ("plan", "model", *LABELS))
    read = DeviceRow(serial_number(row, "serial"), person(row, "customer", company), *said)
    if read.sub_type and not read.type:
        raise Reason(N_("type is empty beside a sub_type"))
    return read


async def _fits(row: DeviceRow, _company: Company) -> None:
    device = await Device.get_or_none(serial=row.serial)
    if device is None and not is_meter_number(row.serial):
        raise Reason(N_("{serial} is not in stock: import it as stock first"), serial=row.serial)
    if device is None:
        await require_vending_key()
    if not row.plan and (device is None or (device.customer_id is None and device.tariff_id is None)):
        raise Reason(N_("plan is empty, and this device has no owner yet"))
    kind = Kind(device.kind) if device else Kind.METER
    await _check_owner(row, device)
    await find_plan_and_model(kind, row.plan, row.model)
    if kind is not Kind.METER and any(getattr(row, column) for column in LABELS):
        raise Reason(N_("{columns} are for meters alone"), columns=", ".join(LABELS))
    await _labels(row)


async def _check_owner(row: DeviceRow, device: Device | None) -> None:
    owners, owner = [one.id for one in await find_meant(row.owner)], device.customer_id if device else None
    if not owners:
        raise Reason(N_("this customer is not there: import customers first"))
    if len(owners) > 1 and owner not in owners:
        raise Reason(N_("several customers have this name and phone: write the number of one as customer"))
    if owner is not None and owner not in owners:
        raise Reason(N_("{serial} belongs to somebody else"), serial=row.serial)
    if device and owner is None and device.retired_at:
        raise Reason(N_("{serial} is out of use: leave it out of the file"), serial=row.serial)
    if device and owner is None and await had_before(owners[0], device):  # the file is of the time before
        wrong = N_("{serial} came back from this customer: leave it out of the file, or register it once more")
        raise Reason(wrong, serial=row.serial)


async def _labels(row: DeviceRow) -> dict[str, int | None]:
    """The labels that the row names, as columns of a connection. Raises Reason when one is not defined."""
    found: dict[str, int | None] = {}
    if row.meter_type:
        found["meter_type_id"] = (await find_defined(MeterType, row.meter_type, NO_METER_TYPE)).id
    if row.group:
        found["group_id"] = (await find_defined(ConnectionGroup, row.group, N_("there is no group called {name}"))).id
    if row.type:
        found["type_id"] = (await find_defined(ConnectionType, row.type, N_("there is no type called {name}"))).id
    if row.sub_type:
        none = N_("there is no sub_type called {name}")
        found["sub_type_id"] = (await find_defined(SubConnectionType, row.sub_type, none, type_id=found["type_id"])).id
    return found


async def _write(row: DeviceRow, company: Company) -> bool:
    device = await find_device(row.serial) or await new_meter(row.serial, company.vault)
    await _check_owner(row, device)  # an agent may have sold it since the file was checked
    wanted: dict[str, Any] = await find_plan_and_model(device.kind, row.plan, row.model)
    if device.customer_id is None:
        wanted["customer_id"] = (await find_meant(row.owner))[0].id
        await begin_access(device, company.today())
    elif wanted.get("tariff_id", device.tariff_id) != device.tariff_id:
        await settle_access(device, company.today())
    changed = await renew(device, wanted)
    return await _connect(device, await _labels(row)) or changed


async def _connect(device: Device, wanted: dict[str, int | None]) -> bool:
    if not wanted:
        return False
    known, new = await Connection.get_or_create(device=device)
    if wanted.get("type_id", known.type_id) != known.type_id:
        wanted = {"sub_type_id": None, **wanted}  # another type's sub type goes with it
    return await renew(known, wanted) or new


async def _rows(_company: Company) -> AsyncIterator[Sequence[object]]:
    async for device in all_devices(owned=True):
        if customer := device.customer:
            plan, model = (one.name if one else "" for one in (device.tariff, device.model))
            labels = await _label_names(device) if device.kind == Kind.METER else [""] * len(LABELS)
            who = customer.name, customer.surname, customer.phone or NOTHING
            yield device.serial, plan, *who, model, *labels, customer.id


async def _label_names(device: Device) -> list[str]:
    known = await Connection.filter(device_id=device.id).select_related(*LABELS).first()
    return [each.name if (each := getattr(known, column, None)) else "" for column in LABELS]


DEVICES = ImportKind(
    columns=COLUMNS,
    rows=_rows,
    optional=("plan", "phone", "model", *LABELS, "customer"),
    read=_read,
    key=lambda row: row.serial,
    fits=_fits,
    hold=hold_devices,
    write=_write,
)
