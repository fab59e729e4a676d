"""The inbox and a conversation: who waits for an answer, an answer, what two colleagues do at once, a word made one."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import time_machine

from bot.config import Config
from tests.world.browser import Office, open_office
from tests.world.people import NOON, PEOPLE

pytestmark = pytest.mark.everyday_on_sqlite
WITH = f"/messages/with/{PEOPLE['Baraka'].lstrip('+')}"


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        await office.sign_in()
        yield office


async def fields_of(office: Office, path: str, action: str) -> dict[str, str]:
    """The hidden fields of the form at this page that goes to `action`."""
    html = await office.html(path)
    form = next(each for each in re.findall(r"<form.*?</form>", html, re.DOTALL) if f'action="{action}"' in each)
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))


async def test_who_is_not_understood_waits_until_somebody_answers(office: Office) -> None:
    assert "Nobody waits for an answer." in await office.page("/messages")
    await office.sms("Baraka", "nyumba yangu iko karibu na shule")
    page = await office.page("/messages")
    assert "Baraka Peter 1 to answer" in page and "nyumba yangu iko karibu na shule" in page
    assert "Messages 1" in page, "it is counted in the navigation"
    assert "nyumba yangu iko karibu na shule" in await office.page(WITH)
    fields = await fields_of(office, WITH, WITH)
    response = await office.post(WITH, **fields, text="We come tomorrow at ten")
    assert (response.status, response.headers["Location"]) == (303, f"{WITH}?done=sent#end")
    page = await office.page(f"{WITH}?done=sent")
    assert "Written." in page and "We come tomorrow at ten" in page and "admin" in page
    assert "Nobody waits for an answer." in await office.page("/messages")
    assert "nyumba yangu iko karibu na shule" in await office.page("/messages/unclear")
    assert "We wrote: We come tomorrow at ten" in await office.page("/messages/all")
    await office.post(WITH, **fields, text="We come tomorrow at ten")
    assert len(await office.ask("SELECT id FROM outbox WHERE kind = 'office'")) == 1, "twice sent is once written"


async def test_the_second_of_two_browsers_is_told_and_loses_nothing(office: Office) -> None:
    first, second = [await fields_of(office, WITH, WITH) for _ in range(2)]
    await office.post(WITH, **first, text="We come at ten")
    response = await office.post(WITH, **second, text="We come at eleven & more")
    html = await response.text()
    assert response.status == 409
    assert "admin wrote to this person at 10:42, while you were writing." in html
    assert "We come at eleven &amp; more</textarea>" in html and "We come at ten" in html
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))
    assert (await office.post(WITH, **again, text="We come at eleven")).status == 303
    assert len(await office.ask("SELECT id FROM outbox WHERE kind = 'office'")) == 2


async def test_what_came_while_somebody_wrote_waits_on(office: Office) -> None:
    await office.sms("Baraka", "nyumba yangu iko karibu na shule")
    fields = await fields_of(office, WITH, WITH)
    await office.sms("Baraka", "nyumba yangu iko karibu na soko")
    await office.ask("UPDATE inbox SET outcome = 'not understood'")
    assert (await office.post(WITH, **fields, text="We come at ten")).status == 303
    rows = await office.ask("SELECT answered_at FROM inbox ORDER BY id")
    assert [row["answered_at"] > 0 for row in rows] == [True, False]


async def test_who_said_stop_is_not_written_to(office: Office) -> None:
    await office.sms("Baraka", "STOP")
    page = await office.page(WITH)
    assert "STOP since 10:42" in page and "gets only what was asked for" in page
    response = await office.post(WITH, csrf=await office.csrf("/"), seen="0", once="x", text="Pay now")
    assert response.status == 422 and "Nothing was sent." in await response.text()
    assert not await office.ask("SELECT id FROM outbox WHERE kind = 'office'")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Please fill this in."),
        ("   ", "Please fill this in."),
        ("Hello \U0001f600", "These cannot be sent by SMS: \U0001f600"),
        ("x" * 700, "That is 5 SMS. The most is 4."),
    ],
)
async def test_what_cannot_be_sent_is_said_and_kept(office: Office, text: str, said: str) -> None:
    response = await office.post(WITH, **await fields_of(office, WITH, WITH), text=text)
    html = await response.text()
    assert response.status == 422 and said in html and f">{text.strip()}</textarea>" in html


async def test_after_a_call_it_is_marked_as_answered(office: Office) -> None:
    await office.sms("Baraka", "nyumba yangu iko karibu na shule")
    fields = await fields_of(office, WITH, f"{WITH}/answered")
    response = await office.post(f"{WITH}/answered", **fields)
    assert response.headers["Location"] == f"{WITH}?done=answered"
    response = await office.post(f"{WITH}/answered", **fields)
    assert response.headers["Location"] == f"{WITH}?done=nothing"
    [note] = await office.ask("SELECT actor, subject FROM audit WHERE action = 'mark answered'")
    assert (note["actor"], note["subject"]) == ("admin", PEOPLE["Baraka"])


async def test_a_conversation_shows_sales_and_no_token(office: Office) -> None:
    await office.sms("Asha", "BUY SHS0283 8000", "1 482915")
    page = await office.page(WITH)
    assert "Code *** *** ***" in page and "Sale" in page and "TZS 8,000" in page
    agent = await office.page(f"/messages/with/{PEOPLE['Asha'].lstrip('+')}")
    assert "Asha Mushi" in agent and "BUY SHS0283 8000" in agent and "482915" not in agent


async def test_older_events_are_on_the_next_page(office: Office, clock: time_machine.Traveller) -> None:
    for number in range(60):
        await office.ask(
            "INSERT INTO inbox (gateway, external_id, phone, sender_kind, recipient, network, text, received_at, "
            "state, outcome, error) "
            "VALUES ('africastalking', $1, $2, 'number', '', '', $3, $4, 'done', 'done', '')",
            *(f"n{number}", PEOPLE["Baraka"], f"text no {number:02d}", 1_000 + number),
        )
    html = await office.html(WITH)
    assert html.count("text no") == 50 and "text no 59" in html
    older = re.findall(r'href="(\?before=\d+)"', html)[0]
    assert (await office.html(f"{WITH}{older}")).count("text no") == 10


async def test_what_happened_in_the_same_moment_is_on_one_page(office: Office, clock: time_machine.Traveller) -> None:
    """What is older is asked for by its time: what was cut off at that very moment would be on no page."""
    for number in range(52):
        await office.ask(
            "INSERT INTO inbox (gateway, external_id, phone, sender_kind, recipient, network, text, received_at, "
            "state, outcome, error) "
            "VALUES ('africastalking', $1, $2, 'number', '', '', $3, $4, 'done', 'done', '')",
            *(f"n{number}", PEOPLE["Baraka"], f"text no {number:02d}", 1_000 + max(number, 3)),
        )
    html = await office.html(WITH)
    older = re.findall(r'href="(\?before=\d+)"', html)
    seen = html.count("text no") + sum([(await office.html(f"{WITH}{each}")).count("text no") for each in older])
    assert seen == 52


async def test_people_are_listed_once_and_the_list_goes_on(office: Office) -> None:
    for number in range(130):
        await office.ask(
            "INSERT INTO inbox (gateway, external_id, phone, sender_kind, recipient, network, text, received_at, "
            "state, outcome, error) "
            "VALUES ('africastalking', $1, $2, 'number', '', '', 'hm', $3, 'done', 'not understood', '')",
            *(f"n{number}", f"+2557120000{number % 60:02d}", int(NOON.timestamp() * 1000)),
        )
    seen: list[str] = []
    path = "/messages"
    while path:
        html = await office.html(path)
        seen += re.findall(r'href="/messages/with/(\d+)"', html)
        path = (re.findall(r'href="(/messages\?before=\d+)"', html) or [""])[0]
    assert len(seen) == len(set(seen)) == 60
    file = await (await office.get("/messages?csv=1")).text()
    assert len(file.splitlines()) == 61


async def test_a_word_that_was_not_understood_is_made_one(office: Office) -> None:
    await office.sms("Baraka", "Jaza tafadhali umeme")
    await office.sms("Stranger", "zzzz")
    await office.ask("UPDATE inbox SET outcome = 'not understood'")
    html = await office.html(WITH)
    assert 'value="Jaza"' in html
    await office.sms("Baraka", "I umeme tafadhali")
    await office.ask("UPDATE inbox SET outcome = 'not understood'")
    assert 'name="word"' not in await office.html(WITH), "none of these may become a command"
    await office.sms("Baraka", "I umeme jaza")
    await office.ask("UPDATE inbox SET outcome = 'not understood'")
    assert 'value="jaza"' in await office.html(WITH)
    fields = await fields_of(office, WITH, "/settings/words")
    response = await office.post("/settings/words", **fields, word="Jaza", command="BUY", language="sw")
    assert (response.status, response.headers["Location"]) == (303, f"{WITH}?done=word")
    page = await office.page("/settings/words")
    assert "JAZA means BUY" in page
    await office.sms("Asha", "jaza SHS0283 8000")
    assert "SHS0283" in (await office.ask("SELECT text FROM outbox ORDER BY id DESC LIMIT 1"))[0]["text"]
    response = await office.post("/settings/words", csrf=fields["csrf"], word="stop", command="BUY", language="sw")
    assert response.status == 422 and "Operators take this word" in await response.text()
    number = (await office.ask("SELECT id FROM office_word"))[0]["id"]
    response = await office.post(f"/settings/words/{number}/remove", csrf=fields["csrf"])
    assert response.headers["Location"] == "/settings/words?done=removed"
    assert not await office.ask("SELECT id FROM office_word")


async def test_what_people_write_never_runs(office: Office) -> None:
    evil = "<script>alert(1)</script>"
    await office.sms("Baraka", evil)
    await office.ask("UPDATE inbox SET outcome = 'not understood'")
    for path in ("/messages", "/messages/all", WITH):
        html = await office.html(path)
        assert "<script>alert" not in html and "&lt;script&gt;" in html


@pytest.mark.parametrize("path", ["/messages?gateway=kannel", "/messages?phone=%2B255710000002"])
async def test_old_addresses_of_what_leaves_lead_there(office: Office, path: str) -> None:
    response = await office.get(path)
    assert response.headers["Location"].startswith("/messages/sent?")


async def test_a_customers_page_writes_by_the_same_form(office: Office) -> None:
    [baraka] = await office.ask("SELECT id FROM customer WHERE name = 'Baraka'")
    fields, path = await fields_of(office, WITH, WITH), f"/messages/to/{baraka['id']}"
    response = await office.post(path, **fields, text="We come at ten")
    assert (response.status, response.headers["Location"]) == (303, f"/people/{baraka['id']}?done=written")
    response = await office.post(path, **fields | {"once": "other"}, text="We come at eleven")
    assert response.status == 409 and "We come at eleven</textarea>" in await response.text()
    assert (await office.post("/messages/to/999999", **fields, text="Hello")).status == 404


async def test_who_reads_alone_sees_no_box_and_writes_nothing(office: Office) -> None:
    fields = await fields_of(office, WITH, WITH)
    await office.ask("UPDATE officeuser SET role = 'auditor'")
    html = await office.html(WITH)
    assert "<textarea" not in html
    assert (await office.post(WITH, **fields, text="Hello")).status == 403
    assert (await office.post("/write", csrf=fields["csrf"], text_en="Hello")).status == 403
    assert not await office.ask("SELECT id FROM outbox")
