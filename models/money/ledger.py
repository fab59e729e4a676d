"""Double entry, append only: every movement of money is an entry whose lines add up to nothing.

An account's `balance` is the sum of its lines, kept beside them so that reading it never adds up history; it
changes only here, in the transaction that writes the lines. Positive is a debit.

An agent's accounts and a customer's debt are held by the locks of whoever sells (models/money/booking.py). The
company's own are everybody's: their balances change at the end of the unit of work, all at once and always in the same
order, so that two batches of sales never end in a deadlock, nor wait for each other longer than a commit takes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.sql import UnitOfWork, connection, execute, execute_many, insert, unit_of_work

COMPANY = 0  # the owner of the company's own accounts
# All amounts of a database are in one currency, that of the company's accounts.
CURRENCY = "SELECT currency FROM account WHERE kind = 'office cash' AND owner = 0"
MOVE = "UPDATE account SET balance = balance + $3 WHERE kind = $1 AND owner = $2 RETURNING id, balance"
# Two may open it at once.
OPEN = f"""INSERT INTO account (kind, owner, currency, balance) VALUES ($1, $2, ({CURRENCY}), $3)
  ON CONFLICT (kind, owner) DO UPDATE SET balance = account.balance + excluded.balance RETURNING id, balance"""


class AccountKind(StrEnum):
    """What an account is for. Those of agents and contracts have an owner, those of the company have owner 0."""

    # What people owe or hold for the company: a debit.
    CASH = "cash"  # an agent holds it
    DEBT = "debt"  # a customer has still to pay it on a contract
    ACCESS_DUE = "access due"  # a device's owner has still to pay it of the access rate
    CLAIM = "claim"  # a customer got power that somebody else had paid
    CLEARING = "clearing"  # a provider of mobile money has it, and pays it out to the bank
    # What the company owes people: a credit.
    COMMISSION = "commission"  # to an agent
    WALLET = "wallet"  # to an agent who paid before selling
    CREDIT = "credit"  # to a customer: what was less than a unit
    UNAPPLIED = "unapplied"  # to the payer, of one payment, until it is known what it is for
    # The company's own.
    OFFICE = "office cash"  # agents handed it in
    BANK = "bank"
    ENERGY = "energy sold"
    DAYS = "days sold"
    ACCESS = "access rate"
    GOODS = "goods"
    COMMISSION_COST = "commission cost"
    FEES = "fees"  # what providers and the bank keep for their service
    WRITE_OFF = "write-offs"
    ADJUSTMENT = "adjustments"


class Account(Model):
    id = fields.BigIntField(primary_key=True)
    kind = fields.CharField(20)  # an AccountKind
    owner = fields.BigIntField(default=0)  # the id of an agent, a contract, a customer, a payment or a provider
    currency = fields.CharField(3)  # ISO 4217
    balance = fields.BigIntField(default=0)  # minor units; what its lines add up to

    class Meta:
        unique_together = (("kind", "owner"),)


class Entry(Model):
    """One movement of money."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)  # names what it books, `sale 17`: it is booked at most once
    actor = fields.CharField(100)  # who caused it: a phone, an office user, a provider, `mwanga`
    reason = fields.CharField(200, default="", db_default="")
    effective_at = fields.DatetimeField()  # when it happened; a late notice of yesterday's payment is yesterday's
    created_at = fields.DatetimeField(auto_now_add=True)  # when it was posted
    reverses: fields.OneToOneNullableRelation["Entry"] = fields.OneToOneField(
        "models.Entry", null=True, related_name="reversal", on_delete=fields.RESTRICT
    )

    class Meta:
        indexes = (("effective_at",),)


class Line(Model):
    id = fields.BigIntField(primary_key=True)
    entry: fields.ForeignKeyRelation[Entry] = fields.ForeignKeyField(
        "models.Entry", related_name="lines", on_delete=fields.RESTRICT
    )
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField("models.Account", on_delete=fields.RESTRICT)
    amount = fields.BigIntField()

    class Meta:
        unique_together = (("entry", "account"),)
        indexes = (("account_id", "id"),)


