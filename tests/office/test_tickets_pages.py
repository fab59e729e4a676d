"""Tickets on the office's pages, over HTTP and on both engines: who may, what changes, who is told."""

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import ClientResponse

from bot.config import Config
from handlers.office.tickets import times
from models.devices import Device
from models.people import Agent, Customer, OfficeRole, OfficeUser
from models.tickets import Ticket, TicketEvent, TicketState
from models.tickets.tickets import Step
from tests.world.browser import CSRF, Office, open_office
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


SEEN = re.compile(r'name="seen" value="(\d+)"')
ONCE = re.compile(r'name="once" value="([^"]+)"')


async def filled(office: Office, what: str, path: str = K1, **fields: str) -> dict[str, str]:
    """One of the ticket's forms as a browser sends it, with these fields."""
    html = await office.html(path)
    hidden = {"csrf": CSRF.findall(html)[0], "seen": SEEN.findall(html)[0], "once": ONCE.findall(html)[0], "do": what}
    return hidden | {f"{what}-{name}": value for name, value in fields.items()}


async def does(office: Office, what: str, path: str = K1, **fields: str) -> int:
    """Send one of the ticket's forms; the status."""
    return (await office.post(path, **await filled(office, what, path, **fields))).status


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
        for path in ("/tickets", K1):
            response = await office.get(path)
            assert response.status == 303 and response.headers["Location"] == f"/login?next={path}"
        assert (await office.post(K1, do="ask")).status == 403
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
    assert page.index("K1 No power , SHS0283") < page.index("K2 Device broken , EB100042"), "the most urgent first"
    assert page.count(", late") == 1
    assert "Baraka Peter: no power" in page and "5 h old, Mtwara North, Asha Mushi" in page
    assert "Neema Paulo: device broken <i>the light" in page
    assert "<i>the light" not in await office.html("/tickets")
    assert "Tickets 2" in page, "the entry says how many are open"
    assert "No customer is asked if it is fixed." in await office.page("/tickets?state=asked")
    assert "No ticket was closed." in await office.page("/tickets?state=closed")


async def test_filters_are_in_the_address_and_say_when_nothing_is_left(office: Office) -> None:
    zuhura = await number_of("Zuhura")
    assert "K1" in await office.page("/tickets?agent=1&grid=1&category=power&age=&state=open")
    for query in (f"agent={zuhura}", "agent=nobody", "agent=office", "grid=2", "category=code", "age=3", "late=1"):
        page = await office.page(f"/tickets?{query}")
        assert "No ticket is like that." in page and "K1" not in page, query
    html = await office.html("/tickets?category=code&late=1")
    assert '<option value="code" selected>' in html and 'name="late" value="1" checked' in html
    assert "/tickets?category=code&amp;late=1&amp;csv=1" in html
    for odd in ("state=x", "agent=x", "agent=99999999999999999999", "before=x", "age=-1", "grid=1.5"):
        await office.page(f"/tickets?{odd}")


async def test_a_list_goes_on_and_keeps_its_filters(office: Office) -> None:
    opened = datetime.now(UTC) - timedelta(days=2)
    first = await Ticket.get(id=1)
    for number in range(2, 54):
        await Ticket.create(
            id=number, key=f"{number}", customer_id=first.customer_id, category="power", text="", opened_at=opened,
            due_at=first.due_at, agent_id=first.agent_id, state=TicketState.CLOSED, closed_at=opened,
        )  # fmt: skip
    html = await office.html("/tickets?state=closed&agent=1")
    assert html.count('href="/tickets/K') == 50 and "/tickets/K53" in html
    assert "/tickets?state=closed&amp;agent=1&amp;before=4" in html
    html = await office.html("/tickets?state=closed&agent=1&before=4")
    assert html.count('href="/tickets/K') == 2 and "before=" not in html


