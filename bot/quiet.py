"""Night in the operator's zone: nobody is woken by what is no answer and no token."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

FROM, UNTIL = time(8), time(19)  # the agents who take the money are about


def until_morning(zone: ZoneInfo, now: int) -> int:
    """When the day begins, in milliseconds like `now`; 0 while it is day."""
    here = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone)
    if FROM <= here.time() < UNTIL:
        return 0
    day = here.date() + timedelta(days=1) if here.time() >= UNTIL else here.date()
    return int(datetime.combine(day, FROM, zone).timestamp() * 1000)
