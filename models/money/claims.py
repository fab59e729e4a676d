"""Claims: what customers owe who got power that somebody else had paid. The office takes the money, or two of it write
it off."""

from dataclasses import dataclass
from datetime import datetime

from models.audit import record
from models.money.ledger import AccountKind, Entry, Posting, balance, post
from models.money.write_offs import Lost, WriteOff, agree_or_propose
from models.people import Customer, OfficeUser
from models.sql import connection, cut, execute, lock_rows, read_moment

PAID = "claim paid "  # how the keys of these entries begin
# What is paid is the oldest of it: what is owed now came with the newest.
OPEN = """SELECT a.owner, a.balance, (SELECT MIN(e.created_at) FROM (
    SELECT entry_id, amount, SUM(amount) OVER (ORDER BY id DESC) AS sum FROM line
    WHERE account_id = a.id AND amount > 0) back
    JOIN entry e ON e.id = back.entry_id WHERE back.sum - back.amount < a.balance) AS since
  FROM account a WHERE a.kind = 'claim' AND a.balance > 0 ORDER BY a.owner"""


class NoClaim(Exception):
    """The customer owes less than that, or nothing: `owed`, in minor units."""

    def __init__(self, owed: int) -> None:
        super().__init__(owed)
        self.owed = owed


@dataclass(frozen=True)
class Claim:
    """What a customer owes. Money is in minor units."""

    customer: Customer
    owed: int
    since: datetime  # when the first of it came that is not paid


@dataclass(frozen=True)
class Paid:
    """What was paid for a claim."""

    left: int  # what is owed now, in minor units
    new: bool  # False: it was booked before


async def open_claims() -> list[Claim]:
    """All that is owed, by customer number."""
    rows = await execute(connection(), OPEN)
    customers = await Customer.in_bulk([row["owner"] for row in rows], "id")
    return [Claim(customers[row["owner"]], int(row["balance"]), read_moment(row["since"])) for row in rows]


async def owed_by(customer_id: int) -> int:
    """What a customer owes for power that somebody else had paid, in minor units."""
    return await balance(AccountKind.CLAIM, customer_id)


async def take_payment(customer: Customer, amount: int, by: OfficeUser, key: str) -> Paid:
    """The office took cash for a claim, in the caller's transaction. `key` names what was done: it is booked once.
    Raises NoClaim."""
    await lock_rows("customer", "id = $1", [customer.id])
    named = entry_key(customer, key)
    if await Entry.exists(key=named):
        return Paid(await owed_by(customer.id), new=False)
    owed = await owed_by(customer.id)
    if not 0 < amount <= owed:
        raise NoClaim(owed)
    lines = [Posting(AccountKind.OFFICE, 0, amount), Posting(AccountKind.CLAIM, customer.id, -amount)]
    await post(named, lines, actor=by.name)
    await record(by.name, "claim paid", f"customer {customer.id}", f"{amount} minor units")
    return Paid(owed - amount, new=True)


def entry_key(customer: Customer, key: str) -> str:
    """The key of the entry of what a customer paid, which names the message too: that has a number behind it."""
    return cut(f"{PAID}{customer.id} {key}", 76)


async def write_off(customer: Customer, by: OfficeUser, reason: str, *, seen: WriteOff | None = None) -> WriteOff:
    """One of the office proposes to ask no more for a claim, or a second one agrees, in the caller's transaction.
    Raises NoClaim and what `agree_or_propose` raises."""
    await lock_rows("customer", "id = $1", [customer.id])
    owed = await owed_by(customer.id)
    if not owed:
        raise NoClaim(0)
    found = await agree_or_propose(Lost.CLAIM, customer.id, owed, reason, by, seen=seen)
    if found.agreed_at:
        lines = [Posting(AccountKind.WRITE_OFF, 0, owed), Posting(AccountKind.CLAIM, customer.id, -owed)]
        await post(f"write-off {found.id}", lines, actor=by.name, reason=found.reason)
    said = "claim written off" if found.agreed_at else "write-off proposed"
    await record(by.name, said, f"customer {customer.id}", f"{owed} minor units: {found.reason}")
    return found
