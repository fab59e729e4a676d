"""Which ticket a customer means who answers without its number."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from models.people.tables import Customer
from models.sql import connection, execute, marks
from models.tickets.tickets import Ticket, TicketState, with_people

SECOND_THOUGHTS = timedelta(days=7)  # for so long a yes can be taken back by a bare no
# What this person's newest answer closed, if that is what closed it last.
CLOSED_BY = """SELECT t.id FROM ticket t JOIN ticket_event e ON e.ticket_id = t.id
  WHERE t.customer_id IN ({customers}) AND t.state = 'closed' AND t.closed_at > $1
    AND e.id = (SELECT MAX(id) FROM ticket_event WHERE ticket_id = t.id AND step = 'closed')
    AND e.id = (SELECT MAX(a.id) FROM ticket_event a JOIN ticket o ON o.id = a.ticket_id
      WHERE o.customer_id IN ({customers}) AND a.actor = $2 AND a.step IN ('closed', 'reopened'))"""


async def asked_of(customers: Sequence[Customer]) -> Ticket | None:
    """The ticket about which these customers were asked last and have not answered."""
    asked = Ticket.filter(customer_id__in=[customer.id for customer in customers], state=TicketState.ASKED)
    found = await asked.order_by("-asked_at", "-id").first()
    return await with_people(found.id) if found else None


async def closed_by(phone: str, customers: Sequence[Customer]) -> Ticket | None:
    """The ticket that this phone's last answer closed, for a week."""
    statement = CLOSED_BY.format(customers=marks(len(customers), 3))
    values = [datetime.now(UTC) - SECOND_THOUGHTS, phone, *(customer.id for customer in customers)]
    rows = await execute(connection(), statement, values)
    return await with_people(rows[0]["id"]) if rows else None
