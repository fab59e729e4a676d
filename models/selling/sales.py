"""What was sold: a sale and its token, each guarded by a unique key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tortoise import fields
from tortoise.models import Model

from models.devices import Device
from models.money.payments import Payment
from models.people import Agent, Customer
from models.rows import find_row, read_row, utc_moment
from models.sql import ask_together, columns_of, connection, execute, marks

LONGEST_REFERENCE = 8  # of a sale


class Sale(Model):
    """A payment, or a part of one, and what it did; append only. Money is in minor units. A sale of goods has no
    device and no token."""

    id = fields.BigIntField(primary_key=True)
    reference = fields.CharField(LONGEST_REFERENCE, unique=True)
    key = fields.CharField(80, unique=True)  # names the sale for good: what sells twice with it sells once
    payment: fields.ForeignKeyRelation[Payment] = fields.ForeignKeyField("models.Payment", on_delete=fields.RESTRICT)
    payment_id: int
    part = fields.SmallIntField(default=1, db_default=1)  # of the payment: it may be applied in parts
    # None: nobody took cash, the customer paid the company itself.
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
    # Not typed by its class: models/selling/contracts.py knows this file and not the reverse.
    contract: fields.ForeignKeyNullableRelation[Model] = fields.ForeignKeyField(
        "models.Contract", null=True, on_delete=fields.RESTRICT
    )
    contract_id: int | None
    amount = fields.BigIntField()
    unit = fields.CharField(10)  # a Unit; empty where nothing for a device was bought
    units = fields.IntField()  # whole days, or tenths of a kilowatt-hour
    recovered = fields.BigIntField(default=0, db_default=0)  # part of the amount that went to overdue goods
    access = fields.BigIntField(default=0, db_default=0)  # part of the amount that went to the access rate
    owed = fields.BigIntField(default=0, db_default=0)  # what was left on the contract
    commission = fields.BigIntField()
    # What it cost on that day: the tariff by name, the price of a day or a kWh, and the taxes and levies on top.
    tariff = fields.CharField(100, default="", db_default="")
    price = fields.BigIntField(default=0, db_default=0)
    components = fields.BigIntField(default=0, db_default=0)
    # What was less than a unit: the customer's credit before, which was used, and after.
    credit_before = fields.BigIntField(default=0, db_default=0)
    credit_after = fields.BigIntField(default=0, db_default=0)
    # The sale that this one does again for the right device.
    replaces: fields.OneToOneNullableRelation["Sale"] = fields.OneToOneField(
        "models.Sale", null=True, related_name="replaced_by", on_delete=fields.RESTRICT
    )
    replaces_id: int | None
    created_at = fields.DatetimeField(auto_now_add=True, db_index=True)

    class Meta:
        unique_together = (("payment", "part"),)
        indexes = (("device_id", "created_at"), ("agent_id", "created_at"))


class Token(Model):
    """The digits that a sale bought. A device's count is used for at most one token, a sale has at most one."""

    id = fields.BigIntField(primary_key=True)
    sale: fields.OneToOneRelation[Sale] = fields.OneToOneField(
        "models.Sale", related_name="token", on_delete=fields.RESTRICT
    )
    sale_id: int
    device: fields.ForeignKeyRelation[Device] = fields.ForeignKeyField(
        "models.Device", related_name="tokens", on_delete=fields.RESTRICT
    )
    device_id: int
    count = fields.IntField()
    digits = fields.CharField(20)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        unique_together = (("device", "count"),)
        indexes = (("device_id", "id"),)


# What of the sales `s` was not taken back.
COUNTS = "NOT EXISTS (SELECT 1 FROM void v WHERE v.sale_id = s.id AND v.state = 'done')"
# Somebody of the office took the cash: not a customer's phone, nor an agent whose sale was moved to another device.
AT_COUNTER = (
    "s.agent_id IS NULL AND s.part = 1 "
    "AND EXISTS (SELECT 1 FROM payment p WHERE p.id = s.payment_id AND p.provider = 'cash')"
)
# A device of the stock may have had another owner before it came in the place of a broken one: what was sold for it by
# then is not its owner's. Counts only rise.
SINCE_SWAP = "t.count > COALESCE((SELECT MAX(w.count) FROM device_swap w WHERE w.device_id = t.device_id), -1)"
# What of the sales `s` of a device `d` is its owner's: what this customer paid for, or somebody before on a plan that
# came along with it. Of what came back the next one reads nothing. By the contract's own row: for an EXISTS PostgreSQL
# would read all contracts.
ITS_OWNERS = """d.customer_id IN
    (s.customer_id, (SELECT k.customer_id FROM contract k WHERE k.id = s.contract_id))"""
# The count of a device's newest code that counts. That of the device itself may have been moved on without one, after a
# restore.
_LAST_COUNT = f"""COALESCE((SELECT MAX(c.count) FROM (
    SELECT (SELECT x.count FROM token x JOIN sale s ON s.id = x.sale_id
      WHERE x.device_id = device.id AND {COUNTS} ORDER BY x.count DESC LIMIT 1) AS count
    UNION ALL SELECT MAX(y.count) FROM device_swap y WHERE y.device_id = device.id AND y.digits <> '') c), 0)"""
# Whether that code unlocked it for good, or a later one whose sale is void by now: the digits that were made stay made.
# A void one that locked it again may never have been typed.
_IS_UNLOCKED = f"""EXISTS (SELECT 1 FROM token t JOIN sale u ON u.id = t.sale_id
    WHERE t.device_id = device.id AND t.count >= {_LAST_COUNT} AND u.unit = 'unlock')
  OR EXISTS (SELECT 1 FROM device_swap w
    WHERE w.device_id = device.id AND w.count >= {_LAST_COUNT} AND w.unit = 'unlock')"""
