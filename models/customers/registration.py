"""Registering: a customer, a device that nobody has, and what the customer agreed to, in one transaction."""

import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.devices import LONGEST, TAIL, Device, DeviceModel, Kind, Tariff, Unit, meters, with_owner
from models.devices.access_rate import first_access
from models.devices.connections import ConnectionGroup, ConnectionType, MeterType, SubConnectionType
from models.people import Agent, Customer, Village
from models.people.callers import note_new_caller
from models.rows import find_row, find_rows, read_row
from models.sql import IdOf, Steps, connection, ending_of, execute, holding, once
from models.tokens.sts import is_meter_number
from models.vault import Vault

SAME_PERSON = timedelta(days=1)  # later the same name, phone and village may be somebody else's: no device tells
FREE = """serial = $1 AND kind = $2 AND customer_id IS NULL AND retired_at IS NULL
  AND (tariff_id IS NOT NULL OR kind = 'meter')"""  # of a meter the tariff is chosen
# A device's own model; else those of its kind whose serials begin so.
FITTING = """id = (SELECT model_id FROM device WHERE serial = $1) OR kind = $2
  AND prefix = substr($1, 1, length(prefix))
  AND NOT EXISTS (SELECT 1 FROM device WHERE serial = $1 AND model_id IS NOT NULL)
  ORDER BY name"""
CONNECT = """INSERT INTO connection (device_id, meter_type_id, group_id, type_id, sub_type_id)
  VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (device_id) DO UPDATE SET meter_type_id = excluded.meter_type_id, group_id = excluded.group_id,
    type_id = excluded.type_id, sub_type_id = excluded.sub_type_id"""
NewMeter = dict[str, Any]  # its columns


class Registration(Model):
    """Who registered whom, with which device, and what the customer agreed to."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)  # names the registration for good
    request = fields.CharField(64)  # a keyed hash of what was asked for: the same request has the same answer
    # None: the office did, and the audit says who of it.
    agent: fields.ForeignKeyNullableRelation[Agent] = fields.ForeignKeyField(
        "models.Agent", null=True, on_delete=fields.RESTRICT
    )
    agent_id: int | None
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField("models.Customer", on_delete=fields.RESTRICT)
    customer_id: int
    device: fields.ForeignKeyNullableRelation[Device] = fields.ForeignKeyField(
        "models.Device", null=True, on_delete=fields.RESTRICT
    )
    device_id: int | None
    consent = fields.CharField(10)  # the version of the words that the customer agreed to
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        indexes = (("agent_id", "request"), ("device_id",), ("customer_id",))


class NotFree(Exception):
    """No device can be registered by this serial."""


class NotAMeterNumber(NotFree):
    """The check digit is wrong, or the length."""


class InUse(NotFree):
    """Somebody has it; whom it belongs to is not said."""


class NotInStock(NotFree):
    """No free device of the kind goes by it, or several do (`matches`) and none may be guessed."""

    def __init__(self, matches: int = 0) -> None:
        super().__init__(matches)
        self.matches = matches


class OtherKind(NotFree):
    pass


class NoPrice(NotFree):
    """Nothing says what a day of it costs, so nobody could pay for it: such a device is sold from the catalogue."""


class NoVendingKey(NotFree):
    """The meter is not in stock, and its key cannot be derived here."""


@dataclass(frozen=True)
class Labels:
    """What is asked for a meter alone, beside its tariff. None where the office has defined nothing to choose."""

    meter_type: MeterType | None
    group: ConnectionGroup | None
    type: ConnectionType | None
    sub_type: SubConnectionType | None


@dataclass(frozen=True)
class Form:
    """A registration as it was filled in."""

    customer: Customer | None  # somebody we know already; then what is said of the person does not count
    name: str
    surname: str
    phone: str | None
    language: str
    village: Village
    kind: Kind | None  # None: no device yet
    serial: str
    model: DeviceModel | None
    tariff: Tariff | None  # chosen for a meter; other devices come with one
    labels: Labels | None  # of a meter
    consent: str  # the version of the words that the customer agreed to
    request: str  # a keyed hash of what the agent asked for
    today: date  # in the operator's zone


@dataclass(frozen=True)
class Registered:
    customer: Customer
    device: Device | None
    new: bool = False  # whether it was done now, and not before


async def villages_of(mini_grid_id: int) -> list[Village]:
    """Where customers of a mini-grid may live, by name."""
    own = "mini_grid_id = $1 ORDER BY name"
    return await once(f"villages of {mini_grid_id}", lambda: find_rows(Village, own, [mini_grid_id]))


async def free_serial(serial: str, kind: Kind) -> str:
    """The whole serial of a device of this kind that may be registered; the end of one in stock is enough.

    The check digit of a meter number comes before anything else. Nothing is held. Raises NotFree's kinds.
    """
    await _require_meter(serial, kind)
    device = await _find_free(serial, kind)
    if device is None and not await meters.has_vending_key():
        raise NoVendingKey(serial)
    return device.serial if device else serial


async def _require_meter(serial: str, kind: Kind) -> None:
    """That a meter's number is one, and that somebody could pay for what it counts."""
    if kind is not Kind.METER:
        return
    if not is_meter_number(serial):
        raise NotAMeterNumber(serial)
    if not await once("price of energy", _has_price_of_energy):
        raise NoPrice(serial)


