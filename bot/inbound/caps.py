"""How many replies a process gives in an hour, whoever asks. What one phone may get is in its own row."""

from collections.abc import Sequence

from models.sql import HOUR_MS, UnitOfWork, unit_of_work


class GlobalCap:
    """Replies of this process to everybody in an hour; 0 means no cap. Those of a unit of work that is undone do not
    count."""

    def __init__(self, cap: int) -> None:
        self.cap, self._count, self._since = cap, 0, 0

    def is_reached(self, now: int) -> bool:
        """Whether nobody gets another reply for now (ms)."""
        unit = unit_of_work()
        counted = self._count if abs(now - self._since) <= HOUR_MS else 0
        return bool(self.cap) and counted + (len(self._given_in(unit)) if unit else 0) >= self.cap

    def count_reply(self, now: int) -> None:
        if unit := unit_of_work():
            self._given_in(unit).append(now)
        else:
            self._count_one(now)

    def _given_in(self, unit: UnitOfWork) -> list[int]:
        """When each reply of this unit of work was given: at its end they count."""
        return unit.at_end("replies", self._count_all)

    async def _count_all(self, given: Sequence[int]) -> None:
        for now in given:
            self._count_one(now)

    def _count_one(self, now: int) -> None:
        if abs(now - self._since) > HOUR_MS:  # also where the clock was set back
            self._count, self._since = 0, now
        self._count += 1
