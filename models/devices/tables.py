"""What customers pay for: meters, solar home systems, e-bikes, and the price of what they deliver."""

import re
from collections.abc import Collection, Sequence
from enum import StrEnum
from itertools import chain

from tortoise import fields
from tortoise.models import Model

from models.people import Customer
from models.rows import find_rows
from models.sql import ask_together, connection, ending_of, execute, expect, marks


class Unit(StrEnum):
    """What a payment buys."""

    DAYS = "days"  # counted in whole days
    ENERGY = "energy"  # counted in tenths of a kilowatt-hour
    UNLOCK = "unlock"  # the last payment on a plan: the device runs for good


class Kind(StrEnum):
    METER = "meter"
    SHS = "shs"
    EBIKE = "ebike"


class Tariff(Model):
    """What a day or a kilowatt-hour costs. Money is in minor units."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(100, unique=True)
    unit = fields.CharField(10)  # Unit.DAYS or Unit.ENERGY
    price = fields.BigIntField()  # of one day, or of one kilowatt-hour
    minimum = fields.BigIntField(default=1)  # the smallest payment, not counting debts
    components = fields.BigIntField(default=0, db_default=0)  # taxes and levies on top of the price
    access_rate = fields.BigIntField(default=0, db_default=0)
    access_days = fields.SmallIntField(default=0, db_default=0)  # the access rate falls due each so many days; 0: never
    recovery = fields.SmallIntField(default=0, db_default=0)  # percent of a payment that go to overdue goods at most

    @property
    def full_price(self) -> int:
        return int(self.price + self.components)


class DeviceModel(Model):
    """A product of a manufacturer."""

    id = fields.BigIntField(primary_key=True)
    kind = fields.CharField(10)
    manufacturer = fields.CharField(100)
    name = fields.CharField(100, unique=True)
    prefix = fields.CharField(32, default="")  # of its serials; of an STS meter the manufacturer's code


class Device(Model):
    """Something that accepts tokens."""

    id = fields.BigIntField(primary_key=True)
    serial = fields.CharField(32, unique=True)
    kind = fields.CharField(10)
    issuer = fields.CharField(20)  # a key of models.tokens.ISSUERS
    sealed_key = fields.TextField()  # its secret, encrypted (models/devices/keys.py)
    # The last one used: an OpenPAYGO count, or an STS token identifier (minutes since the base date).
    count = fields.IntField(default=0)
    customer: fields.ForeignKeyNullableRelation[Customer] = fields.ForeignKeyField(
        "models.Customer", null=True, related_name="devices", on_delete=fields.RESTRICT
    )
    customer_id: int | None
    tariff: fields.ForeignKeyNullableRelation[Tariff] = fields.ForeignKeyField(
        "models.Tariff", null=True, on_delete=fields.SET_NULL
    )
    tariff_id: int | None
    model: fields.ForeignKeyNullableRelation[DeviceModel] = fields.ForeignKeyField(
        "models.DeviceModel", null=True, on_delete=fields.SET_NULL
    )
    model_id: int | None
    retired_at = fields.DatetimeField(null=True)  # lost, broken or scrapped: nothing more is sold for it
    paid_until = fields.DatetimeField(null=True)
    # The access rate that nobody paid yet, in minor units, up to the day `access_until`; what fell due since then is
    # worked out where it is asked for (models/money/access_rate.py).
    access_due = fields.BigIntField(default=0, db_default=0)
    access_until = fields.DateField(null=True)

    class Meta:
        indexes = (("tariff_id",),)


class DeviceNotFound(Exception):
    """Nothing in reach goes by this serial, or several things do (`matches`) and none may be guessed."""

    def __init__(self, serial: str, matches: int = 0) -> None:
        super().__init__(serial)
        self.serial = serial
        self.matches = matches


LONGEST = 32  # characters of a serial, as the column holds them
SERIAL = re.compile(r"[A-Z0-9]+(?:[/._-][A-Z0-9]+)*")  # what a text message can carry as one word
MOST_ALIKE = 200  # serials with the same end that are looked at
TAIL = 4  # characters of a serial that are enough among one agent's customers (reference: users 2.6)


# A serial without its marks and with one of the letters that look alike: payers type o for 0, l or i for 1. An index is
# made of this very text (models/migrations/0001_tables.py).
FOLDED = (
    "replace(replace(replace(replace(replace(replace(replace("
    "{serial}, '-', ''), '/', ''), '_', ''), '.', ''), 'O', '0'), 'I', '1'), 'L', '1')"
)
ALIKE = str.maketrans({"-": "", "/": "", "_": "", ".": "", "O": "0", "I": "1", "L": "1"})


async def _devices(condition: str, values: Sequence[object]) -> list[Device]:
    """Always with its owner and its tariff: a device is looked up at each step of a sale."""
    return await find_rows(Device, condition, values, joined=("customer", "tariff"))


async def find_all_for_agent(serial: str, mini_grid_id: int, most: int) -> list[Device]:
    """The device with this serial, or else at most so many whose serials end so, among the customers of a mini-grid: a
    device of another one is not disclosed. A dash more or less does not count."""
    if not (written := spellings(serial)):
        return []
    found = await find_exact(written, mini_grid_id)
    if not found and len(serial) >= TAIL:
        found = await _by_tail(serial, mini_grid_id)
    return found[:most]


def spellings(serial: str) -> set[str]:
    """How a serial is written that was typed so; none is longer than LONGEST."""
    return {serial, serial.replace("-", "")} if len(serial) <= LONGEST else set()


async def find_exact(serials: Collection[str], mini_grid_id: int) -> list[Device]:
    """The devices that have these very serials, among the customers of a mini-grid."""
    return await _devices(exactly(serials), [*serials, mini_grid_id])


def exactly(serials: Collection[str], first: int = 1) -> str:
    """The condition for devices of these serials, then of a mini-grid; `first` is the number of the first value. With
    COALESCE, which a device without an owner might fulfil, neither database may begin with the customers: from twenty
    serials on SQLite would go through all of them, and PostgreSQL before it knows how many there are, which takes it a
    minute after an import."""
    count = len(serials)
    return f"device.serial IN ({marks(count, first)}) AND COALESCE(customer.mini_grid_id, 0) = ${first + count}"


async def known_serials(serials: Sequence[str], mini_grid_id: int | None = None) -> list[str]:
    """Which of these serials some device has; with a mini-grid, some device of its customers."""
    if not serials:
        return []
    statement = f"""SELECT d.serial, c.mini_grid_id FROM device d LEFT JOIN customer c ON c.id = d.customer_id
      WHERE d.serial IN ({marks(len(serials))})"""
    rows = await execute(connection(), statement, list(serials))
    found = {row["serial"] for row in rows if mini_grid_id in (None, row["mini_grid_id"])}
    return [serial for serial in serials if serial in found]


async def known_serial(serials: Sequence[str], mini_grid_id: int | None = None) -> str | None:
    """The first of these serials that some device has; with a mini-grid, some device of its customers."""
    return next(iter(await known_serials(serials, mini_grid_id)), None)


async def _by_tail(tail: str, mini_grid_id: int) -> list[Device]:
    """The last characters are indexed; few serials of a mini-grid share them."""
    ending = tail.replace("-", "")
    condition = f"{ending_of('device.serial', str(TAIL))} IN ($1, $2) AND customer.mini_grid_id = $3 ORDER BY device.id"
    values = [tail[-TAIL:], ending[-TAIL:], mini_grid_id]
    found = await _devices(f"{condition} LIMIT {MOST_ALIKE}", values)
    return [device for device in found if device.serial.replace("-", "").endswith(ending)]


async def devices_of(customers: list[Customer]) -> list[Device]:
    """The devices of the customers behind one phone with their tariffs, oldest first. Who owns each is known, as the
    customers were read: it is not asked for again."""
    owners: dict[int | None, Customer] = {customer.id: customer for customer in customers}
    of_each = await ask_together("devices", [one.id for one in customers], _devices_by_owner, of="customer")
    found = sorted(chain(*of_each.values()), key=lambda device: device.id)
    for device in found:
        device.customer = owners[device.customer_id]
    return found


async def _devices_by_owner(customers: Sequence[int]) -> dict[int, list[Device]]:
    """Each with its tariff, by the ids of their owners."""
    found: dict[int, list[Device]] = {number: [] for number in customers}
    condition = f"device.customer_id IN ({marks(len(customers))})"
    for device in await find_rows(Device, condition, customers, joined=("tariff",)) if customers else []:
        found[device.customer_id or 0].append(device)
    expect("device", (device.id for device in chain(*found.values())))
    return found


async def device_in_reach(device_id: int, mini_grid_id: int) -> Device | None:
    """The device, as long as it belongs to a customer of this mini-grid."""
    found = await _devices("device.id = $1 AND customer.mini_grid_id = $2", [device_id, mini_grid_id])
    return found[0] if found else None


async def with_owner(device_id: int) -> Device:
    """The device with its owner and its tariff."""
    return (await _devices("device.id = $1", [device_id]))[0]


async def find_anywhere(typed: str) -> list[Device]:
    """The device with this serial, whoever has it and wherever that is; else at most two that go by it when marks,
    spaces and what looks alike (O and 0, I, L and 1) do not count."""
    serial = "".join(typed.upper().split())[: 2 * LONGEST]
    if found := await _devices("device.serial = $1", [serial]):
        return found
    alike = f"{FOLDED.format(serial='device.serial')} = $1 ORDER BY device.id LIMIT 2"
    return await _devices(alike, [serial.translate(ALIKE)])
