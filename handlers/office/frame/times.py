"""How the office's pages write times: the time of day or the day too, and how long ago something was."""

from datetime import UTC, datetime

from bot.company import Company
from handlers.office.frame.words import LANGUAGE, _, _n

MINUTE, HOUR, DAY = 60, 3_600, 86_400  # seconds


def moment(ms: int) -> datetime:
    """The moment so many milliseconds after 1970 (UTC)."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def day_name(company: Company, moment: datetime) -> str:
    """2 Dec, or 2 Dec 2029, in the reader's language."""
    return company.day_by_name(moment, LANGUAGE.get())


def when(company: Company, now: datetime, ms: int) -> str:
    """10:42, or 23 Nov 10:42 on another day."""
    then = moment(ms)
    day = day_name(company, then)
    clock = company.clock(then)
    return clock if day == day_name(company, now) and now.timestamp() * 1000 - ms < 86_400_000 else f"{day} {clock}"


def age(now: int, since: int) -> str:
    """How long that is: 40 s, 90 min, 36 h, 3 days."""
    seconds = max(0, now - since) // 1000
    if seconds >= 2 * DAY:
        return _n("{n} day", "{n} days", seconds // DAY)
    if seconds >= 2 * HOUR:
        return _("{n} h", n=seconds // HOUR)
    return _("{n} min", n=seconds // MINUTE) if seconds >= MINUTE else _("{n} s", n=seconds)
