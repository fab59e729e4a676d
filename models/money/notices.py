"""What providers tell us, kept before it is understood."""

from tortoise import fields
from tortoise.models import Model


class Notice(Model):
    """A callback of a provider, word by word. The same body counts once."""

    id = fields.BigIntField(primary_key=True)
    provider = fields.CharField(20)
    kind = fields.CharField(20)  # the end of its path: confirmation, stk, timeout
    digest = fields.CharField(64, unique=True)  # SHA-256 of provider, kind and body
    sealed = fields.TextField()  # the body, encrypted
    address = fields.CharField(45)  # of the caller
    received_at = fields.BigIntField()  # ms
    done_at = fields.BigIntField(default=0, db_default=0)  # ms; 0: still to be handled
    tries = fields.SmallIntField(default=0, db_default=0)
    outcome = fields.CharField(200, default="", db_default="")
