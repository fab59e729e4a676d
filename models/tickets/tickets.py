"""Tickets: what is broken, whose work it is, and how it went. A ticket is in one state; its history only grows.

Each verb returns whether (or what) it changed, so that two people who do the same thing at once are told so. Its actor
is a phone number, `silence` or `paid`, or a user of the office, whose change is in the audit too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.devices import Device
from models.messages.withdrawal import withdraw_question_about
from models.people import Agent, Customer, OfficeUser
from models.people.office_users import list_users
from models.rows import find_row, find_rows, read_row
from models.sql import Steps, columns_of, connection, execute, for_update, insert, lock_rows, marks, note_held

DUE = timedelta(days=3)  # when nobody says otherwise
SILENCE = timedelta(days=3)  # without an answer to "is it fixed?" a ticket closes
SECOND_THOUGHTS = timedelta(days=7)  # for so long a yes can be taken back by a bare no
# What is open in these words, or else what this key opened before.
SAME = """ticket.customer_id = $1 AND ticket.state = 'open' AND ticket.category = $2 AND ticket.text = $3
  AND ticket.device_id {} OR ticket.key = $4 ORDER BY ticket.key = $4"""
WORK = """ticket.agent_id = $1 AND ticket.state = 'open' AND customer.mini_grid_id = $2
  ORDER BY ticket.due_at, ticket.id LIMIT $3"""
VISIT = "overdue "  # how the key of a visit begins; behind it stands the id of an instalment
# In the order of the index of what is open, so that a walk along all of it reads each row once.
VISITS_AFTER = """SELECT id, due_at, customer_id, key FROM ticket
  WHERE state = 'open' AND category = 'payment' AND (due_at, id) > ($1, $2) ORDER BY due_at, id LIMIT $3"""
# Instalments on whose contract something is overdue, and who owes it.
OVERDUE = """SELECT n.id, k.customer_id FROM instalment n JOIN contract k ON k.id = n.contract_id
  WHERE n.id IN ({instalments}) AND EXISTS
    (SELECT 1 FROM instalment i WHERE i.contract_id = k.id AND i.paid < i.amount AND i.due_on < $1)"""
SILENT = "SELECT id FROM ticket WHERE state = 'asked' AND asked_at <= $1 ORDER BY asked_at LIMIT $2"


class Category(StrEnum):
    """What customers report, in their own words; `payment` alone is opened for them, when it is overdue."""

    POWER = "power"
    CODE = "code"  # it was refused
    PAID = "paid"  # and no code came
    DEVICE = "device"  # it is broken
    OTHER = "other"
    PAYMENT = "payment"


class TicketState(StrEnum):
    OPEN = "open"
    ASKED = "asked"  # the customer has been asked whether it is fixed
    CLOSED = "closed"


class Ticket(Model):
    """A problem of a customer, with one of the customer's devices or none."""

    id = fields.BigIntField(primary_key=True)
    key = fields.CharField(80, unique=True)  # names the talk, or the thing, that opened it
    customer: fields.ForeignKeyRelation[Customer] = fields.ForeignKeyField("models.Customer", on_delete=fields.RESTRICT)
    customer_id: int
    device: fields.ForeignKeyNullableRelation[Device] = fields.ForeignKeyField(
        "models.Device", null=True, on_delete=fields.RESTRICT
    )
    device_id: int | None
    category = fields.CharField(20)
    text = fields.TextField()
    state = fields.CharField(10, default=TicketState.OPEN)
    # who reported it, if that was an agent
    reporter: fields.ForeignKeyNullableRelation[Agent] = fields.ForeignKeyField(
        "models.Agent", null=True, related_name="reported", on_delete=fields.RESTRICT
    )
    reporter_id: int | None
    # who does the work: an agent, or somebody of the office
    agent: fields.ForeignKeyNullableRelation[Agent] = fields.ForeignKeyField(
        "models.Agent", null=True, on_delete=fields.RESTRICT
    )
    agent_id: int | None
    staff: fields.ForeignKeyNullableRelation[OfficeUser] = fields.ForeignKeyField(
        "models.OfficeUser", null=True, on_delete=fields.RESTRICT
    )
    staff_id: int | None
    opened_at = fields.DatetimeField()
    due_at = fields.DatetimeField()
    asked_at = fields.DatetimeField(null=True)
    closed_at = fields.DatetimeField(null=True)

    class Meta:
        indexes = (
            ("customer_id", "state"),
            ("agent_id", "state", "due_at"),
            ("state", "asked_at"),
            ("state", "due_at", "id"),
            ("state", "closed_at", "id"),
        )

    @property
    def number(self) -> str:
        """What people call it: K41."""
        return f"K{self.id}"

    @property
    def closes_at(self) -> datetime:
        """When silence closes it. Only for one whose customer was asked."""
        return (self.asked_at or datetime.now(UTC)) + SILENCE