async def _has_price_of_energy() -> bool:
    return bool(await execute(connection(), "SELECT 1 FROM tariff WHERE unit = $1 LIMIT 1", [Unit.ENERGY.value]))


async def _find_free(serial: str, kind: Kind) -> Device | None:
    """A device without an owner; None for a meter that we never heard of."""
    if len(serial) > LONGEST:  # no device has it
        raise NotInStock
    device = await find_row(Device, "serial = $1", [serial])
    if device is None and kind is Kind.METER:
        return None
    if device is None:
        device = await _find_in_stock(serial, kind)
    if device.customer_id is not None:
        raise InUse(serial)
    if device.retired_at:
        raise NotInStock
    if device.kind != kind:
        raise OtherKind(serial)
    if kind is not Kind.METER and device.tariff_id is None:
        raise NoPrice(device.serial)
    return device


async def _find_in_stock(tail: str, kind: Kind) -> Device:
    found: list[Device] = []
    if len(tail) >= TAIL:
        ending = f"{ending_of('serial', str(TAIL))} = $2 AND {ending_of('serial', '$3')} = $4"
        stock = f"kind = $1 AND {ending} AND customer_id IS NULL AND retired_at IS NULL LIMIT 2"
        found = await find_rows(Device, stock, [kind.value, tail[-TAIL:], len(tail), tail])
    if len(found) != 1:
        raise NotInStock(len(found))
    return found[0]


async def fitting_models(serial: str, kind: Kind) -> list[DeviceModel]:
    """The models that a device may be of, by name: its own when the stock says so, else those whose serials begin
    so."""
    return await find_rows(DeviceModel, FITTING, [serial, kind.value])


async def find_done(key: str) -> Registered | None:
    """What was registered under this key, as long as the customer has the device."""
    earlier = await find_row(Registration, "registration.key = $1", [key], joined=("customer",))
    return await _read_registration(earlier) if earlier else None


async def find_repeated(agent: Agent | None, request: str) -> Registered | None:
    """What this agent, or the office, registered by the very same request, as long as the customer has the device;
    without a device, for a day."""
    whose = "registration.agent_id = $2" if agent else "registration.agent_id IS NULL"
    condition = f"registration.request = $1 AND {whose} ORDER BY registration.id DESC"
    values = [request, *([agent.id] if agent else [])]
    earlier = await find_row(Registration, condition, values, joined=("customer",))
    if earlier and earlier.device_id is None and earlier.created_at < datetime.now(UTC) - SAME_PERSON:
        return None
    return await _read_registration(earlier) if earlier else None


async def _read_registration(earlier: Registration) -> Registered | None:
    if earlier.device_id is None:
        return Registered(earlier.customer, None)
    device = await with_owner(earlier.device_id)
    return Registered(earlier.customer, device) if device.customer_id == earlier.customer_id else None


