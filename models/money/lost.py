"""What of a payment was used and, as its right amount shows, never came: a loss of the company, until what was used
comes back or the money comes after all."""

from collections.abc import Callable
from typing import Any

from models.money.ledger import AccountKind, Posting, post
from models.money.receiving import correction_key, unapplied
from models.sql import connection, execute

# An entry that puts the amount right is a loss by what it takes from the provider and not from what still waits. One
# that makes it good again gives back what waits no more.
BOOKED = """SELECT COUNT(*) AS lines, COALESCE(SUM(l.amount), 0) AS moved FROM entry e JOIN line l ON l.entry_id = e.id
  JOIN account a ON a.id = l.account_id WHERE e.key = $1 AND a.kind IN ('clearing', 'bank', 'unapplied')"""


async def lost_of(payment_id: int) -> int:
    """What is booked as lost of a payment, in minor units. Hold the payment before."""
    corrected, _steps = await _moved(payment_id, correction_key)
    made_good, _steps = await _moved(payment_id, _key)
    return -corrected - made_good


async def make_good(payment_id: int, *, actor: str, reason: str) -> None:
    """What was used came back, in the caller's transaction that holds the payment: what of it never came is nobody's,
    and is lost no more."""
    back = min(await lost_of(payment_id), await unapplied(payment_id))
    if back > 0:
        _sum, steps = await _moved(payment_id, _key)
        lines = [Posting(AccountKind.UNAPPLIED, payment_id, back), Posting(AccountKind.ADJUSTMENT, 0, -back)]
        await post(_key(payment_id, steps + 1), lines, actor=actor, reason=reason)


def _key(payment_id: int, step: int) -> str:
    return f"payment {payment_id} made good, step {step}"


async def _moved(payment_id: int, key: Callable[[int, int], str]) -> tuple[int, int]:
    """What all entries with such a key have moved, and how many they are."""
    moved, steps = 0, 0
    while (row := await _booked(key(payment_id, steps + 1)))["lines"]:
        moved, steps = moved + int(row["moved"]), steps + 1
    return moved, steps


async def _booked(key: str) -> dict[str, Any]:
    [row] = await execute(connection(), BOOKED, [key])
    return row
