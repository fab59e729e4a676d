"""Double entry, append only: every movement of money is an entry whose lines add up to nothing.

An account's `balance` is the sum of its lines, kept beside them so that reading it never adds up history; it
changes only here, under the account's row lock, in the transaction that writes the lines. Positive is a debit.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.sql import connection, execute, execute_many, insert


class AccountKind(StrEnum):
    """What an account is for. Those of agents and contracts have an owner, those of the company have owner 0."""

    CASH = "cash"  # an agent holds it
    COMMISSION = "commission"  # the company owes it to an agent
    DEBT = "debt"  # a customer has still to pay it on a contract
    OFFICE = "office cash"  # agents handed it in
    REVENUE = "revenue"
    ACCESS = "access rate"
    GOODS = "goods"
    COMMISSION_COST = "commission cost"


class Account(Model):
    id = fields.BigIntField(primary_key=True)
    kind = fields.CharField(20)  # an AccountKind
    owner = fields.BigIntField(default=0)  # the id of an agent or of a contract
    balance = fields.BigIntField(default=0)  # minor units

    class Meta:
        unique_together = (("kind", "owner"),)


class Entry(Model):
    """One movement of money."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)  # names what it books, `sale 17 payment`: it is booked at most once
    created_at = fields.DatetimeField(auto_now_add=True)


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


async def post(key: str, postings: list[Posting]) -> dict[AccountKind, int]:
    """Book one entry and return the new balances. Call inside a transaction.

    Raises ValueError when the lines do not add up to nothing, IntegrityError when `key` is booked already.
    """
    if sum(posting.amount for posting in postings) != 0:
        raise ValueError(f"entry {key} does not balance")
    entry = await insert("entry", key=key, created_at=datetime.now(UTC))
    balances, lines = {}, []
    # Always in the same order, so that two transactions never wait for each other's account.
    for posting in sorted(postings, key=lambda posting: (posting.kind, posting.owner)):
        rows = await execute(
            connection(),
            "INSERT INTO account (kind, owner, balance) VALUES ($1, $2, $3) ON CONFLICT (kind, owner) "
            "DO UPDATE SET balance = account.balance + excluded.balance RETURNING id, balance",
            [posting.kind.value, posting.owner, posting.amount],
        )
        lines.append((entry, rows[0]["id"], posting.amount))
        balances[posting.kind] = int(rows[0]["balance"])
    await execute_many(connection(), "INSERT INTO line (entry_id, account_id, amount) VALUES ($1, $2, $3)", lines)
    return balances


async def balance(kind: AccountKind, owner: int) -> int:
    """What this account holds now, in minor units; an account nobody used holds nothing."""
    rows = await execute(
        connection(), "SELECT balance FROM account WHERE kind = $1 AND owner = $2", [kind.value, owner]
    )
    return int(rows[0]["balance"]) if rows else 0


async def cash_held(agent_id: int) -> int:
    return await balance(AccountKind.CASH, agent_id)


async def commission_due(agent_id: int) -> int:
    return -await balance(AccountKind.COMMISSION, agent_id)
