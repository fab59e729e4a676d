"""When a copy of the database was last made and found whole, for the office's first page."""

import json
from dataclasses import dataclass

from models.settings import Setting
from models.sql import DAY_MS, now_ms

NAME = "backup"
OLD_MS = 2 * DAY_MS  # a nightly copy may fail once before somebody has to look


@dataclass(frozen=True)
class Backup:
    """A copy that was read again."""

    at: int  # milliseconds (UTC)
    size: int  # bytes

    @property
    def is_old(self) -> bool:
        return now_ms() - self.at > OLD_MS


async def note_backup(size: int) -> None:
    """A copy of this size is whole; in the caller's unit of work."""
    value = json.dumps({"at": now_ms(), "size": size})
    await Setting.update_or_create({"value": value}, name=NAME)


async def last_backup() -> Backup | None:
    """None: nobody knows of any."""
    kept = await Setting.get_or_none(name=NAME)
    return Backup(**json.loads(kept.value)) if kept else None
