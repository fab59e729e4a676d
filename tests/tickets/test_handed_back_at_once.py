"""Somebody leaves whose work the office gives to another one, or changes, at this moment, on PostgreSQL."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.server import Server
from models.people import Agent
from models.tickets import Ticket, TicketEvent, tickets
from models.tickets.tickets import Step
from tests.world.at_once import do_meanwhile
from tests.world.people import PEOPLE, Phones


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def asha(mwanga: Server) -> Agent:
    """Ticket K1 of Baraka is open, with Asha, who leaves."""
    await Phones(mwanga).text("Asha", "FIX SHS0283 no power")
    return await Agent.get(phone=PEOPLE["Asha"])


async def leave_meanwhile(mwanga: Server, asha: Agent, change: Callable[[Ticket], Awaitable[object]]) -> list[str]:
    """What Asha hands back, where the office changes K1 while she leaves."""
    ticket = await tickets.find_for_office(1)
    handed: list[str] = await do_meanwhile(
        mwanga, lambda: change(ticket), lambda: tickets.hand_back("rehema", agent=asha)
    )
    return handed


async def test_work_that_is_given_to_another_one_meanwhile_stays_there(mwanga: Server, asha: Agent) -> None:
    juma = await Agent.get(phone=PEOPLE["Juma"])
    handed = await leave_meanwhile(mwanga, asha, lambda ticket: tickets.assign(ticket, "grace", agent=juma))
    assert handed == [] and (await Ticket.get(id=1)).agent_id == juma.id
    given = await TicketEvent.filter(ticket_id=1, step=Step.ASSIGNED).values_list("actor", "text")
    assert list(given) == [("grace", juma.phone)]


async def test_work_that_is_closed_meanwhile_is_not_handed_back(mwanga: Server, asha: Agent) -> None:
    handed = await leave_meanwhile(mwanga, asha, lambda ticket: tickets.close(ticket, "grace"))
    assert handed == [] and (await Ticket.get(id=1)).agent_id == asha.id


async def test_a_due_date_that_is_changed_meanwhile_stays(mwanga: Server, asha: Agent) -> None:
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)
    handed = await leave_meanwhile(mwanga, asha, lambda ticket: tickets.assign(ticket, "grace", agent=asha, due_at=due))
    ticket = await Ticket.get(id=1)
    assert handed == ["K1"] and ticket.agent_id is None and ticket.due_at == due
