"""Tickets on the office's pages, over HTTP and on both engines: who may, what changes, who is told."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.config import Config
from models.people import Agent, Customer, OfficeUser
from models.tickets import Ticket, TicketEvent, TicketState
from models.tickets.tickets import Step
from tests.world.browser import Office, open_office
from tests.world.people import NAMES, PEOPLE

pytestmark = pytest.mark.everyday_on_sqlite

K1 = "/tickets/K1"


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    """Ticket K1 of Baraka is with Asha, who reported it; the office is signed in."""
    async with open_office(config) as office:
        await office.sms("Asha", "FIX SHS0283 no power")
        await office.html()
        await office.ask("DELETE FROM outbox")
        yield office


async def does(office: Office, what: str, path: str = K1, **fields: str) -> int:
    """Send one of the ticket's forms; the status."""
    return (await office.post(path, do=what, csrf=await office.csrf(path), **fields)).status


async def told(office: Office) -> dict[str, str]:
    """Who was written to since the last look, and what."""
    rows = await office.ask("SELECT phone, text FROM outbox ORDER BY id")
    await office.ask("DELETE FROM outbox")
    assert len({row["phone"] for row in rows}) == len(rows), "one message for each"
    return {NAMES[row["phone"]]: row["text"] for row in rows}


async def number_of(name: str) -> int:
    return (await Agent.get(phone=PEOPLE[name])).id


async def test_tickets_are_for_those_who_are_signed_in(config: Config) -> None:
    async with open_office(config) as office:
        await office.sms("Asha", "FIX SHS0283 no power")
        for response in (await office.get("/tickets"), await office.get(K1), await office.post(K1, do="ask")):
            assert response.status == 303 and response.headers["Location"] == "/login"
        assert await TicketEvent.all().count() == 1


@pytest.mark.parametrize("what", ["assign", "comment", "ask", "close", "reopen"])
async def test_a_form_of_another_site_changes_nothing(office: Office, what: str) -> None:
    assert (await office.post(K1, do=what, words="hello there", to="agent 2", due="2030-01-01")).status == 403
    assert await TicketEvent.all().count() == 1
    assert await told(office) == {}


async def test_the_list_names_what_is_open_and_whose_work_it_is(office: Office) -> None:
    await office.sms("Neema", "FIX device broken <i>the light")
    now = datetime.now(UTC)
    await Ticket.filter(id=1).update(opened_at=now - timedelta(hours=5), due_at=now - timedelta(days=1))
    page = await office.page("/tickets")
    assert "Open: 2" in page and "Closed: 0" in page
    assert page.index("K1 no power, SHS0283") < page.index("K2 device broken, EB100042"), "the most urgent first"
    assert page.count(", late") == 1
    assert "Baraka Peter: no power" in page and "5 h old, Asha Mushi" in page
    assert "Neema Paulo: device broken <i>the light" in page
    assert "<i>the light" not in await office.html("/tickets")


async def test_older_closed_tickets_are_on_further_pages(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.tickets.tickets.MOST_LISTED", 2)
    for place in range(4):
        await office.sms("Baraka", f"FIX lamp {'abcd'[place]} is dark")
    await Ticket.all().update(state=TicketState.CLOSED, closed_at=datetime.now(UTC))
    first = await office.page("/tickets")
    assert "K5" in first and "K4" in first and "K3" not in first and "Older ones" in first
    second = await office.page("/tickets?before=4")
    assert "K3" in second and "K2" in second and "K4" not in second
    assert "Older ones" not in await office.page("/tickets?before=2")


async def test_the_work_is_given_to_another_agent_and_everybody_is_told(office: Office) -> None:
    tomorrow = datetime.now(office.mwanga.company.zone).date() + timedelta(days=1)
    juma = await number_of("Juma")
    assert await does(office, "assign", to=f"agent {juma}", due=tomorrow.isoformat()) == 303
    messages = await told(office)
    day = f"{tomorrow.day}/{tomorrow.month}"
    assert messages["Baraka"] == "Ticket K1: Agent Juma Said +255700000002 will call."
    assert messages["Asha"] == messages["Baraka"]
    assert messages["Juma"].startswith(f"Tiketi K1 ni yako, hadi {day}. BARAKA P.")
    ticket = await Ticket.get(id=1)
    assert (ticket.agent_id, ticket.staff_id) == (juma, None)
    assert ticket.due_at.astimezone(office.mwanga.company.zone).date() == tomorrow
    assert "admin given to: Juma Said" in await office.page(K1)
    assert await does(office, "assign", to=f"agent {juma}", due=tomorrow.isoformat()) == 303
    assert await told(office) == {}, "the same again is no news"


async def test_the_office_keeps_the_work(office: Office) -> None:
    clerk = await OfficeUser.get(name="admin")
    due = (await Ticket.get(id=1)).due_at
    assert await does(office, "assign", to=f"staff {clerk.id}", due=await due_on_the_page(office)) == 303
    assert await told(office) == dict.fromkeys(("Baraka", "Asha"), "Ticket K1: The office will call.")
    ticket = await Ticket.get(id=1)
    assert (ticket.agent_id, ticket.staff_id, ticket.due_at) == (None, clerk.id, due)
    assert "It is with admin of the office." in await office.page(K1)


async def due_on_the_page(office: Office) -> str:
    return (await office.html(K1)).split('name="due" value="')[1][:10]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"to": "agent 3", "due": "2030-01-01"}, "Choose who is to do the work."),  # Zuhura, of another mini-grid
        ({"to": "agent 99", "due": "2030-01-01"}, "Choose who is to do the work."),
        ({"to": "staff x", "due": "2030-01-01"}, "Choose who is to do the work."),
        ({"to": "agent 2", "due": "soon"}, "The due date is no date like"),
        ({"to": "agent 2", "due": "2020-01-01"}, "The due date is over already"),
        ({"to": "agent 2", "due": "9999-12-31"}, "The due date is over already"),
        ({}, "Choose who is to do the work."),
    ],
)
async def test_who_and_when_have_to_make_sense(office: Office, fields: dict[str, str], said: str) -> None:
    response = await office.post(K1, do="assign", csrf=await office.csrf(K1), **fields)
    assert response.status == 422 and f"Nothing was changed. {said}" in await response.text()
    assert await TicketEvent.all().count() == 1
    assert await told(office) == {}


