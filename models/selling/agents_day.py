"""Which agents are told of their day: of what they sold and handed in, and in the morning of what they can sell for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from models.people import Agent
from models.rows import read_row
from models.sql import columns_of, connection, execute

# Who is locked sells nothing, and who sent STOP wants nothing that was not asked for. {name} is the origin of the
# message: an agent who has it by now is told no second time, by another server or after a start. Agents are put in
# order first and then asked about one by one, until there are enough: of EXISTS, and of all of it as one question,
# PostgreSQL may make a walk through all agents, or through all that the company sold.
ACTIVE = """SELECT {columns}
  FROM (SELECT {columns} FROM agent WHERE id > $4 AND retired_at IS NULL AND locked_at IS NULL ORDER BY id) a
  WHERE COALESCE(
    (SELECT 1 FROM sale s WHERE s.agent_id = a.id AND s.created_at >= $1 AND s.created_at < $2 LIMIT 1),
    (SELECT 1 FROM hand_in h WHERE h.agent_id = a.id AND h.created_at >= $1 AND h.created_at < $2 LIMIT 1),
    (SELECT 1 FROM top_up t WHERE t.agent_id = a.id AND t.created_at >= $1 AND t.created_at < $2 LIMIT 1)) = 1
  AND (SELECT 1 FROM contact c WHERE c.phone = a.phone AND c.stopped_at > 0) IS NULL
  AND (SELECT 1 FROM outbox o WHERE o.origin = CAST($3 AS TEXT) || a.id || ' 1') IS NULL
  ORDER BY a.id LIMIT $5"""


async def active_untold(since: datetime, until: datetime, name: str, after: int, most: int) -> list[Agent]:
    """Some agents who sold, handed in or topped up from `since` to before `until` (UTC), and have no message yet whose
    origin is `name` and their number: the next ones behind the agent of the id `after`."""
    rows: Sequence[dict[str, Any]] = await execute(
        connection(), ACTIVE.format(columns=columns_of(Agent)), [since, until, name, after, most]
    )
    return [read_row(Agent, row) for row in rows]
