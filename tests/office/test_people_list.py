"""The office's list of customers: filters, pages without a gap, and indexes that are walked."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.server import Server
from models.customers.tags import add_tag
from models.office import people_list
from models.office.people_list import Choice, list_people
from models.people import Agent, Customer, MiniGrid, Village
from models.sql import connection, execute
from tests.world.people import PEOPLE


async def crowd(mwanga: Server, size: int = 12) -> Village:
    grid = await MiniGrid.get(name="Lindi South")
    village = await Village.create(name="Mchinga", mini_grid=grid)
    for number in range(size):
        one = await Customer.create(
            name="Mteja", surname=f"N{number}", mini_grid=grid, village_id=village.id if number % 3 == 0 else None
        )
        if number % 2:
            await add_tag(one, "school", "grace")
    return village


async def names(mwanga: Server, choice: Choice, size: int = 50) -> list[str]:
    """All that the filters leave, page by page."""
    found, before = [], choice.before
    for _page in range(100):
        listed = await list_people(replace(choice, before=before), mwanga.company.today(), size)
        found += [row.name for row in listed.rows]
        if not listed.next:
            return found
        before = listed.next
    raise AssertionError("it does not end")


@pytest.mark.parametrize("size", [1, 4, 50])
async def test_filters_leave_whom_they_name(mwanga: Server, size: int) -> None:
    village = await crowd(mwanga)
    grid, asha = village.mini_grid_id, await Agent.get(phone=PEOPLE["Asha"])
    every_third = [f"Mteja N{number}" for number in (9, 6, 3, 0)]
    assert await names(mwanga, Choice(mini_grid_id=grid), size) == [f"Mteja N{n}" for n in reversed(range(12))]
    assert await names(mwanga, Choice(village_id=village.id, mini_grid_id=grid), size) == every_third
    assert await names(mwanga, Choice(tag="school"), size) == [f"Mteja N{n}" for n in (11, 9, 7, 5, 3, 1)]
    assert await names(mwanga, Choice(tag="school", village_id=village.id), size) == ["Mteja N9", "Mteja N3"]
    assert await names(mwanga, Choice(agent_id=asha.id), size) == ["Baraka Peter"]
    assert await names(mwanga, Choice(agent_id=asha.id, tag="school"), size) == []
    assert len(await names(mwanga, Choice(), size)) == 15


async def test_who_is_overdue_is_found_with_how_much(mwanga: Server) -> None:
    """By days of the demo's instalments, which fall due each week on fixed ones."""
    await crowd(mwanga)
    first = await _first_due()
    assert (await list_people(Choice(overdue=True), first)).rows == []
    later = first + timedelta(days=27)
    listed = await list_people(Choice(overdue=True), later)
    [row] = listed.rows
    assert (row.name, row.serials) == ("Baraka Peter", ["SHS0283"])
    assert (row.late, row.since) == (4 * 700_000, first)
    grid = await MiniGrid.get(name="Lindi South")
    assert (await list_people(Choice(overdue=True, mini_grid_id=grid.id), later)).rows == []


async def _first_due():  # type: ignore[no-untyped-def]
    from models.selling.contracts import Instalment

    return (await Instalment.filter(contract_id=1).order_by("number").first()).due_on  # type: ignore[union-attr]


async def test_a_long_walk_stops_and_says_so(mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_list, "LOOK", 5)
    await crowd(mwanga)
    later = mwanga.company.today() + timedelta(days=30)
    first = await list_people(Choice(overdue=True), later)
    assert (first.rows, first.looked) == ([], 5) and first.next
    found, before = [], first.next
    while before:
        listed = await list_people(Choice(overdue=True, before=before), later)
        found += [row.name for row in listed.rows]
        before = listed.next
    assert found == ["Baraka Peter"]


CHOICES = (
    Choice(),
    Choice(mini_grid_id=1),
    Choice(village_id=1, mini_grid_id=1),
    Choice(agent_id=1),
    Choice(tag="school"),
    Choice(overdue=True),
    Choice(tag="school", village_id=1, overdue=True, agent_id=1),
    Choice(mini_grid_id=1, overdue=True, before=5),
)


@pytest.mark.parametrize("engine", ["sqlite"])  # PostgreSQL chooses by its statistics, and these tables are small
@pytest.mark.parametrize("choice", CHOICES, ids=[str(number) for number in range(len(CHOICES))])
async def test_a_list_walks_an_index(choice: Choice, mwanga: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[tuple[str, list[object]]]()

    async def noted(db, statement, values=()):  # type: ignore[no-untyped-def]
        asked.append((statement, values))
        return await execute(db, statement, values)

    await crowd(mwanga)
    monkeypatch.setattr(people_list, "execute", noted)
    await list_people(choice, mwanga.company.today())
    for statement, values in asked:
        plan = [str(row["detail"]) for row in await execute(connection(), f"EXPLAIN QUERY PLAN {statement}", values)]
        for step in plan:
            made = ("walked", "both_of_them", "r", "k", "g", "(subquery", "v")
            assert not step.startswith("SCAN") or step.split()[1] in made or step == "SCAN customer", (statement, plan)
