"""Keeps us from talking too much. What one phone may get is in bot/talks/contacts.py."""

from models.sql import HOUR_MS


class GlobalCap:
    """Replies of this process to everybody in an hour; 0 means no cap."""

    def __init__(self, cap: int) -> None:
        self._cap, self._count, self._since = cap, 0, 0

    def is_reached(self, now: int) -> bool:
        """Whether nobody gets another reply for now (ms)."""
        return bool(self._cap) and now - self._since <= HOUR_MS and self._count >= self._cap

    def count_reply(self, now: int) -> None:
        if now - self._since > HOUR_MS:
            self._count, self._since = 0, now
        self._count += 1
