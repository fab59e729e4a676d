"""All that happened with one person, the newest first: texts in and out, dialled sessions, sales, payments, requests to
pay, plans, tickets, and what the office changed. Each kind walks an index of its own and is read no further than one
page; the kinds are then put in one order. What is known of a phone counts while it was theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from models.office.held import Held
from models.sql import connection, execute, marks, ms_of, read_moment

PAGE = 30
SPARE = 20  # rows more than a page has: a number may be a little later than the one before it, and its time earlier
LONGEST_TIME = 17  # digits of a time that a calendar has
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# What was not sold any more is told at the sale itself.
VOIDED = "(SELECT v.state FROM void v WHERE v.sale_id = s.id AND v.state IN ('asked', 'done') LIMIT 1)"
CHANGES = """SELECT id, created_at AS at, actor, action, subject, detail, old, new FROM audit
  WHERE subject IN ({whose}) AND action NOT LIKE 'payments %' AND {until}
  ORDER BY created_at DESC, id DESC LIMIT {most}"""
TICKETS = """SELECT e.id, e.created_at AS at, e.actor, e.step, e.text, e.ticket_id FROM ticket_event e
  WHERE e.ticket_id IN (SELECT t.id FROM ticket t WHERE t.{owner} = $1) AND {until} ORDER BY e.id DESC LIMIT {most}"""
CONTRACTS = """SELECT k.id, k.created_at AS at, k.terms, k.price, k.down, i.name AS item FROM contract k
  JOIN appliance i ON i.id = k.appliance_id WHERE k.customer_id = $1 AND {until} ORDER BY k.id DESC LIMIT {most}"""
REQUESTS = """SELECT id, created_at AS at, amount, state, provider FROM payment_request
  WHERE phone = $1 AND {until} ORDER BY id DESC LIMIT {most}"""
PAYMENTS = """SELECT p.id, p.created_at AS at, p.amount, p.provider, p.reference, p.account_text FROM payment p
  WHERE p.payer_phone = $1 AND p.payer_phone <> '' AND p.agent_id IS NULL AND {until} ORDER BY p.id DESC LIMIT {most}"""
DIALLED = """SELECT u.id, u.started_at AS at, u.updated_at, u.service_code,
    (SELECT COUNT(*) FROM ussdturn t WHERE t.session_id = u.id) AS screens
  FROM ussdsession u WHERE u.phone = $1 AND {until} ORDER BY u.id DESC LIMIT {most}"""
CAME = """SELECT id, received_at AS at, text, state, outcome, gateway FROM inbox
  WHERE phone = $1 AND {until} ORDER BY id DESC LIMIT {most}"""
SALES = f"""SELECT s.id, s.created_at AS at, s.reference, s.amount, s.unit, s.units, s.owed, s.part, s.device_id,
    d.serial, d.issuer, s.contract_id, s.customer_id, a.name AS agent, t.digits, p.provider, {VOIDED} AS void
  FROM sale s JOIN payment p ON p.id = s.payment_id LEFT JOIN agent a ON a.id = s.agent_id
  LEFT JOIN device d ON d.id = s.device_id LEFT JOIN token t ON t.sale_id = s.id
  WHERE s.{{owner}} = $1 AND {{until}} ORDER BY s.id DESC LIMIT {{most}}"""
WENT = """SELECT id, created_at AS at, text, kind, state, gateway, error FROM outbox
  WHERE phone = $1 AND {until} ORDER BY id DESC LIMIT {most}"""


class Source(NamedTuple):
    """One kind of event; of two at the same moment the one that stands further down here is the later one."""

    kind: str
    statement: str
    time: str  # its column
    number: str
    in_ms: bool  # whether the column has milliseconds since 1970
    asks: str  # what of `Whose` it is asked by


SOURCES = (
    Source("change", CHANGES, "created_at", "id", False, "subjects"),
    Source("ticket", TICKETS, "e.created_at", "e.id", False, "id"),
    Source("contract", CONTRACTS, "k.created_at", "k.id", False, "id"),
    Source("request", REQUESTS, "created_at", "id", True, "phone"),
    Source("payment", PAYMENTS, "p.created_at", "p.id", False, "phone"),
    Source("dialled", DIALLED, "u.started_at", "u.id", True, "phone"),
    Source("in", CAME, "received_at", "id", True, "phone"),
    Source("sale", SALES, "s.created_at", "s.id", False, "id"),
    Source("out", WENT, "created_at", "id", True, "phone"),
)
RANKS = {source.kind: rank for rank, source in enumerate(SOURCES)}


@dataclass(frozen=True, kw_only=True)
class Whose:
    """A customer or an agent, as the tables name them."""

    id: int
    held: Sequence[Held] = ()  # their numbers; the audit names agents by them
    owner: str = "customer_id"  # the column of sales and tickets that names them: `agent_id` for an agent
    subjects: Sequence[str] = ()  # by which the audit names a customer and what is theirs
    kinds: frozenset[str] = frozenset(RANKS)


@dataclass(frozen=True, order=True)
class Place:
    """Where an event stands among all."""

    at: int  # microseconds since 1970
    rank: int  # of its kind
    id: int

    def __str__(self) -> str:
        return f"{self.at}.{self.rank}.{self.id}"


def read_place(text: str) -> Place | None:
    """A place as an address has it; None for something else."""
    pieces = text.split(".")
    if len(pieces) != 3 or not all(each.isascii() and each.isdigit() and len(each) < 19 for each in pieces):
        return None
    if len(pieces[0]) > LONGEST_TIME:
        return None
    return Place(*map(int, pieces))


@dataclass(frozen=True)
class Event:
    place: Place
    kind: str
    row: dict[str, Any]

    @property
    def moment(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.place.at)

    @property
    def ms(self) -> int:
        return self.place.at // 1000


async def read_timeline(whose: Whose, before: Place | None = None, count: int = PAGE) -> tuple[list[Event], str]:
    """The newest events before a place, and the place where the next page begins: empty, if this is all."""
    events: list[Event] = []
    for rank, source in enumerate(SOURCES):
        if source.kind in whose.kinds:
            events += await _read(source, rank, whose, before, count + SPARE)
    events.sort(key=lambda event: event.place, reverse=True)
    page = events[:count]
    return page, str(page[-1].place) if len(events) > count else ""


async def _read(source: Source, rank: int, whose: Whose, before: Place | None, most: int) -> list[Event]:
    if source.kind == "contract" and whose.owner != "customer_id":
        return []
    events = list[Event]()
    for values, held in _asked(source, whose):
        until, bounds = _until(source, rank, before, len(values) + 1)
        within, ends = _within(source, held, len(values) + len(bounds) + 1)
        conditions = " AND ".join((until, *within))
        statement = source.statement.format(whose=marks(len(values)), owner=whose.owner, until=conditions, most=most)
        rows = await execute(connection(), statement, [*values, *bounds, *ends])
        events += [Event(Place(_microseconds(row["at"]), rank, int(row["id"])), source.kind, row) for row in rows]
    return events


def _asked(source: Source, whose: Whose) -> list[tuple[list[Any], Held | None]]:
    """By which values a kind of events is asked, once for each time in which they meant this person."""
    if source.asks == "id":
        return [([whose.id], None)]
    by_phone = source.asks == "phone" or whose.owner == "agent_id"
    held: list[tuple[list[Any], Held | None]] = [([one.phone], one) for one in whose.held] if by_phone else []
    return [*held, (list(whose.subjects), None)] if source.asks == "subjects" and whose.subjects else held


def _within(source: Source, held: Held | None, mark: int) -> tuple[list[str], list[Any]]:
    """The conditions for the time in which a number was somebody's, and their values."""
    ends = ((">=", held.since), ("<", held.until)) if held else ()
    bounds = [(sign, ms_of(at) if source.in_ms else at) for sign, at in ends if at is not None]
    conditions = [f"{source.time} {sign} ${number}" for number, (sign, _at) in enumerate(bounds, mark)]
    return conditions, [at for _sign, at in bounds]


def _until(source: Source, rank: int, before: Place | None, mark: int) -> tuple[str, list[Any]]:
    """The condition for what comes before a place, and its values."""
    if before is None:
        return "1 = 1", []
    exact, moment = before.at % 1000 == 0, EPOCH + timedelta(microseconds=before.at)
    at: Any = before.at // 1000 if source.in_ms else moment
    if rank < before.rank or (source.in_ms and not exact):  # all of that moment come before the place
        return f"{source.time} <= ${mark}", [at]
    if rank > before.rank:
        return f"{source.time} < ${mark}", [at]
    same = f"({source.time} < ${mark} OR ({source.time} = ${mark} AND {source.number} < ${mark + 1}))"
    return same, [at, before.id]


def _microseconds(at: Any) -> int:
    if isinstance(at, int):
        return at * 1000
    return (read_moment(at) - EPOCH) // timedelta(microseconds=1)
