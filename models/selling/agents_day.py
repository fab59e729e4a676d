"""Which agents are told of their day: of what they sold and handed in, and in the morning of what they can sell for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from models.people import Agent
from models.rows import read_row
from models.sql import columns_of, connection, execute

# Who is locked sells nothing, and who sent STOP wants nothing that was not asked for. {name} is the origin of the
# message: an agent who has it by now is told no second time, by another server or after a start.
ACTIVE = """SELECT {columns} FROM agent a WHERE a.retired_at IS NULL AND a.locked_at IS NULL
  AND (EXISTS (SELECT 1 FROM sale s WHERE s.agent_id = a.id AND s.created_at >= $1 AND s.created_at < $2)
    OR EXISTS (SELECT 1 FROM hand_in h WHERE h.agent_id = a.id AND h.created_at >= $1 AND h.created_at < $2)
    OR EXISTS (SELECT 1 FROM top_up t WHERE t.agent_id = a.id AND t.created_at >= $1 AND t.created_at < $2))
  AND NOT EXISTS (SELECT 1 FROM contact c WHERE c.phone = a.phone AND c.stopped_at > 0)
  AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.origin = CAST($3 AS TEXT) || a.id || ' 1')
  ORDER BY a.id LIMIT $4"""


async def active_untold(since: datetime, until: datetime, name: str, most: int) -> list[Agent]:
    """Some agents who sold, handed in or topped up from `since` to before `until` (UTC), and have no message yet whose
    origin is `name` and their number."""
    rows: Sequence[dict[str, Any]] = await execute(
        connection(), ACTIVE.format(columns=columns_of(Agent, "a")), [since, until, name, most]
    )
    return [read_row(Agent, row) for row in rows]
