"""Who has the money that customers pay by phone: each provider has a number, by which the ledger names its account."""

from tortoise import fields
from tortoise.models import Model


class Provider(Model):
    """A name of bot/payments that ever had money of ours."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(20, unique=True)
