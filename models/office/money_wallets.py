"""The wallets of agents who pay before they sell."""

from typing import Any

from models.sql import connection, execute, read_moment

WALLETS = """SELECT g.id, g.name, g.phone, g.retired_at, m.name AS mini_grid, -COALESCE(w.balance, 0) AS wallet,
  -COALESCE(d.balance, 0) AS due,
  (SELECT MAX(t.created_at) FROM top_up t WHERE t.agent_id = g.id AND t.amount > 0) AS topped_at
  FROM agent g JOIN minigrid m ON m.id = g.mini_grid_id
  LEFT JOIN account w ON w.kind = 'wallet' AND w.owner = g.id
  LEFT JOIN account d ON d.kind = 'commission' AND d.owner = g.id
  WHERE (g.prepaid AND g.retired_at IS NULL) OR w.balance <> 0 ORDER BY g.name, g.id"""


async def wallets() -> list[dict[str, Any]]:
    """All agents with a wallet, and those who have left money in one, by name."""
    rows = await execute(connection(), WALLETS)
    return [row | {"topped_at": read_moment(row["topped_at"]) if row["topped_at"] else None} for row in rows]