class Step(StrEnum):
    OPENED = "opened"
    ASSIGNED = "assigned"
    COMMENTED = "commented"
    ASKED = "asked"
    CLOSED = "closed"
    REOPENED = "reopened"


class TicketEvent(Model):
    """One step in the life of a ticket, append only."""

    id = fields.BigIntField(primary_key=True)
    ticket: fields.ForeignKeyRelation[Ticket] = fields.ForeignKeyField(
        "models.Ticket", related_name="events", on_delete=fields.RESTRICT
    )
    ticket_id: int
    created_at = fields.DatetimeField(auto_now_add=True)
    actor = fields.CharField(100)  # a phone number, a name of the office, `silence` or `paid`
    step = fields.CharField(10)
    text = fields.TextField(default="")  # what was said, or to whom it was given

    class Meta:
        table = "ticket_event"
        indexes = (("ticket_id", "id"),)


@dataclass(frozen=True)
class Opened:
    """A ticket that was asked for; not `new` when the same problem is open already."""

    ticket: Ticket
    new: bool


async def open_ticket(
    customer: Customer,
    device: Device | None,
    category: Category,
    text: str,
    *,
    actor: str | OfficeUser,
    key: str,
    reporter: Agent | None = None,
    due_at: datetime | None = None,
) -> Opened:
    """Record a problem and give it to somebody: to the agent who reports it, else to one of the mini-grid.

    The same words about the same device are the same ticket as long as it is open: people send things twice.
    """
    same = [customer.id, category.value, text, key, *([device.id] if device else [])]
    if earlier := await _first(SAME.format("= $5" if device else "IS NULL"), same):
        return Opened(earlier, new=False)
    return await _open(customer, device, category, text, actor=actor, key=key, reporter=reporter, due_at=due_at)


async def open_unreported(
    customer: Customer, device: Device | None, category: Category, text: str, *, origin: str, due_at: datetime
) -> Opened:
    """Open a ticket that nobody reported, in the caller's transaction; `origin` (80 characters at most) names what
    it is about: the same origin has the same ticket for good, also when that is closed."""
    if earlier := await _first("ticket.key = $1", [origin]):
        return Opened(earlier, new=False)
    return await _open(customer, device, category, text, actor="office", key=origin, due_at=due_at)


async def _open(
    customer: Customer,
    device: Device | None,
    category: Category,
    text: str,
    *,
    actor: str | OfficeUser,
    key: str,
    reporter: Agent | None = None,
    due_at: datetime | None = None,
) -> Opened:
    agent = reporter or await _choose_agent(customer, device)
    now, steps = datetime.now(UTC), Steps()
    new = steps.add(
        "ticket",
        key=key,
        customer_id=customer.id,
        device_id=device.id if device else None,
        category=category.value,
        text=text,
        state=TicketState.OPEN.value,
        reporter_id=reporter.id if reporter else None,
        agent_id=agent.id if agent else None,
        opened_at=now,
        due_at=due_at or now + DUE,
    )
    steps.add("ticket_event", ticket_id=new, **_event(actor, Step.OPENED, text))
    await steps.run()
    ticket = await find_for_office(steps.number_of(new))
    await _audit(ticket, actor, Step.OPENED, text)
    return Opened(ticket, new=True)


