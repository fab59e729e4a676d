"""Payments that wait for somebody of the office, the oldest first."""

from dataclasses import dataclass

from models.money.receiving import Suspense
from models.money.sales import Payment


@dataclass(frozen=True)
class Waiting:
    """A payment, and since when and why it waits."""

    payment: Payment
    suspense: Suspense


async def list_waiting(most: int) -> list[Waiting]:
    """At most so many of them."""
    found = await Suspense.filter(closed_at=None).order_by("opened_at", "id").limit(most).prefetch_related("payment")
    return [Waiting(one.payment, one) for one in found]
