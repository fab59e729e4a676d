"""From when until when a command looks: `--since` and `--until`."""

from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from bot.cli.prompt import fail
from handlers.exchange.dates import FIRST, LAST, Dates

Since = Annotated[str | None, typer.Option(help="from this day on, like 2026-11-01, or this time, 2026-11-01T08:30")]
Until = Annotated[str | None, typer.Option(help="up to the end of this day, or up to this time")]
NO_TIME, A_DAY = timedelta(), timedelta(days=1)


def read_dates(since: str | None, until: str | None, zone: ZoneInfo) -> Dates:
    """The time that is meant, in the operator's zone; what is not said has no bound."""
    always = Dates()
    dates = Dates(
        _moment(since, zone, NO_TIME) if since else always.since,
        _moment(until, zone, A_DAY) if until else always.until,
    )
    if dates.since >= dates.until:
        fail(f"There is no time from --since {since} to --until {until}.")
    return dates


def _moment(text: str, zone: ZoneInfo, after_day: timedelta) -> datetime:
    """A day begins at midnight; `after_day` is added to one that is meant whole. Before the first and after the last
    moment that columns can have there is nothing."""
    try:
        if len(text) == len("2026-11-01"):
            moment = datetime.combine(date.fromisoformat(text) + after_day, time(), zone)
        else:
            moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        fail(f"{text} is no day or time: write it like 2026-11-28 or 2026-11-28T02:15.")
    return min(max(moment if moment.tzinfo else moment.replace(tzinfo=zone), FIRST), LAST)
