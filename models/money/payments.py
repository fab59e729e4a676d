"""Payments: money that was taken or came in, each once."""

from tortoise import fields
from tortoise.models import Model

from models.people import Agent

# Whose money an agent or the office's counter took in cash, whatever the agent paid from. Its reference is the sale's
# key, which nobody outside reads.
IN_CASH = ("cash", "wallet")


class Payment(Model):
    """Money taken, append only. Provider and reference together name it once, however many sources tell of it."""

    id = fields.BigIntField(primary_key=True)
    provider = fields.CharField(20)  # `cash`, `wallet`, `bank`, or a name of bot/payments
    reference = fields.CharField(80)  # the provider's own in capitals, without spaces; of cash, the sale's key
    amount = fields.BigIntField()  # minor units
    currency = fields.CharField(3)  # ISO 4217
    agent: fields.ForeignKeyNullableRelation[Agent] = fields.ForeignKeyField(
        "models.Agent", null=True, on_delete=fields.RESTRICT
    )
    agent_id: int | None
    payer_phone = fields.CharField(40, default="", db_default="")  # E.164, or as the provider masks it
    payer_name = fields.CharField(100, default="", db_default="")
    account_text = fields.CharField(100, default="", db_default="")  # what the payer typed as the account
    paid_at = fields.DatetimeField()  # by the provider's clock
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        unique_together = (("provider", "reference"),)
        indexes = (("agent_id",),)
