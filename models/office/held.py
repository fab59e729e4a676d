"""Which phone numbers somebody had, and when, as the audit tells it: a number goes from one person to another, and what
was written from it before and after is not theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.people import Agent, Customer
from models.sql import connection, execute, read_moment

MOST = 20  # changes of number that are followed, the newest
CHANGES = f"""SELECT created_at, old, new FROM audit WHERE subject = $1 AND action = 'customer phone'
  ORDER BY created_at DESC, id DESC LIMIT {MOST}"""
# The audit names agents by their numbers: a change stands under the new one.
CAME = """SELECT created_at, old FROM audit WHERE subject = $1 AND action = 'agent phone' AND old <> ''
  AND created_at < $2 ORDER BY created_at DESC, id DESC LIMIT 1"""
LEFT = """SELECT MAX(created_at) AS at FROM audit WHERE action = 'customer phone' AND old = $1 AND created_at <= $2
  AND subject <> $3"""
RETIRED = "SELECT MAX(created_at) AS at FROM audit WHERE subject = $1 AND action = 'agent retired' AND created_at < $2"
NEXT = """SELECT MIN(created_at) AS at FROM audit WHERE subject = $1 AND action IN ('agent', 'agent phone')
  AND created_at > $2"""
END = datetime.fromisoformat("9999-01-01T00:00:00+00:00")


@dataclass(frozen=True)
class Held:
    """A number, and the time in which it was somebody's: from `since` to before `until`; None is without a bound."""

    phone: str
    since: datetime | None = None
    until: datetime | None = None


async def held_by_customer(customer: Customer) -> list[Held]:
    """The numbers of a customer, the newest first. The first of all counts from when another customer left it who had
    it before this one came."""
    notes = await execute(connection(), CHANGES, [f"customer {customer.id}"])
    held, phone, until = list[Held](), customer.phone or "", None
    for note in notes:
        at = read_moment(note["created_at"])
        held.append(Held(phone, at, until))
        phone, until = note["old"], at
    held.append(Held(phone, await _left_before(phone, customer), until))
    return [one for one in held if one.phone]


async def held_by_agent(agent: Agent) -> list[Held]:
    """The numbers of an agent, the newest first. The first of all counts from when an agent who had it was retired, and
    the last of one who is retired until another agent got it."""
    held, phone = list[Held](), agent.phone
    until = _moment(await execute(connection(), NEXT, [phone, agent.retired_at])) if agent.retired_at else None
    while len(held) < MOST:
        rows = await execute(connection(), CAME, [phone, until or END])
        if not rows:
            break
        at = read_moment(rows[0]["created_at"])
        held.append(Held(phone, at, until))
        phone, until = rows[0]["old"], at
    gone = until if held else agent.retired_at  # from this number
    since = _moment(await execute(connection(), RETIRED, [phone, gone or END]))
    return [*held, Held(phone, since, until)]


async def _left_before(phone: str, customer: Customer) -> datetime | None:
    """When the last of those left this number who had it before this customer came: those who share it had it at the
    same time."""
    if not phone or not customer.created_at:
        return None
    return _moment(await execute(connection(), LEFT, [phone, customer.created_at, f"customer {customer.id}"]))


def _moment(rows: Sequence[dict[str, Any]]) -> datetime | None:
    at = rows[0]["at"]
    return read_moment(at) if at else None