async def _choose_agent(customer: Customer, device: Device | None) -> Agent | None:
    """The agent who last sold for this device, else the one of the mini-grid with the least to do."""
    if device:
        rows = await execute(
            connection(),
            f"SELECT {columns_of(Agent, 'a')} FROM sale s JOIN agent a ON a.id = s.agent_id "
            "JOIN customer c ON c.id = $2 "
            "WHERE s.device_id = $1 AND a.mini_grid_id = c.mini_grid_id AND a.locked_at IS NULL "
            "ORDER BY s.created_at DESC LIMIT 1",
            [device.id, customer.id],
        )
        if rows:
            return read_row(Agent, rows[0])
    rows = await execute(
        connection(),
        f"SELECT {columns_of(Agent, 'a')} FROM agent a JOIN customer c ON c.mini_grid_id = a.mini_grid_id "
        "WHERE c.id = $1 AND a.locked_at IS NULL ORDER BY "
        "(SELECT COUNT(*) FROM ticket t WHERE t.agent_id = a.id AND t.state IN ('open', 'asked')), a.id LIMIT 1",
        [customer.id],
    )
    return read_row(Agent, rows[0]) if rows else None


async def assign(
    ticket: Ticket,
    actor: str | OfficeUser,
    *,
    agent: Agent | None = None,
    staff: OfficeUser | None = None,
    due_at: datetime | None = None,
) -> Ticket:
    """Give the work to an agent, or to somebody of the office, perhaps with another due date (UTC)."""
    values = [agent.id if agent else None, staff.id if staff else None, *([due_at] if due_at else [])]
    await _change(ticket, f"agent_id = $2, staff_id = $3{', due_at = $4' if due_at else ''}", *values)
    to = agent.phone if agent else staff.name if staff else "office"
    await _note(ticket, actor, Step.ASSIGNED, to)
    return await find_for_office(ticket.id)


async def hand_back(actor: str, *, agent: Agent | None = None, staff: OfficeUser | None = None) -> list[str]:
    """Make the open tickets of somebody who leaves nobody's: their numbers."""
    column, whose = ("agent_id", agent.id) if agent else ("staff_id", staff.id if staff else 0)
    return await _hand_back(f"ticket.{column} = $1", [whose], actor)


async def hand_back_elsewhere(agent: Agent, actor: str) -> list[str]:
    """Make nobody's what an agent who went to another mini-grid has to do for customers whom he sees no more: their
    numbers."""
    elsewhere = "ticket.agent_id = $1 AND customer.mini_grid_id <> $2"
    return await _hand_back(elsewhere, [agent.id, agent.mini_grid_id], actor)


async def hand_back_of(customer: Customer, actor: str) -> list[str]:
    """Make nobody's what is open for a customer who went to another mini-grid, as far as it is the work of agents who
    see this customer no more: the numbers."""
    elsewhere = "ticket.customer_id = $1 AND agent.mini_grid_id <> customer.mini_grid_id"
    return await _hand_back(elsewhere, [customer.id], actor)


async def _hand_back(condition: str, values: Sequence[Any], actor: str) -> list[str]:
    left = await _find(f"{condition} AND ticket.state <> 'closed' ORDER BY ticket.id", values)
    return [ticket.number for ticket in left if await _leave(ticket, actor)]


async def _leave(ticket: Ticket, actor: str) -> bool:
    """Make it nobody's; False when it was closed, or given to another one, since it was read."""
    whose = [ticket.agent_id or 0, ticket.staff_id or 0]
    theirs = "state <> 'closed' AND COALESCE(agent_id, 0) = $2 AND COALESCE(staff_id, 0) = $3"
    changed = await _change(ticket, "agent_id = NULL, staff_id = NULL", *whose, where=theirs)
    if changed:
        await _note(ticket, actor, Step.ASSIGNED, "office")
    return changed


async def comment(ticket: Ticket, actor: str | OfficeUser, text: str) -> bool:
    """Add words; False when they are the last ones already, sent twice."""
    last = await _last_event(ticket)
    if last and (last.actor, last.step, last.text) == (_name_of(actor), Step.COMMENTED, text):
        return False
    await _note(ticket, actor, Step.COMMENTED, text)
    return True


