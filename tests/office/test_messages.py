"""The office's pages of messages: what became of each, and nothing secret."""

import re
from collections.abc import AsyncIterator
from html import unescape

import pytest

from bot.config import Config
from bot.gateways.errors import ERRORS
from handlers.office.messages.sent import WHY
from models.messages import State
from models.office import outgoing
from models.office.outgoing import STATES, mask, word_for
from tests.world.browser import HOUR, Office, enqueue_message, open_office

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        yield office


async def read(office: Office, path: str) -> str:
    """The words of a page of somebody signed in."""
    response = await office.get(path)
    assert response.status == 200
    html = await response.text()
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html[html.index("</header>") :])).split())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Code 944 953 797", "Code *** *** ***"),
        ("Token 5893 4112 0074 6621 9930 for 12.3 kWh", "Token **** **** **** **** **** for 12.3 kWh"),
        ("58934112007466219930", "********************"),
        ("Your new PIN is 482915.", "Your new PIN is ******."),
        ("SOLD TZS 100,000, 8 days. SHS0283. Ref URLHN", "SOLD TZS 100,000, 8 days. SHS0283. Ref URLHN"),
        ("Cash 8,000 of 200,000. Commission 800", "Cash 8,000 of 200,000. Commission 800"),
        ("Balance EB100042: 3 days. SN123456789", "Balance EB100042: 3 days. SN123456789"),
        ("Meter 04123456784, 944953797", "Meter 04123456784, *********"),
        ("5893 4112 0074 6621 9930 04123456784", "**** **** **** **** **** ***********"),
        ("1 482915", "1 ******"),
        ("Call +255710000002 or 0710000002", "Call +255710000002 or **********"),
        ("Call +255710000002.", "Call +255710000002."),
        ("+255710000002 944 953 797", "+255710000002 *** *** ***"),
        ("+255710000002 482915", "+255710000002 ******"),
        ("+255710000002-944953797", "+255710000002-*********"),
        ("+944953797, +58934112007466219930", "+*********, +********************"),
        ("944953797+255710000002", "*********+************"),
    ],
)
def test_the_digits_of_tokens_and_pins_are_starred_out(text: str, shown: str) -> None:
    assert mask(text) == shown


def test_every_state_has_a_word_and_a_sentence() -> None:
    assert {word_for(state) for state in State} == set(STATES)
    assert set(WHY) == set(State) - {State.SCHEDULED}, "which says when"


@pytest.mark.parametrize(
    "path", ["/messages", "/messages/1", "/messages/sent?state=failed", "/messages/failed", "/write"]
)
async def test_nobody_sees_them_without_signing_in(office: Office, path: str) -> None:
    response = await office.get(path)
    assert (response.status, response.headers["Location"].partition("?")[0]) == (303, "/login")


async def test_a_sale_is_followed_without_its_token(office: Office) -> None:
    await office.sign_in()
    await office.sms("Asha", "BUY SHS0283 8000", "1 482915")
    page = await read(office, "/messages/sent")
    assert "Baraka Peter +255710000002, token" in page
    assert "Code *** *** ***" in page
    for row in await office.ask("SELECT digits FROM token"):
        assert str(row["digits"]) not in re.sub(r"\D", "", page)
    assert "482915" not in page


@pytest.mark.parametrize(
    ("state", "error", "word", "why"),
    [
        (State.SCHEDULED, "unreachable", "queued", f"{ERRORS['unreachable'].sentence} It goes out at "),
        (State.SCHEDULED, "", "queued", "It goes out at "),
        (State.UNCERTAIN, "timeout", "unknown", ERRORS["timeout"].sentence),
        (State.SENT, "", "sent", "The gateway took it and has not said yet that it arrived."),
        (State.DELIVERED, "", "delivered", "The receiver's phone has it."),
        (State.FAILED, "bad number", "failed", ERRORS["bad number"].sentence),
        (State.EXPIRED, "expired", "expired", ERRORS["expired"].sentence),
        (State.EXPIRED, "no balance", "expired", f"It was too late to send it. {ERRORS['no balance'].sentence}"),
        (State.EXPIRED, "not fetched", "expired", "The phone did not fetch it in time."),
    ],
)
async def test_each_state_is_said_with_its_reason(
    office: Office, state: State, error: str, word: str, why: str
) -> None:
    await office.sign_in()
    await enqueue_message(office.db, state, error)
    page = await read(office, "/messages/sent")
    assert f"Amina Juma +255710000001, reply {word} token 123 456 {why}" in page
    number = (await office.ask("SELECT id FROM outbox"))[0]["id"]
    one = await read(office, f"/messages/{number}")
    assert f"{word.capitalize()}: {why}" in one
    assert "1 part, cost unknown" in one


