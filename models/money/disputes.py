"""Hand-ins that an agent does not agree with: what was said, and how two people of the office settled it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.alerts import raise_alert
from models.audit import record
from models.money.hand_in import LONGEST_REFERENCE, HandedIn, HandIn, correct, read_figures
from models.people import Agent, OfficeUser
from models.people.two_people import check_second, check_seen
from models.sql import insert, lock_rows

WINDOW = timedelta(hours=48)
LONGEST = 200  # letters of what an agent says
MOST = 20  # hand-ins that are looked through


class Step(StrEnum):
    DISPUTED = "disputed"  # by the agent
    PROPOSED = "proposed"  # one of the office says what was counted
    SETTLED = "settled"  # another one agrees


class HandInEvent(Model):
    """A step of a dispute, append only."""

    id = fields.BigIntField(primary_key=True)
    hand_in: fields.ForeignKeyRelation[HandIn] = fields.ForeignKeyField("models.HandIn", on_delete=fields.RESTRICT)
    hand_in_id: int
    step = fields.CharField(10)  # a Step
    amount = fields.BigIntField(default=0, db_default=0)  # what was handed in after all, minor units
    actor = fields.CharField(100)
    text = fields.CharField(200, default="", db_default="")
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "hand_in_event"
        indexes = (("hand_in_id",),)


class NotDisputed(Exception):
    """Nothing was changed."""


class TooLate(NotDisputed):
    """The hand-in is older than `WINDOW`."""


class DisputedBefore(NotDisputed):
    """The office knows already."""


class SettledBefore(NotDisputed):
    """Two people have settled it."""


class NothingProposed(NotDisputed):
    """Nobody has said yet how much it was."""


@dataclass(frozen=True)
class Settled:
    """What came of a proposal or an agreement. Money is in minor units."""

    entry: HandIn
    amount: int  # what was handed in, as it is said now
    disputed: bool
    agreed: bool  # False: another person has to agree first
    figures: HandedIn  # the agent's, after it


async def disputable(agent: Agent) -> list[HandIn]:
    """What this agent may still dispute, the newest first."""
    found = HandIn.filter(agent_id=agent.id, corrects_id=None, created_at__gte=datetime.now(UTC) - WINDOW)
    return await found.order_by("-id").limit(MOST)


async def find_own(agent: Agent, reference: str) -> HandIn | None:
    """This agent's hand-in of this reference, however old."""
    if len(reference.upper()) > LONGEST_REFERENCE:  # a capital may be longer than its small letter
        return None
    return await HandIn.get_or_none(agent_id=agent.id, corrects_id=None, reference__iexact=reference)


async def dispute(entry: HandIn, agent: Agent, words: str) -> None:
    """The agent says that a hand-in is not right, in the caller's transaction: the office has an alert. Raises TooLate,
    DisputedBefore and SettledBefore."""
    await lock_rows("agent", "id = $1", [entry.agent_id])
    steps = await _steps(entry)
    if Step.SETTLED in steps:
        raise SettledBefore(entry.reference)
    if Step.DISPUTED in steps:
        raise DisputedBefore(entry.reference)
    if datetime.now(UTC) - entry.created_at > WINDOW:
        raise TooLate(entry.reference)
    await _note(entry, Step.DISPUTED, agent.phone, text=words[:LONGEST])
    await record(agent.phone, "dispute", agent.phone, f"{entry.amount} minor units, ref {entry.reference}: {words}")
    await raise_alert(f"{agent.name[:40]} disputes hand-in {entry.reference}. `mwanga agent settle`. {words}")


async def settle(
    entry: HandIn, amount: int | None, by: OfficeUser, *, seen: int | None = None, coin: int = 1
) -> Settled:
    """One of the office says how much was handed in (minor units), or agrees to what another one said: then the
    difference is booked, in the caller's transaction. None agrees to what was proposed last, where that is
    what was `seen`. Raises NothingProposed, SamePerson, OtherAmount, SettledBefore and MoreThanHeld."""
    await lock_rows("agent", "id = $1", [entry.agent_id])
    steps = await _steps(entry)
    if Step.SETTLED in steps or entry.corrects_id:
        raise SettledBefore(entry.reference)
    proposed = steps.get(Step.PROPOSED)
    if amount is None and proposed is None:
        raise NothingProposed(entry.reference)
    agent = await Agent.get(id=entry.agent_id)
    disputed = Step.DISPUTED in steps
    if proposed is None or amount not in (None, proposed.amount):
        wanted = amount or 0
        await _note(entry, Step.PROPOSED, by.name, amount=wanted)
        await record(by.name, "settle proposed", agent.phone, f"{wanted} minor units, ref {entry.reference}")
        return Settled(entry, wanted, disputed, agreed=False, figures=await read_figures(entry, new=False))
    check_second(by.name, proposed.actor)
    agreed = int(proposed.amount)
    check_seen(seen, agreed)
    figures = await correct(entry, agreed, f"{proposed.actor}, {by.name}"[:100], coin=coin)
    await _note(entry, Step.SETTLED, by.name, amount=agreed)
    await record(by.name, "settled", agent.phone, f"{agreed} minor units, ref {entry.reference}, as {proposed.actor}")
    return Settled(entry, agreed, disputed, agreed=True, figures=figures)


async def _steps(entry: HandIn) -> dict[str, HandInEvent]:
    """What was said of a hand-in; of proposals the last."""
    return {event.step: event for event in await HandInEvent.filter(hand_in_id=entry.id).order_by("id")}


async def _note(entry: HandIn, step: Step, actor: str, *, amount: int = 0, text: str = "") -> None:
    await insert(
        "hand_in_event",
        hand_in_id=entry.id,
        step=step.value,
        amount=amount,
        actor=actor,
        text=text,
        created_at=datetime.now(UTC),
    )
