"""Every change that the office makes, append only: who did what to whom, from where, what was there before and after.

`record` is called in the transaction of the change. Where a change has a value before and one after, they are its `old`
and `new`; `detail` is for all else, as a reason. From where is known to whoever serves a request: `coming_from` says it
once, around all that the request does.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.sql import connection, cut, execute, insert, read_moment

PAGE = 1000
NOTES = """SELECT id, created_at, actor, action, subject, detail, old, new, whence FROM audit
  WHERE id > $1 AND created_at >= $2 AND created_at < $3 ORDER BY id LIMIT $4"""
EXPORT = "export"  # of a list, or of all of a kind
LONGEST_ACTOR = LONGEST_SUBJECT = 100
_WHENCE: ContextVar[str] = ContextVar("from where", default="")


class Audit(Model):
    id = fields.BigIntField(primary_key=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    actor = fields.CharField(LONGEST_ACTOR)
    action = fields.CharField(40)
    subject = fields.CharField(LONGEST_SUBJECT)
    detail = fields.TextField(default="")
    old = fields.TextField(default="", db_default="")  # what was there before
    new = fields.TextField(default="", db_default="")
    whence = fields.CharField(
        100, default="", db_default=""
    )  # the address of a browser; empty: by text or command line

    class Meta:
        indexes = (
            ("created_at", "id"),
            ("actor", "created_at", "id"),
            ("action", "created_at", "id"),
            ("subject", "created_at", "id"),
        )


async def record(actor: str, action: str, subject: str, detail: str = "", *, old: str = "", new: str = "") -> int:
    """Note who did what to whom; call in the transaction of the change. Of a long actor or subject, as the
    name of a file, the beginning is kept. Returns the number of the note."""
    return await insert(
        "audit",
        created_at=datetime.now(UTC),
        actor=cut(actor, LONGEST_ACTOR),
        action=action,
        subject=cut(subject, LONGEST_SUBJECT),
        detail=detail,
        old=old,
        new=new,
        whence=_WHENCE.get(),
    )


@contextmanager
def coming_from(address: str) -> Iterator[None]:
    """What is recorded within came from this address."""
    token = _WHENCE.set(cut(address, 100))
    try:
        yield
    finally:
        _WHENCE.reset(token)


def change_of(note: Mapping[str, Any]) -> str:
    """What a note says of a change, in a line: its detail, and what was there before and after."""
    change = f"{note['old'] or '-'} -> {note['new'] or '-'}" if note["old"] or note["new"] else ""
    return ", ".join(filter(None, (change, note["detail"])))


async def read_notes(since: datetime, until: datetime) -> AsyncIterator[dict[str, Any]]:
    """All notes from `since` to before `until` (UTC), the oldest first."""
    last = 0
    while rows := await execute(connection(), NOTES, [last, since, until, PAGE]):
        for row in rows:
            yield row | {"created_at": read_moment(row["created_at"])}
        last = rows[-1]["id"]
