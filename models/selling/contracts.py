"""Contracts and their instalments: who owes what, and when."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.devices import Device, Kind
from models.people import Agent, Customer
from models.rows import find_row, find_rows
from models.selling.catalogue import Appliance
from models.selling.instalments import Due
from models.selling.sales import Sale
from models.sql import connection, execute, marks, read_day

FIRST_NUMBER = 1_000  # contracts are S1001, S1002, …: never as short as a menu number


class Ending(StrEnum):
    """How a contract ended otherwise than by being paid. One that was paid off may end so later."""

    RETURNED = "returned"  # the device came back
    WRITTEN_OFF = "written off"
    VOID = "void"  # the sale was taken back


# The device left with them: the customer may have it anew since, at a tariff or on another contract.
WITHOUT_DEVICE = (Ending.RETURNED, Ending.VOID)
# The same of any other, as SQL.
HAS_DEVICE = f"{{contract}}.ending NOT IN ({', '.join(repr(ending.value) for ending in WITHOUT_DEVICE)})"


class Contract(Model):
    """An appliance sold to a customer, on the terms of the day of the sale. Goods without a device are paid by its
    number, S1042. Money is in minor units."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)
    appliance: fields.ForeignKeyRelation[Appliance] = fields.ForeignKeyField(
        "models.Appliance", on_delete=fields.RESTRICT
    )
    appliance_id: int
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField("models.Customer", on_delete=fields.RESTRICT)
    customer_id: int
    # None: it was sold at the office's counter.
    agent: fields.ForeignKeyNullableRelation[Agent] = fields.ForeignKeyField(
        "models.Agent", null=True, on_delete=fields.RESTRICT
    )
    agent_id: int | None
    device: fields.ForeignKeyNullableRelation[Device] = fields.ForeignKeyField(
        "models.Device", null=True, on_delete=fields.RESTRICT
    )
    device_id: int | None
    terms = fields.CharField(12)  # a Terms
    price = fields.BigIntField()
    down = fields.BigIntField()  # the down payment
    period = fields.CharField(8)  # a Period
    day_price = fields.BigIntField()  # of a service
    minimum = fields.BigIntField()  # the smallest payment
    commission = fields.BigIntField()  # the agent's, on the price
    earned = fields.BigIntField(default=0, db_default=0)  # of it, as the price was paid
    sold_on = fields.DateField()
    created_at = fields.DatetimeField()
    ended_on = fields.DateField(null=True)  # when it was paid in full, or came to an end otherwise
    ending = fields.CharField(12, default="", db_default="")  # an Ending; empty: it was paid, or goes on

    class Meta:
        indexes = (("customer_id",), ("agent_id", "id"))

    @property
    def number(self) -> str:
        return contract_number(self.id)


class Instalment(Model):
    """`paid` is what its allocations add up to, and never passes `amount`: triggers say so."""

    id = fields.BigIntField(primary_key=True)
    contract: fields.ForeignKeyRelation[Contract] = fields.ForeignKeyField(
        "models.Contract", related_name="instalments", on_delete=fields.RESTRICT
    )
    contract_id: int
    # The contract's, for the indexes of reminders: each appliance has its own days for them.
    appliance: fields.ForeignKeyRelation[Appliance] = fields.ForeignKeyField(
        "models.Appliance", on_delete=fields.RESTRICT
    )
    appliance_id: int
    number = fields.SmallIntField()
    due_on = fields.DateField()
    amount = fields.BigIntField()
    paid = fields.BigIntField(default=0)
    reminded_before = fields.DatetimeField(null=True)
    reminded_after = fields.DatetimeField(null=True)

    class Meta:
        unique_together = (("contract", "number"),)


class Allocation(Model):
    """What a sale gave to an instalment, or took back from it; append only. The allocations of an instalment add up to
    its `paid`: a trigger moves it, and nothing else can."""

    id = fields.BigIntField(primary_key=True)
    # None: it is owed no more, for the appliance came back or the debt was written off.
    sale: fields.ForeignKeyNullableRelation[Sale] = fields.ForeignKeyField(
        "models.Sale", null=True, on_delete=fields.RESTRICT
    )
    instalment: fields.ForeignKeyRelation[Instalment] = fields.ForeignKeyField(
        "models.Instalment", on_delete=fields.RESTRICT
    )
    amount = fields.BigIntField()  # less than 0 where it takes back
    reverses: fields.OneToOneNullableRelation["Allocation"] = fields.OneToOneField(
        "models.Allocation", null=True, related_name="reversal", on_delete=fields.RESTRICT
    )

    class Meta:
        indexes = (("instalment_id",), ("sale_id",))


def contract_number(contract_id: int) -> str:
    """By what a contract is paid, S1042."""
    return f"S{FIRST_NUMBER + contract_id}"