@dataclass(frozen=True)
class Posting:
    kind: AccountKind
    owner: int
    amount: int


async def post(
    key: str,
    postings: list[Posting],
    *,
    actor: str,
    reason: str = "",
    effective_at: datetime | None = None,
    reverses: int | None = None,
) -> dict[AccountKind, int]:
    """Book one entry and return the new balances, but those of the company. Call inside a transaction. It is effective
    now unless told, and `reverses` another entry, which no other does.

    Raises ValueError when the lines do not add up to nothing, IntegrityError when `key` is booked already.
    """
    if sum(posting.amount for posting in postings) != 0:
        raise ValueError(f"entry {key} does not balance")
    now = datetime.now(UTC)
    entry = await insert(
        "entry",
        key=key,
        actor=actor,
        reason=reason,
        effective_at=effective_at or now,
        created_at=now,
        reverses_id=reverses,
    )
    balances, lines = {}, []
    # Always in the same order, so that two transactions never wait for each other's account.
    for posting in sorted(postings, key=lambda posting: (posting.kind, posting.owner)):
        if posting.owner == COMPANY and (unit := unit_of_work()):
            account = await _company_account(posting.kind)
            _moved(unit).append((posting.kind.value, posting.amount))
        else:
            account, balances[posting.kind] = await _move_balance(posting)
        lines.append((entry, account, posting.amount))
    await execute_many(connection(), "INSERT INTO line (entry_id, account_id, amount) VALUES ($1, $2, $3)", lines)
    return balances


def _moved(unit: UnitOfWork) -> list[Any]:
    """Which of the company's accounts a unit of work has moved by how much, for its end."""
    return unit.at_end("company accounts", _move_company_balances)


async def _move_balance(posting: Posting) -> tuple[int, int]:
    """The account's number, and its new balance. An INSERT that finds the account there takes a number all the same,
    and would use up the sequence: it comes second."""
    values = [posting.kind.value, posting.owner, posting.amount]
    rows = await execute(connection(), MOVE, values) or await execute(connection(), OPEN, values)
    return int(rows[0]["id"]), int(rows[0]["balance"])


async def _company_account(kind: AccountKind) -> int:
    """The number of one of the company's accounts. It is there from the first migration on."""
    [row] = await execute(connection(), "SELECT id FROM account WHERE kind = $1 AND owner = 0", [kind.value])
    return int(row["id"])


async def _move_company_balances(moved: Sequence[tuple[str, int]]) -> None:
    """Write what a unit of work has moved on the company's accounts."""
    totals: Counter[str] = Counter()
    for kind, amount in moved:
        totals[kind] += amount
    for kind in sorted(totals):
        await execute(connection(), MOVE, [kind, COMPANY, totals[kind]])


async def balance(kind: AccountKind, owner: int) -> int:
    """What this account holds now, in minor units; an account nobody used holds nothing."""
    rows = await execute(
        connection(), "SELECT balance FROM account WHERE kind = $1 AND owner = $2", [kind.value, owner]
    )
    unit = unit_of_work() if owner == COMPANY else None
    moved = sum(amount for moved_kind, amount in _moved(unit) if moved_kind == kind) if unit else 0
    return (int(rows[0]["balance"]) if rows else 0) + moved


async def cash_held(agent_id: int) -> int:
    return await balance(AccountKind.CASH, agent_id)


async def commission_due(agent_id: int) -> int:
    return -await balance(AccountKind.COMMISSION, agent_id)


async def credit_of(customer_id: int) -> int:
    """What a customer paid that was less than a unit, and has still to get."""
    return -await balance(AccountKind.CREDIT, customer_id)


async def currency() -> str:
    """The currency of all amounts in this database (ISO 4217)."""
    [row] = await execute(connection(), CURRENCY)
    return str(row["currency"])
