"""How much of what fell due was paid, and how much of what is owed is at risk: by mini-grid, village and agent.

Few instalments are counted when somebody asks. Where there are many that takes seconds: then they are counted beside
all work every hour (bot/monitor/collection.py), and the last count is shown with its time.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.people import Agent, MiniGrid, Village
from models.sql import connection, execute, execute_many, on_postgres, read_day, read_moment

FEW = 20_000  # instalments that are counted while somebody waits: some 30 ms
Ask = Callable[[str], Awaitable[Sequence[dict[str, Any]]]]
# The days are put in as they are: how a statement is asked beside all work takes no values.
OPEN = """SELECT c.mini_grid_id, c.village_id, k.agent_id, COUNT(*) AS contracts, SUM(o.owed) AS owed,
    SUM(CASE WHEN o.oldest < '{today}' THEN 1 ELSE 0 END) AS late,
    SUM(CASE WHEN o.oldest < '{days_30}' THEN o.owed ELSE 0 END) AS risk_30,
    SUM(CASE WHEN o.oldest < '{days_60}' THEN o.owed ELSE 0 END) AS risk_60,
    SUM(CASE WHEN o.oldest < '{days_90}' THEN o.owed ELSE 0 END) AS risk_90
  FROM (SELECT contract_id, MIN(due_on) AS oldest, SUM(amount - paid) AS owed FROM instalment WHERE paid < amount
    GROUP BY contract_id) o
  JOIN contract k ON k.id = o.contract_id JOIN customer c ON c.id = k.customer_id
  GROUP BY c.mini_grid_id, c.village_id, k.agent_id"""
# What was given up is not paid, although nothing of it is open: a contract that came to an end otherwise is left out.
DUE = """SELECT c.mini_grid_id, c.village_id, k.agent_id, SUM(i.amount) AS due, SUM(i.paid) AS paid
  FROM instalment i JOIN contract k ON k.id = i.contract_id JOIN customer c ON c.id = k.customer_id
  WHERE i.due_on >= '{first}' AND i.due_on <= '{today}' AND k.ending = ''
  GROUP BY c.mini_grid_id, c.village_id, k.agent_id"""
FIGURES = ("contracts", "late", "owed", "due", "paid", "risk_30", "risk_60", "risk_90")
COLUMNS = ("day", "counted_at", "mini_grid_id", "village_id", "agent_id", *FIGURES)
ADD = f"INSERT INTO collection ({', '.join(COLUMNS)}) VALUES ({', '.join(f'${n + 1}' for n in range(len(COLUMNS)))})"
# Two servers that count in the same moment would each take away what was there before, and both leave theirs.
HOLD = "SELECT pg_advisory_xact_lock(7269430)"
HAS_MANY = "SELECT COUNT(*) AS number FROM (SELECT 1 FROM instalment LIMIT $1) AS found"
Whose = tuple[int, int | None, int | None]  # mini-grid, village, agent


class CollectionRow(Model):
    """The last count, by whose the contracts are. Money is in minor units."""

    id = fields.BigIntField(primary_key=True)
    day = fields.DateField()  # the operator's, of which month it is counted
    counted_at = fields.DatetimeField()
    mini_grid: fields.ForeignKeyRelation[MiniGrid] = fields.ForeignKeyField(
        "models.MiniGrid", on_delete=fields.RESTRICT
    )
    village: fields.ForeignKeyNullableRelation[Village] = fields.ForeignKeyField(
        "models.Village", null=True, on_delete=fields.RESTRICT
    )
    agent: fields.ForeignKeyNullableRelation[Agent] = fields.ForeignKeyField(
        "models.Agent", null=True, on_delete=fields.RESTRICT
    )  # None: sold at the office's counter
    contracts = fields.BigIntField()  # on which something is owed
    late = fields.BigIntField()  # of them, with something that should be paid by now
    owed = fields.BigIntField()
    due = fields.BigIntField()  # this month until today
    paid = fields.BigIntField()  # of that
    risk_30 = fields.BigIntField()  # all that is owed on contracts that are more than 30 days late
    risk_60 = fields.BigIntField()
    risk_90 = fields.BigIntField()

    class Meta:
        table = "collection"


@dataclass(frozen=True)
class Part:
    """The figures of the contracts of one mini-grid, village and agent. Money is in minor units."""

    mini_grid_id: int
    village_id: int | None
    agent_id: int | None  # None: sold at the office's counter
    contracts: int = 0
    late: int = 0
    owed: int = 0
    due: int = 0
    paid: int = 0
    risk_30: int = 0
    risk_60: int = 0
    risk_90: int = 0

    @property
    def village(self) -> tuple[int, int | None]:
        """The mini-grid and the village in it, or none."""
        return self.mini_grid_id, self.village_id


@dataclass(frozen=True)
class Counted:
    """A count, and when it was made; `at` is None where nothing was counted yet."""

    parts: Sequence[Part]
    day: date
    at: datetime | None


async def ask_here(statement: str) -> Sequence[dict[str, Any]]:
    return await execute(connection(), statement)


async def count(today: date, ask: Ask = ask_here) -> list[Part]:
    """Count all instalments as of a day of the operator's."""
    days = {f"days_{n}": today - timedelta(days=n) for n in (30, 60, 90)}
    days |= {"today": today, "first": today.replace(day=1)}
    written = {name: day.isoformat() for name, day in days.items()}
    found: dict[Whose, dict[str, int]] = {}
    for statement in (OPEN, DUE):
        for row in await ask(statement.format(**written)):
            whose = row["mini_grid_id"], row["village_id"], row["agent_id"]
            figures = {name: int(row[name]) for name in FIGURES if name in row}
            found[whose] = found.get(whose, {}) | figures
    return [Part(*whose, **figures) for whose, figures in found.items()]


async def are_many() -> bool:
    """Whether there are too many instalments to be counted while somebody waits."""
    [row] = await execute(connection(), HAS_MANY, [FEW + 1])
    return int(row["number"]) > FEW


async def keep(parts: Sequence[Part], today: date) -> None:
    """Keep a count in place of the last one, in the caller's unit of work: of two at once the later one stands."""
    if on_postgres():
        await execute(connection(), HOLD)
    now = datetime.now(UTC)
    await execute(connection(), "DELETE FROM collection")
    rows = [[today, now, *(getattr(part, name) for name in COLUMNS[2:])] for part in parts]
    await execute_many(connection(), ADD, rows)


async def read(today: date) -> Counted:
    """The figures: of now where there are few instalments, else those of the last count."""
    if not await are_many():
        return Counted(await count(today), today, datetime.now(UTC))
    rows = await execute(connection(), f"SELECT {', '.join(COLUMNS)} FROM collection ORDER BY id")
    parts = [Part(**{name: row[name] for name in COLUMNS[2:]}) for row in rows]
    if not rows:
        return Counted([], today, None)
    return Counted(parts, read_day(rows[0]["day"]), read_moment(rows[0]["counted_at"]))
