"""What a payment meets in the database: all of it read in one statement, for the question as well as for the sale under
its locks."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tortoise.models import Model

from models.devices import Device, Tariff
from models.money.reservations import PROMISED
from models.people import Agent, Customer
from models.rows import M, find_row, read_row
from models.selling.cash_limit import Room, room_of
from models.selling.catalogue import Appliance
from models.selling.contracts import Contract
from models.selling.sales import Sale, newest_same, same_since
from models.sql import connection, execute, now_ms

MET = """SELECT {columns}, a.cash_limit, a.commission, a.goods_commission, a.prepaid,
  COALESCE(funds.balance, 0) AS held, ({promised}) AS promised,
  (SELECT -balance FROM account WHERE kind = 'credit' AND owner = customer.id) AS credit,
  (SELECT balance FROM account WHERE kind = 'access due' AND owner = device.id) AS access_booked,
  EXISTS (SELECT 1 FROM contract WHERE customer_id = customer.id AND device_id IS NULL) AS has_goods,
  EXISTS (SELECT 1 FROM cash_request WHERE agent_id = $4 AND expires_at > $5 AND state = 'asked') AS asked,
  ({same}) AS same, (SELECT id FROM sale WHERE key = $6) AS sold,
  EXISTS (SELECT 1 FROM sale WHERE reference = $7) AS taken,
  EXISTS (SELECT 1 FROM setting WHERE name = 'sales' AND value = 'off') AS sales_off
  FROM {joined} LEFT JOIN agent a ON a.id = $4 AND a.retired_at IS NULL
  LEFT JOIN account funds ON funds.kind = CASE WHEN a.prepaid THEN 'wallet' ELSE 'cash' END AND funds.owner = a.id
  WHERE {table}.id = $1"""
TABLES: dict[str, type[Model]] = {
    "device": Device,
    "customer": Customer,
    "tariff": Tariff,
    "contract": Contract,
    "appliance": Appliance,
}


@dataclass(frozen=True)
class _Kind:
    """What payments are for: its table, those that come with it, and how they are joined to it."""

    table: str
    others: tuple[str, ...]
    joined: str


# With the newest contract of its owner, whether it is paid off or not: what a former one owes is not the new one's.
DEVICE = _Kind(
    "device",
    ("customer", "tariff", "contract"),
    """device LEFT JOIN customer ON customer.id = device.customer_id
  LEFT JOIN tariff ON tariff.id = device.tariff_id
  LEFT JOIN contract ON contract.id = (SELECT MAX(id) FROM contract
    WHERE device_id = $1 AND customer_id = (SELECT customer_id FROM device WHERE id = $1))""",
)
GOODS = _Kind(
    "contract",
    ("customer", "appliance"),
    """contract JOIN customer ON customer.id = contract.customer_id
  JOIN appliance ON appliance.id = contract.appliance_id LEFT JOIN device ON device.id = contract.device_id""",
)


@dataclass(frozen=True, kw_only=True)
class Met:
    """Money is in minor units."""

    device: Device | None  # with its owner and its tariff; None: goods without one
    contract: Contract | None  # that of the device; of goods, with its customer and appliance
    room: Room | None  # of the seller; None: there is none, or he sells no more
    credit: int  # the customer's
    access_booked: int  # what the books have as due of the device's access rate
    has_goods: bool  # whether the customer has contracts of goods without a device
    same: Sale | None  # that of `sales.same_today`
    sold: Sale | None  # the one that was made with the key
    asked: bool  # whether customers may wait for an answer of the seller (models/selling/cash_requests.py)
    reference: str  # the one that was to be tried; empty where another sale has it
    sales_off: bool  # whether the office has switched sales off (models/settings.py)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Whose payment it is that meets it."""

    seller: Agent | None = None  # whose limit and commissions are as they are now, from here on
    amount: int | None = None  # minor units
    key: str | None = None  # of the sale
    reference: str = ""  # to be tried


async def meet_device(device_id: int, payment: Asked) -> Met:
    """What a payment for a device meets now."""
    row = await _read(DEVICE, device_id, payment)
    device = read_row(Device, row, "device.")
    vars(device).update(_customer=_one(row, "customer", Customer), _tariff=_one(row, "tariff", Tariff))
    return await _met(row, payment, device, _one(row, "contract", Contract))


async def meet_goods(contract_id: int, payment: Asked) -> Met:
    """What a payment for goods without a device meets now."""
    row = await _read(GOODS, contract_id, payment)
    contract = read_row(Contract, row, "contract.")
    whose, item = _one(row, "customer", Customer), _one(row, "appliance", Appliance)
    vars(contract).update(_customer=whose, _appliance=item, _device=None)
    return await _met(row, payment, None, contract)


async def _read(kind: _Kind, number: int, payment: Asked) -> Mapping[str, Any]:
    seller = payment.seller
    values = [number, payment.amount, same_since(), seller.id if seller else None, now_ms(), payment.key]
    statement = _statement(kind, by_agent=seller is not None)
    [row] = await execute(connection(), statement, [*values, payment.reference])
    return row


@cache
def _statement(kind: _Kind, *, by_agent: bool) -> str:
    return MET.format(
        columns=_columns(kind.table, *kind.others),
        promised=PROMISED.format(now="$5", owners="= a.id"),
        joined=kind.joined,
        same=newest_same(f"{kind.table}_id", by_agent=by_agent),
        table=kind.table,
    )


async def _met(row: Mapping[str, Any], payment: Asked, device: Device | None, contract: Contract | None) -> Met:
    sells = payment.seller if row["cash_limit"] is not None else None
    return Met(
        device=device,
        contract=contract,
        room=room_of(row, sells) if sells else None,
        credit=int(row["credit"] or 0),
        access_booked=int(row["access_booked"] or 0),
        has_goods=bool(row["has_goods"]),
        same=await _sale(row["same"]),
        sold=await _sale(row["sold"]),
        asked=bool(row["asked"]),
        reference="" if row["taken"] else payment.reference,
        sales_off=bool(row["sales_off"]),
    )


async def _sale(number: int | None) -> Sale | None:
    """There is none as a rule: its columns are read where there is one."""
    return await find_row(Sale, "id = $1", [number]) if number else None


def _columns(*names: str) -> str:
    """The columns of these tables, each with the table's name before its own."""
    return ", ".join(
        f'{name}.{column} AS "{name}.{column}"' for name in names for column in TABLES[name]._meta.db_fields
    )


def _one(row: Mapping[str, Any], name: str, model: type[M]) -> M | None:
    return None if row[f"{name}.id"] is None else read_row(model, row, f"{name}.")
