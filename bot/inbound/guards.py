"""Keeps us from talking to machines, from talking too much, and from repeating ourselves to the deaf."""

from bot.talks.contacts import HOUR
from models.sql import now_ms


class GlobalCap:
    """Replies of this process to everybody in an hour; 0 means no cap."""

    def __init__(self, cap: int) -> None:
        self._cap, self._count, self._since = cap, 0, 0

    @property
    def reached(self) -> bool:
        """Whether nobody gets another reply for now."""
        if now_ms() - self._since > HOUR:
            self._count, self._since = 0, now_ms()
        return bool(self._cap) and self._count >= self._cap

    def count(self) -> None:
        self._count += 1
