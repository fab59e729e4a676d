"""What a customer's device costs, and whom its owner pays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from models.devices import Device, Unit
from models.people import Agent, Customer
from models.rows import find_rows, read_row
from models.selling.catalogue import Terms
from models.selling.instalments import DAYS, Period
from models.selling.payable import PayableDevice, Standing
from models.selling.quotes import quote
from models.selling.refusals import AmountTooSmall, NoPlan, NotSold, PaidOff, Retired
from models.sql import ask_together, columns_of, connection, execute, marks
from models.vault import Vault

# With each customer the agent of the mini-grid, not locked, who sold to the customer last, else the first of them.
# Of many customers PostgreSQL would look for each one's twice.
SELLERS = """WITH paid AS MATERIALIZED (SELECT c.id AS whose, COALESCE(
      (SELECT s.agent_id FROM sale s JOIN agent a ON a.id = s.agent_id WHERE s.customer_id = c.id
        AND a.mini_grid_id = c.mini_grid_id AND a.locked_at IS NULL ORDER BY s.id DESC LIMIT 1),
      (SELECT MIN(a.id) FROM agent a WHERE a.mini_grid_id = c.mini_grid_id AND a.locked_at IS NULL)) AS seller
    FROM customer c WHERE c.id IN ({customers}))
  SELECT whose, {columns} FROM paid JOIN agent ON agent.id = seller"""


@dataclass(frozen=True)
class Price:
    """Of one day or one kilowatt-hour, and the smallest payment; both in minor units."""

    amount: int
    unit: Unit
    least: int


async def price_of(device: Device, *, today: date, coin: int, vault: Vault) -> Price:
    """What a device costs now (`coin` in minor units is the smallest cash). Raises Retired, PaidOff and NoPlan when
    nothing can be paid for it."""
    at = await PayableDevice(device).standing(today, coin, vault)
    if at.device and at.device.retired_at:
        raise Retired(device.serial)
    amount, unit = _unit_price(at)
    if not amount:
        raise PaidOff(at.contract.number) if at.contract else NoPlan(device.serial)
    least = coin
    try:
        quote(at, coin)
    except AmountTooSmall as refusal:
        least = refusal.minimum
    except NotSold:  # not now, for another reason: the price is what it is
        pass
    return Price(amount, unit, least)


def _unit_price(at: Standing) -> tuple[int, Unit]:
    """Of a day on a contract, or of what the tariff counts; 0 when there is no price."""
    if at.contract and at.contract.terms == Terms.SERVICE:
        return int(at.contract.day_price), Unit.DAYS
    if at.contract:
        return (at.owed[0].amount // DAYS[Period(at.contract.period)] if at.owed else 0), Unit.DAYS
    tariff = at.device.tariff if at.device else None
    return (tariff.full_price, Unit(tariff.unit)) if tariff else (0, Unit.DAYS)


async def sellers_for(customer: Customer, most: int = 5) -> list[Agent]:
    """Whom a customer may pay in cash, the likeliest first: the one of `seller_for`, then others of the mini-grid."""
    first = await seller_for(customer)
    if first is None:
        return []
    others = "mini_grid_id = $1 AND locked_at IS NULL AND id <> $2 ORDER BY id LIMIT $3"
    return [first, *await find_rows(Agent, others, [customer.mini_grid_id, first.id, most - 1])]


async def seller_for(customer: Customer) -> Agent | None:
    """Whom a customer pays: the agent who sold to the customer last, else one of the mini-grid. None is locked, nor of
    another mini-grid by now."""
    return (await ask_together("seller", [customer.id], _sellers, of="customer"))[customer.id]


async def _sellers(customers: Sequence[int]) -> dict[int, Agent | None]:
    """The same for each of these, by their numbers."""
    found: dict[int, Agent | None] = dict.fromkeys(customers)
    statement = SELLERS.format(columns=columns_of(Agent, "agent"), customers=marks(len(customers)))
    for row in await execute(connection(), statement, customers):
        found[row["whose"]] = read_row(Agent, row)
    return found
