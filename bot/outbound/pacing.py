"""How fast a SIM or a gateway may send: counted in SMS parts, by a clock that the caller reads."""

from collections import deque


class Bucket:
    """At most `per` parts within any `within_ms`, and `every_ms` between one message and the next.

    Times are milliseconds. When the clock is set back, what went at a later time counts as gone just now. A message of
    more parts than the bucket holds goes when all of its room is free.
    """

    def __init__(self, per: int, within_ms: int, every_ms: int = 0) -> None:
        self._per, self._within, self._every = per, within_ms, every_ms
        self._taken: deque[tuple[int, int]] = deque()
        self._used = 0

    def room(self, now: int) -> int:
        """How many parts may go now."""
        self._forget(now)
        if self._taken and now < self._taken[-1][0] + self._every:
            return 0
        return max(0, self._per - self._used)

    def spend(self, now: int, parts: int) -> None:
        """So many parts went at this time."""
        self._taken.append((now, parts))
        self._used += parts

    def ready_at(self, now: int, parts: int = 1) -> int:
        """The time from which so many parts may go, if nothing else goes before; `now` when they may now."""
        self._forget(now)
        ready = max(now, self._taken[-1][0] + self._every) if self._taken else now
        free = self._per - self._used
        for at, size in self._taken:
            if free >= min(parts, self._per):
                break
            free += size
            ready = max(ready, at + self._within)
        return ready

    def _forget(self, now: int) -> None:
        if self._taken and self._taken[-1][0] > now:
            self._taken = deque((min(at, now), parts) for at, parts in self._taken)
        while self._taken and self._taken[0][0] <= now - self._within:
            self._used -= self._taken.popleft()[1]
