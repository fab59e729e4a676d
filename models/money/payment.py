"""Taking a payment: a sale gives exactly what its quote promised, all of it or nothing."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from models.devices.tables import Device, Unit, with_owner
from models.messages import withdrawal
from models.money.catalogue import Contract, Terms, open_instalments
from models.money.instalments import Due, Part
from models.money.ledger import AccountKind, Posting, cash_held, commission_due, post
from models.money.quotes import (
    OverLimit,
    PriceChanged,
    Quote,
    SoldToday,
    Standing,
    TooManyTokens,
    quote,
    standing,
    standing_of,
)
from models.money.sales import Sale, Token, same_today
from models.people.tables import Agent, Customer
from models.sql import connection, execute, execute_many, insert, on_postgres
from models.tokens import ISSUERS
from models.vault import Vault

REFERENCE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without 0 O 1 I, which are misread
REFERENCE_LENGTH = 5


@dataclass(frozen=True)
class Sold:
    """A committed sale with all that a receipt prints. Balances are the agent's after it, in minor units. A sale of
    goods without a device has its contract (with its appliance) and no digits; `rest` is what is still to be paid on a
    contract, the oldest first."""

    sale: Sale
    customer: Customer
    device: Device | None
    contract: Contract | None
    digits: str
    held: int
    limit: int
    commission_due: int
    paid_until: datetime | None
    rest: Sequence[Due]

    @property
    def name(self) -> str:
        """What was paid for: the device's serial, or the contract's number."""
        if self.device:
            return self.device.serial
        return self.contract.number if self.contract else ""


async def sell(offer: Quote, *, seller: Agent, key: str, vault: Vault, again: bool = False) -> Sold:
    """Commit what the quote promised: payment, sale, token and ledger lines, in the caller's transaction.

    `key` names this sale for good: a second call with it returns the first sale. Raises NotSold's kinds:
    PriceChanged when the same amount would now do something else.
    """
    await lock(seller, offer.standing.device)
    await _lock_debts(offer.standing)
    earlier = await Sale.get_or_none(key=key)
    if earlier:
        return await sold(earlier)
    at, promised = await _now(offer.standing), offer.effect
    offer = quote(at, offer.amount)
    if offer.effect != promised:
        raise PriceChanged(key)
    if not again and (same := await _same_today(seller, offer.amount, at)):
        raise SoldToday(same)
    commission = await room_for(seller, offer.amount)
    _check_rest(at.device, vault)
    sale = await record(offer, seller, key, offer.amount * commission // 10_000)
    digits, paid_until = await issue(sale, at.device, vault) if at.device else ("", None)
    await _settle(offer, sale)
    held, due = await _book(sale, offer)
    limit, contract = seller.cash_limit, at.contract
    return Sold(sale, at.customer, at.device, contract, digits, held, limit, due, paid_until, offer.rest)


async def _same_today(seller: Agent, amount: int, at: Standing) -> Sale | None:
    if at.device:
        return await same_today(seller, amount, device_id=at.device.id)
    return await same_today(seller, amount, contract_id=_id(at.contract))


async def _now(at: Standing) -> Standing:
    """The same standing as it is now, under the lock. The day stays that of the quote."""
    if at.device is None and at.contract:
        return await standing_of(at.contract, at.today)
    return await standing(await with_owner(at.device.id if at.device else 0), at.today, at.coin, at.most)


def _id(contract: Contract | None) -> int | None:
    return contract.id if contract else None


async def lock(seller: Agent, device: Device | None) -> None:
    """Hold the rows of agent and device until the commit. SQLite has one writer and needs no more."""
    if not on_postgres():
        return
    for table, row in (("agent", seller), ("device", device)):
        if row is not None:
            await execute(connection(), f"SELECT 1 FROM {table} WHERE id = $1 FOR UPDATE", [row.id])


async def _lock_debts(at: Standing) -> None:
    """The same for the contract, or for all goods that a meter's payment may give to: another agent may be taking
    a payment on them by their own number. In one order, so that nobody waits in a ring."""
    if not on_postgres():
        return
    which, value = ("id", at.contract.id) if at.contract else ("device_id IS NULL AND customer_id", at.customer.id)
    await execute(connection(), f"SELECT 1 FROM contract WHERE {which} = $1 ORDER BY id FOR UPDATE", [value])


async def room_for(seller: Agent, amount: int) -> int:
    """The agent's commission in basis points, as it is now. Raises OverLimit when his cash would pass his limit."""
    rows = await execute(
        connection(),
        "SELECT a.cash_limit, a.commission, COALESCE(c.balance, 0) AS held FROM agent a "
        "LEFT JOIN account c ON c.kind = $2 AND c.owner = a.id WHERE a.id = $1",
        [seller.id, AccountKind.CASH.value],
    )
    seller.cash_limit = rows[0]["cash_limit"]
    if rows[0]["held"] + amount > seller.cash_limit:
        raise OverLimit(rows[0]["held"], seller.cash_limit)
    return int(rows[0]["commission"])


async def record(offer: Quote, seller: Agent, key: str, commission: int) -> Sale:
    """The payment and its sale."""
    now, at = datetime.now(UTC), offer.standing
    payment = await insert(
        "payment", provider="cash", reference=key, amount=offer.amount, agent_id=seller.id, created_at=now
    )
    columns = {
        "reference": await _new_reference(),
        "key": key,
        "payment_id": payment,
        "agent_id": seller.id,
        "customer_id": at.customer.id,
        "device_id": at.device.id if at.device else None,
        "contract_id": _id(at.contract),
        "amount": offer.amount,
        "unit": offer.unit.value if offer.unit else "",
        "units": offer.units,
        "recovered": offer.recovered,
        "access": offer.access,
        "owed": offer.owed,
        "commission": commission,
        "created_at": now,
    }
    return Sale(id=await insert("sale", **columns), **columns, _from_db=True)


