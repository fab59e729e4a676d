"""The questions that the office's first page asks: about today, and about what waits.

An embedded database answers on the server's own loop. So no question reads more than `LOOK` rows, whatever the
history (some 10 ms), and others get their turn between two of them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from models.messages import GatewayState, MessageKind, State
from models.messages.withdrawal import NOT_WITHDRAWN
from models.people import Agent, find_callers, pins
from models.settings import are_messages_off
from models.sql import HOUR_MS, connection, execute, ms_of, read_moment

LOOK = 5_000  # rows read for one answer, the newest
COUNT = 20 * LOOK  # entries counted in an index, which needs no row
SORT = LOOK // 10  # rows sorted by why they are stuck, of each kind: sorting is what costs
MOST_AGENTS = 500
TOP_TEXTS = 5
TEXT_LENGTH = 80
SHOWN = 3  # messages named for each reason why they are stuck
LATE_MS = 300_000  # a message that should have gone out longer ago is stuck
LOST_FOR_MS = 73 * HOUR_MS  # messages made within this are looked at: a token is sent for 72 hours

# The conditions on `state` are those of the partial indexes. `{columns}` are read from each.
TO_SEND = """SELECT {columns} FROM (SELECT {columns} FROM outbox WHERE state = 'waiting'
    ORDER BY priority, id LIMIT {look}) AS waiting
  UNION ALL SELECT {columns} FROM (SELECT {columns} FROM outbox WHERE state IN ('scheduled', 'uncertain')
    ORDER BY due_at LIMIT {look}) AS scheduled
  UNION ALL SELECT {columns} FROM (SELECT {columns} FROM outbox WHERE state = 'sending' LIMIT {look}) AS sending"""
QUEUES = f"""SELECT gateway, COUNT(*) AS messages, MIN(created_at) AS oldest
  FROM ({TO_SEND.format(columns="gateway, created_at", look=LOOK)}) AS queued GROUP BY gateway ORDER BY gateway"""
UNREAD = f"""SELECT COUNT(*) AS messages, MIN(received_at) AS oldest
  FROM (SELECT received_at FROM inbox WHERE state = 'new' ORDER BY id LIMIT {LOOK}) AS unread"""

RECEIVED = f"""SELECT gateway, MAX(received_at) AS heard_at,
    COUNT(*) FILTER (WHERE outcome = 'not understood') AS not_understood,
    COUNT(*) FILTER (WHERE outcome = 'capped') AS capped, COUNT(*) FILTER (WHERE state = 'failed') AS failed,
    COUNT(*) FILTER (WHERE cut_from > 0) AS shortened
  FROM (SELECT gateway, received_at, state, outcome, cut_from FROM inbox WHERE received_at >= $1
        ORDER BY received_at DESC LIMIT {LOOK}) AS newest GROUP BY gateway"""
SENT = f"""SELECT gateway, MAX(delivered_at) AS heard_at, COUNT(*) FILTER (WHERE state = 'sent') AS sent,
    COUNT(*) FILTER (WHERE state = 'delivered') AS delivered,
    COUNT(*) FILTER (WHERE state IN ('failed', 'expired') AND {NOT_WITHDRAWN}) AS lost
  FROM (SELECT gateway, state, delivered_at, error FROM outbox WHERE created_at >= $1
        ORDER BY created_at DESC LIMIT {LOOK}) AS newest GROUP BY gateway"""
DIALLED = f"""SELECT gateway, MAX(updated_at) AS heard_at, COUNT(*) AS sessions
  FROM (SELECT gateway, updated_at FROM ussdsession WHERE updated_at >= $1
        ORDER BY updated_at DESC LIMIT {LOOK}) AS newest GROUP BY gateway"""
NOT_UNDERSTOOD = f"""SELECT MIN(SUBSTR(text, 1, {TEXT_LENGTH})) AS text, COUNT(*) AS times,
    COUNT(DISTINCT phone) AS people, MIN(phone) AS phone
  FROM (SELECT text, outcome, phone FROM inbox WHERE received_at >= $1 ORDER BY received_at DESC LIMIT {LOOK}) AS newest
  WHERE outcome = 'not understood' GROUP BY UPPER(SUBSTR(text, 1, {TEXT_LENGTH})) ORDER BY 2 DESC, 1
  LIMIT {TOP_TEXTS}"""
BROKEN = f"""SELECT phone, received_at, error
  FROM (SELECT id, phone, error, received_at FROM inbox WHERE state = 'failed'
        ORDER BY id DESC LIMIT {SHOWN}) AS newest WHERE received_at >= $1 ORDER BY id DESC"""
REFUSED = f"""SELECT gateway, reason, COUNT(*) AS callbacks
  FROM (SELECT gateway, reason FROM refused WHERE created_at >= $1 ORDER BY created_at DESC LIMIT {LOOK}) AS newest
  GROUP BY gateway, reason ORDER BY callbacks DESC, gateway, reason LIMIT {SHOWN}"""

# Who is retired stays as long as he holds cash, so that nobody forgets it.
AGENTS = f"""SELECT agent.id, agent.name, agent.phone, agent.retired_at, agent.locked_at, agent.cash_limit,
    COALESCE(cash.balance, 0) AS held, -COALESCE(commission.balance, 0) AS commission_due
  FROM agent LEFT JOIN account cash ON cash.kind = 'cash' AND cash.owner = agent.id
  LEFT JOIN account commission ON commission.kind = 'commission' AND commission.owner = agent.id
  WHERE agent.retired_at IS NULL OR cash.balance > 0
  ORDER BY CASE WHEN agent.cash_limit > 0 THEN 1.0 * COALESCE(cash.balance, 0) / agent.cash_limit
    WHEN cash.balance > 0 THEN 1000000 ELSE 0 END DESC, agent.name, agent.id LIMIT {MOST_AGENTS + 1}"""

HELD = "SELECT COALESCE(SUM(balance), 0) AS held FROM account WHERE kind = 'cash'"  # by all agents, shown or not

LOCKED = (
    "SELECT id, name, phone, locked_at FROM agent WHERE locked_at IS NOT NULL AND retired_at IS NULL "
    f"ORDER BY locked_at DESC LIMIT {TOP_TEXTS}"
)

_STUCK = "id, gateway, kind, state, error, phone, created_at"
_REASON = "gateway, kind, state, error"
STUCK = f"""SELECT {_REASON}, phone, created_at, messages, oldest FROM (
    SELECT {_STUCK}, COUNT(*) OVER (PARTITION BY {_REASON}) AS messages,
      MIN(created_at) OVER (PARTITION BY {_REASON}) AS oldest,
      ROW_NUMBER() OVER (PARTITION BY {_REASON} ORDER BY id DESC) AS place
    FROM (SELECT {_STUCK} FROM (
        SELECT {_STUCK} FROM (SELECT {_STUCK} FROM outbox WHERE state IN ('failed', 'expired')
          ORDER BY id DESC LIMIT {SORT}) AS newest WHERE created_at >= $1 AND {NOT_WITHDRAWN}) AS lost
      UNION ALL SELECT {_STUCK} FROM ({TO_SEND.format(columns=_STUCK, look=SORT)}) AS unsent
        WHERE state = 'uncertain' OR created_at <= $2) AS stuck) AS placed
  WHERE place <= {SHOWN} ORDER BY CASE WHEN kind = 'token' THEN 0 ELSE 1 END, messages DESC,
    {_REASON}, place LIMIT 100"""


class Counted(NamedTuple):
    """A count that stops at a bound; `more` says that it did."""

    number: int
    more: bool


@dataclass(frozen=True, slots=True)
class Queue:
    """Messages that wait."""

    messages: Counted
    oldest: int  # when the oldest of them came, in milliseconds; 0 for none


@dataclass(frozen=True, slots=True)
class Messages:
    """Today's SMS of all gateways. Those that came in and those queued are counted up to `COUNT`, what became of them
    among the newest `LOOK`."""

    received: Counted  # up to `COUNT`
    not_understood: int
    capped: int  # unanswered, because the sender wrote too often
    failed: int
    shortened: int  # which were longer than any text is read
    queued: Counted
    sent: int
    delivered: int
    lost: int
    dialled: Counted  # sessions
    heard: dict[str, int]  # when each gateway last called us today, in milliseconds
    sent_and_lost: dict[str, tuple[int, int]]  # by each gateway today


@dataclass(frozen=True, slots=True)
class AgentCash:
    """What an agent holds and may hold, and the commission owed to him, in minor units."""

    id: int
    name: str
    phone: str
    held: int
    limit: int
    commission_due: int
    locked: bool
    retired: bool

    @property
    def share(self) -> int:
        """Cash held in percent of the limit; with a limit of nothing any cash is above it."""
        if self.limit <= 0:
            return 100 if self.held > 0 else 0
        return 100 * self.held // self.limit


class NotUnderstood(NamedTuple):
    """One text that nobody's talk knew, in any spelling of its letters."""

    text: str
    times: int
    people: int
    phone: str  # of the sender, or of one of them
    name: str  # of the one sender where we know it


