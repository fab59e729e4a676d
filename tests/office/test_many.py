"""Write to many: a look at it before it goes, a number that has to be typed, how far it is, and a file of results."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import time_machine

from bot.config import Config
from models.messages import State
from models.office import audience, written_to_many
from models.people import OfficeRole
from tests.world.browser import Office, enqueue_message, open_office
from tests.world.many import add_crowd, go_on, hidden, look, phone_of
from tests.world.people import NOON, PEOPLE

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        office.mwanga.broadcasts.stop()  # what goes out goes when a test says so
        await office.mwanga.outbox.stop()  # and stays on its way: a page may be slower than the simulator
        await office.sign_in()
        yield office


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html[html.index("<main") :]).split())


async def test_it_is_looked_at_sent_and_followed(office: Office) -> None:
    await add_crowd(office.mwanga.database, 40)
    await office.ask("UPDATE customer SET phone = NULL WHERE name = 'Name0'")
    await office.ask("UPDATE customer SET phone = $1 WHERE name = 'Name2'", phone_of(1))
    await office.ask("INSERT INTO contact (phone, stopped_at) VALUES ($1, 1)", phone_of(1))
    status, html = await look(office, text_en="Dear {name}, the power is off on Sunday", text_sw="Habari {name}")
    page = words(html)
    assert status == 200
    assert "People 43" in page and "Without a phone 1" in page and "Said STOP 2" in page and "Messages 40" in page
    assert "40 SMS" in page and "cost unknown" in page and "Goes by simulator" in page and "Habari Amina" in page
    fields = hidden(html, "/write/send")
    response = await office.post("/write/send", **fields, typed="41")
    assert response.status == 422 and "Please type 43, the number of people." in await response.text()
    response = await office.post("/write/send", **fields, typed="43")
    assert (response.status, response.headers["Location"]) == (303, "/write/1")
    again = await office.post("/write/send", **fields, typed="43")
    assert again.headers["Location"] == "/write/1", "sent twice is begun once"
    assert "Going out , 0 of 43 people so far" in await office.page("/write/1")
    office.mwanga.broadcasts._stopping = False
    await go_on(office.mwanga.broadcasts)
    page = await office.page("/write/1")
    assert "Handed over to the gateways" in page and "on its way 40" in page
    assert "has no phone 1" in page and "said STOP 1" in page
    assert "shares a phone with another one of them 1" in page, "who said STOP: nobody got it"
    only = await office.page("/write/1?result=stop")
    assert "Name1 Crowd" in only and "Name2 Crowd" not in only
    file = await (await office.get("/write/1?csv=1")).text()
    assert len(file.splitlines()) == 44 and "Amina,Juma" in file
    assert "Dear {name}, the power" in await office.page("/write")


async def test_few_need_no_number_and_change_loses_nothing(office: Office) -> None:
    status, html = await look(office, text_en="Hello & good day", late="y", language="en")
    assert status == 200 and "Nobody would get it." in html
    status, html = await look(office, text_en="Hello & good day", language="en")
    assert status == 200 and "Type" not in words(html)
    fields = hidden(html, "/write/send")
    response = await office.post("/write", **fields, change="1")
    html = await response.text()
    assert response.status == 200 and "Hello &amp; good day</textarea>" in html
    assert '<option selected value="en">English</option>' in html
    response = await office.post("/write/send", **fields)
    assert response.headers["Location"] == "/write/1"


async def test_more_people_than_were_shown_are_not_written_to(office: Office) -> None:
    _status, html = await look(office, text_en="Hello")
    fields = hidden(html, "/write/send")
    await add_crowd(office.mwanga.database, 2)
    response = await office.post("/write/send", **fields)
    assert response.status == 409 and "Meanwhile they are 5 people." in await response.text()
    assert not await office.ask("SELECT id FROM broadcast")


async def test_who_may_not_write_to_many_is_told_who_may(office: Office) -> None:
    assert "The owner alone writes to many." not in await office.page("/write")
    await office.become(OfficeRole.FINANCE)
    page = await office.page("/write")
    assert "The owner alone writes to many." in page and "Look at it before it goes" not in page


async def test_an_estimate_that_was_shown_stands(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a million customers each count reaches another one."""
    monkeypatch.setattr(audience, "COUNTED_AT_ONCE", 10)
    monkeypatch.setattr(audience.look_over, "__defaults__", (-1.0,))
    await add_crowd(office.mwanga.database, 40)
    await office.ask("UPDATE customer SET language = 'fr' WHERE id < 1020 AND id >= 1000")
    _status, html = await look(office, text_en="Hello", language="fr")
    fields = hidden(html, "/write/send")
    assert fields["people"] == "30" and "about right" in html
    monkeypatch.setattr(audience, "COUNTED_AT_ONCE", 20)
    response = await office.post("/write/send", **fields, typed="29")
    assert response.status == 422 and "Please type 30, the number of people." in await response.text()
    response = await office.post("/write/send", **fields, typed="30")
    assert response.headers["Location"] == "/write/1"
    assert await office.ask("SELECT people FROM broadcast") == [{"people": 30}]


