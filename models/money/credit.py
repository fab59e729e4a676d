"""A customer's credit, given back in cash when two people of the office agree."""

from models.audit import record
from models.money.ledger import AccountKind, Posting, credit_of, post
from models.people import Customer
from models.sql import lock_rows


class NotSoMuch(Exception):
    """The customer has less credit; `there` is in minor units."""

    def __init__(self, there: int) -> None:
        super().__init__(there)
        self.there = there


async def check_credit(customer: Customer, amount: int) -> None:
    """Raises NotSoMuch."""
    there = await credit_of(customer.id)
    if not 0 < amount <= there:
        raise NotSoMuch(there)


async def pay_out_credit(customer: Customer, amount: int, key: str, reason: str, *, actor: str) -> int:
    """Give a customer cash (minor units) of the till for credit, in the caller's transaction in which two people
    agreed; what is left. Raises NotSoMuch."""
    await lock_rows("customer", "id = $1", [customer.id])
    await check_credit(customer, amount)
    lines = [Posting(AccountKind.CREDIT, customer.id, amount), Posting(AccountKind.OFFICE, 0, -amount)]
    await post(key, lines, actor=actor, reason=reason)
    await record(actor, "credit paid out", f"customer {customer.id}", f"{amount} minor units: {reason}")
    return await credit_of(customer.id)
