"""Applying money that was received: it becomes days, energy, a smaller debt or credit, and what is for nothing waits
for somebody of the office."""

from dataclasses import dataclass
from datetime import date

from tortoise.exceptions import OperationalError

from models.audit import record
from models.money.ledger import AccountKind, Posting, post
from models.money.receiving import PASSING, Suspense, Why, close_suspense, lock_payment, open_suspense, unapplied
from models.people import Customer
from models.rows import find_row
from models.selling.booking import Sold, Taken, carry_out, lock_for_sale, read_sale
from models.selling.payable import Payable
from models.selling.quotes import Quote, quote_all
from models.selling.refusals import (
    AmountTooSmall,
    ClockInDoubt,
    NoPlan,
    NoTokensLeft,
    NotSold,
    PaidOff,
    Retired,
    SalesOff,
    TooManyTokens,
)
from models.selling.sales import Sale
from models.sql import connection, execute, lock_rows
from models.vault import Vault

WAITS_FOR: dict[type[NotSold], Why] = {
    Retired: Why.RETIRED,
    NoPlan: Why.NO_PRICE,
    PaidOff: Why.PAID_OFF,
    SalesOff: Why.SALES_OFF,
    ClockInDoubt: Why.ISSUER_AWAY,
    NoTokensLeft: Why.ISSUER_AWAY,
    TooManyTokens: Why.ISSUER_AWAY,
}
NEXT_PART = "SELECT COALESCE(MAX(part), 0) + 1 AS part FROM sale WHERE payment_id = $1"
NEXT_STEP = """SELECT COUNT(*) AS step FROM line JOIN account ON account.id = line.account_id
  WHERE account.kind = $1 AND account.owner = $2"""


@dataclass(frozen=True)
class Applied:
    """What became of a payment, or of a part of it. Money is in minor units."""

    sold: Sold | None  # None: nothing of it is for anything yet
    waits: Why | None  # why it waits for the office
    unapplied: int  # what of the payment is for nothing now
    missing: int = 0  # what has to be paid with it for a unit: all of it is credit until then
    new: bool = True  # False: this was done before


async def apply(  # noqa: PLR0913 - one payment, all that is to be done with it
    payment_id: int,
    paid_for: Payable,
    *,
    funds: int | None = None,
    actor: str,
    key: str,
    today: date,
    coin: int,
    vault: Vault,
    replaces: int | None = None,
) -> Applied:
    """Turn what is unapplied of a payment, or `funds` of it (minor units), into what this payable sells, in the
    caller's transaction. Nothing is refused for its amount: what is less than a unit, more than a token carries or more
    than is owed becomes the customer's credit. Where nothing can be sold the money stays unapplied and waits for the
    office.

    `replaces` is the sale that it does again for the right device. `key` names the sale for good: a second call with it
    returns the first. Raises ValueError for `funds` that are not there.
    """
    await lock_payment(payment_id)
    if earlier := await find_row(Sale, "key = $1", [key]):
        return Applied(await read_sale(earlier), None, await unapplied(payment_id), new=False)
    there = await unapplied(payment_id)
    funds = there if funds is None else funds
    if not 0 < funds <= there:
        raise ValueError(f"payment {payment_id} has {there} to be applied, not {funds}")
    offer = await _quote_under_lock(paid_for, funds, today, coin, vault)
    if isinstance(offer, Why):
        await open_suspense(payment_id, offer)
        return Applied(None, offer, there)
    taken = Taken(
        payment_id=payment_id,
        part=await next_part(payment_id),
        kind=AccountKind.UNAPPLIED,
        owner=payment_id,
        replaces=replaces,
        seller=None,
        actor=actor,
    )
    sold = await carry_out(offer, taken, key, vault)
    if funds == there:
        await close_suspense(payment_id, actor)
    missing = offer.unmet.minimum - funds if isinstance(offer.unmet, AmountTooSmall) else 0
    return Applied(sold, None, there - funds, missing)


async def next_part(payment_id: int) -> int:
    """Which part of a payment the next sale would be: 1 for the first."""
    [row] = await execute(connection(), NEXT_PART, [payment_id])
    return int(row["part"])


