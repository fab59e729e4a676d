"""From when until when something is exported, and how moments are written."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Dates:
    """From `since` to before `until`."""

    since: datetime = FIRST
    until: datetime = LAST

    @property
    def utc(self) -> tuple[datetime, datetime]:
        """As the columns of moments have it."""
        return self.since.astimezone(UTC), self.until.astimezone(UTC)

    @property
    def days(self) -> tuple[date, date]:
        """The first day and the last one, as the columns of days have it."""
        return self.since.date(), (self.until - timedelta(microseconds=1)).date()


ALWAYS = Dates()
