"""What a talk may know of the installation it runs in: money, time, language, and the vault."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from models.sql import unit_of_work
from models.vault import Vault

NEAR_DAYS = 300  # a day without its year is taken for the nearest one of that name


def _is_far(day: date, today: date) -> bool:
    """Whether a day without its year would be taken for another one."""
    return abs((day - today).days) > NEAR_DAYS


def _in_numbers(day: date) -> str:
    """2/12, as STMT takes it."""
    return f"{day.day}/{day.month}"


@dataclass(frozen=True)
class MobileMoney:
    """A provider that can ask phones to pay."""

    provider: str  # by its name
    title: str  # as people call it: enter your M-Pesa PIN
    prefixes: tuple[str, ...] = ()  # how the numbers begin that it can ask; empty: all
    pay_bill: str = ""  # what people pay to in its own menu, with an account; empty: nothing
    till: str = ""  # the same where it asks for no account


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What the office may set of a company while its servers run, as it is now."""

    name: str
    help_phone: str
    languages: list[str]  # the first is that of who has none
    coin: int  # the smallest amount that people pay in cash, in minor units
    whole_only: bool = False  # whether no cash is taken that would leave a rest
    commission_at_signing: bool = False  # whether a whole price's commission is earned before it is paid
    cash_limit: int = 0  # of a new agent, in minor units, where nobody says another one
    commission: int = 1000  # of a new agent on payments, in basis points
    goods_commission: int = 500  # the same on appliances
    summary_hour: int | None = None  # when agents are told of their day, in the company's zone; None: never
    morning_hour: int | None = None  # when they are told what they can sell for
    day_from: time = time(8)  # from then the agents who take the money are about: nobody else is woken before
    day_until: time = time(19)
    void_minutes: int = 15  # so long an agent may ask to have a sale taken back
    cash_request_minutes: int = 60  # for so long an agent may answer a customer who wants to buy for cash


class Live:
    """Figures that are replaced by others while servers run. Whoever looks in one unit of work sees the same to its
    end: nothing is counted half by the old figures and half by the new ones."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    @property
    def figures(self) -> Figures:
        """As they are now."""
        unit = unit_of_work()
        seen: Figures = unit.seen.setdefault(self, self._figures) if unit else self._figures
        return seen

    def take(self, figures: Figures) -> None:
        """From now on these count."""
        self._figures = figures


@dataclass(frozen=True, kw_only=True)
class Company:
    """Who runs this installation. bot/configured.py makes it from the configuration."""

    live: Live  # what may change while we run
    country: str  # ISO 3166, two capitals
    currency: str  # ISO 4217
    exponent: int  # of the currency: its minor units are 10**-exponent
    thousands: str  # the mark between thousands, a comma or a point; the other one begins the decimals
    zone: ZoneInfo
    ussd_code: str  # what people dial; empty where nobody can
    accents: bool  # whether screens and SMS have those that cost nothing
    vault: Vault
    mobile_money: tuple[MobileMoney, ...] = ()  # the first that can ask a phone asks it

    @property
    def name(self) -> str:
        """As people read it."""
        return self.live.figures.name

    @property
    def help_phone(self) -> str:
        """Whom people are told to call."""
        return self.live.figures.help_phone

    @property
    def languages(self) -> list[str]:
        """The languages offered; the first is that of who has none."""
        return self.live.figures.languages

    @property
    def coin(self) -> int:
        """The smallest amount that people pay in cash, in minor units."""
        return self.live.figures.coin

    @property
    def whole_only(self) -> bool:
        """Whether no cash is taken that would leave a rest."""
        return self.live.figures.whole_only

    @property
    def commission_at_signing(self) -> bool:
        """Whether a whole price's commission is earned before it is paid."""
        return self.live.figures.commission_at_signing

    @property
    def cash_limit(self) -> int:
        """How much cash a new agent may hold, in minor units, where nobody says another limit."""
        return self.live.figures.cash_limit

    @property
    def commission(self) -> int:
        """What a new agent earns on payments, in basis points."""
        return self.live.figures.commission

    @property
    def goods_commission(self) -> int:
        """What a new agent earns on appliances, in basis points."""
        return self.live.figures.goods_commission

    @property
    def summary_hour(self) -> int | None:
        """When agents are told of their day, in the company's zone; None: never."""
        return self.live.figures.summary_hour

    @property
    def morning_hour(self) -> int | None:
        """When agents are told what they can sell for; None: never."""
        return self.live.figures.morning_hour

    @property
    def void_minutes(self) -> int:
        """So long an agent may ask to have a sale taken back."""
        return self.live.figures.void_minutes

    @property
    def cash_request_minutes(self) -> int:
        """For so long an agent may answer a customer who wants to buy for cash."""
        return self.live.figures.cash_request_minutes

    def mobile_money_of(self, phone: str) -> MobileMoney | None:
        """Who can ask this phone (E.164) to pay; None: nobody can."""
        able = (each for each in self.mobile_money if not each.prefixes or phone.startswith(each.prefixes))
        return next(able, None)

    @property
    def with_pay_bill(self) -> MobileMoney | None:
        """The first who takes payments to a pay bill, with an account beside; None: nobody does."""
        return next((each for each in self.mobile_money if each.pay_bill), None)

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
        return f"{_in_numbers(day)}/{day.year}" if _is_far(day, self.today()) else _in_numbers(day)

    def day_by_name(self, when: datetime, language: str = "en") -> str:
        """A day as the office reads it in the operator's zone: 2 Dec, and with its year as `date`: 2 Dec 2029."""
        day = when.astimezone(self.zone).date()
        return format_date(day, "d MMM y" if _is_far(day, self.today()) else "d MMM", locale=language)

    def clock(self, when: datetime) -> str:
        """The time of day in the operator's zone: 10:42."""
        return format_time(when.astimezone(self.zone), "HH:mm", tzinfo=self.zone, locale="en")

    def until_morning(self, now: int) -> int:
        """When the day begins, in milliseconds like `now`; 0 while it is day. Nobody is woken at night by what is no
        answer and no token."""
        here = datetime.fromtimestamp(now / 1000, UTC).astimezone(self.zone)
        begins, ends = self.live.figures.day_from, self.live.figures.day_until
        if begins <= here.time() < ends:
            return 0
        day = here.date() + timedelta(days=1) if here.time() >= ends else here.date()
        return int(datetime.combine(day, begins, self.zone).timestamp() * 1000)
