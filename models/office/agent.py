"""What the page of one agent shows: hand-ins with their disputes, and what happened lately, in one list."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from models.money import Contract
from models.money.disputes import HandInEvent, Step
from models.money.hand_in import HandIn
from models.office.outgoing import LOOK, mask
from models.people import Agent
from models.sql import connection, execute, read_moment

MOST = 30  # lines of the list
HAND_INS = 10
# The newest of everything: texts have an index by phone, what came in and the audit are looked for among the newest.
RECEIVED = f"""SELECT received_at AS at, text FROM (SELECT received_at, text, phone, id FROM inbox
  ORDER BY id DESC LIMIT {LOOK}) AS newest WHERE phone = $1 ORDER BY id DESC LIMIT {MOST}"""
SENT = f"SELECT created_at AS at, text, state, id FROM outbox WHERE phone = $1 ORDER BY id DESC LIMIT {MOST}"
SALES = f"""SELECT s.created_at AS at, s.reference, s.amount, d.serial, s.contract_id FROM sale s
  LEFT JOIN device d ON d.id = s.device_id WHERE s.agent_id = $1 ORDER BY s.created_at DESC, s.id DESC LIMIT {MOST}"""
TOP_UPS = f"""SELECT created_at AS at, reference, amount, actor FROM top_up WHERE agent_id = $1
  ORDER BY created_at DESC LIMIT {MOST}"""
CHANGES = f"""SELECT created_at AS at, actor, action, detail FROM (SELECT * FROM audit ORDER BY id DESC LIMIT {LOOK})
  AS newest WHERE subject = $1 ORDER BY id DESC LIMIT {MOST}"""
# What the list says in another line already.
SAID_ELSEWHERE = ("hand in", "top up", "pay out", "dispute")


@dataclass(frozen=True, kw_only=True)
class Happened:
    """One line of what happened. Money is in minor units."""

    at: datetime
    kind: str  # in, out, sale, hand in, top up, change
    text: str = ""  # what was written, without tokens and PINs; or who changed what
    amount: int = 0
    reference: str = ""
    actor: str = ""
    link: str = ""


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


async def timeline_of(agent: Agent) -> list[Happened]:
    """What happened with an agent, the newest first."""
    lines = [
        *[Happened(at=_ms(row["at"]), kind="in", text=mask(row["text"])) for row in await _rows(RECEIVED, agent.phone)],
        *[_sent(row) for row in await _rows(SENT, agent.phone)],
        *[_sale(row) for row in await _rows(SALES, agent.id)],
        *[_hand_in(one.entry) for one in await hand_ins_of(agent)],
        *[_top_up(row) for row in await _rows(TOP_UPS, agent.id)],
        *[_change(row) for row in await _rows(CHANGES, agent.phone) if row["action"] not in SAID_ELSEWHERE],
    ]
    return sorted(lines, key=attrgetter("at"), reverse=True)[:MOST]


async def _rows(statement: str, value: object) -> list[dict[str, Any]]:
    return await execute(connection(), statement, [value])


def _ms(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


def _sent(row: dict[str, Any]) -> Happened:
    return Happened(at=_ms(row["at"]), kind="out", text=mask(row["text"]), link=f"/messages/{row['id']}")


def _sale(row: dict[str, Any]) -> Happened:
    what = row["serial"] or Contract(id=row["contract_id"]).number
    at = read_moment(row["at"])
    return Happened(at=at, kind="sale", text=what, amount=row["amount"], reference=row["reference"])


def _hand_in(entry: HandIn) -> Happened:
    at = read_moment(entry.created_at)
    return Happened(at=at, kind="hand in", amount=entry.amount, reference=entry.reference, actor=entry.actor)


def _top_up(row: dict[str, Any]) -> Happened:
    at = read_moment(row["at"])
    return Happened(at=at, kind="top up", amount=row["amount"], reference=row["reference"], actor=row["actor"])


def _change(row: dict[str, Any]) -> Happened:
    text = ": ".join(filter(None, (row["action"], row["detail"])))
    return Happened(at=read_moment(row["at"]), kind="change", text=text, actor=row["actor"])
