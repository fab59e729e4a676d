"""Payments that wait for somebody of the office, the oldest first, and who looks after each."""

from dataclasses import dataclass

from models.audit import record
from models.money.ledger import AccountKind
from models.money.payments import Payment
from models.money.receiving import PASSING, Suspense, Why, normal_reference, unapplied
from models.sql import connection, cut, execute

LOOK_AFTER = "UPDATE suspense SET owner = $2 WHERE payment_id = $1 AND closed_at IS NULL RETURNING id"


def _whole(*whys: Why) -> str:
    """What waits for one of these reasons, and of which nothing was ever used: the one line on its account is that of
    its coming. What the office applied in part, or took back, stays the office's."""
    listed = ", ".join(f"'{why.value}'" for why in whys)
    return f"""s.closed_at IS NULL AND s.why IN ({listed})
      AND (SELECT COUNT(*) FROM line l JOIN account a ON a.id = l.account_id
        WHERE a.kind = '{AccountKind.UNAPPLIED.value}' AND a.owner = s.payment_id) = 1"""


_PASSES = _whole(*PASSING)  # something that passes by itself
NEXT_PASSING = f"SELECT s.id, s.payment_id FROM suspense s WHERE s.id > $1 AND {_PASSES} ORDER BY s.id LIMIT 1"
IS_PASSING = f"SELECT 1 FROM suspense s WHERE s.payment_id = $1 AND {_PASSES}"
IS_IN_DOUBT = f"SELECT 1 FROM suspense s WHERE s.payment_id = $1 AND {_whole(Why.NOBODY, Why.SEVERAL)}"


class NoSuchPayment(Exception):
    """No payment goes by this reference, or nothing of it waits."""


class SeveralPayments(Exception):
    """Payments of several providers go by this reference, and something of each waits."""

    def __init__(self, providers: list[str]) -> None:
        super().__init__(", ".join(providers))
        self.providers = providers


@dataclass(frozen=True)
class Waiting:
    """A payment, and since when and why it waits."""

    payment: Payment
    suspense: Suspense


async def list_waiting(most: int) -> list[Waiting]:
    """At most so many of them."""
    found = await Suspense.filter(closed_at=None).order_by("opened_at", "id").limit(most).prefetch_related("payment")
    return [Waiting(one.payment, one) for one in found]


async def find_unapplied(reference: str, provider: str = "") -> Payment:
    """The payment with this reference (any spelling) of which something is for nothing yet, of this provider where one
    is named. Raises NoSuchPayment, SeveralPayments, and ValueError for no reference."""
    found = Payment.filter(reference=normal_reference(reference))
    found = found.filter(provider=provider) if provider else found
    left = [payment for payment in await found.order_by("id") if await unapplied(payment.id)]
    if not left:
        raise NoSuchPayment(reference)
    if len(left) > 1:
        raise SeveralPayments([payment.provider for payment in left])
    return left[0]


async def look_after(payment: Payment, name: str, actor: str) -> None:
    """Write who of the office finds out what a payment is for, in the caller's transaction; the last one counts. Raises
    NoSuchPayment for one that does not wait."""
    if not await execute(connection(), LOOK_AFTER, [payment.id, cut(name, 100)]):
        raise NoSuchPayment(payment.reference)
    await record(actor, "look after payment", f"{payment.provider} {payment.reference}", name)


async def leave_to_others(payment: Payment, actor: str) -> None:
    """Write that nobody finds out what a payment is for, in the caller's transaction. Raises NoSuchPayment for one that
    does not wait."""
    if not await execute(connection(), LOOK_AFTER, [payment.id, ""]):
        raise NoSuchPayment(payment.reference)
    await record(actor, "leave payment", f"{payment.provider} {payment.reference}")


async def next_passing(after: int) -> tuple[int, Payment] | None:
    """The first payment behind this row of suspense (0: of all) that waits for something that passes by itself, as
    sales that are off or a clock in doubt, with its own row; None when there is no other."""
    for row in await execute(connection(), NEXT_PASSING, [after]):
        return int(row["id"]), await Payment.get(id=row["payment_id"])
    return None


async def is_passing(payment: Payment) -> bool:
    """Whether it still waits so; asked while the payment is locked."""
    return bool(await execute(connection(), IS_PASSING, [payment.id]))


async def is_in_doubt(payment: Payment) -> bool:
    """Whether all of it waits still since nobody knows what it is for; asked while the payment is locked."""
    return bool(await execute(connection(), IS_IN_DOUBT, [payment.id]))
