"""Tariffs, devices in stock with their secrets, and whose devices are whose."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from bot import phone
from bot.site import Site
from handlers.exchange.sheet import Imported, Row, needed, whole
from models.devices import LONGEST, Device, Kind, Plan, Unit
from models.people import Customer

PAGE = 1000
# Published in OpenPAYGO's documentation: whoever reads it can open such a device (reference: tokens 1.8).
EXAMPLE_KEYS = frozenset(
    {"a29ab82edc5fbbc41ec9530f6dac86b1", "bc41ec9530f6dac86b1a29ab82edc5fb", "dac86b1a29ab82edc5fbbc41ec9530f6"}
)
FACTORY = ("serial number", "starting code", "key", "count", "time divider", "restricted digit mode", "kind", "plan")


class TariffRow(NamedTuple):
    name: str
    unit: str
    price: int
    minimum: int


class StockRow(NamedTuple):
    serial: str
    kind: str
    plan: str
    last_count: int
    secret: dict[str, str | int | bool] | None


class DeviceRow(NamedTuple):
    serial: str
    plan: str
    name: str
    surname: str
    phone: str | None


def _read_tariff(row: Row, _site: Site) -> TariffRow:
    unit = needed(row, "unit")
    if unit not in list(Unit):
        raise ValueError(f"unit is neither days nor energy: {unit[:20]!r}")
    price = whole(row, "price", 1, 99_999_999)
    return TariffRow(needed(row, "name"), unit, price, whole(row, "minimum", 1, 99_999_999, 1))


async def _fits_tariff(_tariff: TariffRow) -> None:
    """Any price fits."""


async def _write_tariff(row: TariffRow, site: Site) -> bool:
    minor = 10**site.exponent
    wanted: dict[str, Any] = {"unit": row.unit, "price": row.price * minor, "minimum": row.minimum * minor}
    plan = await Plan.get_or_none(name=row.name)
    if plan is None:
        await Plan.create(name=row.name, **wanted)
        return True
    if all(getattr(plan, name) == value for name, value in wanted.items()):
        return False
    await Plan.filter(id=plan.id).update(**wanted)
    return True


async def _tariffs(site: Site) -> AsyncIterator[Sequence[object]]:
    minor = 10**site.exponent
    for plan in await Plan.all().order_by("id"):
        yield plan.name, plan.unit, plan.price // minor, max(plan.minimum // minor, 1)


def _read_stock(row: Row, _site: Site) -> StockRow:
    """A row of the factory's list, with the kind of device and its plan beside."""
    kind, key = row.get("kind") or Kind.SHS, row.get("key", "").lower()
    if kind not in (Kind.SHS, Kind.EBIKE):
        raise ValueError(f"kind is neither shs nor ebike: {kind[:20]!r}")
    serial, count = needed(row, "serial number", LONGEST).upper(), whole(row, "count", 0, 65_535, 1)
    if not key:
        return StockRow(serial, kind, row.get("plan", ""), count, None)
    if not re.fullmatch(r"[0-9a-f]{32}", key):
        raise ValueError("key is not 32 hexadecimal digits")
    if key in EXAMPLE_KEYS:
        raise ValueError("key is the published example: such a device is open to everybody")
    secret: dict[str, str | int | bool] = {
        "secret": key,
        "starting_code": whole(row, "starting code", 1, 999_999_999),
        "divider": whole(row, "time divider", 1, 255, 1),
        "restricted_digits": row.get("restricted digit mode", "").lower() in ("1", "true", "yes"),
    }
    return StockRow(serial, kind, row.get("plan", ""), count, secret)


async def _fits_stock(stock: StockRow) -> None:
    if stock.secret is None and not await Device.exists(serial=stock.serial):
        raise ValueError("key is empty, and this device is new")
    if stock.plan and not await Plan.exists(name=stock.plan, unit=Unit.DAYS):
        raise ValueError(f"there is no plan of days called {stock.plan[:40]!r}")


async def _write_stock(row: StockRow, site: Site) -> bool:
    """A device that is there keeps its count: going back would give a token twice."""
    if row.secret is None or await Device.exists(serial=row.serial):
        return False
    await Device.create(
        serial=row.serial,
        kind=row.kind,
        issuer="openpaygo",
        sealed_key=site.vault.seal_json(row.secret, f"device {row.serial}"),
        count=row.last_count,
        plan=await Plan.get_or_none(name=row.plan),
    )
    return True


async def _stock(site: Site) -> AsyncIterator[Sequence[object]]:
    """What nobody owns yet. Keys never leave: a device that is there needs none to be recognised."""
    async for device in _all(owned=False):
        plan = device.plan.name if device.plan else ""
        yield device.serial, "", "", device.count, "", "", device.kind, plan


def _read_device(row: Row, site: Site) -> DeviceRow:
    number = row.get("phone", "")
    try:
        parsed = phone.parse(number, site.country) if number and number.lower() != "none" else None
    except ValueError as error:
        raise ValueError(f"phone is no phone number: {number[:20]!r}") from error
    serial = needed(row, "serial", LONGEST).upper()
    return DeviceRow(serial, needed(row, "plan"), needed(row, "name"), needed(row, "surname"), parsed)


async def _fits_device(row: DeviceRow) -> None:
    device = await Device.get_or_none(serial=row.serial)
    if device is None:
        raise ValueError(f"{row.serial} is not in stock: import it as stock first")
    if not await Plan.exists(name=row.plan):
        raise ValueError(f"there is no plan called {row.plan[:40]!r}")
    owners = await _owners(row)
    if not owners:
        raise ValueError("this customer is not there: import customers first")
    if len(owners) > 1 and device.customer_id not in owners:
        raise ValueError("several customers have this name and phone")
    if device.customer_id is not None and device.customer_id not in owners:
        raise ValueError(f"{row.serial} belongs to somebody else")


async def _owners(row: DeviceRow) -> list[int]:
    found = Customer.filter(name=row.name, surname=row.surname)
    found = found.filter(phone=row.phone) if row.phone else found.filter(phone__isnull=True)
    return list(await found.limit(3).values_list("id", flat=True))  # type: ignore[arg-type]


async def _write_device(row: DeviceRow, _site: Site) -> bool:
    device, plan = await Device.get(serial=row.serial), await Plan.get(name=row.plan)
    owner = device.customer_id or (await _owners(row))[0]
    if (device.customer_id, device.plan_id) == (owner, plan.id):
        return False
    await Device.filter(id=device.id).update(customer_id=owner, plan_id=plan.id)
    return True


async def _devices(_site: Site) -> AsyncIterator[Sequence[object]]:
    async for device in _all(owned=True):
        if customer := device.customer:
            plan = device.plan.name if device.plan else ""
            yield device.serial, plan, customer.name, customer.surname, customer.phone or "none"


async def _all(*, owned: bool) -> AsyncIterator[Device]:
    last = 0
    while True:
        found = Device.filter(id__gt=last, customer_id__isnull=not owned).order_by("id").limit(PAGE)
        page = await found.select_related("customer", "plan")
        for device in page:
            yield device
        if len(page) < PAGE:
            return
        last = page[-1].id


TARIFFS = Imported(
    TariffRow._fields, _tariffs, ("minimum",), lambda row: row.name, _read_tariff, _fits_tariff, _write_tariff
)
STOCK = Imported(FACTORY, _stock, FACTORY[1:], lambda row: row.serial, _read_stock, _fits_stock, _write_stock)
DEVICES = Imported(
    DeviceRow._fields, _devices, ("phone",), lambda row: row.serial, _read_device, _fits_device, _write_device
)