async def next_step(payment_id: int) -> int:
    """Which movement of a payment the next one would be. It counts on when what was applied is taken back."""
    [row] = await execute(connection(), NEXT_STEP, [AccountKind.UNAPPLIED.value, payment_id])
    return int(row["step"])


async def _quote_under_lock(paid_for: Payable, funds: int, today: date, coin: int, vault: Vault) -> Quote | Why:
    """What the money does now, or why it does nothing. Raises OperationalError for what changed hands just now: run
    again, the right customer's row is held."""
    customer_id = await _owner_id(paid_for)
    if customer_id is None:
        return Why.NO_PRICE
    await lock_for_sale(paid_for, customer_id, await paid_for.contract(), None)
    try:
        at = await paid_for.standing(today, coin, vault)
        if at.customer.id != customer_id:
            raise OperationalError(f"{paid_for.name} changed hands meanwhile.")
        offer = quote_all(at, funds)
    except NotSold as refusal:
        return WAITS_FOR.get(type(refusal), Why.NO_PRICE)
    return offer if offer.amount else WAITS_FOR.get(type(offer.unmet or NoPlan("")), Why.NO_PRICE)


async def _owner_id(paid_for: Payable) -> int | None:
    if paid_for.device:
        return paid_for.device.customer_id
    contract = await paid_for.contract()
    return contract.customer_id if contract else None


async def wait_for_office(payment_id: int, why: Why) -> Applied:
    """Nobody knows what a payment is for: it waits."""
    await open_suspense(payment_id, why)
    return Applied(None, why, await unapplied(payment_id))


async def assign(
    payment_id: int,
    to: Payable | Customer,
    *,
    funds: int | None = None,
    actor: str,
    key: str,
    today: date,
    coin: int,
    vault: Vault,
) -> Applied:
    """Somebody of the office says what a payment is for, or whose credit it is, in the caller's transaction. It waits
    no longer when nothing of it is left. Raises ValueError for `funds` that are not there."""
    if isinstance(to, Customer):
        applied = await _make_credit(payment_id, to, funds, actor, key)
    else:
        await lock_payment(payment_id)
        waited = await find_row(Suspense, "payment_id = $1 AND closed_at IS NULL", [payment_id])
        how = {"actor": actor, "key": key, "today": today, "coin": coin, "vault": vault}
        applied = await apply(payment_id, to, funds=funds, **how)  # type: ignore[arg-type]
        if applied.waits:
            await _leave_to_office(payment_id, waited)
    if applied.new and applied.waits is None:
        name = f"customer {to.id}" if isinstance(to, Customer) else to.name
        await record(
            actor, "assign payment", f"payment {payment_id}", f"to {name}, {applied.unapplied} minor units left"
        )
    if applied.waits is None and not applied.unapplied:
        await close_suspense(payment_id, actor)
    return applied


async def _leave_to_office(payment_id: int, waited: Suspense | None) -> None:
    """What the office chose can take nothing now. The payment waits for the office as it did before; where it was to be
    applied by itself to what the payer typed, it is no more, for the office has chosen otherwise."""
    before = Why(waited.why) if waited else Why.NOBODY
    await open_suspense(payment_id, Why.NOBODY if before in PASSING else before)


async def _make_credit(payment_id: int, customer: Customer, funds: int | None, actor: str, key: str) -> Applied:
    """The customer's credit, to be used at the next purchase."""
    await lock_payment(payment_id)
    there = await unapplied(payment_id)
    if await execute(connection(), "SELECT 1 FROM entry WHERE key = $1", [key]):
        return Applied(None, None, there, new=False)
    funds = there if funds is None else funds
    if not 0 < funds <= there:
        raise ValueError(f"payment {payment_id} has {there} to be applied, not {funds}")
    await lock_rows("customer", "id = $1", [customer.id])
    lines = [
        Posting(AccountKind.UNAPPLIED, payment_id, funds),
        Posting(AccountKind.CREDIT, customer.id, -funds),
    ]
    await post(key, lines, actor=actor, reason="assigned to the customer")
    return Applied(None, None, there - funds)