class LockedAgent(NamedTuple):
    id: int
    name: str
    phone: str
    since: int  # milliseconds


class Example(NamedTuple):
    phone: str
    name: str  # whose it is; empty for somebody whom we do not know
    created_at: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """Messages that one gateway did not send for one reason."""

    gateway: str
    kind: MessageKind
    state: State
    error: str
    messages: int  # how many of the `SORT` that are looked at in each state
    oldest: int  # milliseconds
    examples: list[Example]  # the newest


@dataclass(frozen=True, slots=True)
class Report:
    """What the first page shows. Times are milliseconds (UTC)."""

    outgoing: bool
    gateways: list[GatewayState]
    queues: dict[str, Queue]
    unread: Queue
    messages: Messages
    not_understood: list[NotUnderstood]
    agents: list[AgentCash]  # those nearest to their limit
    more_agents: bool
    held: int  # by all agents, in minor units
    stuck: list[Stuck]
    broken: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    locked: list[LockedAgent]  # the last few
    guessed_at: list[Agent]  # for whom LOCK is shut, since many wrong PINs came with it

    @property
    def more_stuck(self) -> bool:
        """Whether there may be more than was sorted."""
        return sum(each.messages for each in self.stuck) >= SORT


async def read(now: int, midnight: datetime) -> Report:
    """Ask everything. `now` is in milliseconds, `midnight` is when today began in the operator's zone."""
    today = ms_of(midnight)
    agents = await _agents()
    return Report(
        outgoing=not await are_messages_off(),
        gateways=await GatewayState.all().order_by("name"),
        queues={row["gateway"]: _queue(row) for row in await _ask(QUEUES)},
        unread=_queue((await _ask(UNREAD))[0]),
        messages=await _messages(today),
        not_understood=await _not_understood(today),
        agents=agents[:MOST_AGENTS],
        more_agents=len(agents) > MOST_AGENTS,
        held=int((await _ask(HELD))[0]["held"]),
        stuck=await _stuck(now),
        broken=await _ask(BROKEN, today),
        refused=await _ask(REFUSED, today),
        locked=await _locked(),
        guessed_at=await pins.guessed_at(TOP_TEXTS),
    )


