"""Two sources say different amounts of one payment: somebody finds out which of them is right. Where it is not the one
in the books, two people of the office book the difference."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from models.audit import record
from models.money.day_close import first_open
from models.money.ledger import AccountKind, Posting, post
from models.money.lost import lost_of
from models.money.payments import Payment
from models.money.providers import provider_id
from models.money.receiving import (
    BANK,
    Evidence,
    Suspense,
    Why,
    close_suspense,
    correction_key,
    counted,
    lock_payment,
    unapplied,
)
from models.money.reconciling import is_out_of_books
from models.money.wallets import TakenOut, take_out
from models.sql import connection, execute, read_moment

END_DOUBT = "UPDATE suspense SET why = $2 WHERE payment_id = $1 AND why = 'amounts' AND closed_at IS NULL"


class NotPutRight(Exception):
    """Nothing was booked."""


class NoDoubt(NotPutRight):
    """All sources say the same, or it was looked at already."""


class NobodySays(NotPutRight):
    """No source says this amount."""


class NeverCame(NotPutRight):
    """The payment is out of the books, for no statement has it: there is no amount of it to be right."""


@dataclass(frozen=True)
class Doubt:
    """What is said of a payment. Money is in minor units."""

    booked: int  # what the books have now
    said: list[int]  # the amounts that sources say, the booked one among them, the smallest first


async def doubt_of(payment: Payment) -> Doubt | None:
    """What is said of a payment whose amount is in doubt; None of any other."""
    if not await Suspense.exists(payment_id=payment.id, why=Why.AMOUNTS.value, closed_at=None):
        return None
    booked = await counted(payment)
    said = {one.amount for one in await Evidence.filter(payment_id=payment.id)}
    return Doubt(booked, sorted({booked, payment.amount} | said))


async def let_stand(payment: Payment, note: str, *, actor: str) -> None:
    """Somebody says that the books are right, in the caller's transaction. Raises NoDoubt."""
    await lock_payment(payment.id)
    if await doubt_of(payment) is None:
        raise NoDoubt(payment.reference)
    await _end_doubt(payment, actor)
    await record(actor, "amount stands", f"{payment.provider} {payment.reference}", note)


async def check_said(payment: Payment, amount: int) -> None:
    """Raises NoDoubt, NeverCame, and NobodySays for an amount (minor units) that no source says."""
    doubt = await doubt_of(payment)
    if doubt is None or amount == doubt.booked:
        raise NoDoubt(payment.reference)
    if await is_out_of_books(payment.id):
        raise NeverCame(payment.reference)
    if amount not in doubt.said:
        raise NobodySays(amount)


async def put_right(payment: Payment, amount: int, reason: str, *, actor: str) -> list[TakenOut]:
    """Book that a payment was another amount (minor units), in the caller's transaction in which two people agreed.
    What is more waits to be assigned, but for what was lost before. What is less comes out of what still waits, then
    out of the wallets that got it, which is returned; and the rest of it, which was used, out of the adjustments.
    Raises as `check_said`."""
    await lock_payment(payment.id)
    await check_said(payment, amount)
    more = amount - await counted(payment)
    short = -more - await unapplied(payment.id)
    taken = await take_out(payment.id, short, actor, reason) if short > 0 else []
    waits = min(await unapplied(payment.id), -more) if more < 0 else -max(more - await lost_of(payment.id), 0)
    lines = [await _held(payment, more), Posting(AccountKind.UNAPPLIED, payment.id, waits)]
    lines.append(Posting(AccountKind.ADJUSTMENT, 0, -more - waits))
    at = await first_open(min(read_moment(payment.paid_at), datetime.now(UTC)), provider=payment.provider)
    for step in count(1):
        key = correction_key(payment.id, step)
        if not await execute(connection(), "SELECT 1 FROM entry WHERE key = $1", [key]):
            break
    moved = [line for line in lines if line.amount]
    await post(key, moved, actor=actor, reason=reason, effective_at=at)
    await _end_doubt(payment, actor)
    detail = f"{amount - more} -> {amount} minor units: {reason}"
    await record(actor, "amount put right", f"{payment.provider} {payment.reference}", detail)
    return taken


async def _held(payment: Payment, more: int) -> Posting:
    if payment.provider == BANK:
        return Posting(AccountKind.BANK, 0, more)
    return Posting(AccountKind.CLEARING, await provider_id(payment.provider), more)


async def _end_doubt(payment: Payment, actor: str) -> None:
    """What is for nothing yet goes on waiting, for somebody who says what it is for."""
    await execute(connection(), END_DOUBT, [payment.id, Why.NOBODY.value])
    if not await unapplied(payment.id):
        await close_suspense(payment.id, actor)
