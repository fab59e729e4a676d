"""Sales and payments of a time by day, agent, provider and mini-grid: the sums of days (models/money/figures.py), what
is younger than they are, less what was taken back since."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tortoise.transactions import in_transaction

from models.money.day_close import bounds_of
from models.money.figures import By, What, added_until, monday_of, sums
from models.money.payments import IN_CASH, Payment
from models.money.receiving import counted
from models.money.reconciling import is_out_of_books
from models.rows import find_rows
from models.sql import connection, execute, marks, read_day, read_moment

MOST_DAYS = 92  # of one page: a quarter
MOST_VOIDS = 20_000
# What is younger than the sums is read where it is at most so old; else the sums are still being made.
LATE = timedelta(days=3)
# Cast, for PostgreSQL adds whole numbers up to decimals, which take both sides longer.
ADDED = ", ".join(f"CAST(SUM({name}) AS BIGINT) AS {name}" for name in ("number", "amount", "commission"))
# Of some, as of one provider, in whole weeks and the days before and behind them. What was added up once for each agent
# and mini-grid is added up again for the agents, and for the mini-grids.
OF_SOME = """WITH parts AS (
    SELECT {columns}, what, {added} FROM (
      SELECT {columns}, what, number, amount, commission FROM money_week
        WHERE first_day >= $1 AND first_day < $2{condition}
      UNION ALL SELECT {columns}, what, number, amount, commission FROM money_day
        WHERE day >= $3 AND day < $1{condition}
      UNION ALL SELECT {columns}, what, number, amount, commission FROM money_day
        WHERE day >= $2 AND day <= $4{condition}) AS spans
    GROUP BY {columns}, what)
  {each}"""
OF_EACH = """SELECT '{by}' AS by_what, COALESCE(CAST({by} AS VARCHAR(20)), '') AS whose, what, {added}
  FROM parts GROUP BY {by}, what"""
# Of two at once, as of a provider's in a mini-grid, by the day.
OF_DAYS = """SELECT day, what, SUM(number) AS number, SUM(amount) AS amount, SUM(commission) AS commission
  FROM money_day WHERE day >= $1 AND day <= $2{condition} GROUP BY day, what"""
# Of one agent, provider or mini-grid: what it has on each day.
OF_ONE_BY_DAY = """SELECT first_day AS day, what, number, amount, commission FROM money_sum
  WHERE span = 'day' AND by_what = $3 AND whose = $4 AND first_day >= $1 AND first_day <= $2"""
# Of all alike: whole weeks and the days before and behind them.
OF_ALL_BY_DAY = """SELECT first_day AS day, what, number, amount, commission FROM money_sum
  WHERE span = 'day' AND by_what = '' AND first_day >= $1 AND first_day <= $2"""
OF_ALL = f"""SELECT by_what, whose, what, {ADDED}
  FROM (SELECT by_what, whose, what, number, amount, commission FROM money_sum
      WHERE span = 'week' AND by_what IN ('agent_id', 'provider', 'mini_grid_id') AND first_day >= $1 AND first_day < $2
    UNION ALL SELECT by_what, whose, what, number, amount, commission FROM money_sum
      WHERE span = 'day' AND by_what IN ('agent_id', 'provider', 'mini_grid_id') AND first_day >= $3 AND first_day < $1
    UNION ALL SELECT by_what, whose, what, number, amount, commission FROM money_sum
      WHERE span = 'day' AND by_what IN ('agent_id', 'provider', 'mini_grid_id')
      AND first_day >= $2 AND first_day <= $4) AS parts
  GROUP BY by_what, whose, what"""
# Of a sale that was done again for the right device the first one counts: it is taken off when the last one is void.
# CROSS JOIN: SQLite begins with these few, and not with all sales of the time.
TAKEN_BACK = f"""WITH RECURSIVE undone (id, replaces_id, void_id, commission) AS (
    SELECT s.id, s.replaces_id, s.id, s.commission FROM void v JOIN sale s ON s.id = v.sale_id
    WHERE v.state = 'done' AND v.decided_at >= $1
    UNION ALL
    SELECT o.id, o.replaces_id, u.void_id, u.commission FROM undone u JOIN sale o ON o.id = u.replaces_id)
  SELECT s.created_at, c.mini_grid_id, s.agent_id, p.provider, s.amount, u.commission, p.created_at AS paid_at,
    p.agent_id AS taken_by, CASE WHEN u.id = u.void_id THEN 0 ELSE 1 END AS moved
  FROM undone u CROSS JOIN sale s JOIN customer c ON c.id = s.customer_id JOIN payment p ON p.id = s.payment_id
  WHERE s.id = u.id AND u.replaces_id IS NULL AND s.created_at >= $1 AND s.created_at < $2 ORDER BY u.id
  LIMIT {MOST_VOIDS}"""
# Payments that never came, or were another amount than was told, by who said so and when.
PUT_RIGHT = """SELECT DISTINCT subject FROM audit WHERE action IN ('payment never came', 'amount put right')
  AND created_at >= $1"""
AT_ONCE = 500  # payments that are looked up together
TRIES = 3  # the sums are read again where more was added meanwhile
DIMENSIONS = ("agent_id", "mini_grid_id", "provider")  # SQLite sorts fastest by what nearly all rows have first


@dataclass
class Sums:
    """What was sold and what was paid. Money is in minor units."""

    sales: int = 0
    sold: int = 0
    commission: int = 0  # on these sales
    payments: int = 0
    paid: int = 0

    def add(self, what: str, row: dict[str, Any], sign: int = 1) -> None:
        number, amount = sign * int(row["number"]), sign * int(row["amount"])
        if what == What.PAYMENT:
            self.payments, self.paid = self.payments + number, self.paid + amount
        else:
            self.sales, self.sold = self.sales + number, self.sold + amount
            self.commission += sign * int(row["commission"])


@dataclass(frozen=True)
class Wanted:
    """Which days, both of them included, and whose money; None for all."""

    first: date
    last: date
    mini_grid_id: int | None = None
    agent_id: int | None = None
    provider: str | None = None

    def takes(self, row: dict[str, Any]) -> bool:
        return all(getattr(self, name) in (None, row[name]) for name in DIMENSIONS)

    @property
    def filters(self) -> dict[str, Any]:
        """What is asked for alone, by the columns of `money_day`."""
        return {name: value for name in DIMENSIONS if (value := getattr(self, name)) is not None}

    @property
    def is_all(self) -> bool:
        return not self.filters

    @property
    def weeks(self) -> tuple[date, date]:
        """From the first Monday of these days to the Monday behind their last whole week; the same day where there is
        no whole week."""
        first = monday_of(self.first + timedelta(days=6))
        last = monday_of(self.last + timedelta(days=1))
        return (first, last) if first <= last else (self.first, self.first)

    @property
    def days(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))


@dataclass
class Figures:
    """The sums by each of these; `behind` says that older sales are still being added up."""

    total: Sums = field(default_factory=Sums)
    by_day: dict[date, Sums] = field(default_factory=lambda: defaultdict(Sums))
    by_agent: dict[int | None, Sums] = field(default_factory=lambda: defaultdict(Sums))
    by_provider: dict[str, Sums] = field(default_factory=lambda: defaultdict(Sums))
    by_mini_grid: dict[int | None, Sums] = field(default_factory=lambda: defaultdict(Sums))
    behind: bool = False

    def places(self, by: str) -> dict[Any, Sums]:
        """The sums by agent, provider or mini-grid, by what `money_day` calls these."""
        sums: dict[str, Any] = {By.AGENT: self.by_agent, By.PROVIDER: self.by_provider}
        places: dict[Any, Sums] = sums.get(by, self.by_mini_grid)
        return places

    def add(self, day: date, what: str, row: dict[str, Any], sign: int = 1) -> None:
        places = (self.total, self.by_day[day], self.by_agent[row["agent_id"]], self.by_provider[row["provider"]])
        for one in places:
            one.add(what, row, sign)
        if what == What.SALE:
            self.by_mini_grid[row["mini_grid_id"]].add(what, row, sign)


@dataclass(frozen=True, slots=True)
class DaySold:
    """What was sold on one day. Money is in minor units."""

    day: date
    sales: int
    amount: int


@dataclass(frozen=True, slots=True)
class Sold:
    """Days one after the other; `behind` says that older sales than those of the last days are still being added up."""

    days: Sequence[DaySold]
    behind: bool

    @property
    def today(self) -> DaySold:
        return self.days[-1]


async def read(wanted: Wanted, zone: ZoneInfo, today: date) -> Figures:
    """What was sold and paid in these days of the operator's."""
    figures, until = await _read_added(wanted, _add_days)
    await _add_young(figures, wanted, zone, until, today)
    await _take_off(figures, wanted, zone)
    await _put_right(figures, wanted, zone)
    return figures


