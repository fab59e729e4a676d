"""Debts and claims that nobody will pay: one of the office proposes to write one off, and another one agrees."""

from datetime import UTC, datetime
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.people import OfficeUser
from models.people.two_people import check_second, check_seen
from models.sql import connection, execute

# What was decided stays so, also for who read it before.
OPEN = "WHERE id = $1 AND agreed_at IS NULL AND refused_at IS NULL RETURNING id"


class Lost(StrEnum):
    """What is written off."""

    CONTRACT = "contract"  # what is open on it
    CLAIM = "claim"  # what a customer got that somebody else had paid


class WriteOff(Model):
    """A proposal, and who agreed to it. What is done is an entry of the ledger."""

    id = fields.BigIntField(primary_key=True)
    kind = fields.CharField(10)  # a Lost
    owner = fields.BigIntField()  # the id of the contract, or of the customer
    amount = fields.BigIntField()  # minor units, as it was when it was proposed
    reason = fields.CharField(200, default="", db_default="")
    proposed_by = fields.CharField(100)
    proposed_at = fields.DatetimeField()
    agreed_by = fields.CharField(100, default="", db_default="")  # somebody else
    agreed_at = fields.DatetimeField(null=True)
    refused_by = fields.CharField(100, default="", db_default="")
    refused_at = fields.DatetimeField(null=True)

    class Meta:
        table = "write_off"


class NotWaiting(Exception):
    """Nobody proposes it any more."""


class NoReason(Exception):
    """Who proposes it has to say why."""


async def agree_or_propose(
    kind: Lost, owner: int, amount: int, reason: str, by: OfficeUser, *, seen: WriteOff | None = None
) -> WriteOff:
    """Write down that one of the office proposes it, or that a second one agrees, in the caller's transaction that
    holds what is written off: `agreed_at` says which. Where the amount is another one by now, this is a proposal of
    that. Who was shown a proposal agrees to the one that was `seen`, with its amount, or to none. Raises NoReason,
    SamePerson, OtherAmount, and NotWaiting where it was decided meanwhile."""
    found = await WriteOff.get_or_none(kind=kind.value, owner=owner, agreed_at=None, refused_at=None)
    if seen and (found is None or found.id != seen.id):
        raise NotWaiting(seen.id)
    if found is None:
        if not reason:
            raise NoReason
        return await WriteOff.create(
            kind=kind.value,
            owner=owner,
            amount=amount,
            reason=reason[:200],
            proposed_by=by.name,
            proposed_at=datetime.now(UTC),
        )
    check_seen(seen.amount if seen else None, found.amount)
    now = datetime.now(UTC)
    if found.amount != amount:
        other = f"UPDATE write_off SET amount = $4, proposed_by = $2, proposed_at = $3 {OPEN}"
        await _change(other, found, by, now, amount)
        found.amount, found.proposed_by, found.proposed_at = amount, by.name, now
        return found
    check_second(by.name, found.proposed_by)
    await _change(f"UPDATE write_off SET agreed_by = $2, agreed_at = $3 {OPEN}", found, by, now)
    found.agreed_by, found.agreed_at = by.name, now
    return found


async def _change(statement: str, found: WriteOff, by: OfficeUser, *values: object) -> None:
    """Nobody holds a proposal: one may refuse it while another one agrees, and the first of them decides."""
    if not await execute(connection(), statement, [found.id, by.name, *values]):
        raise NotWaiting(found.id)


async def refuse(number: int, by: OfficeUser) -> WriteOff:
    """It is asked for all the same: somebody else says no, or who proposed it takes it back. In the caller's
    transaction. Raises NotWaiting."""
    refused = f"UPDATE write_off SET refused_by = $2, refused_at = $3 {OPEN}"
    rows = await execute(connection(), refused, [number, by.name, datetime.now(UTC)])
    if not rows:
        raise NotWaiting(number)
    found = await WriteOff.get(id=number)
    detail = f"{found.amount} minor units, proposed by {found.proposed_by}: {found.reason}"
    await record(by.name, "write-off refused", f"{found.kind} {found.owner}", detail)
    return found


async def open_write_offs(most: int) -> list[WriteOff]:
    """What waits for a second person, the oldest first."""
    return await WriteOff.filter(agreed_at=None, refused_at=None).order_by("id").limit(most)
