"""Every change that the office makes, append only."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.sql import connection, execute, read_moment

PAGE = 1000
NOTES = """SELECT id, created_at, actor, action, subject, detail FROM audit
  WHERE id > $1 AND created_at >= $2 AND created_at < $3 ORDER BY id LIMIT $4"""


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


async def read_notes(since: datetime, until: datetime) -> AsyncIterator[dict[str, Any]]:
    """All notes from `since` to before `until` (UTC), the oldest first."""
    last = 0
    while rows := await execute(connection(), NOTES, [last, since, until, PAGE]):
        for row in rows:
            yield row | {"created_at": read_moment(row["created_at"])}
        last = rows[-1]["id"]
