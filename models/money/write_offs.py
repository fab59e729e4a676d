"""Debts and claims that nobody will pay: one of the office proposes to write one off, and another one agrees."""

from datetime import UTC, datetime
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.people import OfficeUser
from models.people.two_people import check_second
from models.sql import connection, execute


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


async def agree_or_propose(kind: Lost, owner: int, amount: int, reason: str, by: OfficeUser) -> WriteOff:
    """Write down that one of the office proposes it, or that a second one agrees, in the caller's transaction that
    holds what is written off: `agreed_at` says which. Where the amount is another one by now, this is a proposal of
    that. Raises NoReason and SamePerson."""
    found = await WriteOff.get_or_none(kind=kind.value, owner=owner, agreed_at=None, refused_at=None)
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
    if found.amount != amount:
        found.amount, found.proposed_by, found.proposed_at = amount, by.name, datetime.now(UTC)
        await found.save(update_fields=["amount", "proposed_by", "proposed_at"])
        return found
    check_second(by.name, found.proposed_by)
    found.agreed_by, found.agreed_at = by.name, datetime.now(UTC)
    await found.save(update_fields=["agreed_by", "agreed_at"])
    return found


async def refuse(number: int, by: OfficeUser) -> WriteOff:
    """It is asked for all the same: somebody else says no, or who proposed it takes it back. In the caller's
    transaction. Raises NotWaiting."""
    refused = "UPDATE write_off SET refused_by = $2, refused_at = $3 WHERE id = $1 AND agreed_at IS NULL"
    values = [number, by.name, datetime.now(UTC)]
    rows = await execute(connection(), f"{refused} AND refused_at IS NULL RETURNING id", values)
    if not rows:
        raise NotWaiting(number)
    found = await WriteOff.get(id=number)
    detail = f"{found.amount} minor units, proposed by {found.proposed_by}: {found.reason}"
    await record(by.name, "write-off refused", f"{found.kind} {found.owner}", detail)
    return found


async def open_write_offs(most: int) -> list[WriteOff]:
    """What waits for a second person, the oldest first."""
    return await WriteOff.filter(agreed_at=None, refused_at=None).order_by("id").limit(most)
