"""What a payment meets in the database: all of it read in one statement, for the question as well as for the sale under
its locks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tortoise.models import Model

from models.devices import Device, Tariff
from models.devices.tables import exactly
from models.money.reservations import PROMISED
from models.people import Agent, Customer
from models.rows import M, find_row, read_row
from models.selling.cash_limit import Room, room_of
from models.selling.catalogue import Appliance
from models.selling.contracts import HAS_DEVICE, Contract
from models.selling.sales import RUNS_ON, Sale, same_since
from models.sql import connection, execute, now_ms

# $1 the moment since when a sale of the same would be one too many, $2 the seller, $3 now, $4 the key and $5 the
# reference; the condition has its own values behind them.
MET = """SELECT {columns}, a.cash_limit, a.commission, a.goods_commission, a.prepaid,
  COALESCE(funds.balance, 0) AS held, ({promised}) AS promised,
  (SELECT -balance FROM account WHERE kind = 'credit' AND owner = customer.id) AS credit,
  (SELECT balance FROM account WHERE kind = 'access due' AND owner = device.id) AS access_booked,
  EXISTS (SELECT 1 FROM contract own WHERE own.customer_id = customer.id AND own.device_id IS NULL) AS has_goods,
  EXISTS (SELECT 1 FROM cash_request WHERE agent_id = $2 AND expires_at > $3 AND state = 'asked') AS asked,
  EXISTS (SELECT 1 FROM sale s WHERE s.{table}_id = {table}.id AND s.created_at >= $1
    AND (s.agent_id = $2 OR $2 IS NULL)) AS sold_today,
  (SELECT id FROM sale WHERE key = $4) AS sold, EXISTS (SELECT 1 FROM sale WHERE reference = $5) AS taken,
  EXISTS (SELECT 1 FROM setting WHERE name = 'sales' AND value = 'off') AS sales_off,
  ({runs_on}) AS runs_on
  FROM {joined} LEFT JOIN agent a ON a.id = $2 AND a.retired_at IS NULL
  LEFT JOIN account funds ON funds.kind = CASE WHEN a.prepaid THEN 'wallet' ELSE 'cash' END AND funds.owner = a.id
  WHERE """
OWN = 6  # the first value of a condition
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
  LEFT JOIN contract ON contract.id = (SELECT MAX(own.id) FROM contract own
    WHERE own.device_id = device.id AND own.customer_id = device.customer_id AND """
    f"{HAS_DEVICE.format(contract='own')})",
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
    # Whether the seller sold anything for it within 24 hours; without one, whether anybody did. Only then there may be
    # the sale of `sales.same_today`.
    sold_today: bool
    sold: Sale | None  # the one that was made with the key
    asked: bool  # whether customers may wait for an answer of the seller (models/selling/cash_requests.py)
    reference: str  # the one that was to be tried; empty where another sale has it
    sales_off: bool  # whether the office has switched sales off (models/settings.py)
    runs_on: bool  # whether the device runs longer than is paid, as far as its codes go


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Whose payment it is that meets it."""

    seller: Agent | None = None  # whose limit and commissions are as they are now, from here on
    key: str | None = None  # of the sale
    reference: str = ""  # to be tried


async def meet_device(device_id: int, payment: Asked) -> Met:
    """What a payment for a device meets now."""
    [met] = await _meet_devices(f"device.id = ${OWN}", [device_id], payment)
    return met


async def meet_in_reach(device_id: int, mini_grid_id: int, payment: Asked) -> Met | None:
    """The same, as long as the device belongs to a customer of this mini-grid."""
    condition = f"device.id = ${OWN} AND customer.mini_grid_id = ${OWN + 1}"
    found = await _meet_devices(condition, [device_id, mini_grid_id], payment)
    return found[0] if found else None


async def meet_exact(serials: Collection[str], mini_grid_id: int, payment: Asked) -> list[Met]:
    """The same of the devices that have these very serials, looked for as `find_exact` does it."""
    return await _meet_devices(exactly(serials, OWN), [*serials, mini_grid_id], payment)


async def meet_goods(contract_id: int, payment: Asked) -> Met:
    """What a payment for goods without a device meets now."""
    [row] = await _read(GOODS, f"contract.id = ${OWN}", [contract_id], payment)
    contract = read_row(Contract, row, "contract.")
    whose, item = _one(row, "customer", Customer), _one(row, "appliance", Appliance)
    vars(contract).update(_customer=whose, _appliance=item, _device=None)
    return await _met(row, payment, None, contract)


async def _meet_devices(condition: str, values: Sequence[object], payment: Asked) -> list[Met]:
    found = []
    for row in await _read(DEVICE, condition, values, payment):
        device = read_row(Device, row, "device.")
        vars(device).update(_customer=_one(row, "customer", Customer), _tariff=_one(row, "tariff", Tariff))
        found.append(await _met(row, payment, device, _one(row, "contract", Contract)))
    return found


async def _read(kind: _Kind, condition: str, own: Sequence[object], payment: Asked) -> list[dict[str, Any]]:
    seller = payment.seller.id if payment.seller else None
    values = [same_since(), seller, now_ms(), payment.key, payment.reference, *own]
    return await execute(connection(), _statement(kind) + condition, values)


@cache
def _statement(kind: _Kind) -> str:
    return MET.format(
        columns=_columns(kind.table, *kind.others),
        runs_on=RUNS_ON,
        promised=PROMISED.format(now="$3", owners="= a.id"),
        joined=kind.joined,
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
        sold_today=bool(row["sold_today"]),
        sold=await find_row(Sale, "id = $1", [row["sold"]]) if row["sold"] else None,
        asked=bool(row["asked"]),
        reference="" if row["taken"] else payment.reference,
        sales_off=bool(row["sales_off"]),
        runs_on=bool(row["runs_on"]),
    )


def _columns(*names: str) -> str:
    """The columns of these tables, each with the table's name before its own."""
    return ", ".join(
        f'{name}.{column} AS "{name}.{column}"' for name in names for column in sorted(TABLES[name]._meta.db_fields)
    )


def _one(row: Mapping[str, Any], name: str, model: type[M]) -> M | None:
    return None if row[f"{name}.id"] is None else read_row(model, row, f"{name}.")
