"""What a customer's device costs, and whom its owner pays."""

from dataclasses import dataclass
from datetime import date

from models.devices import Device, Unit
from models.people import Agent, Customer
from models.rows import find_row, find_rows
from models.selling.catalogue import Terms
from models.selling.instalments import DAYS, Period
from models.selling.payable import PayableDevice, Standing
from models.selling.quotes import quote
from models.selling.refusals import AmountTooSmall, NoPlan, NotSold, PaidOff, Retired
from models.vault import Vault

# An agent of the mini-grid, not locked, who sold to the customer last.
SOLD_LAST = """id = (SELECT s.agent_id FROM sale s JOIN agent a ON a.id = s.agent_id
  WHERE s.customer_id = $1 AND a.mini_grid_id = $2 AND a.locked_at IS NULL ORDER BY s.id DESC LIMIT 1)"""


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
    if last := await find_row(Agent, SOLD_LAST, [customer.id, customer.mini_grid_id]):
        return last
    return await find_row(Agent, "mini_grid_id = $1 AND locked_at IS NULL ORDER BY id", [customer.mini_grid_id])