async def test_a_list_is_a_file_with_its_filters_and_the_audit_notes_it(office: Office) -> None:
    await office.sms("Neema", "FIX device broken =cmd()")
    await Ticket.filter(id=2).update(text="=cmd()")
    response = await office.get("/tickets?category=other&csv=1")
    assert response.headers["Content-Disposition"].startswith('attachment; filename="mwanga-tickets-')
    assert (await response.text()).count("\n") == 1, "the header"
    response = await office.get("/tickets?csv=1&before=1")
    raw = await response.read()
    assert response.content_type == "text/csv" and raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"))))
    assert [(row["number"], row["name"], row["agent"]) for row in rows] == [
        ("K1", "Baraka", "Asha Mushi"),
        ("K2", "Neema", rows[1]["agent"]),
    ]
    assert rows[1]["text"] == "'=cmd()", "no formula"
    opened = (await Ticket.get(id=1)).opened_at.astimezone(office.mwanga.company.zone)
    assert rows[0]["opened"] == f"{opened:%Y-%m-%d %H:%M:%S}"
    noted = await office.ask("SELECT actor, subject, detail, whence FROM audit WHERE action = 'export' ORDER BY id")
    assert [(row["actor"], row["subject"], row["detail"]) for row in noted] == [
        ("admin", "tickets", "category=other"),
        ("admin", "tickets", ""),
    ]


async def test_how_long_closing_took(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No ticket was closed in this time." in await office.page("/tickets/times")
    now = datetime.now(UTC)
    closed = {"state": TicketState.CLOSED, "closed_at": now, "opened_at": now - timedelta(hours=5)}
    await Ticket.filter(id=1).update(**closed)
    page = await office.page("/tickets/times")
    assert "Half of them within 5 h The longest 5 h K1" in page
    assert "Mtwara North 1 5 h 5 h" in page and "Asha Mushi 1 5 h 5 h" in page
    assert "took longest" not in page
    monkeypatch.setattr(times, "SHOWN", 0)
    assert (await office.page("/tickets/times")).count("These 0 took longest; the CSV file has all.") == 2
    monkeypatch.undo()
    rows = (await (await office.get("/tickets/times?csv=1")).text()).splitlines()
    assert rows[1:] == ["mini_grid,Mtwara North,1,5.0,5.0,K1", "agent,Asha Mushi,1,5.0,5.0,K1"]


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
    assert "admin gave it to: Juma Said" in await office.page(K1)
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
    return (await office.html(K1)).split('name="assign-due"')[1].split('value="')[1][:10]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"to": "agent 3", "due": "2030-01-01"}, "Please choose one of the list."),  # Zuhura, of another mini-grid
        ({"to": "agent 99", "due": "2030-01-01"}, "Please choose one of the list."),
        ({"to": "staff x", "due": "2030-01-01"}, "Please choose one of the list."),
        ({"to": "agent 2", "due": "soon"}, "Please write a day, like 2026-11-30."),
        ({"to": "agent 2", "due": "2020-01-01"}, "This day is over already, or too far away."),
        ({"to": "agent 2", "due": "9999-12-31"}, "This day is over already, or too far away."),
        ({"to": "", "due": "2030-01-01"}, "Please choose one of the list."),
    ],
)
async def test_who_and_when_have_to_make_sense(office: Office, fields: dict[str, str], said: str) -> None:
    response = await office.post(K1, **await filled(office, "assign", **fields))
    html = await response.text()
    assert response.status == 422 and said in html and f'value="{fields["due"]}"' in html
    assert await TicketEvent.all().count() == 1
    assert await told(office) == {}


async def test_a_locked_agent_gets_no_work(office: Office) -> None:
    await Agent.filter(phone=PEOPLE["Juma"]).update(locked_at=datetime.now(UTC))
    page = await office.html(K1)
    assert "Asha Mushi, agent" in page and "Juma Said, agent" not in page
    assert await does(office, "assign", to=f"agent {await number_of('Juma')}", due="2030-01-01") == 422


async def test_agents_of_one_name_are_told_apart(office: Office) -> None:
    assert "Juma Said, agent" in await office.page(K1)
    await Agent.filter(phone=PEOPLE["Juma"]).update(name="Asha Mushi")
    page = await office.page(K1)
    assert "Asha Mushi +255700000001, agent" in page and "Asha Mushi +255700000002, agent" in page


