"""What of the money waits for somebody of the office: how much of each sort, and each sort as a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.money.receipt_texts import TextState
from models.sql import connection, execute, read_moment

MOST = 50
COUNT = 1_000  # of each sort, counted in an index
# Each sort with what is waiting of it; the indexes hold what waits alone.
SORTS = {
    "suspense": "SELECT 1 FROM suspense WHERE closed_at IS NULL",
    "receipts": f"SELECT 1 FROM receipt_text WHERE state = '{TextState.WAITING.value}'",
    "requests": """SELECT 1 FROM payment_request WHERE state IN ('new', 'asked', 'unknown') AND state = 'unknown'
      AND look_at = 0 UNION ALL SELECT 1 FROM payment_request WHERE state IN ('failed', 'expired')
      AND code = 'no receipt' AND look_at = 0""",
    "disputes": """SELECT 1 FROM hand_in_event d WHERE d.step = 'disputed' AND NOT EXISTS
      (SELECT 1 FROM hand_in_event s WHERE s.hand_in_id = d.hand_in_id AND s.step = 'settled')""",
    # One of the office says that another amount was handed in, and nobody disputes it: another one has to agree.
    "settlements": """SELECT DISTINCT p.hand_in_id FROM hand_in_event p WHERE p.step = 'proposed' AND NOT EXISTS
      (SELECT 1 FROM hand_in_event o WHERE o.hand_in_id = p.hand_in_id AND o.step IN ('disputed', 'settled'))""",
    "voids": "SELECT 1 FROM void WHERE state = 'asked'",
    "proposals": "SELECT 1 FROM proposal WHERE state = 'asked'",
    "write-offs": "SELECT 1 FROM write_off WHERE agreed_at IS NULL AND refused_at IS NULL",
    "promotions": "SELECT 1 FROM office_promotion WHERE state = 'asked'",
}
COUNT_ALL = " UNION ALL ".join(
    f"SELECT '{name}' AS sort, COUNT(*) AS number FROM ({statement} LIMIT {COUNT}) AS some_{n}"
    for n, (name, statement) in enumerate(SORTS.items())
)
SUSPENSE = """SELECT s.id, s.why, s.owner, s.opened_at, p.id AS payment_id, p.provider, p.reference, p.amount,
  p.paid_at, p.payer_phone, p.payer_name, p.account_text, -COALESCE(a.balance, 0) AS waits
  FROM suspense s JOIN payment p ON p.id = s.payment_id
  LEFT JOIN account a ON a.kind = 'unapplied' AND a.owner = p.id
  WHERE s.closed_at IS NULL{conditions} ORDER BY s.opened_at, s.id LIMIT {most}"""
HAND_INS = """SELECT h.id, h.reference, h.amount, h.commission, h.actor, h.created_at, h.corrects_id, h.agent_id,
  g.name AS agent, g.phone, c.reference AS corrected
  FROM (SELECT h.id AS picked FROM hand_in h {conditions} ORDER BY h.created_at DESC, h.id DESC LIMIT {most}) listed
  JOIN hand_in h ON h.id = listed.picked
  JOIN agent g ON g.id = h.agent_id LEFT JOIN hand_in c ON c.id = h.corrects_id
  ORDER BY h.created_at DESC, h.id DESC"""
EVENTS = """SELECT hand_in_id, step, amount, actor, text, created_at FROM hand_in_event WHERE hand_in_id IN ({ids})
  ORDER BY id"""
DISPUTED = f"""SELECT d.hand_in_id FROM hand_in_event d WHERE d.step IN ('disputed', 'proposed') AND NOT EXISTS
  (SELECT 1 FROM hand_in_event s WHERE s.hand_in_id = d.hand_in_id AND s.step = 'settled')
  GROUP BY d.hand_in_id ORDER BY d.hand_in_id LIMIT {MOST}"""
BY_IDS = """SELECT h.id, h.reference, h.amount, h.commission, h.actor, h.created_at, h.corrects_id, h.agent_id,
  g.name AS agent, g.phone, NULL AS corrected FROM hand_in h JOIN agent g ON g.id = h.agent_id
  WHERE h.id IN ({ids}) ORDER BY h.id"""


async def count_all() -> dict[str, int]:
    """How many of each sort wait, up to `COUNT`."""
    return {row["sort"]: int(row["number"]) for row in await execute(connection(), COUNT_ALL)}


@dataclass(frozen=True)
class AskedFor:
    """Which payments that wait are listed; empty for all."""

    owner: str = ""
    why: str = ""
    after: int = 0  # the id of the row of suspense behind which the list goes on


async def suspense(asked: AskedFor, most: int = MOST) -> list[dict[str, Any]]:
    """Payments of which something waits, the oldest first."""
    conditions: str = ""
    values: list[Any] = []
    for column, value in (("owner", asked.owner), ("why", asked.why)):
        if value:
            values.append("" if value == "-" else value)
            conditions += f" AND s.{column} = ${len(values)}"
    if asked.after:
        found = await execute(connection(), "SELECT opened_at FROM suspense WHERE id = $1", [asked.after])
        if found:
            values += [read_moment(found[0]["opened_at"]), asked.after]
            conditions += f" AND (s.opened_at, s.id) > (${len(values) - 1}, ${len(values)})"
    rows = await execute(connection(), SUSPENSE.format(conditions=conditions, most=most), values)
    return [row | {name: read_moment(row[name]) for name in ("opened_at", "paid_at")} for row in rows]


@dataclass(frozen=True)
class ShownHandIn:
    """A hand-in with what was said of it."""

    row: dict[str, Any]
    steps: Sequence[dict[str, Any]]

    @property
    def state(self) -> str:
        """The last step; empty where nobody said anything."""
        return str(self.steps[-1]["step"]) if self.steps else ""

    @property
    def proposed(self) -> dict[str, Any] | None:
        """What was proposed last and nobody agreed to yet."""
        last = next((step for step in reversed(self.steps) if step["step"] != "disputed"), None)
        return last if last and last["step"] == "proposed" else None


async def hand_ins(
    *,
    agent_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int = 0,
    most: int = MOST,
) -> list[ShownHandIn]:
    """The newest hand-ins, or those behind `before`."""
    conditions: list[str] = []
    values: list[Any] = []
    for condition, value in (("h.agent_id =", agent_id), ("h.created_at >=", since), ("h.created_at <", until)):
        if value is not None:
            values.append(value)
            conditions.append(f"{condition} ${len(values)}")
    if before and (found := await execute(connection(), "SELECT created_at FROM hand_in WHERE id = $1", [before])):
        values += [read_moment(found[0]["created_at"]), before]
        conditions.append(f"(h.created_at, h.id) < (${len(values) - 1}, ${len(values)})")
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return await _with_steps(await execute(connection(), HAND_INS.format(conditions=where, most=most), values))


async def disputed_hand_ins() -> list[ShownHandIn]:
    """Those that an agent or the office says are wrong and that nobody settled yet, the oldest first."""
    ids = [int(row["hand_in_id"]) for row in await execute(connection(), DISPUTED)]
    return await _with_steps(await execute(connection(), BY_IDS.format(ids=_listed(ids)), ids)) if ids else []


async def one_hand_in(number: int) -> ShownHandIn | None:
    found = await _with_steps(await execute(connection(), BY_IDS.format(ids="$1"), [number]))
    return found[0] if found else None


async def _with_steps(rows: Sequence[dict[str, Any]]) -> list[ShownHandIn]:
    ids = [int(row["id"]) for row in rows]
    events = await execute(connection(), EVENTS.format(ids=_listed(ids)), ids) if ids else []
    steps = [event | {"created_at": read_moment(event["created_at"])} for event in events]
    return [
        ShownHandIn(
            row | {"created_at": read_moment(row["created_at"])},
            [step for step in steps if step["hand_in_id"] == row["id"]],
        )
        for row in rows
    ]


def _listed(ids: Sequence[int]) -> str:
    return ", ".join(f"${n + 1}" for n in range(len(ids)))
