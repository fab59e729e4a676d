"""Tickets as the office lists them, by what its filters leave; and how long it took to close them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from models.messages.withdrawal import asking
from models.people import Agent, MiniGrid
from models.sql import connection, execute, marks, ms_between
from models.tickets import Ticket, TicketState

# How the tickets of a state are listed: the most urgent first, those that wait longest, those closed last.
ORDER = {
    TicketState.OPEN: ("due_at", ">"),
    TicketState.ASKED: ("asked_at", ">"),
    TicketState.CLOSED: ("closed_at", "<"),
}
NOBODY, OFFICE = "nobody", "office"  # whose they are, beside an agent's number
LIST = """SELECT t.id FROM ticket t{joined} WHERE t.state = $1{where}
  ORDER BY t.{by} {way}, t.id {way} LIMIT {most}"""
COUNT = "SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM ticket WHERE state = 'open' LIMIT {most}) counted"
MOST_COUNTED = 1_000
MOST_TOLD = 4  # the customer, who does the work, who did it before, who reported it

PERIOD = timedelta(days=30)
MOST_TIMED = 20_000  # closed tickets, the newest, that times are told of
# Sorted and subtracted in the database, which takes a third of the time of windows that have the medians of each group.
TIMES = f"""SELECT t.id, {{took}} AS took, c.mini_grid_id AS grid, COALESCE(t.agent_id, 0) AS agent
  FROM (SELECT id, opened_at, closed_at, customer_id, agent_id FROM ticket
    WHERE state = 'closed' AND closed_at >= $1 ORDER BY closed_at DESC, id DESC LIMIT {MOST_TIMED}) t
  JOIN customer c ON c.id = t.customer_id ORDER BY took, t.closed_at, t.id"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which tickets of a state; what is empty does not matter."""

    state: TicketState = TicketState.OPEN
    agent: int = 0  # who does the work
    whose: str = ""  # NOBODY or OFFICE
    mini_grid: int = 0
    category: str = ""
    days: int = 0  # opened so many days ago or more
    late: bool = False  # due before now; of open ones


async def list_tickets(wanted: Wanted, before: int, most: int) -> Sequence[Ticket]:
    """So many at most, behind the one with the number `before`; 0: from the beginning."""
    rows = await execute(connection(), *question(wanted, before, most))
    return await _load([row["id"] for row in rows])


def question(wanted: Wanted, before: int, most: int) -> tuple[str, list[Any]]:
    """The statement that asks for their numbers, and its values."""
    by, sign = ORDER[wanted.state]
    now = datetime.now(UTC)
    values: list[Any] = [wanted.state.value]
    where = {NOBODY: " AND t.agent_id IS NULL AND t.staff_id IS NULL", OFFICE: " AND t.staff_id IS NOT NULL"}.get(
        wanted.whose, ""
    )
    for condition, value in (
        ("t.agent_id = ${}", wanted.agent),
        ("c.mini_grid_id = ${}", wanted.mini_grid),
        ("t.category = ${}", wanted.category),
        ("t.opened_at <= ${}", now - timedelta(days=wanted.days) if wanted.days else None),
        ("t.due_at < ${}", now if wanted.late else None),
        (f"(t.{by}, t.id) {sign} ((SELECT {by} FROM ticket WHERE id = ${{0}}), ${{0}})", before),
    ):
        if value:
            values.append(value)
            where += f" AND {condition.format(len(values))}"
    statement = LIST.format(
        joined=" JOIN customer c ON c.id = t.customer_id" if wanted.mini_grid else "",
        where=where,
        by=by,
        way="ASC" if sign == ">" else "DESC",
        most=most,
    )
    return statement, values


async def _load(ids: Sequence[int]) -> list[Ticket]:
    """These tickets, in this order, with all that a list shows."""
    related = ("customer", "customer__mini_grid", "device", "agent", "staff")
    found = {ticket.id: ticket for ticket in await Ticket.filter(id__in=ids).select_related(*related)}
    return [found[number] for number in ids]


async def told_of(ticket: Ticket, step: int) -> list[str]:
    """The phones that were written to about a step, in the order of their messages."""
    origin = f"ticket {ticket.number} step {step}"
    origins = [f"{origin} {n}{end}" for n in range(1, MOST_TOLD + 1) for end in ("", asking(ticket.number))]
    statement = f"SELECT phone FROM outbox WHERE origin IN ({marks(len(origins))}) ORDER BY id"
    return [row["phone"] for row in await execute(connection(), statement, origins)]


async def count_open() -> int:
    """How many are open, counted to MOST_COUNTED."""
    [row] = await execute(connection(), COUNT.format(most=MOST_COUNTED))
    return int(row["n"])


@dataclass(frozen=True, kw_only=True)
class TimeToClose:
    """How long closing took, of one mini-grid or agent, from the report on."""

    name: str
    number: int  # of the mini-grid, or of the agent; 0: of none
    closed: int
    median: timedelta
    worst: timedelta
    worst_ticket: int


@dataclass(frozen=True, kw_only=True)
class Times:
    """How long it took to close what was closed in the last 30 days."""

    all: TimeToClose | None  # None: nothing was closed
    by_mini_grid: Sequence[TimeToClose]
    by_agent: Sequence[TimeToClose]
    cut: bool  # whether there were more than MOST_TIMED


async def times_to_close(now: datetime) -> Times:
    """By mini-grid and by agent, the slowest first."""
    rows = await execute(connection(), TIMES.format(took=ms_between("t.opened_at", "t.closed_at")), [now - PERIOD])
    grids = dict(await MiniGrid.all().values_list("id", "name"))
    closing = list({row["agent"] for row in rows} - {0})
    agents = dict(await Agent.filter(id__in=closing).values_list("id", "name"))
    return Times(
        all=_time("", 0, rows) if rows else None,
        by_mini_grid=_grouped(rows, "grid", grids),
        by_agent=_grouped(rows, "agent", agents),
        cut=len(rows) == MOST_TIMED,
    )


def _grouped(rows: Sequence[dict[str, Any]], column: str, names: dict[int, str]) -> list[TimeToClose]:
    groups: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[column], []).append(row)
    times = [_time(names.get(number, ""), number, group) for number, group in groups.items()]
    return sorted(times, key=lambda one: (-one.median, one.name))


def _time(name: str, number: int, rows: Sequence[dict[str, Any]]) -> TimeToClose:
    """Of tickets that are sorted, the one that took longest last."""
    middle = (rows[(len(rows) - 1) // 2]["took"] + rows[len(rows) // 2]["took"]) / 2
    return TimeToClose(
        name=name,
        number=number,
        closed=len(rows),
        median=timedelta(milliseconds=middle),
        worst=timedelta(milliseconds=rows[-1]["took"]),
        worst_ticket=rows[-1]["id"],
    )