async def _new_reference() -> str:
    while True:
        reference = "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(REFERENCE_LENGTH))
        if not await execute(connection(), "SELECT 1 FROM sale WHERE reference = $1", [reference]):
            return reference


def _check_rest(device: Device | None, vault: Vault) -> None:
    """Raises TooManyTokens, before anything is written."""
    rests = ISSUERS[device.issuer].rests if device else None
    if device and rests:
        key = vault.open_json(device.sealed_key, f"device {device.serial}")
        if minutes := rests(key, device.count, datetime.now(UTC)):
            raise TooManyTokens(minutes)


async def issue(sale: Sale, device: Device, vault: Vault) -> tuple[str, datetime | None]:
    """Make the token and store it with the count that it used up: the digits, and until when is paid."""
    now, issuer = datetime.now(UTC), ISSUERS[device.issuer]
    key = vault.open_json(device.sealed_key, f"device {device.serial}")
    paid_until = device.paid_until
    if sale.unit == Unit.UNLOCK and issuer.unlock:
        count, digits = issuer.unlock(key, device.count)
        paid_until = None
    else:
        count, digits = issuer.issue(key, device.serial, device.count, sale.units, now)
    if sale.unit == Unit.DAYS:
        paid_until = max(now, paid_until or now) + timedelta(days=sale.units)
    await execute(
        connection(),
        "UPDATE device SET count = $2, paid_until = $3, access_due = access_due - $4 WHERE id = $1",
        [device.id, count, paid_until, sale.access],
    )
    await insert("token", sale_id=sale.id, device_id=device.id, count=count, digits=digits, created_at=now)
    return digits, paid_until


async def _settle(offer: Quote, sale: Sale) -> None:
    """Pay the instalments. A contract whose last one this is has ended."""
    await allot(sale, offer.parts)
    await withdrawal.paid({part.due.contract_id for part in offer.parts})
    at = offer.standing
    if at.contract and at.contract.terms != Terms.SERVICE and offer.owed == 0:
        ended = "UPDATE contract SET ended_on = $2 WHERE id = $1"
        await execute(connection(), ended, [at.contract.id, as_day(at.today)])
    elif at.contract is None:
        await _end_paid_up({part.due.contract_id for part in offer.parts}, at)


def as_day(day: object) -> object:
    """A day as the engine keeps it: SQLite has text."""
    return day if on_postgres() else str(day)


async def allot(sale: Sale, parts: tuple[Part, ...]) -> None:
    rows = [(sale.payment_id, part.due.id, part.amount) for part in parts]
    statement = "INSERT INTO allocation (payment_id, instalment_id, amount) VALUES ($1, $2, $3)"
    await execute_many(connection(), statement, rows)
    paid = "UPDATE instalment SET paid = paid + $2 WHERE id = $1"
    await execute_many(connection(), paid, [(part.due.id, part.amount) for part in parts])


async def _end_paid_up(contracts: set[int], at: Standing) -> None:
    """Goods that a meter's payment has paid off."""
    for contract in sorted(contracts):
        await execute(
            connection(),
            "UPDATE contract SET ended_on = $2 WHERE id = $1 AND NOT EXISTS "
            "(SELECT 1 FROM instalment WHERE contract_id = $1 AND paid < amount)",
            [contract, as_day(at.today)],
        )


async def _book(sale: Sale, offer: Quote) -> tuple[int, int]:
    """The ledger lines of a sale: the agent's cash held and commission due after it."""
    settled: dict[int, int] = {}
    for part in offer.parts:
        settled[part.due.contract_id] = settled.get(part.due.contract_id, 0) + part.amount
    bought = sale.amount - sale.access - sum(settled.values())
    postings = [
        Posting(AccountKind.CASH, sale.agent_id, sale.amount),
        *(Posting(AccountKind.DEBT, contract, -amount) for contract, amount in settled.items()),
        Posting(AccountKind.ACCESS, 0, -sale.access),
        Posting(AccountKind.REVENUE, 0, -bought),
    ]
    booked = await post(f"sale {sale.id} payment", [each for each in postings if each.amount])
    return booked[AccountKind.CASH], await book_commission(f"sale {sale.id} commission", sale.agent_id, sale.commission)


async def book_commission(key: str, agent_id: int, amount: int) -> int:
    """Owe the agent a commission; what is due to him then."""
    if not amount:
        return await commission_due(agent_id)
    earned = [
        Posting(AccountKind.COMMISSION_COST, 0, amount),
        Posting(AccountKind.COMMISSION, agent_id, -amount),
    ]
    return -(await post(key, earned))[AccountKind.COMMISSION]


async def sold(sale: Sale) -> Sold:
    """A sale again, with its token and the agent's figures as they are now."""
    token = await Token.get_or_none(sale_id=sale.id)
    device = await with_owner(sale.device_id) if sale.device_id else None
    contract = await Contract.get(id=sale.contract_id).prefetch_related("appliance") if sale.contract_id else None
    owed = await open_instalments(contract) if contract else []
    agent, customer = await Agent.get(id=sale.agent_id), await Customer.get(id=sale.customer_id)
    held, due = await cash_held(agent.id), await commission_due(agent.id)
    digits, until = token.digits if token else "", device.paid_until if device else None
    return Sold(sale, customer, device, contract, digits, held, agent.cash_limit, due, until, owed)