async def ask_fixed(ticket: Ticket, actor: str | OfficeUser) -> bool:
    """The work is said to be done: from now on the customer's yes or no, or three days of silence, decide."""
    now = datetime.now(UTC)
    changed = await _change(ticket, "state = 'asked', asked_at = $2", now, where="state = 'open'")
    if changed:
        ticket.state, ticket.asked_at = TicketState.ASKED, now
        await _note(ticket, actor, Step.ASKED)
    return changed


async def close(ticket: Ticket, actor: str | OfficeUser, text: str = "") -> bool:
    """False when it is closed already."""
    now = datetime.now(UTC)
    changed = await _change(ticket, "state = 'closed', closed_at = $2", now, where="state <> 'closed'")
    if changed:
        ticket.state, ticket.closed_at = TicketState.CLOSED, now
        await _withdraw_question(ticket)
        await _note(ticket, actor, Step.CLOSED, text)
    return changed


async def reopen(ticket: Ticket, actor: str | OfficeUser, text: str = "") -> bool:
    """It is not fixed after all; where who did the work has left meanwhile, it is nobody's. False when it is open
    already."""
    again = "state = 'open', asked_at = NULL, closed_at = NULL"
    changed = await _change(ticket, again, where="state <> 'open'")
    if changed:
        ticket.state, ticket.asked_at, ticket.closed_at = TicketState.OPEN, None, None
        await _withdraw_question(ticket)
        if _has_left(ticket):
            await assign(ticket, actor)
        await _note(ticket, actor, Step.REOPENED, text)
    return changed


def _has_left(ticket: Ticket) -> bool:
    """Whether who did the work is retired or removed, or an agent of another mini-grid than the customer's by now."""
    agent, staff = ticket.agent, ticket.staff
    if agent:
        return agent.retired_at is not None or agent.mini_grid_id != ticket.customer.mini_grid_id
    return staff is not None and staff.removed_at is not None


async def _withdraw_question(ticket: Ticket) -> None:
    """The customer need not be asked any more whether it is fixed."""
    if ticket.customer.phone:
        await withdraw_question_about(ticket.number, ticket.customer.phone)


async def end_silent(most: int) -> list[tuple[Ticket, datetime, str]]:
    """End the question of some of the tickets whose customers were asked three days ago: who said nothing has it
    closed, and who wrote something that was no answer has it open again. Each comes with when the customer was asked,
    and with the last of those words (empty: silence). Whom somebody just answers for is left for the next time."""
    ended, since = [], datetime.now(UTC) - SILENCE
    # FOR UPDATE and not NO KEY: who writes something that is no answer changes no ticket, but points at one.
    held = await execute(connection(), f"{SILENT}{for_update(skip_locked=True)}", [since, most])
    note_held("ticket")
    for ticket in await _of_numbers([row["id"] for row in held]):
        asked_at, words = ticket.asked_at or since, await _words_since_asked(ticket)
        if await (reopen(ticket, "silence", words) if words else close(ticket, "silence")):
            ended.append((ticket, asked_at, words))
    return ended


@dataclass(frozen=True)
class Place:
    """How far a walk along the open tickets has come."""

    due_at: datetime | str = datetime(2000, 1, 1, tzinfo=UTC)  # as the row has it
    id: int = 0


@dataclass(frozen=True)
class Walked:
    """So many visits were looked at, and some of them closed."""

    looked: int
    last: Place
    closed: list[Ticket]


async def end_visits(today: date, after: Place, most: int) -> Walked:
    """Look at some of the open visits behind this place, and close those to customers who have paid what was overdue
    on that plan, or owe it no more."""
    rows = await execute(connection(), VISITS_AFTER, [after.due_at, after.id, most])
    if not rows:
        return Walked(0, after, [])
    late = await _overdue([_instalment_of(row["key"]) for row in rows], today)
    over = [row["id"] for row in rows if (_instalment_of(row["key"]), row["customer_id"]) not in late]
    found = await _find(f"ticket.id IN ({marks(len(over))}) ORDER BY ticket.id", over) if over else []
    closed = [ticket for ticket in found if await close(ticket, "paid")]
    return Walked(len(rows), Place(rows[-1]["due_at"], rows[-1]["id"]), closed)


