"""Tariffs, and devices in stock with their secrets."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from bot.site import Site
from handlers.exchange.sheet import Imported, Row, needed, whole
from models.devices import LONGEST, Device, Kind, Plan, Unit
from models.registration import has_vending_key, new_meter
from models.tokens.sts import is_meter_number

PAGE = 1000
# Published in OpenPAYGO's documentation: whoever reads it can open such a device (reference: tokens 1.8).
EXAMPLE_KEYS = frozenset(
    {"a29ab82edc5fbbc41ec9530f6dac86b1", "bc41ec9530f6dac86b1a29ab82edc5fb", "dac86b1a29ab82edc5fbbc41ec9530f6"}
)
FACTORY = ("serial number", "starting code", "key", "count", "time divider", "restricted digit mode", "kind", "plan")
FACTORY_ONLY = ("hardware model", "version", "test code")  # in OpenPAYGO's list, of no use here


class TariffRow(NamedTuple):
    """`price` and `components` are of a day or a kWh, the access rate is of `access_days`; whole units of currency.
    `recovery` is the percentage of a payment that overdue goods may take."""

    name: str
    unit: str
    price: int
    minimum: int
    components: int
    access_rate: int
    access_days: int
    recovery: int


class StockRow(NamedTuple):
    serial: str
    kind: str
    plan: str
    last_count: int
    secret: dict[str, str | int | bool] | None


def _read_tariff(row: Row, _site: Site) -> TariffRow:
    unit = needed(row, "unit")
    if unit not in (Unit.DAYS, Unit.ENERGY):
        raise ValueError(f"unit is neither days nor energy: {unit[:20]!r}")
    price, rate = whole(row, "price", 1, 99_999_999), whole(row, "access_rate", 0, 9_999_999, 0)
    return TariffRow(
        name=needed(row, "name"),
        unit=unit,
        price=price,
        minimum=whole(row, "minimum", 1, 99_999_999, 1),
        components=whole(row, "components", 0, 99_999_999, 0),
        access_rate=rate,
        access_days=whole(row, "access_days", 1, 366) if rate else 0,
        recovery=whole(row, "recovery", 0, 100, 0),
    )


async def _fits_tariff(row: TariffRow) -> None:
    """Any price fits. Another unit does not: a device that is sold by kWh would be sold by the day."""
    known = await Plan.get_or_none(name=row.name)
    if known and known.unit != row.unit:
        raise ValueError(f"{row.name[:40]!r} is a tariff of {known.unit} already: give the new one another name")


async def _write_tariff(row: TariffRow, site: Site) -> bool:
    minor = 10**site.exponent
    money = {name: getattr(row, name) * minor for name in ("price", "minimum", "components", "access_rate")}
    wanted: dict[str, Any] = {"unit": row.unit, "access_days": row.access_days, "recovery": row.recovery, **money}
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
        price, minimum = plan.price // minor, max(plan.minimum // minor, 1)
        access = plan.access_rate // minor, plan.access_days or ""
        yield plan.name, plan.unit, price, minimum, plan.components // minor, *access, plan.recovery


def _read_stock(row: Row, _site: Site) -> StockRow:
    """A row of the factory's list, with the kind of device and its plan beside."""
    kind, key = row.get("kind") or Kind.SHS, row.get("key", "").lower()
    if kind not in list(Kind):
        raise ValueError(f"kind is none of {', '.join(Kind)}: {kind[:20]!r}")
    if kind == Kind.METER:
        return _read_meter(row)
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


def _read_meter(row: Row) -> StockRow:
    """An STS meter has no key of its own: it is derived from the supply group's."""
    if row.get("key"):
        raise ValueError("key is not empty: a meter's comes from the vending key")
    return StockRow(meter_number(row, "serial number"), Kind.METER, row.get("plan", ""), 0, None)


def meter_number(row: Row, column: str) -> str:
    number = "".join(needed(row, column, LONGEST).split())
    if not is_meter_number(number):
        raise ValueError(f"{column} is no meter number, its check digit is wrong: {number[:20]!r}")
    return number


async def _fits_stock(stock: StockRow) -> None:
    known = await Device.get_or_none(serial=stock.serial)
    if known is None and stock.kind == Kind.METER:
        await needs_vending_key()
    elif known is None and stock.secret is None:
        raise ValueError("key is empty, and this device is new")
    if known and known.kind != stock.kind:
        raise ValueError(f"{stock.serial} is another kind of device")
    unit = Unit.ENERGY if stock.kind == Kind.METER else Unit.DAYS
    if stock.plan and not await Plan.exists(name=stock.plan, unit=unit):
        raise ValueError(f"there is no plan of {unit} called {stock.plan[:40]!r}")


async def needs_vending_key() -> None:
    if not await has_vending_key():
        raise ValueError("there is no vending key for new meters: mwanga vending-key")


async def _write_stock(row: StockRow, site: Site) -> bool:
    """A device that is there keeps its count: going back would give a token twice."""
    if await Device.exists(serial=row.serial):
        return False
    if row.kind == Kind.METER:
        meter = await new_meter(row.serial, site.vault)
        await Device.filter(id=meter.id).update(plan_id=(await _plan_id(row.plan)))
        return True
    await Device.create(
        serial=row.serial,
        kind=row.kind,
        issuer="openpaygo",
        sealed_key=site.vault.seal_json(row.secret, f"device {row.serial}"),
        count=row.last_count,
        plan_id=await _plan_id(row.plan),
    )
    return True


async def _plan_id(name: str) -> int | None:
    plan = await Plan.get_or_none(name=name)
    return plan.id if plan else None


async def _stock(site: Site) -> AsyncIterator[Sequence[object]]:
    """What nobody owns yet. Keys never leave: a device that is there needs none to be recognised."""
    async for device in all_devices(owned=False):
        plan = device.plan.name if device.plan else ""
        count = "" if device.kind == Kind.METER else device.count
        yield device.serial, "", "", count, "", "", device.kind, plan


async def all_devices(*, owned: bool) -> AsyncIterator[Device]:
    last = 0
    while True:
        found = Device.filter(id__gt=last, customer_id__isnull=not owned).order_by("id").limit(PAGE)
        page = await found.select_related("customer", "plan", "model")
        for device in page:
            yield device
        if len(page) < PAGE:
            return
        last = page[-1].id


TARIFFS = Imported(
    TariffRow._fields,
    _tariffs,
    TariffRow._fields[3:],
    lambda row: row.name,
    _read_tariff,
    _fits_tariff,
    _write_tariff,
)
STOCK = Imported(
    FACTORY,
    _stock,
    FACTORY[1:],
    lambda row: row.serial,
    _read_stock,
    _fits_stock,
    _write_stock,
    unread=FACTORY_ONLY,
)