async def test_words_are_added_and_told_to_both_sides(office: Office) -> None:
    assert await does(office, "comment", words="We come <i>tomorrow</i>. PIN 482915") == 303
    words = "Mwanga Demo on K1: We come <i>tomorrow</i>. PIN ******\nAnswer: T K1 and your words"
    assert await told(office) == {"Baraka": words, "Asha": words}
    assert "<i>" not in await office.html(K1)
    assert "admin wrote: We come <i>tomorrow</i>. PIN ******" in await office.page(K1)
    assert await does(office, "comment", words="We come <i>tomorrow</i>. PIN 482915") == 303
    assert await told(office) == {}, "sent twice, added once"


async def test_words_and_names_that_are_longer_than_a_number_break_no_page(office: Office) -> None:
    """A user of the office with a long name, a customer whose words begin with a plus."""
    await office.sms("Baraka", "NOTE K1 +255 is what the neighbour has as well")
    await office.become(OfficeRole.SUPPORT, "rehema.hassan.of.lindi")
    assert await does(office, "comment", words="+everybody in the village knows") == 303
    page = await office.page(K1)
    assert "rehema.hassan.of.lindi wrote: +everybody in the village knows" in page
    [customer] = await office.ask("SELECT customer_id FROM ticket")
    assert "+everybody in the village" in await office.page(f"/people/{customer['customer_id']}")


async def test_a_button_that_is_pressed_twice_at_once_counts_once(office: Office) -> None:
    form = await filled(office, "close", words="They called")
    both = [office.post(K1, **form) for _ in range(2)]
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
    assert "K1" in await office.page("/tickets?state=asked")
    await office.sms("Baraka", "2 still dark")
    page = await office.page(K1)
    assert "Baraka Peter opened it again: still dark" in page
    assert await does(office, "ask") == 303
    await office.sms("Baraka", "1")
    assert (await Ticket.get(id=1)).state == TicketState.CLOSED
    assert "Baraka Peter closed it" in await office.page(K1)


async def test_a_customer_without_a_phone_is_not_waited_for(office: Office) -> None:
    await Customer.filter(phone=PEOPLE["Baraka"]).update(phone=None)
    page = await office.page(K1)
    assert "there is no phone to ask" in page and "On yes it closes" not in page
    assert await done_by(office, "ask") == "The ticket is closed. Sent to Asha Mushi."
    assert await told(office) == {"Asha": "K1 is closed. BARAKA P. has no phone to ask."}


async def test_an_agent_who_is_the_customer_is_not_asked(office: Office) -> None:
    """A yes of this phone would be to what it sells."""
    await Customer.filter(phone=PEOPLE["Baraka"]).update(phone=PEOPLE["Juma"])
    page = (await office.page(K1)).replace("&#39;", "'")
    assert "This phone is agent Juma Said's: texts from it are the agent's." in page and "Ask the customer" not in page
    assert (await done_by(office, "ask")).startswith("The ticket is closed. Sent to ")
    assert set(await told(office)) == {"Juma", "Asha"}


async def done_by(office: Office, what: str) -> str:
    """What the page says when this was done."""
    response = await office.post(K1, **await filled(office, what))
    page = await office.page(response.headers["Location"])
    return page[page.index("The ") : page.index("K1:")].strip()


@pytest.mark.parametrize(
    ("what", "fields", "said"),
    [
        ("comment", {"words": "On our way"}, "Saved. Sent to Baraka Peter, Asha Mushi."),
        ("ask", {}, "The customer is asked. Sent to Baraka Peter, Asha Mushi."),
        ("close", {"words": "They called"}, "The ticket is closed. Sent to Baraka Peter, Asha Mushi."),
        ("assign", {"to": "agent 2", "due": "2030-01-01"}, "Saved. Sent to Baraka Peter, Juma Said, Asha Mushi."),
    ],
)
async def test_after_a_change_the_page_says_who_was_told(
    office: Office, what: str, fields: dict[str, str], said: str
) -> None:
    response = await office.post(K1, **await filled(office, what, **fields))
    assert said in await office.page(response.headers["Location"])
    assert "Sent to" not in await office.page(K1)


async def test_what_was_so_already_is_said(office: Office) -> None:
    await does(office, "close", words="They called")
    response = await office.post(K1, **await filled(office, "close", words="They called"))
    assert "It was so already: nothing was changed." in await office.page(response.headers["Location"])


