"""The agent's customers: nobody of another mini-grid, everybody of the own one, found by whatever is known of them."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from bot.config import LANGUAGES
from bot.runtime import Database
from bot.server import Server
from bot.text import SCREEN, septets
from models.customers import search
from models.customers.search import Selection
from models.devices import Device, Kind, Tariff
from models.people import Agent, Customer, MiniGrid, Village
from models.sql import connection, execute
from tests.world.business import business
from tests.world.people import NOON, Phones

pytestmark = pytest.mark.everyday_on_sqlite

PEOPLE = (
    ("Mary Anne", "van der Berg", "+255710000011"),
    ("Berta", "Mary", "+255710000012"),
    ("O'Neil", "Joao", None),
    ("Élodie", "Ba", "+254712345678"),
)
FOUND = {
    "mary": ["Mary Anne", "Berta"],
    "MARY ANNE": ["Mary Anne"],
    "mary anne van": ["Mary Anne"],
    "van der berg mary": ["Mary Anne"],
    "berg": ["Mary Anne"],
    "ber": ["Berta", "Mary Anne"],
    "Mary Berta": ["Berta"],
    "o'n": ["O'Neil"],
    "Él": ["Élodie"],
    "lodie": ["Élodie"],
    "elodie": ["Élodie"],
    "anne mary": ["Mary Anne"],
    "élo": ["Élodie"],
    "100%": [],
    "0710 000 011": ["Mary Anne"],
    "00255710000011": ["Mary Anne"],
    "0011": ["Mary Anne"],
    "0712345678": [],
    "+254 712-345-678": ["Élodie"],
    "345678": ["Élodie"],
    "710000012": ["Berta"],
    "10000012": ["Berta"],
    "SHX 0077": ["O'Neil"],
    "0077": ["O'Neil"],
    "x0077": ["O'Neil"],
}
NONSENSE = ("W" * 300, "😀", "٣٣", "-1", "' OR 1=1 --", "{0.__class__}", "%s", "\\", "*", "0" * 40, "99999999999", "!")


async def people(village: str = "Mtwara") -> dict[str, Customer]:
    place = await Village.get(name=village)
    made = {
        name: await Customer.create(
            name=name, surname=surname, phone=phone, mini_grid_id=place.mini_grid_id, village=place
        )
        for name, surname, phone in PEOPLE
    }
    await Device.create(serial="SHX0077", kind=Kind.SHS, issuer="openpaygo", sealed_key="", customer=made["O'Neil"])
    return made


async def said(phones: Phones, text: str, name: str = "Asha") -> str:
    return "\n".join([message for who, message in await phones.text(name, text) if who == name])


@pytest.mark.parametrize("text", FOUND)
async def test_a_customer_is_found_by_any_beginning_of_a_name_or_end_of_a_number(text: str, mwanga: Server) -> None:
    made = await people()
    answer = await said(Phones(mwanga), f"FIND {text}")
    shown = {name for name, one in made.items() if f"#{one.id}" in answer}
    assert shown == set(FOUND[text]), answer
    assert FOUND[text] or "not found" in answer or "Write more" in answer


@pytest.mark.parametrize("command", [*(f"FIND {text}" for text in FOUND), "LIST", "LIST SHS", "LIST TODAY"])
async def test_an_agent_sees_nobody_of_another_mini_grid(command: str, mwanga: Server) -> None:
    made = await people()
    answer = await said(Phones(mwanga), command, "Zuhura")
    assert "#" not in answer, answer
    for one in made.values():
        assert "No customer" in await said(Phones(mwanga), f"CUST {one.id}", "Zuhura")


async def test_a_village_of_another_mini_grid_is_none(mwanga: Server) -> None:
    south = await MiniGrid.get(name="Lindi South")
    await Village.create(name="Kilwa", mini_grid=south)
    assert "Send one of:" in await said(Phones(mwanga), "LIST Kilwa")
    assert "No customers" in await said(Phones(mwanga), "LIST Kilwa", "Zuhura")


@pytest.mark.parametrize("name", ["St. Anne", "Kijiji Na. 2", "Dr. Livingstone Rd. East"])
async def test_a_village_is_named_as_it_is_shown_with_its_full_stops(mwanga: Server, name: str) -> None:
    await Village.create(name=name, mini_grid=await MiniGrid.get(name="Mtwara North"))
    assert "No customers" in await said(Phones(mwanga), f"LIST {name}")
    assert "No customers" in await said(Phones(mwanga), f"LIST {name.replace('.', '')}")
    assert "Register ZUWENA A.?" in await said(Phones(mwanga), f"REG Zuwena Ali none none {name}")


async def test_the_pages_show_everybody_once_in_the_order_of_names(mwanga: Server) -> None:
    north = await MiniGrid.get(name="Mtwara North")
    await Customer.bulk_create(
        Customer(name=f"Mtu {n:03d}", surname="wa " + "x" * (n % 30), mini_grid=north) for n in range(120)
    )
    phones, seen = Phones(mwanga), list[str]()
    answer = await said(phones, "LIST")
    while "Further" in answer or "9. More" in answer:
        seen += re.findall(r"#(\d+)", answer)
        further = re.search(r"(\d)\. Further", answer)
        answer = await said(phones, further[1] if further else "9")
    seen += re.findall(r"#(\d+)", answer)
    expected = await Customer.filter(mini_grid=north).order_by("name", "id")
    assert seen == [str(one.id) for one in expected]


async def test_a_page_is_what_more_would_have_led_to(mwanga: Server) -> None:
    north = await MiniGrid.get(name="Mtwara North")
    await Customer.bulk_create(Customer(name=f"Mtu {n:03d}", surname="y" * n, mini_grid=north) for n in range(60))
    phones = Phones(mwanga)
    first = f"{await said(phones, 'LIST')}\n0. Back"  # from a page that was named to the list without one
    screens = [first, *[await said(phones, "9") for _ in range(7)]]
    assert [await said(phones, f"LIST {page}") for page in range(1, 9)] == screens


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("command", ["LIST", "FIND", "CUST"])
async def test_nonsense_gets_one_short_answer_and_changes_nothing(command: str, nonsense: str, mwanga: Server) -> None:
    phones, before = Phones(mwanga), await business()
    for text in (f"{command} {nonsense}", command, nonsense):
        answers = await phones.text("Asha", text)
        assert len(answers) <= 1
        assert all(septets(message) <= SCREEN for _name, message in answers)
    assert await business() == before


async def test_today_begins_at_midnight_in_the_operators_zone(mwanga: Server) -> None:
    """In Dar es Salaam it is 00:00 when it is 21:00 UTC; who is known from before the time was kept is not of today."""
    north, midnight = await MiniGrid.get(name="Mtwara North"), datetime(2026, 11, 23, 21, tzinfo=UTC)
    for name, moment in (
        ("Kesho", midnight),
        ("Jana", midnight - timedelta(microseconds=1)),
        ("Leo", midnight + timedelta(microseconds=1)),
        ("Kale", None),
    ):
        await Customer.create(name=name, surname="Siku", mini_grid=north, created_at=moment)
    with time_machine.travel(NOON, tick=False):
        answer = await said(Phones(mwanga), "LIST TODAY")
    assert re.findall(r"[1-9]\. (\w+)", answer) == ["Leo", "Kesho"]


async def test_a_later_change_does_not_date_a_customer_from_before(database: Database) -> None:
    old = await Customer.create(name="Kale", surname="Siku", mini_grid=await MiniGrid.create(name="X"), created_at=None)
    again = await Customer.get(id=old.id)
    again.language = "sw"
    await again.save()
    assert (await Customer.get(id=old.id)).created_at is None


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_customer_fits_one_message_at_the_longest_values(language: str, mwanga: Server) -> None:
    north = await MiniGrid.get(name="Mtwara North")
    village = await Village.create(name="W" * 100, mini_grid=north)
    await Agent.all().update(language=language)
    plan = await Tariff.create(name="W" * 100, unit="energy", price=9_999_999_00)
    for number, phone in ((1_234_567, "+25471234567890"), (1_234_568, "+2557123456789")):
        one = await Customer.create(
            id=number, name="W" * 100, surname="W" * 100, phone=phone, mini_grid=north, village=village
        )
        for kind in Kind:
            await Device.create(
                serial=f"{'W' * 18}{kind[0]}{number % 10}",
                kind=kind,
                issuer="openpaygo",
                sealed_key="",
                customer=one,
                tariff=plan,
                paid_until=datetime(2099, 12, 22, tzinfo=UTC),
            )
    shs = await Device.get(serial="SHS0283")
    phones, commands = Phones(mwanga), ["LIST", "LIST " + "W" * 100, "FIND ww", "CUST 1234567"]
    await said(phones, "BUY SHS0283 8000")
    await said(phones, "1 482915")
    sold = await execute(connection(), "SELECT sale_id FROM token WHERE device_id = $1", [shs.id])
    assert sold
    await execute(connection(), "UPDATE device SET serial = 'x' || serial WHERE id = $1", [shs.id])
    await Device.filter(id=shs.id).update(serial="W" * 19 + "x", customer_id=1_234_567, kind="ebike", tariff_id=plan.id)
    await Device.filter(id=shs.id).update(paid_until=datetime(2099, 12, 22, tzinfo=UTC))
    for command in commands:
        assert septets(await said(phones, command)) <= SCREEN
    screens = []
    for answer in ("CUST 1234567", "1", "CUST 1234567", "2", "CUST 1234567", "3", "CUST 1234568"):
        screens.append(await said(phones, answer))
    assert all(septets(screen) <= SCREEN for screen in screens), screens
    assert [screen for screen in screens if "\n1. " not in screen] == [], "from each one leads on"


async def test_a_mini_grid_too_large_to_look_through_is_listed_honestly(mwanga: Server, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(search, "LOOK", 2)
    phones = Phones(mwanga)
    assert (await said(phones, "LIST SHS")).startswith("With solar home system, of the first 2\n1. Baraka")
    assert (await said(phones, "LIST METER Naliendele")).startswith("Naliendele: With meter\nNo customers.")


PLANS = (
    ("customer_name", lambda grid, village: search.list_customers(Selection(grid), 0, 48)),
    ("customer_village", lambda grid, village: search.list_customers(Selection(grid, village_id=village), 0, 48)),
    ("device_customer", lambda grid, village: search.list_customers(Selection(grid, kind=Kind.METER), 0, 48)),
    ("customer_created", lambda grid, village: search.list_customers(Selection(grid, since=NOON), 0, 48)),
    ("customer_surname", lambda grid, village: search.find_customers(grid, "ju", [], 31)),
    ("customer_phone_tail", lambda grid, village: search.find_customers(grid, "0712", ["0712"], 31)),
    ("device_tail", lambda grid, village: search.find_customers(grid, "0712", ["0712"], 31)),
)


@pytest.mark.parametrize("engine", ["sqlite"])  # PostgreSQL chooses by its statistics, and these tables are small
@pytest.mark.parametrize(("index", "ask"), PLANS, ids=[index for index, _ask in PLANS])
async def test_a_question_walks_its_index_and_sorts_nothing(index, ask, mwanga: Server, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """What a list or a search costs must not grow with the customers: SQLite says how it goes about it."""
    asked = list[tuple[str, list[object]]]()

    async def noted(db, statement, values=()):  # type: ignore[no-untyped-def]
        asked.append((statement, values))
        return await execute(db, statement, values)

    monkeypatch.setattr(search, "execute", noted)
    village = await Village.get(name="Mtwara")
    await ask(village.mini_grid_id, village.id)
    plans = []
    for statement, values in asked:
        rows = await execute(connection(), f"EXPLAIN QUERY PLAN {statement}", values)
        plans.append("\n".join(str(row["detail"]) for row in rows))
    assert any(f"INDEX {index} " in plan for plan in plans), plans
    for step in "\n".join(plans).split("\n"):
        assert not step.startswith("SCAN") or step == "SCAN c", plans
        assert "TEMP B-TREE" not in step or "SCAN c" in "\n".join(plans), plans
