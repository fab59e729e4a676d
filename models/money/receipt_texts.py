"""Confirmations of mobile money that gateway phones receive, and the rules by which they are read."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.money.sales import Payment


class ReceiptRule(Model):
    """How one operator writes that money came in. The office may add its own."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(60, unique=True)
    provider = fields.CharField(20)
    sender = fields.CharField(40)  # the name that such texts come from, whole
    template = fields.CharField(400)  # words, and [reference] [amount] [serial] [phone] [name] [balance] [*]
    active = fields.BooleanField(default=True, db_default=True)

    class Meta:
        table = "receipt_rule"


class TextState(StrEnum):
    PAID = "paid"
    SEEN = "seen"  # the payment was known already
    WAITING = "waiting"  # a person has to look
    IGNORED = "ignored"  # it is about no money that came in
    REFUSED = "refused"  # a person said that it is no payment


class ReceiptText(Model):
    """A text that a gateway phone got from an operator's name."""

    id = fields.BigIntField(primary_key=True)
    inbox_id = fields.BigIntField(unique=True)
    gateway = fields.CharField(40)  # the phone
    sim = fields.SmallIntField(default=0, db_default=0)
    sender = fields.CharField(40)
    sealed = fields.TextField()  # the text, encrypted
    state = fields.CharField(10)  # a TextState
    why = fields.CharField(100, default="", db_default="")
    rule = fields.CharField(60, default="", db_default="")
    balance_after = fields.BigIntField(null=True)  # minor units
    payment: fields.ForeignKeyNullableRelation[Payment] = fields.ForeignKeyField(
        "models.Payment", null=True, on_delete=fields.RESTRICT
    )
    payment_id: int | None
    received_at = fields.BigIntField()  # ms

    class Meta:
        table = "receipt_text"
