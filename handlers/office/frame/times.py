"""How the office's pages write times: the time of day or the day too, and how long ago something was."""

from datetime import UTC, datetime

from bot.company import Company


def moment(ms: int) -> datetime:
    """The moment so many milliseconds after 1970 (UTC)."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def when(company: Company, now: datetime, ms: int) -> str:
    """10:42, or 23 Nov 10:42 on another day."""
    then = moment(ms)
    day = company.day_by_name(then)
    clock = company.clock(then)
    return clock if day == company.day_by_name(now) and now.timestamp() * 1000 - ms < 86_400_000 else f"{day} {clock}"


def age(now: int, since: int) -> str:
    """How long that is: 40 s, 90 min, 36 h, 3 days."""
    seconds = max(0, now - since) // 1000
    for length, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * length or (unit == "min" and seconds >= length):
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
