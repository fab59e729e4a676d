"""Hand-ins that an agent does not agree with: what was said, and how two people of the office settled it."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.money.hand_in import HandIn


class Step(StrEnum):
    DISPUTED = "disputed"  # by the agent
    PROPOSED = "proposed"  # one of the office says what was counted
    SETTLED = "settled"  # another one agrees


class HandInEvent(Model):
    """A step of a dispute, append only."""

    id = fields.BigIntField(primary_key=True)
    hand_in: fields.ForeignKeyRelation[HandIn] = fields.ForeignKeyField("models.HandIn", on_delete=fields.RESTRICT)
    hand_in_id: int
    step = fields.CharField(10)  # a Step
    amount = fields.BigIntField(default=0, db_default=0)  # what was handed in after all, minor units
    actor = fields.CharField(100)
    text = fields.CharField(200, default="", db_default="")
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "hand_in_event"
        unique_together = (("hand_in", "step"),)
