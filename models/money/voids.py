"""Sales that are taken back: who asked, who agreed, and what came of it."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.money.sales import Sale


class VoidState(StrEnum):
    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"


class Void(Model):
    """One sale that somebody wants taken back. What is done is the reversing entries of the ledger."""

    id = fields.BigIntField(primary_key=True)
    sale: fields.ForeignKeyRelation[Sale] = fields.ForeignKeyField("models.Sale", on_delete=fields.RESTRICT)
    sale_id: int
    reason = fields.CharField(200)
    asked_by = fields.CharField(100)  # an agent's phone, or an office user
    asked_at = fields.DatetimeField()
    state = fields.CharField(10, default=VoidState.ASKED)
    decided_by = fields.CharField(100, default="", db_default="")  # somebody else
    decided_at = fields.DatetimeField(null=True)
