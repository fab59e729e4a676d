"""Devices in stock with their secrets: the factory's list."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple, Protocol

from bot.company import Company
from bot.text.i18n import N_, Reason
from handlers.exchange.cells import Row, drop_empty, flag, needed_text, one_of, require, text, whole
from handlers.exchange.references import find_defined
from handlers.exchange.sheet import ImportKind
from models.devices import LONGEST, Device, DeviceModel, Kind, Tariff, Unit
from models.devices.meters import has_vending_key, new_meter
from models.devices.tables import SERIAL
from models.names import renew
from models.rows import find_rows
from models.sql import holding, lock_rows
from models.tokens.openpaygo import has_count_left
from models.tokens.sts import is_meter_number

PAGE = 1000
# Published in OpenPAYGO's documentation: whoever reads it can open such a device (reference: tokens 1.8).
EXAMPLE_KEYS = frozenset(
    {"a29ab82edc5fbbc41ec9530f6dac86b1", "bc41ec9530f6dac86b1a29ab82edc5fb", "dac86b1a29ab82edc5fbbc41ec9530f6"}
)
USUAL: dict[str, int | bool] = {"divider": 1, "restricted_digits": False}  # where the list says nothing
FACTORY = (
    *("serial number", "starting code", "key", "count", "time divider", "restricted digit mode"),
    *("kind", "plan", "model"),  # beside the factory's own
)
FACTORY_ONLY = ("hardware model", "version", "test code")  # in OpenPAYGO's list, of no use here


NO_MODEL = {
    Kind.METER: N_("there is no model of a meter called {name}"),
    Kind.SHS: N_("there is no model of a shs called {name}"),
    Kind.EBIKE: N_("there is no model of an ebike called {name}"),
}


class HasSerial(Protocol):
    """A row about a device."""

    @property
    def serial(self) -> str: ...


class StockRow(NamedTuple):
    """A device that is there needs nothing but its serial; plan and model are given to one that nobody has yet."""

    serial: str
    kind: str | None
    plan: str | None
    model: str | None
    last_count: int | None
    secret: dict[str, str | int | bool] | None


def serial_number(row: Row, column: str) -> str:
    """A serial as phones can write it: letters and digits, one of / . _ - between them."""
    serial = "".join(needed_text(row, column).upper().split())
    if len(serial) > LONGEST:
        raise Reason(N_("{column} is longer than {most} characters"), column=column, most=LONGEST)
    if not SERIAL.fullmatch(serial):
        wrong = N_("{column} has more than letters and digits with one of / . _ - between: {said}")
        raise Reason(wrong, column=column, said=repr(serial))
    return serial


def _read(row: Row, _company: Company) -> StockRow:
    """A row of the factory's list, with the kind of device and its plan beside."""
    kind, key = one_of(row, "kind", Kind), row.get("key", "").lower()
    serial, plan, model = serial_number(row, "serial number"), text(row, "plan"), text(row, "model")
    count = whole(row, "count", 0, 65_535)
    if kind == Kind.METER:
        _check_meter(serial, key)
        return StockRow(serial, kind, plan, model, None, None)
    secret = _secret(row, key) if key else None
    return StockRow(serial, kind, plan, model, count, secret)


def _check_meter(serial: str, key: str) -> None:
    """An STS meter has no key of its own: it is derived from the supply group's."""
    if key:
        raise Reason(N_("key is not empty: a meter's comes from the vending key"))
    if not is_meter_number(serial):
        raise Reason(N_("serial number is no meter number, its check digit is wrong: {said}"), said=repr(serial))


def _secret(row: Row, key: str) -> dict[str, str | int | bool]:
    if not re.fullmatch(r"[0-9a-f]{32}", key):
        raise Reason(N_("key is not 32 hexadecimal digits"))
    if key in EXAMPLE_KEYS:
        raise Reason(N_("key is the published example: such a device is open to everybody"))
    return drop_empty(
        secret=key,
        starting_code=require(whole(row, "starting code", 1, 999_999_999), "starting code"),
        divider=whole(row, "time divider", 1, 255),
        restricted_digits=flag(row, "restricted digit mode"),
    )