async def test_what_waits_says_that_nothing_goes_out_or_that_no_gateway_may_carry_it(office: Office) -> None:
    await office.sign_in()
    await enqueue_message(office.db, State.SCHEDULED, "unreachable", gateway="none")
    assert "No gateway may carry it as things are." in await read(office, "/messages/sent")
    await office.ask("INSERT INTO setting (name, value) VALUES ('outgoing', 'off')")
    assert "Outgoing messages are switched off." in await read(office, "/messages/sent")


async def test_a_text_that_was_purged_is_said_to_be(office: Office) -> None:
    await office.sign_in()
    await enqueue_message(office.db, State.SENT)
    await office.ask("UPDATE outbox SET text = ''")
    number = (await office.ask("SELECT id FROM outbox"))[0]["id"]
    for path in ("/messages/sent", f"/messages/{number}"):
        assert "Its text is not kept any more." in await read(office, path)


async def test_an_empty_page_says_why(office: Office) -> None:
    await office.sign_in()
    assert "No message was sent yet." in await read(office, "/messages/sent")
    assert "No message is like that." in await read(office, "/messages/sent?state=failed")


async def test_what_a_phone_has_is_on_the_phone(office: Office) -> None:
    await office.sign_in()
    await enqueue_message(office.db, State.SENDING, gateway="phone-7")
    await office.ask(
        "UPDATE outbox SET claimed_by = 'phone-7', sim = 2, parts = 2, cost = 'TZS 44', tried_before = 'kannel '"
    )
    page = await read(office, "/messages/sent?state=on+phone")
    assert "Amina Juma +255710000001, reply on phone" in page
    assert "by phone-7, SIM 2, 2 parts, TZS 44" in page
    number = (await office.ask("SELECT id FROM outbox"))[0]["id"]
    assert "The phone fetched it and has not said yet that it is sent." in page
    assert "It has left kannel without having been taken there." in await read(office, f"/messages/{number}")


async def test_messages_are_chosen_by_receiver_gateway_and_state(office: Office) -> None:
    await office.sign_in()
    for number, state in enumerate((State.SENT, State.FAILED, State.SENT), 1):
        await enqueue_message(office.db, state, number=number)
    await office.ask("UPDATE outbox SET gateway = 'kannel' WHERE phone = '+255710000003'")
    chosen = {
        "": {1, 2, 3},
        "?phone=%2B255710000002": {2},
        "?phone=+255710000002": {2},
        "?phone=0710000002": {2},
        "?phone=nobody": set(),
        "?state=sent": {1, 3},
        "?state=sent&gateway=kannel": {3},
        "?state=sent&gateway=kannel&phone=0710000001": set(),
    }
    for query, numbers in chosen.items():
        page = await read(office, f"/messages/sent{query}")
        assert {int(each) for each in re.findall(r"\+25571000000(\d),? reply", page)} == numbers, query


@pytest.mark.parametrize(("gateway", "label"), [("none", "no gateway"), ("phone-9", "phone-9")])
async def test_a_gateway_that_is_gone_stays_chosen(office: Office, gateway: str, label: str) -> None:
    await office.sign_in()
    html = await (await office.get(f"/messages/sent?gateway={gateway}")).text()
    assert f'<option value="{gateway}" selected>{label}</option>' in html


async def test_older_messages_are_on_the_next_page(office: Office) -> None:
    await office.sign_in()
    for number in range(60):
        await enqueue_message(office.db, State.SENT, number=number)
    html = await (await office.get("/messages/sent?state=sent")).text()
    assert html.count("+2557100") == 50
    following = unescape(re.findall(r'href="(/messages/sent\?[^"]*before=[^"]*)"', html)[0])
    assert (await (await office.get(following)).text()).count("+2557100") == 10


@pytest.mark.parametrize("path", ["/messages/999", "/messages/1x", "/messages/-1"])
async def test_a_message_that_is_not_there_is_not_found(office: Office, path: str) -> None:
    await office.sign_in()
    assert (await office.get(path)).status == 404