async def test_who_was_overtaken_is_told_so_and_keeps_the_words(office: Office) -> None:
    form = await filled(office, "comment", words="We come tomorrow")
    await office.sms("Baraka", "T K1 It burns")
    await told(office)
    response = await office.post(K1, **form)
    html = await response.text()
    assert response.status == 409 and "Somebody changed this ticket while you were writing." in html
    assert "We come tomorrow</textarea>" in html and "It burns" in html
    assert await told(office) == {}
    assert (await office.post(K1, **form | {"seen": SEEN.findall(html)[0]})).status == 303
    assert set(await told(office)) == {"Baraka", "Asha"}


async def test_a_refused_form_keeps_what_was_typed(office: Office) -> None:
    response = await office.post(K1, **await filled(office, "close", words="W" * 251))
    html = await response.text()
    assert response.status == 422 and "W" * 251 in html and "Too long: 250 letters at most." in html
    assert "<details open>" in html, "the form that was refused is seen"


CALLER = "/tickets/new?person=2"


async def calls(office: Office, **fields: str) -> ClientResponse:
    """Baraka calls, and somebody of the office fills in the form."""
    html = await office.html(CALLER)
    hidden = {"csrf": CSRF.findall(html)[0], "once": ONCE.findall(html)[0], "person": "2"}
    device = (await Device.get(serial="SHS0283")).id
    given = {"device": str(device), "category": "power", "words": "No light", "due": "2030-01-01"}
    return await office.post("/tickets/new", **hidden | given | fields)


async def test_a_callers_ticket_takes_two_clicks(office: Office) -> None:
    page = await office.page(CALLER)
    assert "New ticket for Baraka Peter" in page and "K1 No power : no power" in page, "what is open already is seen"
    response = await calls(office)
    assert response.headers["Location"].startswith("/tickets/K2?done=opened")
    page = await office.page(response.headers["Location"])
    assert "The ticket is open. Sent to Baraka Peter, Juma Said." in page and "admin reported: No light" in page
    assert set(await told(office)) == {"Baraka", "Juma"}


async def test_who_calls_is_found_by_phone_serial_or_name(office: Office) -> None:
    for words in ("0710 000 002", "SHS0283", "baraka"):
        response = await office.get(f"/tickets/new?q={words.replace(' ', '+')}")
        assert response.headers["Location"] == "/tickets/new?person=2", words
    assert "Nobody is found by xyzzy." in await office.page("/tickets/new?q=xyzzy")
    assert "Who calls?" in await office.page("/tickets/new?person=99999")


async def test_a_new_ticket_that_is_sent_twice_is_saved_once(office: Office) -> None:
    html = await office.html(CALLER)
    same = {"once": ONCE.findall(html)[0]}
    both = await asyncio.gather(*(calls(office, **same) for _ in range(2)))
    assert {response.headers["Location"].split("?")[0] for response in both} == {"/tickets/K2"}
    assert await Ticket.all().count() == 2
    response = await calls(office)
    assert response.headers["Location"] == "/tickets/K2?done=same"
    assert "This is open already: nothing new was saved." in await office.page(response.headers["Location"])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"words": ""}, "Say it in a few words."),
        ({"words": "1"}, "Say it in a few words."),
        ({"words": "W" * 251}, "Too long: 250 letters at most."),
        ({"device": "99"}, "Please choose one of the list."),
        ({"category": "payment"}, "Please choose one of the list."),
        ({"due": "soon"}, "Please write a day, like 2026-11-30."),
        ({"due": "2020-01-01"}, "This day is over already, or too far away."),
    ],
)
async def test_a_new_ticket_that_is_refused_says_why_and_keeps_what_was_typed(
    office: Office, fields: dict[str, str], said: str
) -> None:
    response = await calls(office, **{"words": "It <b>smells</b>"} | fields)
    html = await response.text()
    assert response.status == 422 and said in html
    assert fields.get("words", "It &lt;b&gt;smells&lt;/b&gt;") in html and "<b>smells" not in html
    assert await Ticket.all().count() == 1 and await told(office) == {}


async def test_a_ticket_without_a_device_is_for_the_customer(office: Office) -> None:
    assert (await calls(office, device="", category="other", words="The price is wrong")).status == 303
    ticket = await Ticket.get(id=2)
    assert (ticket.device_id, ticket.customer_id, ticket.category) == (None, 2, "other")
    assert (await calls(office, person="99999")).status == 404


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
