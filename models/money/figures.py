"""Sales and payments added up by the day, so that a page over months reads no history: those of hours that are over
are added to their day once, and what is younger is read as it is.

Nothing of this is in the way of a sale: it is added up afterwards, from rows that only grow. What is taken back later
stays in these sums; whoever reads them takes it off (models/office/money_days.py).
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from tortoise import fields
from tortoise.models import Model

from models.clock import CLOCK, Doubt
from models.people import Agent, MiniGrid
from models.settings import Setting
from models.sql import connection, execute, execute_many, for_update, on_postgres, read_day, read_moment

HOUR = timedelta(hours=1)
# So much of an hour is added at once on SQLite at first: a busy hour of a million customers has tens of thousands of
# sales, and nobody else is answered while they are read. Of 25,000 an hour it takes 4 ms; a hundredth took 15.
PIECE = HOUR / 400
# A sale says when it was made before it is committed: so long after an hour nothing of it is under way any more.
MARGIN = timedelta(minutes=5)
# What of a time is added up, by whose it is. A sale that was done again for the right device counts once; the + keeps
# SQLite from the index of these, in which nearly all sales are alike.
SOLD = """SELECT c.mini_grid_id, s.agent_id, p.provider, COUNT(*) AS number, SUM(s.amount) AS amount,
    SUM(s.commission) AS commission
  FROM sale s JOIN customer c ON c.id = s.customer_id JOIN payment p ON p.id = s.payment_id
  WHERE s.created_at >= $1 AND s.created_at < $2 AND +s.replaces_id IS NULL
  GROUP BY c.mini_grid_id, s.agent_id, p.provider"""
PAID = """SELECT NULL AS mini_grid_id, agent_id, provider, COUNT(*) AS number, SUM(amount) AS amount, 0 AS commission
  FROM payment WHERE created_at >= $1 AND created_at < $2 GROUP BY agent_id, provider"""
ADD = """INSERT INTO {table} ({day}, what, mini_grid_id, agent_id, provider, number, amount, commission)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
  ON CONFLICT ({day}, what, COALESCE(mini_grid_id, 0), COALESCE(agent_id, 0), provider) DO UPDATE
  SET number = {table}.number + excluded.number, amount = {table}.amount + excluded.amount,
    commission = {table}.commission + excluded.commission"""
ADD_DAY, ADD_WEEK = (
    ADD.format(table=table, day=day) for table, day in (("money_day", "day"), ("money_week", "first_day"))
)
# The same by one thing alone, for a day and for its week: a quarter of thousands of agents is read from few rows.
ADD_SUM = """INSERT INTO money_sum (span, first_day, what, by_what, whose, number, amount, commission)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
  ON CONFLICT (span, by_what, first_day, what, whose) DO UPDATE
  SET number = money_sum.number + excluded.number, amount = money_sum.amount + excluded.amount,
    commission = money_sum.commission + excluded.commission"""
IN_ZONE = "days in zone"  # a setting: by the days of which time zone it is added up
UNKNOWN = ""  # no time zone
BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = """SELECT MIN(at) AS at FROM (
  SELECT at FROM (SELECT created_at AS at FROM sale WHERE created_at >= $1 ORDER BY created_at LIMIT 1) AS sold
  UNION ALL
  SELECT at FROM (SELECT created_at AS at FROM payment WHERE created_at >= $1 ORDER BY created_at LIMIT 1) AS paid
  ) AS either"""


class What(StrEnum):
    """What a sum is of."""

    SALE = "sale"
    PAYMENT = "payment"


class Span(StrEnum):
    """Of which time a sum is."""

    DAY = "day"
    WEEK = "week"  # from Monday to Sunday


class By(StrEnum):
    """By what it is added up."""

    ALL = ""
    AGENT = "agent_id"
    PROVIDER = "provider"
    MINI_GRID = "mini_grid_id"


STATEMENTS = {What.SALE: SOLD, What.PAYMENT: PAID}
LAST_WEEK = "SELECT MAX(first_day) AS monday FROM money_week"
# All sums from a Monday on. Spans and dimensions are all that there are: by them an index finds the days.
FORGET = (
    "DELETE FROM money_day WHERE day >= $1",
    "DELETE FROM money_week WHERE first_day >= $1",
    f"""DELETE FROM money_sum WHERE span IN ({", ".join(f"'{span}'" for span in Span)})
      AND by_what IN ({", ".join(f"'{by}'" for by in By)}) AND first_day >= $1""",
)


class MoneyDay(Model):
    """What was sold, or what was paid, on one day of the operator's. Money is in minor units."""

    id = fields.BigIntField(primary_key=True)
    day = fields.DateField()
    what = fields.CharField(8)  # a What
    mini_grid: fields.ForeignKeyNullableRelation[MiniGrid] = fields.ForeignKeyField(
        "models.MiniGrid", null=True, on_delete=fields.RESTRICT
    )  # of the customer; of a payment nobody knows it
    agent: fields.ForeignKeyNullableRelation[Agent] = fields.ForeignKeyField(
        "models.Agent", null=True, on_delete=fields.RESTRICT
    )  # who took the money; None: nobody of ours
    provider = fields.CharField(20)
    number = fields.BigIntField()
    amount = fields.BigIntField()
    commission = fields.BigIntField(default=0, db_default=0)  # of sales

    class Meta:
        table = "money_day"