def visit(instalment: int) -> str:
    """The origin of a visit: the oldest instalment that was overdue on a plan."""
    return f"{VISIT}{instalment}"


def _instalment_of(origin: str) -> int:
    number = origin.removeprefix(VISIT)
    return int(number) if number.isdecimal() else 0


async def _overdue(instalments: Sequence[int], today: date) -> set[tuple[int, int]]:
    """Those of these instalments on whose plan something was due before today, each with the customer who owes it."""
    statement = OVERDUE.format(instalments=marks(len(instalments), 2))
    rows = await execute(connection(), statement, [today, *instalments])
    return {(row["id"], row["customer_id"]) for row in rows}


async def _words_since_asked(ticket: Ticket) -> str:
    """The last that the customer wrote on a ticket after the question whether it is fixed."""
    since = "step = 'commented' AND actor = $2 AND created_at >= $3"
    newest = await _last_event(ticket, since, ticket.customer.phone, ticket.asked_at)
    return newest.text if newest else ""


class TicketNotFound(Exception):
    """No ticket in reach has this number; whether one out of reach has is not disclosed."""


async def find_for_agent(number: int, mini_grid_id: int) -> Ticket:
    """A ticket of the agent's own mini-grid. Raises TicketNotFound."""
    return await _only("ticket.id = $1 AND customer.mini_grid_id = $2", [number, mini_grid_id])


async def find_for_customers(number: int, customers: Sequence[Customer]) -> Ticket:
    """A ticket of one of these customers. Raises TicketNotFound."""
    ids = [customer.id for customer in customers]
    if not ids:
        raise TicketNotFound
    return await _only(f"ticket.id = $1 AND ticket.customer_id IN ({marks(len(ids), 2)})", [number, *ids])


async def find_for_office(number: int) -> Ticket:
    """A ticket of any mini-grid, with its customer, device, agents and staff. Raises TicketNotFound."""
    return await _only("ticket.id = $1", [number])


async def lock_ticket(number: int) -> Ticket:
    """The same, held until the commit, so that two who change it do so one after the other."""
    await lock_rows("ticket", "id = $1", [number])
    return await find_for_office(number)


async def work_of(agent: Agent, most: int) -> list[Ticket]:
    """What an agent has to do, the most urgent first."""
    return await _find(WORK, [agent.id, agent.mini_grid_id, most])


async def tickets_of(customers: Sequence[Customer], most: int) -> list[Ticket]:
    """What customers reported and is not closed, newest first."""
    ids = [customer.id for customer in customers]
    whose = f"ticket.customer_id IN ({marks(len(ids), 2)}) AND ticket.state <> 'closed'"
    return await _find(f"{whose} ORDER BY ticket.id DESC LIMIT $1", [most, *ids]) if ids else []


# In a question of its own: SQLite would go through all questions that wait for an answer, since it has them in order.
ASKED_OF = "ticket.id IN (SELECT id FROM ticket WHERE customer_id IN ({customers}) AND state = 'asked')"


async def find_asked(customers: Sequence[Customer]) -> Ticket | None:
    """The ticket about which these customers were asked last and have not answered."""
    ids = [customer.id for customer in customers]
    asked = ASKED_OF.format(customers=marks(len(ids)))
    return await _first(f"{asked} ORDER BY ticket.asked_at DESC, ticket.id DESC", ids) if ids else None


async def asked_of(customer: Customer) -> list[Ticket]:
    """The tickets about which a customer was asked and has not answered, in the order of the questions."""
    asked = ASKED_OF.format(customers="$1")
    return await _find(f"{asked} ORDER BY ticket.asked_at, ticket.id", [customer.id])


# What this person's newest answer closed, if that is what closed it last.
CLOSED_BY = """SELECT t.id FROM ticket t JOIN ticket_event e ON e.ticket_id = t.id
  WHERE t.customer_id IN ({customers}) AND t.state = 'closed' AND t.closed_at > $1
    AND e.id = (SELECT MAX(id) FROM ticket_event WHERE ticket_id = t.id AND step = 'closed')
    AND e.id = (SELECT MAX(a.id) FROM ticket_event a JOIN ticket o ON o.id = a.ticket_id
      WHERE o.customer_id IN ({customers}) AND a.actor = $2 AND a.step IN ('closed', 'reopened'))"""


