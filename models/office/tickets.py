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
# Added up in the database: a row for each mini-grid and agent comes out, and none for each ticket. By its place within
# its group a ticket is the middle one, or one of the two there, or the one that took longest.
TIMES = """WITH took AS (
    SELECT t.id, t.closed_at, {{took}} AS took, c.mini_grid_id AS grid, COALESCE(t.agent_id, 0) AS agent
    FROM (SELECT id, opened_at, closed_at, customer_id, agent_id FROM ticket
      WHERE state = 'closed' AND closed_at >= $1 ORDER BY closed_at DESC, id DESC LIMIT {most}) t
    JOIN customer c ON c.id = t.customer_id)
  {groups}"""
GROUP = """SELECT '{by}' AS by_what, whose, COUNT(*) AS closed, MAX(took) AS worst,
    AVG(CASE WHEN 2 * place BETWEEN number AND number + 2 THEN took END) AS median,
    MAX(CASE WHEN place = number THEN id END) AS worst_ticket
  FROM (SELECT {whose} AS whose, id, took, COUNT(*) OVER (PARTITION BY {whose}) AS number,
      ROW_NUMBER() OVER (PARTITION BY {whose} ORDER BY took, closed_at, id) AS place FROM took) AS placed
  GROUP BY whose"""
TIMES = TIMES.format(
    most=MOST_TIMED,
    groups=" UNION ALL ".join(
        GROUP.format(by=by, whose=whose) for by, whose in (("all", "0"), ("grid", "grid"), ("agent", "agent"))
    ),
)


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
    groups: dict[str, list[dict[str, Any]]] = {"all": [], "grid": [], "agent": []}
    for row in await execute(connection(), TIMES.format(took=ms_between("t.opened_at", "t.closed_at")), [now - PERIOD]):
        groups[row["by_what"]].append(row)
    grids = dict(await MiniGrid.all().values_list("id", "name"))
    closing = [row["whose"] for row in groups["agent"] if row["whose"]]
    agents = dict(await Agent.filter(id__in=closing).values_list("id", "name"))
    whole = _times(groups["all"], {})
    return Times(
        all=whole[0] if whole else None,
        by_mini_grid=_times(groups["grid"], grids),
        by_agent=_times(groups["agent"], agents),
        cut=bool(whole) and whole[0].closed == MOST_TIMED,
    )


def _times(rows: Sequence[dict[str, Any]], names: dict[int, str]) -> list[TimeToClose]:
    times = [
        TimeToClose(
            name=names.get(row["whose"], ""),
            number=row["whose"],
            closed=row["closed"],
            median=timedelta(milliseconds=float(row["median"])),
            worst=timedelta(milliseconds=row["worst"]),
            worst_ticket=row["worst_ticket"],
        )
        for row in rows
    ]
    return sorted(times, key=lambda one: (-one.median, one.name))
