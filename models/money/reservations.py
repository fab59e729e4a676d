"""Money on its way: what an open question or a push will move if it is answered, held back until then."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model


class Reserved(StrEnum):
    OPEN = "open"
    USED = "used"
    RELEASED = "released"


class Reservation(Model):
    """An amount of one account that is promised to something, `key`. It counts while it is open and not over."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)
    kind = fields.CharField(20)  # an AccountKind
    owner = fields.BigIntField()
    amount = fields.BigIntField()  # minor units, more than 0
    state = fields.CharField(10, default=Reserved.OPEN)
    expires_at = fields.BigIntField()  # ms