@pytest.mark.parametrize("before", ["x", "-1", "1" * 30, "٣"])
async def test_a_strange_page_number_is_the_first_page(office: Office, before: str) -> None:
    await office.sign_in()
    assert (await office.get(f"/messages/sent?before={before}")).status == 200


async def test_what_people_write_never_runs(office: Office) -> None:
    await office.sign_in()
    await enqueue_message(office.db, State.SENT, old=HOUR)
    evil = "<script>alert(1)</script>"
    await office.ask("UPDATE outbox SET text = $1, cost = '<b>1</b>', gateway = '<i>'", evil)
    html = await (await office.get(f"/messages/sent?gateway={evil}")).text()
    listed = await (await office.get("/messages/sent")).text()
    assert all(tag not in html + listed for tag in ("<script>", "<b>1", "<i>"))
    assert evil in unescape(listed)


async def number_of(office: Office) -> int:
    return int((await office.ask("SELECT MAX(id) AS id FROM outbox"))[0]["id"])


async def test_what_failed_is_sent_again_once(office: Office) -> None:
    await office.sign_in()
    await enqueue_message(office.db, State.FAILED, "undelivered")
    failed = await number_of(office)
    assert "token 123 456 The operator gave up" in await read(office, "/messages/failed")
    csrf = await office.csrf("/messages/failed")
    response = await office.post(f"/messages/{failed}/again", csrf=csrf)
    again = await number_of(office)
    assert response.headers["Location"] == f"/messages/{again}?done=again"
    assert "This is the message that is sent again." in await read(office, f"/messages/{again}?done=again")
    assert f"It was sent again as message {again}." in await read(office, f"/messages/{failed}")
    assert "Sent again" in await read(office, "/messages/failed")
    response = await office.post(f"/messages/{failed}/again", csrf=csrf)
    assert response.status == 422 and "It was sent again already." in await response.text()
    assert await number_of(office) == again


async def test_what_waits_is_taken_back(office: Office) -> None:
    await office.sign_in()
    await enqueue_message(office.db, State.SCHEDULED, "unreachable")
    number = await number_of(office)
    csrf = await office.csrf(f"/messages/{number}")
    response = await office.post(f"/messages/{number}/back", csrf=csrf)
    assert response.headers["Location"] == f"/messages/{number}?done=back"
    page = await read(office, f"/messages/{number}?done=back")
    assert "It was taken back and does not go." in page and "The office took it back." in page
    response = await office.post(f"/messages/{number}/back", csrf=csrf)
    assert response.headers["Location"] == f"/messages/{number}?done=gone"
    assert "Nothing has failed." in await read(office, "/messages/failed"), "it was meant so"


async def test_nobody_says_that_what_may_have_gone_does_not_go(office: Office) -> None:
    await office.sign_in()
    await enqueue_message(office.db, State.UNCERTAIN, "timeout")
    number = await number_of(office)
    response = await office.post(f"/messages/{number}/back", csrf=await office.csrf(f"/messages/{number}"))
    page = await read(office, response.headers["Location"])
    assert "Nobody knows whether it has gone; it is not tried again." in page and "does not go" not in page


async def test_what_stands_far_between_is_found_all_the_same(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gateway and state are looked for among so many at a time: page and file go on behind them."""
    await office.sign_in()
    for n, state in enumerate((State.FAILED, *[State.DELIVERED] * 7, State.FAILED, *[State.DELIVERED] * 3)):
        await enqueue_message(office.db, state, str(n), gateway="kannel")
    monkeypatch.setattr(outgoing, "LOOK", 3)
    lines = (await (await office.get("/messages/sent?csv=1&state=failed")).text()).splitlines()
    assert len(lines) == 1 + 2
    page = await office.html("/messages/sent?state=failed")
    older = page.partition('<a class="button quiet" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert "before=" in older and "Older" in page
    assert "failed" in await office.html(older)


async def test_all_that_was_sent_is_a_file_without_secrets(office: Office) -> None:
    await office.sign_in()
    await office.sms("Asha", "BUY SHS0283 8000", "1 482915")
    file = await (await office.get("/messages/sent?csv=1&state=delivered")).text()
    file += await (await office.get("/messages/sent?csv=1")).text()
    assert "Code *** *** ***" in file
    for row in await office.ask("SELECT digits FROM token"):
        assert str(row["digits"]) not in re.sub(r"\D", "", file)
