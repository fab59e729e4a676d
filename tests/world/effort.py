"""How much a statement does, by no clock: on SQLite the steps of its machine, on PostgreSQL the rows that it reads."""

import json
from collections.abc import Sequence
from typing import Any

from models.sql import connection, execute, on_postgres


async def effort(statement: str, values: Sequence[Any]) -> int:
    """What this statement does once."""
    if not on_postgres():
        return await _steps(statement, values)
    [row] = await execute(connection(), f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", values)
    [explained] = json.loads(row["QUERY PLAN"])
    return _rows(explained["Plan"])


async def _steps(statement: str, values: Sequence[Any]) -> int:
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    opened = connection()._connection._conn  # type: ignore[attr-defined]
    opened.set_progress_handler(step, 1)
    await execute(connection(), statement, values)
    opened.set_progress_handler(None, 1)
    return steps


def _rows(plan: dict[str, Any]) -> int:
    """Those that were found and those that were looked at in vain, of this node and of all below it."""
    own = sum(plan.get(name, 0) for name in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"))
    return round(own * plan["Actual Loops"]) + sum(_rows(each) for each in plan.get("Plans", ()))
