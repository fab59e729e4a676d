"""Commission that the office pays an agent in cash out of its till, as when little cash is left to keep it from."""

from dataclasses import dataclass

from models.audit import record
from models.money.ledger import AccountKind, Entry, Posting, commission_due, post
from models.people import Agent
from models.sql import lock_rows

PAID_OUT = "commission paid out "  # how the keys of these entries begin


class NotDue(Exception):
    """Less commission is due to the agent than that: `due`, in minor units."""

    def __init__(self, due: int) -> None:
        super().__init__(due)
        self.due = due


@dataclass(frozen=True)
class PaidOut:
    """Money is in minor units."""

    entry_id: int
    due: int  # what is due to the agent now
    new: bool  # False: it was paid out before


async def pay_commission(agent: Agent, amount: int, actor: str, key: str) -> PaidOut:
    """Book that the office paid an agent commission (minor units) in cash, in the caller's transaction. `key` names it:
    it is booked once. Raises NotDue."""
    await lock_rows("agent", "id = $1", [agent.id])
    if earlier := await Entry.get_or_none(key=PAID_OUT + key):
        return PaidOut(earlier.id, await commission_due(agent.id), new=False)
    due = await commission_due(agent.id)
    if not 0 < amount <= due:
        raise NotDue(due)
    lines = [Posting(AccountKind.COMMISSION, agent.id, amount), Posting(AccountKind.OFFICE, 0, -amount)]
    await post(PAID_OUT + key, lines, actor=actor)
    await record(actor, "commission paid out", agent.phone, f"{amount} minor units")
    entry = await Entry.get(key=PAID_OUT + key)
    return PaidOut(entry.id, due - amount, new=True)