async def read_sold(first: date, today: date, zone: ZoneInfo) -> Sold:
    """What was sold on each day up to today, as `read` has it, without all that the first page does not show."""
    wanted = Wanted(first, today)
    figures, until = await _read_added(wanted, _add_each_day)
    await _add_young(figures, wanted, zone, until, today, [What.SALE])
    await _take_off(figures, wanted, zone)
    return Sold([DaySold(day, each.sales, each.sold) for day, each in figures.by_day.items()], figures.behind)


async def _read_added(wanted: Wanted, add: Callable[[Figures, Wanted], Awaitable[None]]) -> tuple[Figures, datetime]:
    """What `add` finds in the sums of these days, and until when all of it is in them."""
    for _try in range(TRIES):
        figures, until = await _read_once(wanted, add)
        if await added_until() == until:
            return figures, until
    async with in_transaction():  # SQLite adds a busy hour in portions, of which none comes into a transaction
        return await _read_once(wanted, add)


async def _read_once(wanted: Wanted, add: Callable[[Figures, Wanted], Awaitable[None]]) -> tuple[Figures, datetime]:
    figures, until = Figures(), await added_until()
    for day in wanted.days:
        figures.by_day[day] = Sums()
    await add(figures, wanted)
    return figures, until


async def _add_days(figures: Figures, wanted: Wanted) -> None:
    """Each dimension by itself: the rows stay in the database."""
    if wanted.is_all:
        await _add_days_of_all(figures, wanted)
        return
    for row in await _of_each_day(wanted):
        figures.by_day[read_day(row["day"])].add(row["what"], row)
        figures.total.add(row["what"], row)
        for name, value in wanted.filters.items():
            if name != By.MINI_GRID or row["what"] == What.SALE:
                figures.places(name)[value].add(row["what"], row)
    if others := [name for name in DIMENSIONS if name not in wanted.filters]:
        values = [*wanted.weeks, wanted.first, wanted.last, *wanted.filters.values()]
        _add_places(figures, await execute(connection(), of_some(wanted, others), values))


