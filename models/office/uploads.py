"""Files that somebody of the office has brought and not yet let count: checked first, then written, or forgotten."""

from tortoise import fields
from tortoise.models import Model

from models.sql import now_ms

# Up to $2 that are older than $1 (ms).
FORGET_UPLOADS = """DELETE FROM office_upload WHERE id IN (SELECT id FROM office_upload WHERE created_at < $1
  ORDER BY id LIMIT $2) RETURNING id"""


class OfficeUpload(Model):
    """One file."""

    id = fields.BigIntField(primary_key=True)
    created_at = fields.BigIntField(db_index=True)  # milliseconds
    brought_by = fields.CharField(100)  # who alone may let it count
    kind = fields.CharField(40)  # what its rows are
    name = fields.CharField(200)
    data = fields.BinaryField()

    class Meta:
        table = "office_upload"


async def keep_upload(kind: str, name: str, data: bytes, *, actor: str) -> int:
    """Keep a file until its rows are written, or a day has gone; its number."""
    row = await OfficeUpload.create(created_at=now_ms(), brought_by=actor, kind=kind, name=name[:200], data=data)
    return int(row.id)


async def find_upload(number: int, kind: str, *, actor: str) -> OfficeUpload | None:
    """A file that this person brought, if it is kept still."""
    return await OfficeUpload.get_or_none(id=number, kind=kind, brought_by=actor)


async def take_upload(number: int) -> bool:
    """Forget a file whose rows are about to be written. False for one that is taken already, as by a form that was
    sent twice."""
    return bool(await OfficeUpload.filter(id=number).delete())