async def _fits(row: StockRow, company: Company) -> Reason | None:
    known = await Device.get_or_none(serial=row.serial)
    kind = row.kind or (known.kind if known else Kind.SHS)
    if known is None and kind == Kind.METER:
        await require_vending_key()
    elif known is None and row.secret is None:
        raise Reason(N_("key is empty, and this device is new"))
    if known is None and not has_count_left(_first_count(row)):
        raise Reason(N_("count is {count}: this device takes no more codes"), count=row.last_count)
    if known and known.kind != kind:
        raise Reason(N_("{serial} is another kind of device"), serial=row.serial)
    if known and row.secret:
        sealed = company.vault.open_json(known.sealed_key, f"device {row.serial}")
        if any(sealed.get(name) != row.secret[name] for name in ("secret", "starting_code")):
            raise Reason(N_("{serial} is there with another key or starting code"), serial=row.serial)
        said = [name for name in USUAL if name in row.secret]
        if any(sealed.get(name, USUAL[name]) != row.secret[name] for name in said):
            wrong = N_("{serial} is there with another time divider or restricted digit mode, and keeps it")
            raise Reason(wrong, serial=row.serial)
    await find_plan_and_model(kind, row.plan, row.model)
    if known and row.last_count is not None and row.last_count != known.count:
        kept = N_("{serial} keeps its count {count}: a file never changes it")
        return Reason(kept, serial=row.serial, count=known.count)
    return None


def _first_count(row: StockRow) -> int:
    """The count of a new device."""
    return 1 if row.last_count is None else row.last_count


async def find_plan_and_model(kind: str, plan: str | None, model: str | None) -> dict[str, Any]:
    """Plan and model of a device of this kind as its columns, as far as they are named. Raises Reason."""
    wanted: dict[str, Any] = {}
    if plan:
        wanted["tariff_id"] = (await _plan(kind, plan)).id
    if model:
        wanted["model_id"] = (await find_defined(DeviceModel, model, NO_MODEL[Kind(kind)], kind=str(kind))).id
    return wanted


async def _plan(kind: str, name: str) -> Tariff:
    """The tariff of this name that a device of this kind can be on. Raises Reason."""
    if kind == Kind.METER:
        return await find_defined(Tariff, name, N_("there is no plan of energy called {name}"), unit=Unit.ENERGY.value)
    return await find_defined(Tariff, name, N_("there is no plan of days called {name}"), unit=Unit.DAYS.value)


async def require_vending_key() -> None:
    if not await has_vending_key():
        raise Reason(N_("there is no vending key for new meters: mwanga vending-key"))


async def _write(row: StockRow, company: Company) -> bool:
    """A device that is there keeps its count, going back would give a token twice; and one that somebody has keeps
    its plan and model."""
    known = await find_device(row.serial)
    kind = row.kind or (known.kind if known else Kind.SHS)
    wanted = await find_plan_and_model(kind, row.plan, row.model)
    if known:
        return known.customer_id is None and await renew(known, wanted)
    if kind == Kind.METER:
        await renew(await new_meter(row.serial, company.vault), wanted)
        return True
    sealed = company.vault.seal_json(USUAL | require(row.secret, "key"), f"device {row.serial}")
    await Device.create(
        serial=row.serial, kind=kind, issuer="openpaygo", sealed_key=sealed, count=_first_count(row), **wanted
    )
    return True


async def hold_devices(rows: Sequence[HasSerial]) -> None:
    """Nobody sells the devices of these rows until the commit."""
    await lock_rows("device", "serial = ANY($1::text[])", [[row.serial for row in rows]])


async def find_device(serial: str) -> Device | None:
    """The device of this serial as it is now; one that came since `hold_devices` is held from here on."""
    found = await find_rows(Device, f"serial = $1{holding('device')}", [serial])
    return found[0] if found else None


async def _rows(_company: Company) -> AsyncIterator[Sequence[object]]:
    """What nobody owns yet. Keys never leave: a device that is there needs none to be recognised."""
    async for device in all_devices(owned=False):
        plan, model = (one.name if one else "" for one in (device.tariff, device.model))
        count = "" if device.kind == Kind.METER else device.count
        yield device.serial, "", "", count, "", "", device.kind, plan, model


async def all_devices(*, owned: bool) -> AsyncIterator[Device]:
    last = 0
    while True:
        found = Device.filter(id__gt=last, customer_id__isnull=not owned)
        found = found if owned else found.filter(retired_at=None)  # what is out of use is no stock
        page = await found.order_by("id").limit(PAGE).select_related("customer", "tariff", "model")
        for device in page:
            yield device
        if len(page) < PAGE:
            return
        last = page[-1].id


STOCK = ImportKind(
    columns=FACTORY,
    rows=_rows,
    optional=FACTORY[1:],
    unread=FACTORY_ONLY,
    read=_read,
    key=lambda row: row.serial,
    fits=_fits,
    hold=hold_devices,
    write=_write,
)
