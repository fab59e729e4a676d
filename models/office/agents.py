"""All agents as the office looks them up at the prompt: who they are, what they hold, whether they may sell."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.sql import connection, execute, read_moment

STANDING = """SELECT a.name, a.phone, g.name AS mini_grid, a.cash_limit, a.locked_at, a.retired_at,
    COALESCE(cash.balance, 0) AS held, a.prepaid, -COALESCE(wallet.balance, 0) AS wallet
  FROM agent a JOIN minigrid g ON g.id = a.mini_grid_id
  LEFT JOIN account cash ON cash.kind = 'cash' AND cash.owner = a.id
  LEFT JOIN account wallet ON wallet.kind = 'wallet' AND wallet.owner = a.id
  WHERE a.retired_at IS {retired} ORDER BY g.name, a.name, a.id"""


@dataclass(frozen=True)
class AgentStanding:
    """Money is in minor units, moments are UTC."""

    name: str
    phone: str
    mini_grid: str
    held: int
    limit: int
    wallet: int | None  # None: the agent sells up to the limit
    locked_at: datetime | None
    retired_at: datetime | None


async def list_agents(*, retired: bool = False) -> list[AgentStanding]:
    """All who sell, or all who do no more, by mini-grid and name."""
    rows = await execute(connection(), STANDING.format(retired="NOT NULL" if retired else "NULL"))
    return [
        AgentStanding(
            name=row["name"],
            phone=row["phone"],
            mini_grid=row["mini_grid"],
            held=row["held"],
            limit=row["cash_limit"],
            wallet=row["wallet"] if row["prepaid"] else None,
            locked_at=read_moment(row["locked_at"]) if row["locked_at"] else None,
            retired_at=read_moment(row["retired_at"]) if row["retired_at"] else None,
        )
        for row in rows
    ]


PAGE = 50
# How near an agent is to the limit, in tenths of a percent; who holds cash without a limit comes before all.
RISK = """CASE WHEN a.prepaid THEN 0 WHEN a.cash_limit > 0 THEN COALESCE(cash.balance, 0) * 1000 / a.cash_limit
    WHEN cash.balance > 0 THEN 1000000000 ELSE 0 END"""
BY_RISK = f"""SELECT id, name, phone, mini_grid, cash_limit, prepaid, locked_at, retired_at, held, due, wallet, risk,
    sold_at
  FROM (SELECT a.id, a.name, a.phone, g.name AS mini_grid, a.cash_limit, a.prepaid, a.locked_at,
    a.retired_at, COALESCE(cash.balance, 0) AS held, -COALESCE(due.balance, 0) AS due,
    -COALESCE(wallet.balance, 0) AS wallet, CAST({RISK} AS BIGINT) AS risk,
    (SELECT MAX(s.created_at) FROM sale s WHERE s.agent_id = a.id) AS sold_at
  FROM agent a JOIN minigrid g ON g.id = a.mini_grid_id
  LEFT JOIN account cash ON cash.kind = 'cash' AND cash.owner = a.id
  LEFT JOIN account due ON due.kind = 'commission' AND due.owner = a.id
  LEFT JOIN account wallet ON wallet.kind = 'wallet' AND wallet.owner = a.id
  WHERE a.retired_at IS {{retired}} {{where}}) AS listed
  WHERE risk < $1 OR (risk = $1 AND id < $2) ORDER BY risk DESC, id DESC LIMIT $3"""
ALL_RISKS = 1 << 62
# Below 0 is who handed in what was taken back since.
PLACE = re.compile(r"(-?[0-9]{1,18})\.([0-9]{1,18})")


@dataclass(frozen=True, kw_only=True)
class AgentRisk:
    """A line of the list of agents. Money is in minor units, moments are UTC."""

    id: int
    name: str
    phone: str
    mini_grid: str
    held: int
    limit: int
    prepaid: bool
    wallet: int
    due: int  # commission
    risk: int  # tenths of a percent of the limit
    sold_at: datetime | None
    locked_at: datetime | None
    retired_at: datetime | None

    @property
    def place(self) -> str:
        """Where the list goes on behind this line."""
        return f"{self.risk}.{self.id}"


async def list_by_risk(
    *, mini_grid: int = 0, locked: bool = False, retired: bool = False, before: str = "", most: int = PAGE
) -> list[AgentRisk]:
    """Agents, those nearest to their limit first: of one mini-grid, or those who are locked or retired, from behind a
    `place` on."""
    place = PLACE.fullmatch(before)
    values: list[Any] = [int(place[1]), int(place[2])] if place else [ALL_RISKS, ALL_RISKS]
    values.append(most)
    where = "AND a.locked_at IS NOT NULL " if locked and not retired else ""
    if mini_grid:
        values.append(mini_grid)
        where += "AND a.mini_grid_id = $4"
    statement = BY_RISK.format(retired="NOT NULL" if retired else "NULL", where=where)
    return [_risk(row) for row in await execute(connection(), statement, values)]


def _risk(row: dict[str, Any]) -> AgentRisk:
    return AgentRisk(
        id=row["id"],
        name=row["name"],
        phone=row["phone"],
        mini_grid=row["mini_grid"],
        held=row["held"],
        limit=row["cash_limit"],
        prepaid=bool(row["prepaid"]),
        wallet=row["wallet"],
        due=row["due"],
        risk=row["risk"],
        sold_at=_moment(row["sold_at"]),
        locked_at=_moment(row["locked_at"]),
        retired_at=_moment(row["retired_at"]),
    )


def _moment(stored: datetime | str | None) -> datetime | None:
    return read_moment(stored) if stored else None