async def _of_each_day(wanted: Wanted) -> Sequence[dict[str, Any]]:
    """From the sums of the one that is asked for, which are few rows; two at once have none of their own."""
    if len(wanted.filters) != 1:
        statement = OF_DAYS.format(condition=_condition(wanted, 3))
        return await execute(connection(), statement, [wanted.first, wanted.last, *wanted.filters.values()])
    [(name, value)] = wanted.filters.items()
    return await execute(connection(), OF_ONE_BY_DAY, [wanted.first, wanted.last, name, str(value)])


async def _add_each_day(figures: Figures, wanted: Wanted) -> None:
    """The days of all alike."""
    for row in await execute(connection(), OF_ALL_BY_DAY, [wanted.first, wanted.last]):
        figures.by_day[read_day(row["day"])].add(row["what"], row)
        figures.total.add(row["what"], row)


async def _add_days_of_all(figures: Figures, wanted: Wanted) -> None:
    """Where nothing is filtered each dimension has sums of its own."""
    await _add_each_day(figures, wanted)
    _add_places(figures, await execute(connection(), OF_ALL, [*wanted.weeks, wanted.first, wanted.last]))


def _add_places(figures: Figures, rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        if row["by_what"] == By.MINI_GRID and row["what"] == What.PAYMENT:
            continue  # nobody knows it
        whose = row["whose"] if row["by_what"] == By.PROVIDER else int(row["whose"]) if row["whose"] else None
        figures.places(row["by_what"])[whose].add(row["what"], row)


def of_some(wanted: Wanted, others: Sequence[str]) -> str:
    """The statement for the sums by each of these columns, of what is asked for alone."""
    each = " UNION ALL ".join(OF_EACH.format(by=by, added=ADDED) for by in others)
    return OF_SOME.format(columns=", ".join(others), added=ADDED, condition=_condition(wanted, 5), each=each)


def _condition(wanted: Wanted, first: int) -> str:
    """What is asked for alone, by values from this place on."""
    return "".join(f" AND {name} = ${place}" for place, name in enumerate(wanted.filters, first))


async def _add_young(
    figures: Figures, wanted: Wanted, zone: ZoneInfo, until: datetime, today: date, of: Iterable[What] = tuple(What)
) -> None:
    """What is not in the sums of the days: as a rule the last hour or two."""
    oldest = bounds_of(today, zone)[0] - LATE
    figures.behind = until < oldest and await _is_older(until, oldest)
    since = max(until, oldest) if figures.behind else until
    for day in wanted.days:
        begins, ends = bounds_of(day, zone)
        if ends <= since or day > today:
            continue
        for what in of:
            for row in await sums(what, max(begins, since), ends):
                if wanted.takes(row):
                    figures.add(day, what, row)


async def _is_older(until: datetime, oldest: datetime) -> bool:
    """Whether there is anything between the sums and what is read as it is."""
    older = "SELECT 1 FROM sale WHERE created_at >= $1 AND created_at < $2 LIMIT 1 OFFSET 20000"
    return bool(await execute(connection(), older, [until, oldest]))


async def _take_off(figures: Figures, wanted: Wanted, zone: ZoneInfo) -> None:
    """What was sold in these days and taken back, then or later."""
    span = [bounds_of(wanted.first, zone)[0], bounds_of(wanted.last, zone)[1]]
    for row in await execute(connection(), TAKEN_BACK, span):
        if wanted.takes(row):
            day = read_moment(row["created_at"]).astimezone(zone).date()
            figures.add(day, What.SALE, row | {"number": 1}, -1)
        # Nobody knows a payment's mini-grid. Of a sale that was moved the cash waits for the office.
        payment = row | {"number": 1, "agent_id": row["taken_by"], "mini_grid_id": None}
        day = read_moment(row["paid_at"]).astimezone(zone).date()
        given_back = row["provider"] in IN_CASH and not row["moved"]  # a provider's money waits for the office
        if given_back and wanted.takes(payment) and wanted.first <= day <= wanted.last:
            figures.add(day, What.PAYMENT, payment, -1)


async def _put_right(figures: Figures, wanted: Wanted, zone: ZoneInfo) -> None:
    """Payments of these days count as the books have them by now: not at all where they never came."""
    for payment in await _payments_put_right(bounds_of(wanted.first, zone)[0], bounds_of(wanted.last, zone)[1]):
        came = not await is_out_of_books(payment.id)
        too_much = payment.amount - (await counted(payment) if came else 0)
        what = {"number": 0 if came else 1, "amount": too_much, "provider": payment.provider}
        what |= {"agent_id": payment.agent_id, "mini_grid_id": None}
        if wanted.takes(what):
            figures.add(read_moment(payment.created_at).astimezone(zone).date(), What.PAYMENT, what, -1)


async def _payments_put_right(since: datetime, until: datetime) -> list[Payment]:
    """Those of this time of which that was said. Who looks at old days finds all that was said since, of later payments
    too: they are looked up together."""
    said, found = defaultdict[str, list[str]](list), list[Payment]()
    for row in await execute(connection(), PUT_RIGHT, [since]):
        provider, _space, reference = row["subject"].partition(" ")
        said[provider].append(reference)
    for provider, references in said.items():
        for first in range(0, len(references), AT_ONCE):
            some = references[first : first + AT_ONCE]
            named = f"provider = $1 AND reference IN ({marks(len(some), 4)})"
            condition = f"{named} AND created_at >= $2 AND created_at < $3"
            found += await find_rows(Payment, condition, [provider, since, until, *some])
    return found
