"""What the page of one agent shows: hand-ins with their disputes."""

from collections import defaultdict
from dataclasses import dataclass

from models.money.disputes import HandInEvent, Step
from models.money.hand_in import HandIn
from models.people import Agent

HAND_INS = 10


@dataclass(frozen=True)
class Counted:
    """A hand-in and what was said of it. Money is in minor units."""

    entry: HandIn
    words: str  # of the agent who disputes it
    disputed: bool
    proposed: int | None  # what one of the office says that it was
    proposed_by: str
    settled: int | None


async def hand_ins_of(agent: Agent) -> list[Counted]:
    """The newest hand-ins of an agent, with their disputes."""
    found = await HandIn.filter(agent_id=agent.id, corrects_id=None).order_by("-id").limit(HAND_INS)
    events: dict[int, dict[str, HandInEvent]] = defaultdict(dict)
    for event in await HandInEvent.filter(hand_in_id__in=[one.id for one in found]).order_by("id"):
        events[event.hand_in_id][event.step] = event
    return [_counted(one, events[one.id]) for one in found]


def _counted(entry: HandIn, steps: dict[str, HandInEvent]) -> Counted:
    said, proposed, settled = (steps.get(step) for step in (Step.DISPUTED, Step.PROPOSED, Step.SETTLED))
    return Counted(
        entry=entry,
        words=said.text if said else "",
        disputed=said is not None,
        proposed=proposed.amount if proposed else None,
        proposed_by=proposed.actor if proposed else "",
        settled=settled.amount if settled else None,
    )
