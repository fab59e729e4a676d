"""Tickets as the office lists them, the times of closing, and a caller's ticket: on both engines."""

import asyncio
import random
import re
from datetime import UTC, datetime, timedelta
from itertools import product
from statistics import median
from typing import Any

import pytest

from bot.server import Server
from handlers.tickets import desk
from handlers.tickets.desk import NoWords, TooLong, read_words
from models.audit import Audit
from models.devices import Device
from models.office import tickets as office
from models.office.tickets import NOBODY, OFFICE, Wanted
from models.people import Agent, Customer, OfficeUser
from models.settings import ChangedMeanwhile
from models.sql import execute
from models.tickets import Category, Ticket, TicketState, tickets
from tests.world.people import PEOPLE

NOW = datetime.now(UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def add(name: str, number: int, **values: Any) -> Ticket:
    """A ticket of somebody of the demo world, opened an hour ago and due in a day unless it says otherwise."""
    customer = await Customer.get(phone=PEOPLE[name])
    given = {"category": Category.POWER, "text": "", "opened_at": NOW - HOUR, "due_at": NOW + DAY} | values
    return await Ticket.create(id=number, key=f"test {number}", customer=customer, **given)


async def listed(wanted: Wanted, before: int = 0, most: int = 50) -> list[int]:
    return [ticket.id for ticket in await office.list_tickets(wanted, before, most)]


async def test_open_ones_are_listed_by_urgency_and_filtered(mwanga: Server) -> None:
    asha, zuhura = await Agent.get(phone=PEOPLE["Asha"]), await Agent.get(phone=PEOPLE["Zuhura"])
    admin = await OfficeUser.get(name="admin")
    await add("Amina", 1, agent=asha, due_at=NOW + 2 * DAY)
    await add("Baraka", 2, agent=asha, due_at=NOW - DAY, category=Category.CODE, opened_at=NOW - 8 * DAY)
    await add("Neema", 3, staff=admin)
    await add("Neema", 4, due_at=NOW + 3 * DAY)
    await add("Neema", 5, state=TicketState.CLOSED, closed_at=NOW)
    assert await listed(Wanted()) == [2, 3, 1, 4]
    assert await listed(Wanted(agent=asha.id)) == [2, 1]
    assert await listed(Wanted(agent=zuhura.id)) == []
    assert await listed(Wanted(whose=NOBODY)) == [4]
    assert await listed(Wanted(whose=OFFICE)) == [3]
    assert await listed(Wanted(category=Category.CODE)) == [2]
    assert await listed(Wanted(days=7)) == [2]
    assert await listed(Wanted(late=True)) == [2]
    assert await listed(Wanted(mini_grid=asha.mini_grid_id)) == [2, 3, 1, 4]
    assert await listed(Wanted(mini_grid=zuhura.mini_grid_id)) == []
    assert await office.count_open() == 4


@pytest.mark.parametrize(("state", "column"), [("asked", "asked_at"), ("closed", "closed_at"), ("open", "due_at")])
async def test_a_list_goes_on_behind_the_last_one_also_within_one_moment(
    state: str, column: str, mwanga: Server
) -> None:
    for number in range(1, 6):
        await add("Amina", number, state=state, **{column: NOW + number // 3 * HOUR})
    wanted, seen, before = Wanted(state=TicketState(state)), [], 0
    while part := await listed(wanted, before, 2):
        seen += part
        before = part[-1]
    assert seen == ([5, 4, 3, 2, 1] if state == "closed" else [1, 2, 3, 4, 5])


async def test_times_to_close_are_told_by_mini_grid_and_agent_for_thirty_days(mwanga: Server) -> None:
    asha, juma = await Agent.get(phone=PEOPLE["Asha"]), await Agent.get(phone=PEOPLE["Juma"])
    for number, (agent, hours) in enumerate(((asha, 1), (asha, 3), (asha, 50), (juma, 10), (None, 4)), start=1):
        closed = {"state": TicketState.CLOSED, "closed_at": NOW, "opened_at": NOW - hours * HOUR}
        await add("Amina", number, agent=agent, **closed)
    await add("Amina", 8, state=TicketState.CLOSED, closed_at=NOW - 31 * DAY, opened_at=NOW - 90 * DAY)
    await add("Amina", 9)
    times = await office.times_to_close(NOW)
    assert times.all and (times.all.closed, times.all.median, times.all.worst) == (5, 4 * HOUR, 50 * HOUR)
    by_agent = [(one.name, one.closed, one.median, one.worst_ticket) for one in times.by_agent]
    assert by_agent == [("Juma Said", 1, 10 * HOUR, 4), ("", 1, 4 * HOUR, 5), ("Asha Mushi", 3, 3 * HOUR, 3)]
    assert [(one.name, one.closed) for one in times.by_mini_grid] == [("Mtwara North", 5)]
    assert not times.cut


async def test_times_are_those_of_each_ticket(mwanga: Server) -> None:
    """Of groups of each size, also where two took as long."""
    draw, agents = random.Random(11), list(await Agent.all())
    hours: dict[int, list[tuple[int, int]]] = {}
    for number in range(1, 41):
        agent, took = draw.choice([None, *agents]), draw.randrange(1, 30)
        closed = {"state": TicketState.CLOSED, "closed_at": NOW - number * HOUR}
        await add("Amina", number, agent=agent, opened_at=closed["closed_at"] - took * HOUR, **closed)
        hours.setdefault(agent.id if agent else 0, []).append((took, -number))
    times = await office.times_to_close(NOW)
    assert {one.number: one.closed for one in times.by_agent} == {whose: len(some) for whose, some in hours.items()}
    assert {len(some) % 2 for some in hours.values()} == {0, 1}
    for one in times.by_agent:
        took, newest = max(hours[one.number])
        assert (one.worst, one.worst_ticket) == (took * HOUR, -newest)
        assert one.median == median(took for took, _number in hours[one.number]) * HOUR
    assert [one.median for one in times.by_agent] == sorted((one.median for one in times.by_agent), reverse=True)


async def test_where_nothing_was_closed_there_are_no_times(mwanga: Server) -> None:
    times = await office.times_to_close(NOW)
    assert (times.all, times.by_agent, times.by_mini_grid) == (None, [], [])


async def open_one(mwanga: Server, key: str, words: str = "No light") -> tuple[int, bool, list[str]]:
    """A ticket for Baraka, who called: its number, whether it is new, and who is told."""
    user, device = await OfficeUser.get(name="admin"), await Device.get(serial="SHS0283")
    baraka = await Customer.get(phone=PEOPLE["Baraka"])
    due = mwanga.company.today() + DAY
    async with mwanga.database.work():
        opened, copies = await desk.open_for(
            baraka, device, Category.POWER, words, due=due, user=user, key=key, company=mwanga.company
        )
    return opened.ticket.id, opened.new, [copy.phone for copy in copies]


async def test_a_callers_ticket_goes_to_an_agent_and_both_are_told_once(mwanga: Server) -> None:
    number, new, told = await open_one(mwanga, "form 1")
    assert (new, told) == (True, [PEOPLE["Baraka"], PEOPLE["Asha"]])
    assert await open_one(mwanga, "form 1") == (number, False, [])
    assert await open_one(mwanga, "form 2") == (number, False, []), "the same words are open already"
    _number, new, told = await open_one(mwanga, "form 3", "It smells")
    assert (new, told) == (True, [PEOPLE["Baraka"], PEOPLE["Juma"]]), "who has less to do"
    noted = await Audit.filter(action="ticket opened").values_list("actor", "subject", "detail")
    assert noted == [("admin", f"K{number}", "No light"), ("admin", f"K{number + 1}", "It smells")]


async def test_who_has_not_seen_the_last_step_is_told_so(mwanga: Server) -> None:
    number, *_ = await open_one(mwanga, "form 1")
    user, ticket = await OfficeUser.get(name="admin"), await tickets.find_for_office(number)
    seen = await tickets.last_step(ticket)
    await desk.check_seen(ticket, seen)
    async with mwanga.database.work():
        await desk.comment(ticket, mwanga.company, user, "On our way")
    with pytest.raises(ChangedMeanwhile):
        await desk.check_seen(ticket, seen)


async def test_two_at_once_change_a_ticket_one_after_the_other(mwanga: Server) -> None:
    number, *_ = await open_one(mwanga, "form 1")
    user = await OfficeUser.get(name="admin")
    seen = await tickets.last_step(await tickets.find_for_office(number))

    async def write(words: str) -> bool:
        try:
            async with mwanga.database.work():
                ticket = await tickets.lock_ticket(number)
                await desk.check_seen(ticket, seen)
                await desk.comment(ticket, mwanga.company, user, words)
        except ChangedMeanwhile:
            return False
        return True

    assert sorted(await asyncio.gather(write("One"), write("Two"), write("Three"))) == [False, False, True]
    assert await Audit.filter(action="ticket commented").count() == 1


@pytest.mark.parametrize(("typed", "kept"), [(" They  called\n again ", "They called again"), ("PIN 482915 ok", None)])
def test_words_are_kept_on_one_line_and_without_a_pin(typed: str, kept: str | None) -> None:
    assert read_words(typed) == kept if kept else "482915" not in read_words(typed)


@pytest.mark.parametrize(("typed", "why"), [("", NoWords), ("1 2 3", NoWords), ("x " * 130, TooLong)])
def test_no_words_and_too_many_are_refused(typed: str, why: type[Exception]) -> None:
    with pytest.raises(why):
        read_words(typed)


WANTED = [
    Wanted(),
    Wanted(late=True),
    Wanted(agent=1),
    Wanted(state=TicketState.ASKED),
    Wanted(state=TicketState.CLOSED),
    Wanted(mini_grid=1),
]


async def test_a_list_is_read_by_an_index_of_its_state(mwanga: Server) -> None:
    explain = f"EXPLAIN {'QUERY PLAN ' * mwanga.database.embedded}"
    async with mwanga.database.work() as db:
        if not mwanga.database.embedded:
            await execute(db, "SET LOCAL enable_seqscan = off")
            await execute(db, "SET LOCAL enable_bitmapscan = off")
        for wanted, before in product(WANTED, (0, 7)):
            statement, values = office.question(wanted, before, 51)
            plan = " ".join(map(str, await execute(db, explain + statement, values)))
            by_index = re.search(r"(SEARCH t USING (COVERING )?INDEX|Index (Only )?Scan .*\bticket\b)", plan)
            assert by_index and "SCAN t" not in plan, (wanted, before, plan)