async def register(form: Form, *, agent: Agent | None, key: str, vault: Vault) -> Registered:
    """Register, in the caller's transaction; the customer, and the device with its plan. Without an agent the office
    does.

    `key` names this registration for good: a second call with it, or with the same request, changes nothing and
    returns the same. Raises NotFree's kinds before anything is written.
    """
    if found := await find_done(key) or await find_repeated(agent, form.request):
        return found
    device = await _claim_device(form.serial, form.kind, vault) if form.kind else None
    return await _write(
        form,
        device,
        key=key,
        request=form.request,
        agent_id=agent.id if agent else None,
        consent=form.consent,
        created_at=datetime.now(UTC),
    )


async def _claim_device(serial: str, kind: Kind, vault: Vault) -> Device | NewMeter:
    """The device, held until the commit; or a meter that we never heard of."""
    await _require_meter(serial, kind)
    if device := await _hold_free(serial, kind):
        return device
    free = await _find_free(serial, kind)  # says why it is not
    if free is None:
        return await _make_meter(serial, vault)
    if device := await _hold_free(free.serial, kind):  # it was named by its end, or is free again
        return device
    raise InUse(serial)


async def _hold_free(serial: str, kind: Kind) -> Device | None:
    """The device if it may be registered, held until the commit. What is refused is neither held nor waited for; what
    somebody else registers just now is looked at again when that is over."""
    held = await find_rows(Device, FREE + holding("device"), [serial, kind.value])
    return held[0] if held else None


async def _make_meter(serial: str, vault: Vault) -> NewMeter:
    try:
        return await meters.columns_of_new(serial, vault)
    except meters.NoVendingKey as error:
        raise NoVendingKey(serial) from error


async def _write(form: Form, device: Device | NewMeter | None, **registration: Any) -> Registered:
    """The registration with all that it brings: the customer's row where that is new, the device's new owner."""
    steps, columns = Steps(), _columns_of_customer(form)
    owner = form.customer.id if form.customer else steps.add("customer", **columns)
    number = _hand_over(steps, device, form, owner) if device else None
    steps.add("registration", customer_id=owner, device_id=number, **registration)
    await steps.run()
    customer = form.customer or read_row(Customer, {"id": steps.number_of(owner), **columns})
    if form.phone and not form.customer:
        note_new_caller(form.phone)
    return Registered(customer, await with_owner(steps.number_of(number)) if number else None, new=True)


def _columns_of_customer(form: Form) -> dict[str, Any]:
    return {
        "name": form.name,
        "surname": form.surname,
        "phone": form.phone,
        "language": form.language,
        "mini_grid_id": form.village.mini_grid_id,
        "village_id": form.village.id,
        "gender": None,
        "latitude": None,
        "longitude": None,
        "created_at": datetime.now(UTC),
    }


def _hand_over(steps: Steps, device: Device | NewMeter, form: Form, owner: int | IdOf) -> int | IdOf:
    """The number of the device, whose row has the owner, the plan and the labels."""
    first = first_access(form.kind, form.today)
    owned = {"customer_id": owner, "model_id": _id(form.model), "access_due": first.due, "access_until": first.until}
    if form.tariff:
        owned["tariff_id"] = form.tariff.id
    if isinstance(device, Device):
        number: int | IdOf = device.id
        steps.change("device", device.id, **owned)
    else:
        number = steps.add("device", **device, **owned)
    if labels := form.labels:
        steps.add_all(CONNECT, [number, *map(_id, (labels.meter_type, labels.group, labels.type, labels.sub_type))])
    return number


def _id(row: Model | None) -> int | None:
    return row.pk if row else None


FEWEST_LETTERS, LONGEST_PART = 3, 60  # of a name and of a surname (reference: mpm 0.3, 1.2)
_BETWEEN_LETTERS = " '-."


def is_name(part: str, longest: int = LONGEST_PART) -> bool:
    """Whether a customer can be registered by this name, or this surname."""
    letters = sum(map(str.isalpha, part))
    return letters >= FEWEST_LETTERS and len(part) <= longest and all(map(_is_of_a_name, part))


def _is_of_a_name(character: str) -> bool:
    """Letters, the marks that some scripts put on them, and what stands between them."""
    return character.isalpha() or character in _BETWEEN_LETTERS or unicodedata.category(character)[0] == "M"
