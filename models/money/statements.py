"""Statements of providers and banks, line by line, and which payment each line is."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.money.sales import Payment


class Direction(StrEnum):
    IN = "in"
    OUT = "out"  # paid back, or paid out to the bank
    FEE = "fee"


class StatementLine(Model):
    """Append only, but for the payment that it is found to be."""

    id = fields.BigIntField(primary_key=True)
    provider = fields.CharField(20)  # a provider, or `bank`
    reference = fields.CharField(80)
    direction = fields.CharField(4)  # a Direction
    amount = fields.BigIntField()  # minor units
    at = fields.DatetimeField()
    payer = fields.CharField(100, default="", db_default="")
    account_text = fields.CharField(100, default="", db_default="")
    payment: fields.ForeignKeyNullableRelation[Payment] = fields.ForeignKeyField(
        "models.Payment", null=True, on_delete=fields.RESTRICT
    )
    payment_id: int | None
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "statement_line"
        unique_together = (("provider", "reference", "direction"),)
        indexes = (("payment_id",),)
