"""Whose devices are whose, on which plan, and what is known of a meter's connection."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from bot import phone
from bot.site import Site
from handlers.exchange.devices import all_devices, needs_vending_key
from handlers.exchange.sheet import Imported, Row, needed
from models.connections import Connection, ConnectionGroup, ConnectionType, MeterType, SubConnectionType
from models.devices import LONGEST, Device, DeviceModel, Kind, Plan, Unit
from models.people import Customer
from models.registration import new_meter
from models.tokens.sts import is_meter_number

Label = MeterType | ConnectionGroup | ConnectionType | SubConnectionType
LABELS = ("meter_type", "group", "type", "sub_type")


class DeviceRow(NamedTuple):
    """An empty plan, and of the last five an empty one, leaves what is there as it is: a device that was sold from
    the catalogue has no plan beside its contract."""

    serial: str
    plan: str
    name: str
    surname: str
    phone: str | None
    model: str
    meter_type: str
    group: str
    type: str
    sub_type: str


def _read_device(row: Row, site: Site) -> DeviceRow:
    number = row.get("phone", "")
    try:
        parsed = phone.parse(number, site.country) if number and number.lower() != "none" else None
    except ValueError as error:
        raise ValueError(f"phone is no phone number: {number[:20]!r}") from error
    serial = "".join(needed(row, "serial", LONGEST).upper().split())
    said = (row.get(column, "") for column in ("model", *LABELS))
    read = DeviceRow(serial, row.get("plan", ""), needed(row, "name"), needed(row, "surname"), parsed, *said)
    if read.sub_type and not read.type:
        raise ValueError("type is empty beside a sub_type")
    return read


async def _fits_device(row: DeviceRow) -> None:
    device = await Device.get_or_none(serial=row.serial)
    if device is None and not is_meter_number(row.serial):
        raise ValueError(f"{row.serial} is not in stock: import it as stock first")
    if device is None:
        await needs_vending_key()
    if not row.plan and (device is None or device.customer_id is None):
        raise ValueError("plan is empty, and this device has no owner yet")
    kind = Kind(device.kind) if device else Kind.METER
    unit = Unit.ENERGY if kind is Kind.METER else Unit.DAYS
    if row.plan and not await Plan.exists(name=row.plan, unit=unit):
        raise ValueError(f"there is no plan of {unit} called {row.plan[:40]!r}")
    await _has_owner(row, device)
    if row.model and not await DeviceModel.exists(name=row.model, kind=kind):
        raise ValueError(f"there is no model of a {kind} called {row.model[:40]!r}")
    if kind is not Kind.METER and any(getattr(row, column) for column in LABELS):
        raise ValueError(f"{', '.join(LABELS)} are for meters alone")
    await _labels(row)


async def _has_owner(row: DeviceRow, device: Device | None) -> None:
    owners, owner = await _owners(row), device.customer_id if device else None
    if not owners:
        raise ValueError("this customer is not there: import customers first")
    if len(owners) > 1 and owner not in owners:
        raise ValueError("several customers have this name and phone")
    if owner is not None and owner not in owners:
        raise ValueError(f"{row.serial} belongs to somebody else")


async def _owners(row: DeviceRow) -> list[int]:
    found = Customer.filter(name=row.name, surname=row.surname)
    found = found.filter(phone=row.phone) if row.phone else found.filter(phone__isnull=True)
    return list(await found.limit(3).values_list("id", flat=True))  # type: ignore[arg-type]


async def _labels(row: DeviceRow) -> dict[str, int | None]:
    """The labels that the row names, as columns of a connection. Raises ValueError when one is not defined."""
    found: dict[str, int | None] = {}
    if row.meter_type:
        found["meter_type_id"] = _defined(
            await MeterType.get_or_none(name=row.meter_type), "meter_type", row.meter_type
        )
    if row.group:
        found["group_id"] = _defined(await ConnectionGroup.get_or_none(name=row.group), "group", row.group)
    if row.type:
        found["type_id"] = _defined(await ConnectionType.get_or_none(name=row.type), "type", row.type)
    if row.sub_type:
        sub = await SubConnectionType.get_or_none(name=row.sub_type, type_id=found["type_id"])
        found["sub_type_id"] = _defined(sub, "sub_type", row.sub_type)
    return found


def _defined(label: Label | None, column: str, name: str) -> int:
    if label is None:
        raise ValueError(f"there is no {column} called {name[:40]!r}")
    return label.id


async def _write_device(row: DeviceRow, site: Site) -> bool:
    device = await Device.get_or_none(serial=row.serial)
    if device is None:
        device = await new_meter(row.serial, site.vault)
    wanted: dict[str, Any] = {"customer_id": device.customer_id or (await _owners(row))[0]}
    if row.plan:
        wanted["plan_id"] = (await Plan.get(name=row.plan)).id
    if row.model:
        wanted["model_id"] = (await DeviceModel.get(name=row.model)).id
    changed = any(getattr(device, column) != value for column, value in wanted.items())
    if changed:
        await Device.filter(id=device.id).update(**wanted)
    return await _connected(device, await _labels(row)) or changed


async def _connected(device: Device, wanted: dict[str, int | None]) -> bool:
    if not wanted:
        return False
    known, new = await Connection.get_or_create(device=device)
    if wanted.get("type_id", known.type_id) != known.type_id:
        wanted = {"sub_type_id": None, **wanted}  # another type's sub type goes with it
    if not new and all(getattr(known, column) == value for column, value in wanted.items()):
        return False
    await Connection.filter(id=known.id).update(**wanted)
    return True


async def _devices(_site: Site) -> AsyncIterator[Sequence[object]]:
    async for device in all_devices(owned=True):
        if customer := device.customer:
            plan, model = (one.name if one else "" for one in (device.plan, device.model))
            labels = await _label_names(device) if device.kind == Kind.METER else [""] * len(LABELS)
            phone_ = customer.phone or "none"
            yield device.serial, plan, customer.name, customer.surname, phone_, model, *labels


async def _label_names(device: Device) -> list[str]:
    known = await Connection.filter(device_id=device.id).select_related(*LABELS).first()
    return [each.name if (each := getattr(known, column, None)) else "" for column in LABELS]


DEVICES = Imported(
    DeviceRow._fields,
    _devices,
    ("phone", "model", *LABELS),
    lambda row: row.serial,
    _read_device,
    _fits_device,
    _write_device,
)