# Of what came back no day is paid by anybody, but it runs on as long as it did; and codes that were not typed may be.
_HAD_CODES = """device.paid_until IS NULL AND (EXISTS (SELECT 1 FROM token t WHERE t.device_id = device.id)
    OR EXISTS (SELECT 1 FROM device_swap w WHERE w.device_id = device.id AND w.digits <> ''))"""
# Whether the next code has to say how long a device runs from then on, and not how much longer.
RUNS_ON = f"{_IS_UNLOCKED} OR ({_HAD_CODES})"
# Each by itself: of all tokens of a device, which grow with the years, the index is asked for the end alone.
_NEWEST = "(SELECT x.id FROM token x WHERE x.device_id = d.id ORDER BY x.id DESC LIMIT 1 OFFSET {})"
# Before them came the code of the swap, if there was one: who has it need not have typed it yet.
LAST_CODES = f"""SELECT t.device_id, s.created_at, s.amount, s.unit, s.units,
  CASE WHEN {COUNTS} THEN t.digits ELSE '' END AS digits, t.id AS place FROM device d
  JOIN token t ON t.id IN ({", ".join(map(_NEWEST.format, range(3)))}) JOIN sale s ON s.id = t.sale_id
  WHERE d.id IN ({{devices}}) AND {ITS_OWNERS} AND {SINCE_SWAP}
  UNION ALL SELECT w.device_id, w.created_at, NULL, w.unit, w.units, w.digits, 0 FROM device d
  JOIN device_swap w ON w.id = (SELECT MAX(x.id) FROM device_swap x WHERE x.device_id = d.id)
  WHERE d.id IN ({{devices}}) AND w.digits <> '' AND d.customer_id IN
    (w.customer_id, (SELECT k.customer_id FROM contract k WHERE k.id = w.contract_id)) ORDER BY place DESC"""
SAME_SALE_WINDOW = timedelta(hours=24)


async def same_today(
    agent: Agent | None, amount: int, *, device_id: int | None = None, contract_id: int | None = None
) -> Sale | None:
    """The newest sale of this amount by this agent, or at the office's counter, for this device, or for this contract
    of goods, within 24 hours (reference: users 3.3). A down payment does not count: it came with the appliance, and
    whoever pays the first instalment on the same day does nothing twice."""
    found = newest_same("device_id" if device_id else "contract_id", by_agent=agent is not None)
    values = [device_id or contract_id, amount, same_since(), *([agent.id] if agent else [])]
    return await find_row(Sale, f"id = ({found})", values)


async def newest_of_payment(payment_id: int) -> Sale | None:
    """What was made last of a payment."""
    return await find_row(Sale, "payment_id = $1 ORDER BY id DESC", [payment_id])


def newest_same(what: str, *, by_agent: bool) -> str:
    """The SQL for the id of that sale: $1 is the value of the column `what` it was paid for, $2 the amount, $3 since
    when, and $4 the agent, if it is `by_agent`. It looks among the sales of what was paid for, which are few: + keeps
    it from those of an agent who sold a hundred times today."""
    return (
        f"SELECT MAX(s.id) FROM sale s WHERE s.{what} = $1 AND {'+s.agent_id = $4' if by_agent else AT_COUNTER} "
        f"AND s.amount = $2 AND s.created_at >= $3 AND s.key NOT LIKE 'down payment %' AND {COUNTS}"
    )


def same_since() -> datetime:
    """Since when a sale is one of `same_today`."""
    return datetime.now(UTC) - SAME_SALE_WINDOW


async def last_tokens(device: Device, count: int) -> list[tuple[Sale, str]]:
    """The newest sales of a device to its owner with their digits, newest first, since it came in another one's place
    where it did. Those that are void are left out, for their codes count no more."""
    rows = await execute(
        connection(),
        f"SELECT {columns_of(Sale, 's')}, t.digits FROM token t JOIN sale s ON s.id = t.sale_id "
        f"JOIN device d ON d.id = t.device_id "
        f"WHERE t.device_id = $1 AND {COUNTS} AND {ITS_OWNERS} AND {SINCE_SWAP} ORDER BY t.id DESC LIMIT $2",
        [device.id, count],
    )
    return [(read_row(Sale, row), row["digits"]) for row in rows]


async def runs_on(device: Device) -> bool:
    """Whether it runs longer than is paid, as far as its codes go: for good, or for what a former owner left on it."""
    rows = await execute(connection(), f"SELECT {RUNS_ON} AS yes FROM device WHERE id = $1", [device.id])
    return bool(rows[0]["yes"])


@dataclass(frozen=True)
class Code:
    """What a list says of a token. Money is in minor units."""

    sold_at: datetime
    amount: int | None  # None: nothing was paid, it came with a device in the place of another one
    unit: str  # a Unit
    units: int
    digits: str  # empty where the sale is void: its code counts no more


async def last_codes(device: Device) -> list[Code]:
    """The newest tokens of a device's owner, newest first, since it came in another one's place where it did, and at
    last the code of that: what a list says of them and no more."""
    return (await ask_together("last codes", [device.id], _codes_by_device, of="device"))[device.id]


async def _codes_by_device(devices: Sequence[int]) -> dict[int, list[Code]]:
    found: dict[int, list[Code]] = {number: [] for number in devices}
    for row in await execute(connection(), LAST_CODES.format(devices=marks(len(devices))), devices):
        code = Code(utc_moment(row["created_at"]), row["amount"], row["unit"], row["units"], row["digits"])
        found[row["device_id"]].append(code)
    return found
