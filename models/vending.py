"""Selling: a quote is a pure function, a sale commits exactly what the quote showed, all of it or nothing."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from models.devices import Device, Plan, Unit
from models.ledger import AccountKind, Posting, cash_held, commission_due, post
from models.people import Agent
from models.sales import Payment, Sale, Token, same_today
from models.sql import connection, execute, on_postgres
from models.tokens import ISSUERS
from models.vault import Vault

REFERENCE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0 O 1 I, which are misread
REFERENCE_LENGTH = 5


class NotSold(Exception):
    """Nothing was sold and no money is booked."""


class AmountTooSmall(NotSold):
    def __init__(self, minimum: int) -> None:
        super().__init__(minimum)
        self.minimum = minimum


class AmountTooLarge(NotSold):
    """More than one token can carry; `most` is the largest amount that is accepted."""

    def __init__(self, most: int, most_units: int) -> None:
        super().__init__(most)
        self.most, self.most_units = most, most_units


class NoPlan(NotSold):
    """The device has no owner or no price."""


class OverLimit(NotSold):
    def __init__(self, held: int, limit: int) -> None:
        super().__init__(held, limit)
        self.held, self.limit = held, limit


class SoldToday(NotSold):
    """The same agent sold the same amount for the same device within 24 hours."""

    def __init__(self, earlier: Sale) -> None:
        super().__init__(earlier.reference)
        self.earlier = earlier


class PriceChanged(NotSold):
    """The plan changed between question and answer."""


@dataclass(frozen=True)
class Quote:
    """What `amount` minor units buy for a device: whole days, or tenths of a kilowatt-hour."""

    device: Device
    amount: int
    unit: Unit
    units: int


@dataclass(frozen=True)
class Sold:
    """A committed sale with all that a receipt prints. Balances are the agent's after it, in minor units."""

    sale: Sale
    device: Device
    digits: str
    held: int
    limit: int
    commission_due: int
    paid_until: datetime | None


def units_for(plan: Plan, amount: int) -> int:
    """Days or tenths of a kWh for an amount, the last one begun counts whole (design 8, reference mpm 2.6)."""
    steps = 10 if plan.unit == Unit.ENERGY else 1
    return int(-(-amount * steps // plan.price))


def quote(device: Device, amount: int) -> Quote:
    """What this amount buys now. Raises NoPlan, AmountTooSmall, AmountTooLarge."""
    plan = device.plan
    if plan is None or device.customer_id is None:
        raise NoPlan(device.serial)
    if amount < max(plan.minimum, 1):
        raise AmountTooSmall(max(plan.minimum, 1))
    units, most = units_for(plan, amount), ISSUERS[device.issuer].most_units
    if units > most:
        raise AmountTooLarge(most * plan.price // (10 if plan.unit == Unit.ENERGY else 1), most)
    return Quote(device, amount, Unit(plan.unit), ISSUERS[device.issuer].carried(units))


async def sell(offer: Quote, *, seller: Agent, key: str, vault: Vault, again: bool = False) -> Sold:
    """Commit what the quote showed: payment, sale, token and ledger lines, in the caller's transaction.

    `key` names this sale for good: a second call with it returns the first sale. Raises NotSold's kinds.
    """
    await _lock(seller, offer.device)
    earlier = await Sale.get_or_none(key=key)
    if earlier:
        return await sold(earlier)
    device = await Device.get(id=offer.device.id).select_related("plan", "customer")
    if quote(device, offer.amount).units != offer.units:
        raise PriceChanged(device.serial)
    if not again and (same := await same_today(device, seller, offer.amount)):
        raise SoldToday(same)
    held = await cash_held(seller.id)
    fresh = await Agent.get(id=seller.id)
    if held + offer.amount > fresh.cash_limit:
        raise OverLimit(held, fresh.cash_limit)
    sale = await _record(offer, device, fresh, key)
    await _issue(sale, device, offer.units, vault)
    await _book(sale, fresh)
    return await sold(sale)


async def _lock(seller: Agent, device: Device) -> None:
    """Hold the agent's and the device's rows until the commit. SQLite has one writer and needs no more."""
    if on_postgres():
        await execute(connection(), "SELECT 1 FROM agent WHERE id = $1 FOR UPDATE", [seller.id])
        await execute(connection(), "SELECT 1 FROM device WHERE id = $1 FOR UPDATE", [device.id])


async def _record(offer: Quote, device: Device, seller: Agent, key: str) -> Sale:
    payment = await Payment.create(provider="cash", reference=key, amount=offer.amount, agent_id=seller.id)
    return await Sale.create(
        reference=await _new_reference(),
        key=key,
        payment_id=payment.id,
        agent_id=seller.id,
        customer_id=device.customer_id,
        device_id=device.id,
        amount=offer.amount,
        unit=offer.unit,
        units=offer.units,
        commission=offer.amount * seller.commission // 10_000,
    )


async def _new_reference() -> str:
    while True:
        reference = "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(REFERENCE_LENGTH))
        if not await Sale.exists(reference=reference):
            return reference


async def _issue(sale: Sale, device: Device, units: int, vault: Vault) -> None:
    now = datetime.now(UTC)
    key = vault.open_json(device.sealed_key, f"device {device.serial}")
    count, digits = ISSUERS[device.issuer].issue(key, device.serial, device.count, units, now)
    paid_until = device.paid_until
    if sale.unit == Unit.DAYS:
        paid_until = max(now, paid_until or now) + timedelta(days=units)
    await Device.filter(id=device.id).update(count=count, paid_until=paid_until)
    await Token.create(sale_id=sale.id, device_id=device.id, count=count, digits=digits)


async def _book(sale: Sale, seller: Agent) -> None:
    await post(
        f"sale {sale.id} payment",
        [
            Posting(AccountKind.CASH, seller.id, sale.amount),
            Posting(AccountKind.REVENUE, 0, -sale.amount),
        ],
    )
    if sale.commission:
        await post(
            f"sale {sale.id} commission",
            [
                Posting(AccountKind.COMMISSION_COST, 0, sale.commission),
                Posting(AccountKind.COMMISSION, seller.id, -sale.commission),
            ],
        )


async def sold(sale: Sale) -> Sold:
    """A sale again, with its token and the agent's figures as they are now."""
    token = await Token.get(sale_id=sale.id)
    device = await Device.get(id=sale.device_id).select_related("plan", "customer")
    agent = await Agent.get(id=sale.agent_id)
    return Sold(
        sale,
        device,
        token.digits,
        await cash_held(agent.id),
        agent.cash_limit,
        await commission_due(agent.id),
        device.paid_until,
    )
