"""Registering: a customer, a device that nobody has, and what the customer agreed to, in one transaction."""

import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.devices import LONGEST, TAIL, Device, DeviceModel, Kind, Tariff, Unit, with_owner
from models.devices.access_rate import begin_access
from models.devices.connections import Connection, ConnectionGroup, ConnectionType, MeterType, SubConnectionType
from models.devices.meters import has_vending_key, new_meter
from models.people import Agent, Customer, Village
from models.rows import find_row, find_rows, read_row
from models.sql import Steps, insert, once
from models.tokens.sts import is_meter_number
from models.vault import Vault

SAME_PERSON = timedelta(days=1)  # later the same name, phone and village may be somebody else's: no device tells


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

    The check digit of a meter number comes before anything else. Raises NotFree's kinds.
    """
    if kind is Kind.METER and not is_meter_number(serial):
        raise NotAMeterNumber(serial)
    if kind is Kind.METER and not await Tariff.exists(unit=Unit.ENERGY):
        raise NoPrice(serial)
    device = await _lock_free_device(serial, kind)
    if device is None and not await has_vending_key():
        raise NoVendingKey(serial)
    return device.serial if device else serial


async def _lock_free_device(serial: str, kind: Kind) -> Device | None:
    """A device without an owner, held until the commit; None for a meter that we never heard of."""
    if len(serial) > LONGEST:  # no device has it, and the ORM refuses to look for it
        raise NotInStock
    device = await Device.filter(serial=serial).select_for_update().first()
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
    stock = Device.filter(kind=kind, customer_id=None, serial__endswith=tail, retired_at=None).limit(2)
    found = await stock if len(tail) >= TAIL else []
    if len(found) != 1:
        raise NotInStock(len(found))
    return found[0]


async def fitting_models(serial: str, kind: Kind) -> list[DeviceModel]:
    """The models that a device may be of: its own when the stock says so, else those whose serials begin so."""
    device = await Device.get_or_none(serial=serial).select_related("model")
    if device and device.model:
        return [device.model]
    models = await DeviceModel.filter(kind=kind).order_by("name")
    return [model for model in models if serial.startswith(model.prefix)]


async def find_done(key: str) -> Registered | None:
    """What was registered under this key, as long as the customer has the device."""
    earlier = await find_row(Registration, "key = $1", [key])
    return await _read_registration(earlier) if earlier else None


async def find_repeated(agent: Agent | None, request: str) -> Registered | None:
    """What this agent, or the office, registered by the very same request, as long as the customer has the device;
    without a device, for a day."""
    whose = "agent_id = $2" if agent else "agent_id IS NULL"
    values = [request, *([agent.id] if agent else [])]
    earlier = await find_row(Registration, f"request = $1 AND {whose} ORDER BY id DESC", values)
    if earlier and earlier.device_id is None and earlier.created_at < datetime.now(UTC) - SAME_PERSON:
        return None
    return await _read_registration(earlier) if earlier else None


async def register(form: Form, *, agent: Agent | None, key: str, vault: Vault) -> Registered:
    """Register, in the caller's transaction; the customer, and the device with its plan. Without an agent the office
    does.

    `key` names this registration for good: a second call with it, or with the same request, changes nothing and
    returns the same. Raises NotFree's kinds before anything is written.
    """
    if found := await find_done(key) or await find_repeated(agent, form.request):
        return found
    device = await _claim_device(form.serial, form.kind, vault) if form.kind else None
    customer = await _write(
        form,
        key=key,
        request=form.request,
        agent_id=agent.id if agent else None,
        device_id=device.id if device else None,
        consent=form.consent,
        created_at=datetime.now(UTC),
    )
    if device:
        await _hand_over(device, form, customer)
    return Registered(customer, await with_owner(device.id) if device else None, new=True)


async def _claim_device(serial: str, kind: Kind, vault: Vault) -> Device:
    """The device, held until the commit; a meter that we never heard of is made."""
    await free_serial(serial, kind)
    return await _lock_free_device(serial, kind) or await new_meter(serial, vault)


async def _hand_over(device: Device, form: Form, customer: Customer) -> None:
    device.customer, device.model = customer, form.model
    if form.tariff:
        device.tariff = form.tariff
    await device.save(update_fields=["customer_id", "model_id", "tariff_id"])
    await begin_access(device, form.today)
    if form.labels:
        await Connection.update_or_create(vars(form.labels), device=device)


async def _read_registration(earlier: Registration) -> Registered | None:
    customer = await Customer.get(id=earlier.customer_id)
    if earlier.device_id is None:
        return Registered(customer, None)
    device = await with_owner(earlier.device_id)
    return Registered(customer, device) if device.customer_id == customer.id else None


async def _write(form: Form, **registration: Any) -> Customer:
    """The registration, with the customer's row where that is new: the customer."""
    if form.customer:
        await insert("registration", customer_id=form.customer.id, **registration)
        return form.customer
    steps = Steps()
    columns = {
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
    new = steps.add("customer", **columns)
    steps.add("registration", customer_id=new, **registration)
    await steps.run()
    return read_row(Customer, {"id": steps.ids[new], **columns})


FEWEST_LETTERS, LONGEST_PART = 3, 60  # of a name and of a surname (reference: mpm 0.3, 1.2)
_BETWEEN_LETTERS = " '-."


def is_name(part: str, longest: int = LONGEST_PART) -> bool:
    """Whether a customer can be registered by this name, or this surname."""
    letters = sum(map(str.isalpha, part))
    return letters >= FEWEST_LETTERS and len(part) <= longest and all(map(_is_of_a_name, part))


def _is_of_a_name(character: str) -> bool:
    """Letters, the marks that some scripts put on them, and what stands between them."""
    return character.isalpha() or character in _BETWEEN_LETTERS or unicodedata.category(character)[0] == "M"
