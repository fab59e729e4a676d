"""Double entry, append only: every movement of money is an entry whose lines add up to nothing.

The database itself sees to it (models/migrations/0002_guards.py): an entry that is committed has all its lines, they
balance, and nothing changes them. An account's `balance` is the sum of its lines, kept beside them so that reading it
never adds up history; the lines move it, and nothing else can. Positive is a debit.

An agent's accounts and a customer's debt are held by the locks of whoever sells (models/selling/booking.py). Those of
the company and of its providers are everybody's: their lines are written at the end of the unit of work, all at once,
so that two batches of sales never end in a deadlock, nor wait for each other longer than a commit takes.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.sql import (
    IdOf,
    Steps,
    UnitOfWork,
    connection,
    cut,
    execute,
    execute_many,
    listed_rows,
    on_postgres,
    row_marks,
    unit_of_work,
)

COMPANY = 0  # the owner of the company's own accounts
# All amounts of a database are in one currency, that of the company's accounts.
CURRENCY = "SELECT currency FROM account WHERE kind = 'office cash' AND owner = 0"
FIND = "SELECT id, kind, owner, balance FROM account WHERE (kind, owner) IN ({wanted}) ORDER BY id"
# Two may open it at once.
OPEN = f"""INSERT INTO account (kind, owner, currency, balance) VALUES ($1, $2, ({CURRENCY}), 0)
  ON CONFLICT (kind, owner) DO NOTHING"""
LINES = "INSERT INTO line (entry_id, account_id, amount) "
SOME = 500  # lines in one statement


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
    OFFICE = "office cash"  # the till: agents handed it in, or it was taken at the counter
    BANK = "bank"
    ENERGY = "energy sold"
    DAYS = "days sold"
    ACCESS = "access rate"
    GOODS = "goods"
    COMMISSION_COST = "commission cost"
    FEES = "fees"  # what providers and the bank keep for their service
    WRITE_OFF = "write-offs"
    ADJUSTMENT = "adjustments"


class Side(StrEnum):
    """On which side an account stands as a rule: positive amounts are debits."""

    DEBIT = "debit"
    CREDIT = "credit"


@dataclass(frozen=True)
class Described:
    """One kind of account in the chart."""

    side: Side
    owner: str  # whose it is: there is one for each of these
    what: str


# The chart of accounts, each in the currency of the database. docs/reconciliation.md shows it.
CHART = {
    AccountKind.CASH: Described(Side.DEBIT, "agent", "cash that the agent holds"),
    AccountKind.DEBT: Described(Side.DEBIT, "contract", "still to be paid on it; never below 0"),
    AccountKind.ACCESS_DUE: Described(Side.DEBIT, "device", "still to be paid of the access rate, as of the last sale"),
    AccountKind.CLAIM: Described(Side.DEBIT, "customer", "power that somebody else had paid for; never below 0"),
    AccountKind.CLEARING: Described(Side.DEBIT, "provider", "mobile money that it has of ours; returns to 0"),
    AccountKind.COMMISSION: Described(Side.CREDIT, "agent", "earned and not paid out"),
    AccountKind.WALLET: Described(Side.CREDIT, "agent", "paid before selling; never overdrawn"),
    AccountKind.CREDIT: Described(Side.CREDIT, "customer", "paid, and less than a unit; never overdrawn"),
    AccountKind.UNAPPLIED: Described(Side.CREDIT, "payment", "for nothing yet; returns to 0, never overdrawn"),
    AccountKind.OFFICE: Described(Side.DEBIT, "company", "cash in the till: handed in by agents, taken at the counter"),
    AccountKind.BANK: Described(Side.DEBIT, "company", "money in the bank"),
    AccountKind.ENERGY: Described(Side.CREDIT, "company", "revenue of energy"),
    AccountKind.DAYS: Described(Side.CREDIT, "company", "revenue of days"),
    AccountKind.ACCESS: Described(Side.CREDIT, "company", "revenue of the access rate"),
    AccountKind.GOODS: Described(Side.CREDIT, "company", "revenue of appliances"),
    AccountKind.COMMISSION_COST: Described(Side.DEBIT, "company", "what commissions cost"),
    AccountKind.FEES: Described(Side.DEBIT, "company", "what providers and the bank keep for their service"),
    AccountKind.WRITE_OFF: Described(Side.DEBIT, "company", "debts that nobody will pay"),
    AccountKind.ADJUSTMENT: Described(Side.DEBIT, "company", "differences that were put right"),
}


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
    line_count = fields.SmallIntField()  # two or more: so many lines are booked with it, and none later
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


Place = tuple[str, int]  # an account by kind and owner
Balances = dict[tuple[AccountKind, int], int]  # of accounts by kind and owner, in minor units


@dataclass(frozen=True, kw_only=True)
class NewEntry:
    """An entry to be booked."""

    key: str | IdOf
    postings: Sequence[Posting]  # those on the same account become one line
    actor: str
    reason: str = ""
    effective_at: datetime | None = None  # None: now
    reverses: int | None = None  # another entry by its id, which no other one reverses

    @property
    def amounts(self) -> dict[Place, int]:
        """What it moves on each account. Raises ValueError when that does not add up to nothing, or is fewer than two
        lines."""
        amounts: Counter[Place] = Counter()
        for posting in self.postings:
            amounts[posting.kind.value, posting.owner] += posting.amount
        wanted = {place: amount for place, amount in amounts.items() if amount}
        if len(wanted) < 2 or sum(wanted.values()) != 0:
            raise ValueError(f"entry {getattr(self.key, 'text', self.key)} does not balance")
        return wanted


async def post(
    key: str,
    postings: Sequence[Posting],
    *,
    actor: str,
    reason: str = "",
    effective_at: datetime | None = None,
    reverses: int | None = None,
) -> dict[AccountKind, int]:
    """Book one entry, as `post_all` does: the new balances by their kinds."""
    entry = NewEntry(
        key=key, postings=postings, actor=actor, reason=reason, effective_at=effective_at, reverses=reverses
    )
    return {kind: held for (kind, _owner), held in (await post_all([entry])).items()}


async def post_all(entries: Sequence[NewEntry], steps: Steps | None = None) -> Balances:
    """Book these entries, behind the steps that lead to them, and return the new balances, but those that everybody
    shares. Call inside a transaction.

    Raises ValueError when the lines of one do not add up to nothing or are fewer than two, IntegrityError when its key
    is booked already.
    """
    unit, steps, now = unit_of_work(), steps or Steps(), datetime.now(UTC)
    wanted = [entry.amounts for entry in entries]
    places = dict.fromkeys(place for amounts in wanted for place in amounts)
    accounts = await _hold_accounts([place for place in places if not (unit and _is_shared(place))])
    numbers = [_add_entry(steps, entry, len(amounts), now) for entry, amounts in zip(entries, wanted, strict=True)]
    lines = [
        (number, of, amounts[place])
        for number, amounts in zip(numbers, wanted, strict=True)
        for place, (of, _held) in accounts.items()
        if place in amounts
    ]
    if lines:
        steps.add_all(LINES + "VALUES " + row_marks(len(lines), 3), [value for line in lines for value in line])
    await steps.run()
    moved: Counter[Place] = Counter()
    for number, amounts in zip(numbers, wanted, strict=True):
        moved.update(amounts)
        if unit:
            others = [(place, amount) for place, amount in amounts.items() if place not in accounts]
            _shared_lines(unit).extend((place, steps.ids[number], amount) for place, amount in others)
    own = {place: held for place, (_id, held) in accounts.items() if not _is_shared(place)}
    return {(AccountKind(kind), owner): held + moved[kind, owner] for (kind, owner), held in own.items()}


def _add_entry(steps: Steps, entry: NewEntry, lines: int, now: datetime) -> IdOf:
    """An entry with the number of its lines."""
    return steps.add(
        "entry",
        key=entry.key,
        actor=cut(entry.actor, 100),
        reason=cut(entry.reason, 200),
        line_count=lines,
        effective_at=entry.effective_at or now,
        created_at=now,
        reverses_id=entry.reverses,
    )


async def reverse(entry: int, *, key: str, actor: str, reason: str) -> dict[AccountKind, int]:
    """Book the opposite of an entry, by its id, and return the new balances as `post` does. Raises IntegrityError when
    it is reversed already, and LookupError when there is none."""
    rows = await execute(
        connection(),
        "SELECT a.kind, a.owner, l.amount FROM line l JOIN account a ON a.id = l.account_id WHERE l.entry_id = $1",
        [entry],
    )
    postings = [Posting(AccountKind(row["kind"]), int(row["owner"]), -int(row["amount"])) for row in rows]
    if unit := unit_of_work():  # it may be of this very unit of work
        lines = [(place, amount) for place, of, amount in _shared_lines(unit) if of == entry]
        postings += [Posting(AccountKind(kind), owner, -amount) for (kind, owner), amount in lines]
    if not postings:
        raise LookupError(f"there is no entry {entry}")
    return await post(key, postings, actor=actor, reason=reason, reverses=entry)


async def _hold_accounts(places: Sequence[Place]) -> dict[Place, tuple[int, int]]:
    """These accounts by their places, opened where nobody used them yet: the number of each and its balance, which
    stays until the commit but for our own lines. An INSERT that finds the account there takes a number all the same,
    and would use up the sequence: it comes second."""
    found = await _find_accounts(places)
    if missing := sorted(place for place in places if place not in found):
        await execute_many(connection(), OPEN, missing)
        found |= await _find_accounts(missing)
    return dict(sorted(found.items(), key=lambda item: item[1]))


async def _find_accounts(places: Sequence[Place]) -> dict[Place, tuple[int, int]]:
    """Those that there are, held until the commit. The lock is that of the balance: a line may point at it."""
    if not places:
        return {}
    listed, held = ("", " FOR NO KEY UPDATE") if on_postgres() else ("VALUES ", "")
    wanted = listed + row_marks(len(places), 2)
    values = [value for place in places for value in place]
    rows = await execute(connection(), FIND.format(wanted=wanted) + held, values)
    return {(row["kind"], int(row["owner"])): (int(row["id"]), int(row["balance"])) for row in rows}


async def _write_lines(lines: Sequence[tuple[int, int, int]]) -> None:
    """Lines of entry, account and amount."""
    if lines:
        listing, values = listed_rows(lines, ("bigint",) * 3)
        await execute(connection(), LINES + listing, values)


def _is_shared(place: Place) -> bool:
    """Whether sales of different agents and devices move this account."""
    kind, owner = place
    return owner == COMPANY or kind == AccountKind.CLEARING


def _shared_lines(unit: UnitOfWork) -> list[Any]:
    """The lines of a unit of work on accounts that everybody shares, by place, entry and amount: for its end."""
    return unit.at_end("shared accounts", _write_shared_lines, last=True)


async def _write_shared_lines(lines: Sequence[tuple[Place, int, int]]) -> None:
    accounts = await _hold_accounts(sorted({place for place, _entry, _amount in lines}))
    rows = sorted((accounts[place][0], entry, amount) for place, entry, amount in lines)
    for start in range(0, len(rows), SOME):
        await _write_lines([(entry, account, amount) for account, entry, amount in rows[start : start + SOME]])


async def balance(kind: AccountKind, owner: int) -> int:
    """What this account holds now, in minor units; an account nobody used holds nothing."""
    rows = await execute(
        connection(), "SELECT balance FROM account WHERE kind = $1 AND owner = $2", [kind.value, owner]
    )
    unit, place = unit_of_work(), (kind.value, owner)
    moved = (
        sum(amount for of, _entry, amount in _shared_lines(unit) if of == place) if unit and _is_shared(place) else 0
    )
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