async def test_a_locked_agent_gets_no_work(office: Office) -> None:
    await Agent.filter(phone=PEOPLE["Juma"]).update(locked_at=datetime.now(UTC))
    page = await office.html(K1)
    assert "Asha Mushi, agent" in page and "Juma Said, agent" not in page
    assert await does(office, "assign", to=f"agent {await number_of('Juma')}", due="2030-01-01") == 422


async def test_words_are_added_and_told_to_both_sides(office: Office) -> None:
    assert await does(office, "comment", words="We come <i>tomorrow</i>. PIN 482915") == 303
    words = "Mwanga Demo on K1: We come <i>tomorrow</i>. PIN ******\nAnswer: T K1 and your words"
    assert await told(office) == {"Baraka": words, "Asha": words}
    assert "<i>" not in await office.html(K1)
    assert "admin added: We come <i>tomorrow</i>. PIN ******" in await office.page(K1)
    assert await does(office, "comment", words="We come <i>tomorrow</i>. PIN 482915") == 303
    assert await told(office) == {}, "sent twice, added once"


async def test_a_button_that_is_pressed_twice_at_once_counts_once(office: Office) -> None:
    csrf = await office.csrf(K1)
    both = [office.post(K1, do="close", csrf=csrf, words="They called") for _ in range(2)]
    assert [response.status for response in await asyncio.gather(*both)] == [303, 303]
    assert await TicketEvent.filter(step=Step.CLOSED).count() == 1
    assert set(await told(office)) == {"Baraka", "Asha"}


@pytest.mark.parametrize("what", ["comment", "close"])
@pytest.mark.parametrize("words", ["", " ", "1", "W" * 251])
async def test_words_are_some_and_not_too_many(office: Office, what: str, words: str) -> None:
    assert await does(office, what, words=words) == 422
    assert await TicketEvent.all().count() == 1


async def test_the_customer_is_asked_before_it_closes_and_a_no_opens_it_again(office: Office) -> None:
    assert await does(office, "ask") == 303
    messages = await told(office)
    assert set(messages) == {"Baraka", "Asha"}
    assert messages["Baraka"].startswith("Ticket K1, SHS0283: no power: is it fixed? Reply 1 for yes, 2 for no.")
    assert "The customer is asked: 1" in await office.page("/tickets")
    await office.sms("Baraka", "2 still dark")
    page = await office.page(K1)
    assert "Baraka Peter opened it again: still dark" in page
    assert await does(office, "ask") == 303
    await office.sms("Baraka", "1")
    assert (await Ticket.get(id=1)).state == TicketState.CLOSED
    assert "Baraka Peter closed" in await office.page(K1)


async def test_a_customer_without_a_phone_is_not_waited_for(office: Office) -> None:
    await Customer.filter(phone=PEOPLE["Baraka"]).update(phone=None)
    assert "there is no phone to ask" in await office.page(K1)
    assert await does(office, "ask") == 303
    assert await told(office) == {"Asha": "K1 is closed. BARAKA P. has no phone to ask."}


async def test_the_office_closes_with_a_reason_and_opens_it_again(office: Office) -> None:
    assert await does(office, "close", words="Reported twice") == 303
    assert await told(office) == {
        "Baraka": "K1 is closed. Not fixed after all? Send T K1 and what is wrong.",
        "Asha": "K1 is closed by the office: Reported twice",
    }
    assert await does(office, "close", words="Reported twice") == 303
    assert await told(office) == {}
    assert await does(office, "reopen", words="It was another lamp") == 303
    again = "K1 is open again. Agent Asha Mushi +255700000001 will call."
    assert await told(office) == {"Baraka": again, "Asha": again}


async def test_every_step_is_audited(office: Office) -> None:
    await does(office, "comment", words="On our way")
    await does(office, "ask")
    await does(office, "close", words="They called")
    await does(office, "reopen", words="Dark again")
    rows = await office.ask("SELECT actor, action, subject, detail FROM audit WHERE action LIKE 'ticket %' ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [
        ("admin", "ticket commented", "K1", "On our way"),
        ("admin", "ticket asked", "K1", ""),
        ("admin", "ticket closed", "K1", "They called"),
        ("admin", "ticket reopened", "K1", "Dark again"),
    ]


@pytest.mark.parametrize("path", ["/tickets/K2", "/tickets/K999999999", "/tickets/1", "/tickets/K", "/tickets/K1 x"])
async def test_what_is_no_ticket_is_not_found(office: Office, path: str) -> None:
    assert (await office.get(path)).status == 404
    assert (await does(office, "nothing")) == 400
    assert (await office.post(path, do="ask", csrf=await office.csrf(K1))).status == 404
