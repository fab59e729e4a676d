"""Every change that the office makes, append only."""

from tortoise import fields
from tortoise.models import Model


class Audit(Model):
    id = fields.BigIntField(primary_key=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    actor = fields.CharField(100)
    action = fields.CharField(40)
    subject = fields.CharField(100)
    detail = fields.TextField(default="")


async def record(actor: str, action: str, subject: str, detail: str = "") -> int:
    """Note who did what to whom; call in the transaction of the change. Returns the number of the note."""
    return int((await Audit.create(actor=actor, action=action, subject=subject, detail=detail)).id)