async def find_closed_by(phone: str, customers: Sequence[Customer]) -> Ticket | None:
    """The ticket that this phone's last answer closed, for a week."""
    statement = CLOSED_BY.format(customers=marks(len(customers), 3))
    values = [datetime.now(UTC) - SECOND_THOUGHTS, phone, *(customer.id for customer in customers)]
    rows = await execute(connection(), statement, values)
    return await find_for_office(rows[0]["id"]) if rows else None


async def open_of(customer: Customer) -> list[Ticket]:
    """A customer's tickets that are not closed, the oldest first."""
    return await Ticket.filter(customer_id=customer.id).exclude(state=TicketState.CLOSED).order_by("id")


async def workers_for(ticket: Ticket) -> tuple[list[Agent], list[OfficeUser]]:
    """Who can be given this ticket: agents of the customer's own mini-grid who are not locked, and the office."""
    agents = Agent.filter(mini_grid_id=ticket.customer.mini_grid_id, locked_at=None).order_by("name", "id")
    return await agents, await list_users()


async def last_step(ticket: Ticket) -> int:
    """The number of its newest step: who has seen another one has not seen all."""
    newest = await _last_event(ticket)
    return newest.id if newest else 0


async def history(ticket: Ticket) -> Sequence[TicketEvent]:
    """All its steps, the oldest first."""
    return await TicketEvent.filter(ticket_id=ticket.id).order_by("id")


async def last_comment(ticket: Ticket) -> str:
    """The newest words that were added; none: an empty text."""
    newest = await _last_event(ticket, "step IN ('commented', 'reopened') AND text <> ''")
    return newest.text if newest else ""


async def _find(condition: str, values: Sequence[Any]) -> list[Ticket]:
    """Each with its customer, device, agents and staff."""
    return await find_rows(Ticket, condition, values, joined=("customer", "device", "reporter", "agent", "staff"))


async def _of_numbers(numbers: Sequence[int]) -> list[Ticket]:
    """In the order in which their customers were asked."""
    return await _find(f"ticket.id IN ({marks(len(numbers))}) ORDER BY ticket.asked_at", numbers) if numbers else []


async def _first(condition: str, values: Sequence[Any]) -> Ticket | None:
    found = await _find(f"{condition} LIMIT 1", values)
    return found[0] if found else None


async def _only(condition: str, values: Sequence[Any]) -> Ticket:
    ticket = await _first(condition, values)
    if ticket is None:
        raise TicketNotFound
    return ticket


async def _change(ticket: Ticket, what: str, *values: Any, where: str = "TRUE") -> bool:
    """Whether the row was changed: only where it still is as this condition says."""
    statement = f"UPDATE ticket SET {what} WHERE id = $1 AND {where} RETURNING id"
    return bool(await execute(connection(), statement, [ticket.id, *values]))


async def _last_event(ticket: Ticket, condition: str = "TRUE", *values: Any) -> TicketEvent | None:
    """Its newest step of which this is true."""
    return await find_row(TicketEvent, f"ticket_id = $1 AND {condition} ORDER BY id DESC", [ticket.id, *values])


async def _note(ticket: Ticket, actor: str | OfficeUser, step: Step, text: str = "") -> None:
    await insert("ticket_event", ticket_id=ticket.id, **_event(actor, step, text))
    await _audit(ticket, actor, step, text)


def _event(actor: str | OfficeUser, step: Step, text: str) -> dict[str, Any]:
    return {"created_at": datetime.now(UTC), "actor": _name_of(actor), "step": step.value, "text": text}


async def _audit(ticket: Ticket, actor: str | OfficeUser, step: Step, text: str) -> None:
    if isinstance(actor, OfficeUser):
        await record(actor.name, f"ticket {step}", ticket.number, text)


def _name_of(actor: str | OfficeUser) -> str:
    return actor.name if isinstance(actor, OfficeUser) else actor
