"""Write to many, from the page to the outbox, to each kind of people who can be chosen; once in a real browser too."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import time_machine

from bot.config import Config
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from models.devices import Device
from models.devices.connections import Connection, ConnectionType
from tests.world.browser import Office, open_office
from tests.world.chromium import needs_chromium, open_browser, open_tab
from tests.world.many import go_on, hidden, look
from tests.world.people import NOON, PEOPLE

pytestmark = pytest.mark.everyday_on_sqlite

FACTS = {
    "mini_grid": "SELECT mini_grid_id FROM customer WHERE name = 'Neema'",
    "village": "SELECT village_id FROM customer WHERE name = 'Baraka'",
    "connection": "SELECT type_id FROM connection",
}
# What is chosen on the page (a number by the statement that finds it), how it is said there, and who gets it.
AUDIENCES: dict[str, tuple[dict[str, str], str, set[str]]] = {
    "all": ({}, "all customers", {"Amina", "Baraka", "Neema"}),
    "kind of connection": ({"connection": FACTS["connection"]}, "Household", {"Amina"}),
    "mini-grid": ({"mini_grid": FACTS["mini_grid"]}, "Lindi South", {"Neema"}),
    "village": ({"village": FACTS["village"]}, "Naliendele", {"Baraka"}),
    "overdue": ({"late": "y"}, "who is overdue", {"Baraka"}),
    "tag": ({"tag": "school"}, "tag school", {"Amina", "Neema"}),
    "language": ({"language": "fr"}, "Français", {"Baraka"}),
    "several at once": ({"tag": "school", "mini_grid": FACTS["mini_grid"]}, "Lindi South, tag school", {"Neema"}),
}


@pytest.fixture(autouse=True)
def clock(request: pytest.FixtureRequest) -> Any:
    with time_machine.travel(NOON, tick="browser" in request.node.name) as traveller:
        yield traveller


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    """The demo's three customers, each another one: a meter with its connection, a village, a mini-grid, and so on."""
    async with open_office(config) as office:
        office.mwanga.broadcasts.stop()  # what goes out goes when a test says so
        for statement in (
            "UPDATE customer SET language = 'fr', village_id = (SELECT id FROM village WHERE name = 'Naliendele') "
            "WHERE name = 'Baraka'",
            "UPDATE customer SET village_id = NULL, "
            "mini_grid_id = (SELECT id FROM minigrid WHERE name = 'Lindi South') WHERE name = 'Neema'",
            "INSERT INTO customer_tag (tag, customer_id) "
            "SELECT 'school', id FROM customer WHERE name IN ('Amina', 'Neema')",
            "UPDATE instalment SET due_on = '2026-11-20' WHERE number = 1",
        ):
            await office.ask(statement)
        async with office.mwanga.database.work():
            [household] = await ConnectionType.filter(name="Household")
            await Connection.create(device=await Device.get(kind="meter"), type=household)
        await office.sign_in()
        yield office


async def chosen(office: Office, given: dict[str, str]) -> dict[str, str]:
    """The fields of the form, with the numbers that their statements find."""
    fields = {}
    for name, said in given.items():
        [row] = await office.ask(said) if said.startswith("SELECT") else [{"": said}]
        fields[name] = str(next(iter(row.values())))
    return fields


async def got(office: Office) -> dict[str, str]:
    """Who gets which text, by the outbox; reminders of what is overdue are none of this."""
    office.mwanga.broadcasts._stopping = False
    await go_on(office.mwanga.broadcasts)
    names = {phone: name for name, phone in PEOPLE.items()}
    written = await office.ask("SELECT phone, text FROM outbox WHERE origin LIKE 'broadcast %'")
    return {names[row["phone"]]: row["text"] for row in written}


@pytest.mark.parametrize("audience", AUDIENCES)
async def test_who_is_chosen_gets_it_and_nobody_else(office: Office, audience: str) -> None:
    given, said, people = AUDIENCES[audience]
    text = "{name}: the power is off on Sunday"
    status, html = await look(office, text_en=text, **await chosen(office, given))
    assert status == 200 and f"To: {said}</p>" in html
    assert hidden(html, "/write/send")["people"] == str(len(people))
    response = await office.post("/write/send", **hidden(html, "/write/send"))
    assert (response.status, response.headers["Location"]) == (303, "/write/1")
    assert await got(office) == {name: f"{name}: the power is off on Sunday" for name in people}
    assert f"to: {said}" in await office.page("/write/1")


async def test_each_field_of_the_page_is_chosen_by_somebody(office: Office) -> None:
    """A kind of people that is added to the page has to be tried here."""
    html = await office.html("/write")
    form = html[html.index('<form method="post" action="/write">') :]
    fields = {name for name in ("mini_grid", "village", "connection", "late", "tag", "language") if f'"{name}"' in form}
    assert fields == {name for given, _said, _people in AUDIENCES.values() for name in given}
    assert form.count("<select") + form.count('type="checkbox"') == len(fields)


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(("width", "script"), [(360, True), (1280, False)])
async def test_a_kind_of_connection_is_written_to_in_a_browser(office: Office, width: int, script: bool) -> None:
    async with (
        open_browser() as browser,
        open_tab(browser, str(office.client.make_url("/")), width, java_script_enabled=script) as tab,
    ):
        await tab.sign_in(OFFICE_USER, OFFICE_PASSWORD)
        await tab.go("/messages")
        await tab.page.click("main a >> text=Write to many")
        await tab.page.fill("[name=text_en]", "The meters are read on Monday")
        await tab.page.select_option("[name=connection]", "Household")
        await tab.page.click("text=Look at it before it goes")
        await tab.page.click("text=Send to 1 person")
        await tab.page.wait_for_selector("h1 >> text=Written to many")
        assert await got(office) == {"Amina": "The meters are read on Monday"}
        await tab.page.click("text=Look again")
        assert "Amina Juma" in await tab.page.inner_text("main")
        assert tab.complaints == []