class MoneyWeek(Model):
    """The days of a week, from Monday to Sunday, together."""

    id = fields.BigIntField(primary_key=True)
    first_day = fields.DateField()
    what = fields.CharField(8)
    mini_grid: fields.ForeignKeyNullableRelation[MiniGrid] = fields.ForeignKeyField(
        "models.MiniGrid", null=True, on_delete=fields.RESTRICT
    )
    agent: fields.ForeignKeyNullableRelation[Agent] = fields.ForeignKeyField(
        "models.Agent", null=True, on_delete=fields.RESTRICT
    )
    provider = fields.CharField(20)
    number = fields.BigIntField()
    amount = fields.BigIntField()
    commission = fields.BigIntField(default=0, db_default=0)

    class Meta:
        table = "money_week"


class MoneySum(Model):
    """What was sold, or what was paid, on one day or in one week, by one thing alone. Money is in minor units."""

    id = fields.BigIntField(primary_key=True)
    span = fields.CharField(4)  # a Span
    first_day = fields.DateField()
    what = fields.CharField(8)  # a What
    by_what = fields.CharField(12)  # a By
    whose = fields.CharField(20)  # the number of an agent or mini-grid, or a provider's name; empty: nobody's, or all
    number = fields.BigIntField()
    amount = fields.BigIntField()
    commission = fields.BigIntField()

    class Meta:
        table = "money_sum"
        unique_together = (("span", "by_what", "first_day", "what", "whose"),)


class AddedUp(Model):
    """Until when it is added up: one row, which whoever adds holds."""

    id = fields.BigIntField(primary_key=True)
    until_at = fields.DatetimeField()

    class Meta:
        table = "added_up"


async def added_until() -> datetime:
    """Until when sales and payments are in the sums of their days."""
    [row] = await execute(connection(), "SELECT until_at FROM added_up")
    return read_moment(row["until_at"])


async def add_up(zone: ZoneInfo, most: int) -> int:
    """Add the next sales and payments of hours that are over to their day, in the caller's unit of work: those of so
    many pieces of time at most. 0 when there are none, and while the clock seems to be ahead."""
    if await CLOCK.doubt() is Doubt.AHEAD:
        return 0
    [row] = await execute(connection(), f"SELECT until_at FROM added_up{for_update()}")
    since, over = read_moment(row["until_at"]), _hour_of(datetime.now(UTC) - MARGIN)
    made_in = await _zone_of_sums()
    if made_in is None:  # a database of before: one that is ahead may be so for months
        made_in = await _note_zone(zone.key if since <= over else UNKNOWN)
    # In another zone each day has other hours. And where the clock was ahead, what is sold by then would be in no sum.
    if made_in != zone.key or over < since:
        if await _forget_week(ZoneInfo(made_in or zone.key)):
            return 1
        since = BEFORE_ALL
        await _note_zone(zone.key)
    if over <= since:
        return 0
    [first] = await execute(connection(), FIRST, [since])
    begins = max(since, read_moment(first["at"]).replace(microsecond=0)) if first["at"] else over
    if begins >= over:
        await execute(connection(), "UPDATE added_up SET until_at = $1", [over])
        return 0
    day = begins.astimezone(zone).date()
    # A portion grows where it is quick, which it never is on PostgreSQL; and nobody waits for it there.
    ends = min(begins + (HOUR if on_postgres() else most * PIECE), over, end_of(day, zone))
    for what in What:
        found = await sums(what, begins, ends)
        await execute_many(connection(), ADD_DAY, [_values(day, what, each) for each in found])
        await execute_many(connection(), ADD_WEEK, [_values(monday_of(day), what, each) for each in found])
        await execute_many(connection(), ADD_SUM, _sums(day, what, found))
    await execute(connection(), "UPDATE added_up SET until_at = $1", [ends])
    return 1


async def _zone_of_sums() -> str | None:
    """Asked for when the sums are held: another server may have made them anew just now."""
    rows = await execute(connection(), "SELECT value FROM setting WHERE name = $1", [IN_ZONE])
    return str(rows[0]["value"]) if rows else None


async def _note_zone(key: str) -> str:
    await Setting.update_or_create({"value": key}, name=IN_ZONE)
    return key


async def _forget_week(zone: ZoneInfo) -> bool:
    """Have the last week of which there are sums added up anew, by whose days they are: one at a time, since SQLite
    answers nobody meanwhile. Whether there was one."""
    [last] = await execute(connection(), LAST_WEEK)
    until = BEFORE_ALL
    if last["monday"]:
        monday = read_day(last["monday"])
        until = end_of(monday - timedelta(days=1), zone)
        for statement in FORGET:
            await execute(connection(), statement, [monday])
    await execute(connection(), "UPDATE added_up SET until_at = $1", [until])
    return until > BEFORE_ALL


async def sums(what: What, since: datetime, until: datetime) -> Sequence[dict[str, Any]]:
    """What was sold or paid from `since` to before `until`, by mini-grid, agent and provider."""
    return await execute(connection(), STATEMENTS[what], [since, until])


def _values(day: date, what: What, row: dict[str, Any]) -> list[Any]:
    whose = [row["mini_grid_id"], row["agent_id"], row["provider"]]
    return [day, what.value, *whose, *(int(row[name]) for name in ("number", "amount", "commission"))]


def _sums(day: date, what: What, rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """What these rows add to the sums of their day and week."""
    found: dict[tuple[By, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        for by in By:
            if by is By.MINI_GRID and what is What.PAYMENT:
                continue  # nobody knows it
            sum_ = found[by, "" if by is By.ALL or row[by] is None else str(row[by])]
            for place, name in enumerate(("number", "amount", "commission")):
                sum_[place] += int(row[name])
    spans = ((Span.DAY, day), (Span.WEEK, monday_of(day)))
    return [
        [span.value, first, what.value, by.value, whose, *sum_]
        for (by, whose), sum_ in sorted(found.items())
        for span, first in spans
    ]


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """When the next day begins (UTC)."""
    return datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
