"""What a talk may know of the installation it runs in: money, time, language, and the vault."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from models.vault import Vault

FROM, UNTIL = time(8), time(19)  # the agents who take the money are about: nobody else is woken
NEAR_DAYS = 300  # a day without its year is taken for the nearest one of that name


@dataclass(frozen=True, kw_only=True)
class Company:
    """Who runs this installation. bot/configured.py makes it from the configuration."""

    name: str
    country: str  # ISO 3166, two capitals
    currency: str  # ISO 4217
    exponent: int  # of the currency: its minor units are 10**-exponent
    zone: ZoneInfo
    languages: list[str]  # the first is that of who has none
    help_phone: str
    accents: bool  # whether screens and SMS have those that cost nothing
    vault: Vault

    def today(self) -> date:
        """The day it is in the operator's zone."""
        return datetime.now(self.zone).date()

    def end_of(self, day: date) -> datetime:
        """The last minute of a day in the operator's zone (UTC): what is due today is late tomorrow."""
        return datetime.combine(day, time(23, 59), self.zone).astimezone(UTC)

    @property
    def coin(self) -> int:
        """Minor units in a whole one: nobody pays less in cash."""
        return int(10**self.exponent)

    def number(self, minor: int) -> str:
        """Money without its currency: 8,000 (and 8,000.50 where somebody paid a fraction)."""
        whole, fraction = divmod(abs(minor), 10**self.exponent)
        sign = "-" if minor < 0 else ""
        return f"{sign}{whole:,}" + (f".{fraction:0{self.exponent}d}" if fraction else "")

    def whole(self, minor: int) -> str:
        """Money without the fraction that nobody pays out: 800."""
        return self.number(minor - minor % 10**self.exponent)

    def money(self, minor: int) -> str:
        """Money with its currency: TZS 8,000."""
        return f"{self.currency} {self.number(minor)}"

    def day(self, when: datetime) -> str:
        """A day as people say it in the operator's zone: 2 Dec. In every language with English months, whose short
        names fit: those of CLDR are long or accented in some."""
        return format_date(when.astimezone(self.zone), "d MMM", locale="en")

    def date(self, day: date) -> str:
        """A day of the calendar: 2 Dec, with its year when that may be another one: 28 Aug 2029."""
        far = abs((day - self.today()).days) > NEAR_DAYS
        return format_date(day, "d MMM y" if far else "d MMM", locale="en")

    def clock(self, when: datetime) -> str:
        """The time of day in the operator's zone: 10:42."""
        return format_time(when.astimezone(self.zone), "HH:mm", tzinfo=self.zone, locale="en")

    def until_morning(self, now: int) -> int:
        """When the day begins, in milliseconds like `now`; 0 while it is day. Nobody is woken at night by what is no
        answer and no token."""
        here = datetime.fromtimestamp(now / 1000, UTC).astimezone(self.zone)
        if FROM <= here.time() < UNTIL:
            return 0
        day = here.date() + timedelta(days=1) if here.time() >= UNTIL else here.date()
        return int(datetime.combine(day, FROM, self.zone).timestamp() * 1000)
