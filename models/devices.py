"""What customers pay for: meters, solar home systems, e-bikes, and the price of what they deliver."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.people import Customer


class Unit(StrEnum):
    """What a payment buys. Energy is counted in tenths of a kilowatt-hour, time in whole days."""

    DAYS = "days"
    ENERGY = "energy"


class Kind(StrEnum):
    METER = "meter"
    SHS = "shs"
    EBIKE = "ebike"


class Plan(Model):
    """A price: `price` minor units of money buy one day, or one kilowatt-hour."""

    id = fields.IntField(primary_key=True)
    name = fields.CharField(100, unique=True)
    unit = fields.CharField(10)
    price = fields.BigIntField()
    minimum = fields.BigIntField(default=1)


class Device(Model):
    """Something that accepts tokens. `sealed_key` holds its secret, encrypted; `count` is the last one used:
    an OpenPAYGO count, or an STS token identifier (minutes since the base date)."""

    id = fields.IntField(primary_key=True)
    serial = fields.CharField(32, unique=True)
    kind = fields.CharField(10)
    issuer = fields.CharField(20)
    sealed_key = fields.TextField()
    count = fields.IntField(default=0)
    customer: fields.ForeignKeyNullableRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", null=True, related_name="devices"
    )
    customer_id: int | None
    plan: fields.ForeignKeyNullableRelation[Plan] = fields.ForeignKeyField("models.Plan", null=True)
    plan_id: int | None
    paid_until = fields.DatetimeField(null=True)


class DeviceNotFound(Exception):
    """Nothing in reach goes by this serial, or several things do (`matches`) and none may be guessed."""

    def __init__(self, serial: str, matches: int = 0) -> None:
        super().__init__(serial)
        self.serial = serial
        self.matches = matches


LONGEST = 32  # characters of a serial, as the column holds them
TAIL = 4  # characters of a serial that are enough among one agent's customers (reference: users 2.6)


async def find_for_agent(serial: str, mini_grid_id: int, *, whole: bool = False) -> Device:
    """The device with this serial, or (unless `whole`) this tail of one, among the customers of a mini-grid.

    Raises DeviceNotFound, also for a device of another mini-grid: its existence is not disclosed.
    """
    if len(serial) > LONGEST:
        raise DeviceNotFound(serial)
    within = Device.filter(customer__mini_grid_id=mini_grid_id).select_related("customer", "plan")
    exact = await within.get_or_none(serial=serial)
    if exact:
        return exact
    if whole or len(serial) < TAIL:
        raise DeviceNotFound(serial)
    found = await within.filter(serial__endswith=serial).limit(2)
    if len(found) != 1:
        raise DeviceNotFound(serial, len(found))
    return found[0]


async def of_customers(customers: list[Customer]) -> list[Device]:
    """The devices of the customers behind one phone, oldest first."""
    ids = [customer.id for customer in customers]
    return await Device.filter(customer_id__in=ids).select_related("customer", "plan").order_by("id")


async def with_owner(device_id: int) -> Device:
    return await Device.get(id=device_id).select_related("customer", "plan")