async def _ask(question: str, *values: int | datetime) -> list[dict[str, Any]]:
    await asyncio.sleep(0)
    return await execute(connection(), question, values)


async def _count(table: str, column: str, since: int) -> Counted:
    """Rows since then, counted in the index of that column."""
    counting = f"SELECT COUNT(*) AS number FROM (SELECT 1 FROM {table} WHERE {column} >= $1 LIMIT {COUNT}) AS newest"
    return _up_to((await _ask(counting, since))[0]["number"], COUNT)


def _up_to(number: int, bound: int) -> Counted:
    return Counted(number, number >= bound)


def _queue(row: dict[str, Any]) -> Queue:
    return Queue(_up_to(row["messages"], LOOK), row["oldest"] or 0)


async def _messages(today: int) -> Messages:
    received, sent, dialled = [await _ask(question, today) for question in (RECEIVED, SENT, DIALLED)]
    heard: dict[str, int] = {}
    for row in (*received, *sent, *dialled):
        heard[row["gateway"]] = max(heard.get(row["gateway"], 0), row["heard_at"])
    return Messages(
        received=await _count("inbox", "received_at", today),
        not_understood=_sum(received, "not_understood"),
        capped=_sum(received, "capped"),
        failed=_sum(received, "failed"),
        shortened=_sum(received, "shortened"),
        queued=await _count("outbox", "created_at", today),
        sent=_sum(sent, "sent"),
        delivered=_sum(sent, "delivered"),
        lost=_sum(sent, "lost"),
        dialled=_up_to(_sum(dialled, "sessions"), LOOK),
        heard=heard,
        sent_and_lost={row["gateway"]: (row["sent"] + row["delivered"], row["lost"]) for row in sent},
    )


def _sum(rows: Sequence[dict[str, Any]], column: str) -> int:
    return sum(row[column] for row in rows)


async def _agents() -> list[AgentCash]:
    """All agents up to a bound, the one nearest to the limit first."""
    return [
        AgentCash(
            id=row["id"],
            name=row["name"],
            phone=row["phone"],
            held=row["held"],
            limit=row["cash_limit"],
            commission_due=row["commission_due"],
            locked=row["locked_at"] is not None,
            retired=row["retired_at"] is not None,
        )
        for row in await _ask(AGENTS)
    ]


async def _not_understood(today: int) -> list[NotUnderstood]:
    """The commonest of today's texts that were not understood, with a name where one person wrote it."""
    rows = await _ask(NOT_UNDERSTOOD, today)
    alone = [row["phone"] for row in rows if row["people"] == 1]
    callers = await find_callers(alone) if alone else {}
    names = {phone: caller.name for phone, caller in callers.items()}
    return [NotUnderstood(name=names.get(row["phone"], ""), **row) for row in rows]


async def _locked() -> list[LockedAgent]:
    rows = await _ask(LOCKED)
    return [LockedAgent(row["id"], row["name"], row["phone"], ms_of(read_moment(row["locked_at"]))) for row in rows]


async def _stuck(now: int) -> list[Stuck]:
    """Why messages did not go out: tokens first, which are paid for, then the commonest reason."""
    found = []
    rows = await _ask(STUCK, now - LOST_FOR_MS, now - LATE_MS)
    callers = await find_callers(list({row["phone"] for row in rows})) if rows else {}
    for (gateway, kind, state, error), same in groupby(rows, itemgetter("gateway", "kind", "state", "error")):
        first, *others = same
        examples = [Example(row["phone"], callers[row["phone"]].name, row["created_at"]) for row in (first, *others)]
        found.append(
            Stuck(
                gateway=gateway,
                kind=MessageKind(kind),
                state=State(state),
                error=error,
                messages=first["messages"],
                oldest=first["oldest"],
                examples=examples,
            )
        )
    return found
