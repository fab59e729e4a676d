"""The audit as the office reads it: the newest first, by person, action, subject and days."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.sql import connection, execute, read_moment

NOTES = """SELECT id, created_at, actor, action, subject, detail, old, new, whence FROM audit
  WHERE {where} ORDER BY created_at DESC, id DESC LIMIT {most}"""
CHANGE = re.compile(r"([^,:;]*) -> ([^,:;]*)")
# A step of the index for each action that there is, however many notes.
ACTIONS = """WITH RECURSIVE found(action) AS (
    SELECT MIN(action) FROM audit
    UNION ALL SELECT (SELECT MIN(action) FROM audit WHERE action > found.action) FROM found
      WHERE found.action IS NOT NULL)
  SELECT action FROM found WHERE action IS NOT NULL"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which notes; what is empty or None does not matter."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None  # before it


async def read_notes(wanted: Wanted, before: int, most: int) -> Sequence[dict[str, Any]]:
    """So many notes at most, older than the one with the number `before`; 0: from the newest on."""
    rows = await execute(connection(), *question(wanted, before, most))
    return [_with_change(row) | {"created_at": read_moment(row["created_at"])} for row in rows]


def _with_change(row: dict[str, Any]) -> dict[str, Any]:
    """A note whose detail is nothing but `before -> after`, as many verbs write it, has these as old and new."""
    change = CHANGE.fullmatch(row["detail"])
    if change is None or row["old"] or row["new"]:
        return row
    return row | {"old": change[1], "new": change[2], "detail": ""}


def question(wanted: Wanted, before: int, most: int) -> tuple[str, list[Any]]:
    """The statement that asks for them, and its values."""
    parts: list[str] = ["1 = 1"]
    values: list[Any] = []
    for condition, value in (
        ("actor = ${}", wanted.actor),
        ("action = ${}", wanted.action),
        ("subject = ${}", wanted.subject),
        ("created_at >= ${}", wanted.since),
        ("created_at < ${}", wanted.until),
        ("(created_at, id) < ((SELECT created_at FROM audit WHERE id = ${0}), ${0})", before),
    ):
        if value:
            values.append(value)
            parts.append(condition.format(len(values)))
    return NOTES.format(where=" AND ".join(parts), most=most), values


async def list_actions() -> list[str]:
    """What was ever done, by name."""
    return [row["action"] for row in await execute(connection(), ACTIONS)]
