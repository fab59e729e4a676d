"""Selling: a quote is a pure function, a sale commits exactly what the quote showed, all of it or nothing."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from models.devices import Device, Plan, Unit, with_owner
from models.ledger import AccountKind, Posting, cash_held, commission_due, post
from models.people import Agent
from models.sales import Sale, Token, same_today
from models.sql import connection, execute, insert, on_postgres
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
    device = await with_owner(offer.device.id)
    if quote(device, offer.amount).units != offer.units:
        raise PriceChanged(device.serial)
    if not again and (same := await same_today(device, seller, offer.amount)):
        raise SoldToday(same)
    limit, commission, held = await _standing(seller)
    if held + offer.amount > limit:
        raise OverLimit(held, limit)
    sale = await _record(offer, seller, key, offer.amount * commission // 10_000)
    digits, paid_until = await _issue(sale, device, vault)
    held, due = await _book(sale)
    return Sold(sale, device, digits, held, limit, due, paid_until)


async def _lock(seller: Agent, device: Device) -> None:
    """Hold the agent's and the device's rows until the commit. SQLite has one writer and needs no more."""
    if on_postgres():
        await execute(connection(), "SELECT 1 FROM agent WHERE id = $1 FOR UPDATE", [seller.id])
        await execute(connection(), "SELECT 1 FROM device WHERE id = $1 FOR UPDATE", [device.id])


async def _standing(seller: Agent) -> tuple[int, int, int]:
    """The agent's limit, commission and cash held as they are now, under the lock."""
    rows = await execute(
        connection(),
        "SELECT a.cash_limit, a.commission, COALESCE(c.balance, 0) AS held FROM agent a "
        "LEFT JOIN account c ON c.kind = $2 AND c.owner = a.id WHERE a.id = $1",
        [seller.id, AccountKind.CASH.value],
    )
    return rows[0]["cash_limit"], rows[0]["commission"], rows[0]["held"]


async def _record(offer: Quote, seller: Agent, key: str, commission: int) -> Sale:
    now = datetime.now(UTC)
    payment = await insert(
        "payment", provider="cash", reference=key, amount=offer.amount, agent_id=seller.id, created_at=now
    )
    columns = {
        "reference": await _new_reference(),
        "key": key,
        "payment_id": payment,
        "agent_id": seller.id,
        "customer_id": offer.device.customer_id,
        "device_id": offer.device.id,
        "amount": offer.amount,
        "unit": offer.unit.value,
        "units": offer.units,
        "commission": commission,
        "created_at": now,
    }
    return Sale(id=await insert("sale", **columns), **columns, _from_db=True)


async def _new_reference() -> str:
    while True:
        reference = "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(REFERENCE_LENGTH))
        if not await execute(connection(), "SELECT 1 FROM sale WHERE reference = $1", [reference]):
            return reference


async def _issue(sale: Sale, device: Device, vault: Vault) -> tuple[str, datetime | None]:
    """Make the token and store it with the count that it used up: the digits, and until when is paid."""
    now = datetime.now(UTC)
    key = vault.open_json(device.sealed_key, f"device {device.serial}")
    count, digits = ISSUERS[device.issuer].issue(key, device.serial, device.count, sale.units, now)
    paid_until = device.paid_until
    if sale.unit == Unit.DAYS:
        paid_until = max(now, paid_until or now) + timedelta(days=sale.units)
    await execute(
        connection(), "UPDATE device SET count = $2, paid_until = $3 WHERE id = $1", [device.id, count, paid_until]
    )
    await insert("token", sale_id=sale.id, device_id=device.id, count=count, digits=digits, created_at=now)
    return digits, paid_until


async def _book(sale: Sale) -> tuple[int, int]:
    """The ledger lines of a sale: the agent's cash held and commission due after it."""
    cash = [Posting(AccountKind.CASH, sale.agent_id, sale.amount), Posting(AccountKind.REVENUE, 0, -sale.amount)]
    held = (await post(f"sale {sale.id} payment", cash))[AccountKind.CASH]
    if not sale.commission:
        return held, await commission_due(sale.agent_id)
    earned = [
        Posting(AccountKind.COMMISSION_COST, 0, sale.commission),
        Posting(AccountKind.COMMISSION, sale.agent_id, -sale.commission),
    ]
    return held, -(await post(f"sale {sale.id} commission", earned))[AccountKind.COMMISSION]


async def sold(sale: Sale) -> Sold:
    """A sale again, with its token and the agent's figures as they are now."""
    token = await Token.get(sale_id=sale.id)
    device = await with_owner(sale.device_id)
    agent = await Agent.get(id=sale.agent_id)
    held, due = await cash_held(agent.id), await commission_due(agent.id)
    return Sold(sale, device, token.digits, held, agent.cash_limit, due, device.paid_until)
