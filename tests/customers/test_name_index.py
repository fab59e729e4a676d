"""Names as the office looks for them: any order, without accents, and with slips of the finger."""

import pytest

from bot.server import Server
from models.customers import name_index
from models.customers.name_index import consonants, find_by_name, find_near_name, turns
from models.people import Customer, MiniGrid
from models.sql import connection, execute
from tests.world.ownership import keep_names

NAMES = (
    ("Amina Hassan", "Juma"),
    ("Mohamed", "Said"),
    ("Muhammad", "Saidi"),
    ("José", "Conceição"),
    ("Ng'wanza", "Mushi"),
    ("Fatuma", "Abdallah-Omari"),
    ("Ali", "Omari"),
)

FOUND = {
    "amina": {"Amina Juma", "Amina Hassan Juma"},
    "JUMA AMINA": {"Amina Juma", "Amina Hassan Juma"},
    "hassan ami": {"Amina Hassan Juma"},
    "jose conc": {"José Conceição"},
    "ngwanza": {"Ng'wanza Mushi"},
    "omari": {"Fatuma Abdallah-Omari", "Ali Omari"},
    "abdallah omari": {"Fatuma Abdallah-Omari"},
    "": set(),
    "zzz": set(),
}
SLIPS = {
    "amnia juma": "Amina Juma",
    "juma amena": "Amina Juma",
    "barka peter": "Baraka Peter",
    "paraka peter": "Baraka Peter",
    "muhamed said": "Mohamed Said",
    "mohammed saidi": "Muhammad Saidi",
    "fatma omary": "Fatuma Abdallah-Omari",
    "neema paullo": "Neema Paulo",
}


async def add_people(mwanga: Server, *, kept: bool = True) -> dict[int, str]:
    """Somebody of each name; all names by customer number."""
    grid = await MiniGrid.get(name="Lindi South")
    for name, surname in NAMES:
        await Customer.create(name=name, surname=surname, mini_grid_id=grid.id)
    if kept:
        await keep_names(mwanga)
    return {each.id: f"{each.name} {each.surname}" for each in await Customer.all()}


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "too new"])
async def test_a_name_is_found_in_any_order(mwanga: Server, *, kept: bool) -> None:
    people = await add_people(mwanga, kept=kept)
    for typed, found in FOUND.items():
        assert {people[number] for number in await find_by_name(typed, 30)} == found, typed


async def test_a_name_is_found_with_a_slip_in_it(mwanga: Server) -> None:
    people = await add_people(mwanga)
    for typed, found in SLIPS.items():
        assert not await find_by_name(typed, 30), typed
        assert found in [people[number] for number in await find_near_name(typed, 30)], typed


async def test_a_short_word_is_not_guessed_at(mwanga: Server) -> None:
    await add_people(mwanga)
    assert not await find_near_name("xl", 30)
    assert not await find_near_name("one two three four", 30)


async def test_who_is_called_otherwise_is_found_so(mwanga: Server) -> None:
    await keep_names(mwanga)
    await Customer.filter(name="Amina").update(name="Zawadi")
    assert [each.name for each in await Customer.filter(id__in=await find_by_name("zawadi", 30))] == ["Zawadi"]
    assert await keep_names(mwanga) == 1
    assert await find_by_name("amina", 30) == []
    assert len(await find_by_name("juma zawadi", 30)) == 1
    assert await keep_names(mwanga) == 0


async def test_the_same_words_are_learnt_once(mwanga: Server) -> None:
    await add_people(mwanga)
    words = await execute(connection(), "SELECT word FROM name_word")
    assert len({row["word"] for row in words}) == len(words) and {"word": "omari"} in words
    await execute(connection(), "INSERT INTO name_change (customer_id) SELECT id FROM customer")
    await keep_names(mwanga)
    assert await execute(connection(), "SELECT word FROM name_word") == words


def test_a_name_is_kept_in_its_orders() -> None:
    assert turns(["amina", "juma"]) == ["amina juma", "juma amina"]
    assert turns(list("abcd")) == ["a b c d", "b c d a", "c d a b", "d a b c"]
    assert turns(["juma", "juma"]) == ["juma juma"]


def test_vowels_and_double_letters_do_not_count() -> None:
    assert {consonants(word) for word in ("mohamed", "muhamad", "mohammed")} == {"mhmd"}


@pytest.mark.parametrize("engine", ["sqlite"])  # PostgreSQL chooses by its statistics, and these tables are small
@pytest.mark.parametrize("typed", ["amina juma", "amnia jumaa"])
async def test_looking_for_a_name_walks_indexes(mwanga: Server, typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await add_people(mwanga)
    asked = list[tuple[str, list[object]]]()

    async def noted(db, statement, values=()):  # type: ignore[no-untyped-def]
        asked.append((statement, values))
        return await execute(db, statement, values)

    monkeypatch.setattr(name_index, "execute", noted)
    await find_by_name(typed, 30)
    await find_near_name(typed, 30)
    for statement, values in asked:
        plan = [str(row["detail"]) for row in await execute(connection(), f"EXPLAIN QUERY PLAN {statement}", values)]
        scans = [step for step in plan if step.startswith("SCAN") and "name_change" not in step]
        assert all(step.split()[1] in ("n", "CONSTANT") or step.split()[1].startswith("r") for step in scans), plan
