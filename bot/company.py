"""What a talk may know of the installation it runs in: money, time, language, and the vault."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from bot.config import Config, ConfigError
from bot.runtime.database import Database
from models import settings as secret
from models.vault import Vault

NEAR_DAYS = 300  # a day without its year is taken for the nearest one of that name


@dataclass(frozen=True)
class Site:
    company: str
    country: str
    currency: str
    exponent: int
    zone: ZoneInfo
    languages: list[str]
    help_phone: str
    accents: bool
    vault: Vault

    @classmethod
    def of(cls, config: Config) -> "Site":
        return cls(
            config.company,
            config.country,
            config.currency,
            config.exponent,
            config.zone,
            config.language_codes,
            config.help_phone,
            config.accents,
            Vault(config.secret_key.get_secret_value()),
        )

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

    def day(self, when: datetime, language: str) -> str:
        """A day as people say it in the operator's zone: 2 Dec."""
        del language  # the months' short names of CLDR are long or accented in some languages: English ones fit
        return format_date(when.astimezone(self.zone), "d MMM", locale="en")

    def date(self, day: date) -> str:
        """A day of the calendar: 2 Dec, with its year when that may be another one: 28 Aug 2029."""
        far = abs((day - self.today()).days) > NEAR_DAYS
        return format_date(day, "d MMM y" if far else "d MMM", locale="en")

    def clock(self, when: datetime) -> str:
        """The time of day in the operator's zone: 10:42."""
        return format_time(when.astimezone(self.zone), "HH:mm", tzinfo=self.zone, locale="en")


async def check_key(database: Database, site: Site) -> None:
    """Raises ConfigError when the secret key is not the database's own."""
    async with database.work():
        if not await secret.is_ours(site.vault):
            raise ConfigError(
                "MWANGA_SECRET_KEY is another one than this database was begun with: no device key can be read with it"
                " and no PIN is right. Set the former key."
            )