async def contract_of(device: Device) -> Contract | None:
    """The newest contract that its owner has on a device, whether it is paid off or not: what a former owner owes is
    not the new one's, and neither is what the same one had it on before it came back."""
    whose, has_it = [device.id, device.customer_id], HAS_DEVICE.format(contract="contract")
    return await find_row(Contract, f"device_id = $1 AND customer_id = $2 AND {has_it} ORDER BY id DESC", whose)


def contract_among(contracts: Sequence[Contract], device: Device) -> Contract | None:
    """The same of those that `contracts_of` has found."""
    return next((one for one in contracts if _is_on(one, device)), None)


def _is_on(contract: Contract, device: Device) -> bool:
    whose = device.id, device.customer_id
    return (contract.device_id, contract.customer_id) == whose and contract.ending not in WITHOUT_DEVICE


def takes_money(device: Device, contracts: Sequence[Contract]) -> bool:
    """Whether something may be paid for a device: not for what is out of use, paid off or written off. `contracts` are
    those of its owner, as `contracts_of` has found them."""
    contract = contract_among(contracts, device) if device.kind != Kind.METER else None
    return device.retired_at is None and (contract is None or contract.ended_on is None)


async def contracts_of(customers: Sequence[Customer]) -> list[Contract]:
    """All contracts of these customers, the newest first, each with its customer, appliance and device."""
    ids = [customer.id for customer in customers]
    return await _whole(f"contract.customer_id IN ({marks(len(ids))}) ORDER BY contract.id DESC", ids) if ids else []


async def find_contract(number: str, mini_grid_id: int) -> Contract | None:
    """The contract S1042 of a customer in this mini-grid, with its customer, appliance and device."""
    digits = number.upper().removeprefix("S")
    if not digits.isdecimal() or len(digits) > 9:
        return None
    found = await _whole("contract.id = $1 AND customer.mini_grid_id = $2", [int(digits) - FIRST_NUMBER, mini_grid_id])
    return found[0] if found else None


async def contract_numbered(number: str) -> Contract | None:
    """The contract S1042, whoever's it is, with its customer, appliance and device."""
    digits = number.upper().removeprefix("S")
    if not digits.isdecimal() or len(digits) > 9:
        return None
    found = await _whole("contract.id = $1", [int(digits) - FIRST_NUMBER])
    return found[0] if found else None


async def read_contract(contract_id: int) -> Contract:
    """A contract by its id, with its customer, appliance and device."""
    return (await _whole("contract.id = $1", [contract_id]))[0]


async def open_instalments(contract: Contract) -> list[Due]:
    """What is still to be paid on a contract, the oldest first."""
    return await _dues("contract_id = $1", [contract.id])


async def count_paid(contract: Contract) -> tuple[int, int]:
    """How many instalments are paid in full, and of how many."""
    rows = await execute(
        connection(),
        "SELECT COUNT(*) AS n, COALESCE(SUM(CASE WHEN paid = amount THEN 1 ELSE 0 END), 0) AS paid FROM instalment "
        "WHERE contract_id = $1",
        [contract.id],
    )
    return int(rows[0]["paid"]), int(rows[0]["n"])


async def contracts_sold_by(agent: Agent, most: int) -> list[Contract]:
    """What an agent sold in the own mini-grid, the newest first, each with its customer and appliance."""
    own = "contract.agent_id = $1 AND customer.mini_grid_id = $2 ORDER BY contract.id DESC LIMIT $3"
    return await _whole(own, [agent.id, agent.mini_grid_id, most])


async def overdue_goods(customer_id: int, today: date) -> list[Due]:
    """What a customer should have paid before today on goods without a device, the oldest first."""
    condition = "contract_id IN (SELECT id FROM contract WHERE customer_id = $1 AND device_id IS NULL) AND due_on < $2"
    return await _dues(condition, [customer_id, today])


async def dues_by_contract(contracts: Sequence[Contract]) -> dict[int, list[Due]]:
    """What is still to be paid on each of these contracts, the oldest first."""
    owed: dict[int, list[Due]] = {contract.id: [] for contract in contracts}
    if contracts:
        for due in await _dues(f"contract_id IN ({marks(len(contracts))})", list(owed)):
            owed[due.contract_id].append(due)
    return owed


async def _whole(condition: str, values: Sequence[Any]) -> list[Contract]:
    """Each with its customer, appliance and device."""
    return await find_rows(Contract, condition, values, joined=("customer", "appliance", "device"))


async def _dues(condition: str, values: Sequence[Any]) -> list[Due]:
    rows = await execute(
        connection(),
        'SELECT id, contract_id, number, due_on, amount, amount - paid AS "left" FROM instalment '
        f"WHERE {condition} AND paid < amount ORDER BY due_on, contract_id, number",
        values,
    )
    return [Due(**row | {"due_on": read_day(row["due_on"])}) for row in rows]
