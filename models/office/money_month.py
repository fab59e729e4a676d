"""What each agent sold and handed in within a time, and what the agent holds now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.money.commission_payout import PAID_OUT
from models.office.money_days import Sums
from models.sql import connection, execute

HANDED_IN = """SELECT agent_id, SUM(amount) AS amount, SUM(commission) AS commission FROM hand_in
  WHERE created_at >= $1 AND created_at < $2 GROUP BY agent_id"""
TOPPED_UP = """SELECT agent_id, SUM(amount) AS amount, SUM(commission) AS commission FROM top_up
  WHERE created_at >= $1 AND created_at < $2 GROUP BY agent_id"""
# Commission that the office paid in cash. These few entries have an index of their own; CROSS JOIN has SQLite begin
# with them.
PAID_OUT_OF_TILL = f"""SELECT b.owner AS agent_id, SUM(m.amount) AS commission FROM entry e
  CROSS JOIN line m CROSS JOIN account b WHERE m.entry_id = e.id AND b.id = m.account_id
  AND e.key LIKE '{PAID_OUT}%' AND b.kind = 'commission'
  AND e.effective_at >= $1 AND e.effective_at < $2 GROUP BY b.owner"""
AGENTS = """SELECT g.id, g.name, g.phone, g.prepaid, g.retired_at, g.cash_limit, m.name AS mini_grid,
  COALESCE(c.balance, 0) AS held, -COALESCE(w.balance, 0) AS wallet, -COALESCE(d.balance, 0) AS due
  FROM agent g JOIN minigrid m ON m.id = g.mini_grid_id
  LEFT JOIN account c ON c.kind = 'cash' AND c.owner = g.id
  LEFT JOIN account w ON w.kind = 'wallet' AND w.owner = g.id
  LEFT JOIN account d ON d.kind = 'commission' AND d.owner = g.id ORDER BY g.name, g.id"""


@dataclass(frozen=True)
class AgentMonth:
    """One agent's. Money is in minor units."""

    agent: dict[str, Any]
    sums: Sums
    handed_in: int
    commission_paid: int  # kept from cash, put into the wallet, or paid out of the office's till
    topped_up: int

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say of one who has left."""
        moved = (self.sums.sales, self.handed_in, self.commission_paid, self.topped_up)
        has = (self.agent[name] for name in ("held", "wallet", "due"))
        return bool(self.agent["retired_at"]) and not any((*moved, *has))


async def read(by_agent: Mapping[int | None, Sums], since: datetime, until: datetime) -> list[AgentMonth]:
    """All agents by name; `by_agent` is what each sold in that time."""
    handed = {row["agent_id"]: row for row in await execute(connection(), HANDED_IN, [since, until])}
    topped = {row["agent_id"]: row for row in await execute(connection(), TOPPED_UP, [since, until])}
    paid_out = {row["agent_id"]: row for row in await execute(connection(), PAID_OUT_OF_TILL, [since, until])}
    nothing = {"amount": 0, "commission": 0}
    rows = []
    for agent in await execute(connection(), AGENTS):
        brought, paid = handed.get(agent["id"], nothing), topped.get(agent["id"], nothing)
        in_cash = paid_out.get(agent["id"], nothing)
        rows.append(
            AgentMonth(
                agent=agent,
                sums=by_agent.get(agent["id"], Sums()),
                handed_in=int(brought["amount"]),
                commission_paid=sum(int(each["commission"]) for each in (brought, paid, in_cash)),
                topped_up=int(paid["amount"]),
            )
        )
    return [row for row in rows if not row.is_empty]
