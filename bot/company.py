"""What a talk may know of the installation it runs in: money, time, language, and the vault."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from models.vault import Vault

FROM, UNTIL = time(8), time(19)  # the agents who take the money are about: nobody else is woken
NEAR_DAYS = 300  # a day without its year is taken for the nearest one of that name


def _in_numbers(day: date) -> str:
    """2/12, as STMT takes it."""
    return f"{day.day}/{day.month}"


@dataclass(frozen=True)
class MobileMoney:
    """A provider that can ask phones to pay."""

    provider: str  # by its name
    title: str  # as people call it: enter your M-Pesa PIN
    prefixes: tuple[str, ...] = ()  # how the numbers begin that it can ask; empty: all


@dataclass(frozen=True, kw_only=True)
class Company:
    """Who runs this installation. bot/configured.py makes it from the configuration."""

    name: str
    country: str  # ISO 3166, two capitals
    currency: str  # ISO 4217
    exponent: int  # of the currency: its minor units are 10**-exponent
    thousands: str  # the mark between thousands, a comma or a point; the other one begins the decimals
    zone: ZoneInfo
    languages: list[str]  # the first is that of who has none
    help_phone: str
    ussd_code: str  # what people dial; empty where nobody can
    summary_hour: int | None = None  # when agents are told of their day, in the company's zone; None: never
    morning_hour: int | None = None  # when they are told what they can sell for
    void_minutes: int = 15  # so long an agent may ask to have a sale taken back
    accents: bool  # whether screens and SMS have those that cost nothing
    coin: int  # the smallest amount that people pay in cash, in minor units
    whole_only: bool = False  # whether no cash is taken that would leave a rest
    commission_at_signing: bool = False  # whether a whole price's commission is earned before it is paid
    vault: Vault
    cash_request_minutes: int = 60  # for so long an agent may answer a customer who wants to buy for cash
    mobile_money: tuple[MobileMoney, ...] = ()  # the first that can ask a phone asks it

    def mobile_money_of(self, phone: str) -> MobileMoney | None:
        """Who can ask this phone (E.164) to pay; None: nobody can."""
        able = (each for each in self.mobile_money if not each.prefixes or phone.startswith(each.prefixes))
        return next(able, None)

    def today(self) -> date:
        """The day it is in the operator's zone."""
        return datetime.now(self.zone).date()

    def end_of(self, day: date) -> datetime:
        """The last minute of a day in the operator's zone (UTC): what is due today is late tomorrow."""
        return datetime.combine(day, time(23, 59), self.zone).astimezone(UTC)

    @property
    def unit(self) -> int:
        """Minor units in a whole one."""
        return int(10**self.exponent)

    @property
    def most(self) -> int:
        """The largest amount of one payment and of a price, in minor units: what every sentence is measured with.
        9,999,999, and a digit more where the currency has no decimals, as a franc of Guinea is worth little; where
        coins are parts of a unit, 99,999.50 is as wide."""
        if self.coin % self.unit:
            return int(10 ** (7 - self.exponent) - 1) * self.unit
        return (99_999_999 if self.exponent == 0 else 9_999_999) * self.unit

    @property
    def decimal(self) -> str:
        """The mark before decimals."""
        return "," if self.thousands == "." else "."

    def number(self, minor: int) -> str:
        """Money without its currency: 8,000 (and 8,000.50 where somebody paid a fraction), with the company's marks."""
        whole, fraction = divmod(abs(minor), 10**self.exponent)
        sign, grouped = "-" if minor < 0 else "", f"{whole:,}".replace(",", self.thousands)
        return f"{sign}{grouped}" + (f"{self.decimal}{fraction:0{self.exponent}d}" if fraction else "")

    def whole(self, minor: int) -> str:
        """Money without the fraction that nobody pays out: 800."""
        return self.number(minor - minor % min(self.coin, self.unit))

    def typed(self, minor: int) -> str:
        """Money as people type it: 8000, and 2.50."""
        return self.number(minor).replace(self.thousands, "").replace(self.decimal, ".")

    def money(self, minor: int) -> str:
        """Money with its currency: TZS 8,000."""
        return f"{self.currency} {self.number(minor)}"

    def day(self, when: datetime) -> str:
        """A day as people write it in the operator's zone: 2/12, in every language."""
        return _in_numbers(when.astimezone(self.zone).date())

    def date(self, day: date) -> str:
        """A day of the calendar: 2/12, with its year when that may be another one: 28/8/2029."""
        far = abs((day - self.today()).days) > NEAR_DAYS
        return f"{_in_numbers(day)}/{day.year}" if far else _in_numbers(day)

    def day_by_name(self, when: datetime) -> str:
        """A day as the office reads it in the operator's zone: 2 Dec."""
        return format_date(when.astimezone(self.zone), "d MMM", locale="en")

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
