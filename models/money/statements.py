"""Statements of providers and banks, line by line, and which payment each line is."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.money.payments import Payment
from models.sql import connection, execute, on_postgres

# Whoever reads or matches statements moves the sums of their days in the order of the lines, and a payout of one
# provider settles a line of the bank: two at once would wait for each other.
HOLD = "SELECT pg_advisory_xact_lock(7269428)"


class Direction(StrEnum):
    IN = "in"
    OUT = "out"  # paid back, or paid out to the bank
    FEE = "fee"


class Settled(StrEnum):
    """What a line was found to be."""

    OPEN = ""  # nobody knows yet
    PAYMENT = "payment"
    PAYOUT = "payout"  # from a provider to the bank; on both statements
    FEE = "fee"
    DEPOSIT = "deposit"  # cash of the office, brought to the bank
    BACK = "back"  # a payment that was given back to its payer
    LEFT = "left"  # somebody of the office says that it is no business of these books


class StatementLine(Model):
    """What is said of it never changes; what it was found to be does once."""

    id = fields.BigIntField(primary_key=True)
    provider = fields.CharField(20)  # a provider, or `bank`
    reference = fields.CharField(80)
    direction = fields.CharField(4)  # a Direction
    amount = fields.BigIntField()  # minor units
    at = fields.DatetimeField()
    payer = fields.CharField(100, default="", db_default="")
    account_text = fields.CharField(100, default="", db_default="")
    details = fields.CharField(200, default="", db_default="")
    payment: fields.ForeignKeyNullableRelation[Payment] = fields.ForeignKeyField(
        "models.Payment", null=True, on_delete=fields.RESTRICT
    )
    payment_id: int | None
    settled = fields.CharField(10, default=Settled.OPEN, db_default="")
    settled_by = fields.CharField(100, default="", db_default="")
    note = fields.CharField(200, default="", db_default="")  # why it is left out
    # The same payout on the other statement: it left the provider, and came to the bank.
    pair: fields.OneToOneNullableRelation["StatementLine"] = fields.OneToOneField(
        "models.StatementLine", null=True, related_name="paired", on_delete=fields.RESTRICT
    )
    pair_id: int | None
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "statement_line"
        unique_together = (("provider", "reference", "direction"),)
        indexes = (("payment_id",),)


class StatementSum(Model):
    """The lines of one day (UTC) that are alike, added up: triggers keep it, so that a month is read from its days."""

    id = fields.BigIntField(primary_key=True)
    provider = fields.CharField(20)
    day = fields.DateField()
    settled = fields.CharField(10)  # a Settled
    direction = fields.CharField(4)  # a Direction
    number = fields.BigIntField()
    amount = fields.BigIntField()  # minor units

    class Meta:
        table = "statement_sum"
        unique_together = (("provider", "day", "settled", "direction"),)


class Unmatched(Model):
    """A payment of a provider, or of the bank, that no line says the same of: triggers keep it. It comes with the
    payment and goes with the line that fits; one that says another amount stays beside it."""

    payment: fields.OneToOneRelation[Payment] = fields.OneToOneField(
        "models.Payment", primary_key=True, on_delete=fields.RESTRICT
    )
    provider = fields.CharField(20)
    paid_at = fields.DatetimeField()
    line: fields.OneToOneNullableRelation[StatementLine] = fields.OneToOneField(
        "models.StatementLine", null=True, on_delete=fields.RESTRICT
    )  # with another amount; None: there is no line

    class Meta:
        indexes = (("provider", "paid_at"),)


class StatementFile(Model):
    """A statement that was read, append only: between its first line and its last one every payment has a line."""

    id = fields.BigIntField(primary_key=True)
    provider = fields.CharField(20)
    begins_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()
    actor = fields.CharField(100)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "statement_file"
        unique_together = (("provider", "begins_at", "ends_at"),)


async def hold_statements() -> None:
    """Others that read or match statements, of whichever provider, wait until the commit. SQLite has one writer."""
    if on_postgres():
        await execute(connection(), HOLD)
