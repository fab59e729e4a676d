"""Cash that an agent hands in at the office, and the commission that is paid out with it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.money.ledger import AccountKind, Posting, cash_held, commission_due, post
from models.money.references import hold_reference, new_reference
from models.people import Agent
from models.sql import insert, lock_rows

LONGEST_REFERENCE = 20  # as much as one SMS has room for


class HandIn(Model):
    """What the office counted, append only. The agent's cash falls by both amounts, for the agent keeps the commission
    out of the cash that is left. Money is in minor units."""

    id = fields.BigIntField(primary_key=True)
    reference = fields.CharField(LONGEST_REFERENCE, unique=True)
    agent: fields.ForeignKeyRelation[Agent] = fields.ForeignKeyField("models.Agent", on_delete=fields.RESTRICT)
    agent_id: int
    amount = fields.BigIntField()  # what was handed in
    commission = fields.BigIntField()  # what was paid out
    actor = fields.CharField(100)  # who counted it
    # The hand-in that this one puts right; its amounts are then what is added or, below 0, taken back.
    corrects: fields.OneToOneNullableRelation["HandIn"] = fields.OneToOneField(
        "models.HandIn", null=True, related_name="correction", on_delete=fields.RESTRICT
    )
    corrects_id: int | None
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "hand_in"
        indexes = (("agent_id", "created_at"),)


@dataclass(frozen=True)
class HandedIn:
    """A booked hand-in and the agent's figures now, in minor units."""

    entry: HandIn
    held: int  # cash
    due: int  # commission
    new: bool  # False: this reference was booked before

    @property
    def before(self) -> int:
        """The cash right before it, where nothing else came since."""
        return int(self.held + self.entry.amount + self.entry.commission)


class NotBooked(Exception):
    """Nothing was booked."""


class MoreThanHeld(NotBooked):
    def __init__(self, held: int) -> None:
        super().__init__(held)
        self.held = held


class OtherReference(NotBooked):
    """The reference names another hand-in: of another agent or another amount."""


class HandedInBefore(NotBooked):
    """The same agent handed in the same amount within 24 hours: somebody may book it a second time."""

    def __init__(self, earlier: HandIn) -> None:
        super().__init__(earlier.reference)
        self.earlier = earlier


SAME_WINDOW = timedelta(hours=24)


async def hand_in(
    agent: Agent, amount: int, actor: str, reference: str = "", *, coin: int = 1, again: bool = False
) -> HandedIn:
    """Book cash that was counted, and pay out the commission due, in the caller's transaction.

    The agent keeps the commission out of the cash that is left: 100 sold at 5 %, 50 handed in leave 45 in hand and
    nothing due (reference: mpm 2.11). If too little cash is left, the rest of the commission stays due; so does a part
    of a `coin` (the smallest amount in cash), which nobody can hand in. The cash and the commission are two ledger
    entries, so that the receipt prints the figure that was counted (reference: users 3.2). The same reference books
    once, and the same amount within 24 hours only `again`. Raises NotBooked's kinds.
    """
    if reference:
        await hold_reference("hand_in", reference)
    await lock_rows("agent", "id = $1", [agent.id])
    if reference and (earlier := await HandIn.get_or_none(reference=reference)):
        if (earlier.agent_id, earlier.amount) != (agent.id, amount):
            raise OtherReference(reference)
        return await read_figures(earlier, new=False)
    if not again and (same := await handed_in_today(agent, amount)):
        raise HandedInBefore(same)
    held, due = await cash_held(agent.id), await commission_due(agent.id)
    if not 0 < amount <= held:
        raise MoreThanHeld(held)
    reference = reference or await new_reference("hand_in")
    commission = max(min(due, held - amount), 0) // coin * coin
    entry = await _write(agent.id, amount, commission, actor, reference)
    await record(
        actor, "hand in", agent.phone, f"{amount} minor units, commission {commission} minor units, ref {reference}"
    )
    return await read_figures(entry, new=True)


async def correct(entry: HandIn, amount: int, actor: str, *, coin: int = 1) -> HandedIn:
    """Book that another amount (minor units, 0 for nothing) was handed in than was counted, in the caller's
    transaction that holds the agent's row: the difference, as a hand-in of its own that names the first. The commission
    that was paid out stays, as far as the cash that is left then suffices for it. Raises MoreThanHeld.
    """
    held = await cash_held(entry.agent_id) + entry.amount + entry.commission  # as if it had not been
    if not 0 <= amount <= held:
        raise MoreThanHeld(held)
    commission = min(entry.commission, (held - amount) // coin * coin)
    if (amount, commission) != (entry.amount, entry.commission):
        more = amount - entry.amount, commission - entry.commission
        await _write(entry.agent_id, *more, actor, await new_reference("hand_in"), corrects=entry)
    return await read_figures(entry, new=True)


async def _write(
    agent_id: int, amount: int, commission: int, actor: str, reference: str, *, corrects: HandIn | None = None
) -> HandIn:
    columns = {
        "reference": reference,
        "agent_id": agent_id,
        "amount": amount,
        "commission": commission,
        "actor": actor,
        "corrects_id": corrects.id if corrects else None,
        "created_at": datetime.now(UTC),
    }
    entry = HandIn(id=await insert("hand_in", **columns), **columns, _from_db=True)
    await _book(entry, f"corrects {corrects.reference}" if corrects else "")
    return entry


async def handed_in_today(agent: Agent, amount: int) -> HandIn | None:
    """This agent's newest hand-in of this amount within 24 hours."""
    since = datetime.now(UTC) - SAME_WINDOW
    found = HandIn.filter(agent_id=agent.id, amount=amount, corrects_id=None, created_at__gte=since)
    return await found.order_by("-id").first()


async def _book(entry: HandIn, reason: str) -> None:
    cash = [Posting(AccountKind.OFFICE, 0, entry.amount), Posting(AccountKind.CASH, entry.agent_id, -entry.amount)]
    if entry.amount:
        await post(f"hand in {entry.id} cash", cash, actor=entry.actor, reason=reason)
    paid = [
        Posting(AccountKind.COMMISSION, entry.agent_id, entry.commission),
        Posting(AccountKind.CASH, entry.agent_id, -entry.commission),
    ]
    if entry.commission:
        await post(f"hand in {entry.id} commission", paid, actor=entry.actor, reason=reason)


async def read_figures(entry: HandIn, *, new: bool) -> HandedIn:
    """A booked hand-in with the agent's figures as they are now."""
    return HandedIn(
        entry=entry,
        held=await cash_held(entry.agent_id),
        due=await commission_due(entry.agent_id),
        new=new,
    )