async def test_who_comes_behind_all_that_were_counted_is_written_to(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "COUNTED_AT_ONCE", 3)
    monkeypatch.setattr(audience.look_over, "__defaults__", (-1.0,))
    await add_crowd(office.mwanga.database, 8, language="ha")
    _status, html = await look(office, text_en="Hello", language="ha")
    fields = hidden(html, "/write/send")
    assert fields["people"] == "0"
    response = await office.post("/write/send", **fields)
    assert response.status == 422 and "Please type 0" in await response.text(), "it may be more than twenty"
    response = await office.post("/write/send", **fields, typed="0")
    assert response.headers["Location"] == "/write/1"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Please write a text, in one language at least."),
        ({"text_sw": "  "}, "Please write a text, in one language at least."),
        ({"text_en": "Dear {nmae}"}, "{nmae} is no gap."),
        ({"text_en": "Dear {name"}, "{ is no gap."),
        ({"text_en": "Hello \U0001f600"}, "These cannot be sent by SMS"),
        ({"text_en": "x" * 700}, "That is 5 SMS."),
        ({"text_en": "Hello", "village": "7777"}, "Please choose one of the list."),
    ],
)
async def test_what_is_wrong_is_said(office: Office, given: dict[str, str], said: str) -> None:
    status, html = await look(office, **given)
    assert status == 422 and said in html


async def test_it_is_stopped(office: Office) -> None:
    _status, html = await look(office, text_en="Hello")
    await office.post("/write/send", **hidden(html, "/write/send"))
    response = await office.post("/write/1/stop", csrf=await office.csrf("/write/1"))
    assert response.headers["Location"] == "/write/1"
    assert "Stopped" in await office.page("/write/1")
    assert not await office.ask("SELECT id FROM outbox")


async def test_what_is_handed_over_and_waits_is_stopped_too(office: Office) -> None:
    _status, html = await look(office, text_en="Hello")
    await office.post("/write/send", **hidden(html, "/write/send"))
    office.mwanga.broadcasts._stopping = False
    await go_on(office.mwanga.broadcasts)
    assert await office.ask("SELECT state FROM broadcast") == [{"state": "done"}]
    await office.ask("UPDATE outbox SET state = 'scheduled'")
    assert 'action="/write/1/stop"' in await office.html("/write/1")
    await office.post("/write/1/stop", csrf=await office.csrf("/write/1"))
    assert {row["error"] for row in await office.ask("SELECT error FROM outbox")} == {"cancelled"}
    await office.ask("UPDATE broadcast_receiver SET result = 'cancelled'")
    page = await office.html("/write/1")
    assert "Stopped" in page and 'action="/write/1/stop"' not in page


async def test_people_are_chosen_by_what_stands_beside_them(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has gone out is reported for a day: until then the outbox alone knows that it was sent."""
    numbers = [row["id"] for row in await office.ask("SELECT id FROM customer ORDER BY id")]
    assert len(numbers) == 3
    await office.ask(
        "INSERT INTO broadcast (id, key, author, created_at, changed_at, state, people, parts, texts, audience, "
        "last_customer) VALUES (7, 'k', 'admin', 1, 1, 'done', 3, 3, '{\"en\": \"Hi\"}', '{}', 9)"
    )
    for number, state in zip(numbers, (State.SENT, State.DELIVERED, State.WAITING), strict=True):
        await office.ask(
            "INSERT INTO broadcast_receiver (id, broadcast_id, customer_id, phone, result) VALUES ($1, 7, $1, $2, $3)",
            *(number, f"+25571{number}", "queued"),
        )
        await enqueue_message(office.db, state)
        await office.ask("UPDATE outbox SET origin = $1 WHERE state = $2", f"broadcast 7 {number}", state.value)
    everybody = await office.page("/write/7")
    for result, name in (("sent", "Amina"), ("delivered", "Baraka"), ("queued", "Neema")):
        assert name in everybody
        for most in (1, written_to_many.LOOK_FOR):
            monkeypatch.setattr(written_to_many, "LOOK_FOR", most)
            path, found = f"/write/7?result={result}", ""
            while path:
                html = await office.html(path)
                found += html
                path = "".join(re.findall(r'href="(/write/7[^"]*before=[^"]*)"', html)).replace("&amp;", "&")
            assert [each for each in ("Amina", "Baraka", "Neema") if each in found] == [name]
            file = await (await office.get(f"/write/7?result={result}&csv=1")).text()
            assert len(file.splitlines()) == 2 and name in file


async def test_at_night_the_page_says_when_it_goes_on(office: Office, clock: time_machine.Traveller) -> None:
    _status, html = await look(office, text_en="Hello")
    await office.post("/write/send", **hidden(html, "/write/send"))
    clock.move_to("2026-11-24 17:30Z")
    assert "It is night: it goes on at 25 Nov 08:00." in await office.page("/write/1")


async def test_a_tag_and_a_place_choose(office: Office) -> None:
    await office.ask(
        "INSERT INTO customer_tag (tag, customer_id) SELECT 'school', id FROM customer WHERE name = 'Neema'"
    )
    grid = (await office.ask("SELECT id FROM minigrid ORDER BY id"))[0]["id"]
    status, html = await look(office, text_en="Hello", tag="school", mini_grid=str(grid))
    page = words(html)
    assert status == 200 and "People 1 " in page and "tag school" in page
    await office.post("/write/send", **hidden(html, "/write/send"))
    office.mwanga.broadcasts._stopping = False
    await go_on(office.mwanga.broadcasts)
    assert [row["phone"] for row in await office.ask("SELECT phone FROM outbox")] == [PEOPLE["Neema"]]


@pytest.mark.parametrize("path", ["/write/7", "/write/7?csv=1", "/write/x"])
async def test_what_is_not_there_is_not_found(office: Office, path: str) -> None:
    assert (await office.get(path)).status == 404


@pytest.mark.parametrize("costs", [("TZS 20", "TZS 700 "), ("USD 0.0100", "USD 0.35 "), ("", "cost unknown")])
async def test_the_cost_is_reckoned_from_what_the_gateway_said(office: Office, costs: tuple[str, str]) -> None:
    await add_crowd(office.mwanga.database, 32)
    await enqueue_message(office.db, State.SENT)
    await office.ask("UPDATE outbox SET cost = $1", costs[0])
    _status, html = await look(office, text_en="Hello")
    assert costs[1] in words(html)
