"""All agents as the office looks them up at the prompt: who they are, what they hold, whether they may sell."""

from dataclasses import dataclass
from datetime import datetime

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
