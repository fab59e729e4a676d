"""How the office's pages look: titles, where one is, what is refused, which gateways are worth a line."""

import re
from collections.abc import AsyncIterator

import pytest

from bot.config import Config, load
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from tests.world.browser import Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        yield office


@pytest.mark.parametrize(
    ("path", "title", "here"),
    [
        ("/", "Home", "Home"),
        ("/messages", "Messages", "Messages"),
        ("/messages/{message}", "Message {message}", "Messages"),
        ("/money/receipts", "Receipts", "Money"),
        ("/tickets", "Tickets", "Tickets"),
        ("/tickets/K1", "Ticket K1", "Tickets"),
    ],
)
async def test_a_page_has_its_title_and_says_where_one_is(office: Office, path: str, title: str, here: str) -> None:
    await office.sms("Baraka", "FIX no light")
    message = str((await office.ask("SELECT MIN(id) AS id FROM outbox"))[0]["id"])
    html = await office.html(path.format(message=message))
    assert f"<title>{title.format(message=message)} - Mwanga Demo</title>" in html
    entries = html[html.index("<nav") : html.index("</nav>")]
    assert re.findall(r'aria-current="page">(\w+)<', entries) == [here]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/nowhere", "There is no such page."),
        ("/messages/999", "There is no such message."),
        ("/tickets/K999", "There is no such ticket."),
    ],
)
async def test_what_is_not_there_is_said_in_the_same_look(office: Office, path: str, said: str) -> None:
    await office.sign_in()
    response = await office.client.get(path, headers={"Accept": "text/html,*/*"})
    html = await response.text()
    assert response.status == 404
    assert f"<h1>{said}</h1>" in html and "Mwanga Demo" in html
    assert response.headers["Content-Security-Policy"]


async def test_an_address_that_is_none_keeps_the_frame_of_who_is_signed_in(office: Office) -> None:
    await office.sign_in()
    await office.ask("UPDATE officeuser SET language = 'sw'")
    response = await office.client.get("/nowhere", headers={"Accept": "text/html"})
    html = await response.text()
    assert response.status == 404 and "Hakuna ukurasa huo." in html and 'href="/tickets"' in html
    office.client.session.cookie_jar.clear()
    response = await office.client.get("/nowhere", headers={"Accept": "text/html", "Accept-Language": "sw"})
    html = await response.text()
    assert response.status == 404 and "Hakuna ukurasa huo." in html and 'href="/tickets"' not in html


async def test_a_page_that_breaks_says_so_and_no_more(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def read_notes(*_asked: object) -> None:
        raise RuntimeError("secret of the machine")

    await office.sign_in()
    monkeypatch.setattr("models.office.log.read_notes", read_notes)
    response = await office.client.get("/log", headers={"Accept": "text/html"})
    html = await response.text()
    assert response.status == 500 and "<h1>Something went wrong here" in html and 'href="/"' in html
    assert "secret of the machine" not in html and response.headers["Content-Security-Policy"]
    assert "a page of the office broke" in caplog.text and "/log" in str(vars(caplog.records[-1]))


async def test_a_form_for_a_page_that_takes_none_is_answered_in_the_same_look(office: Office) -> None:
    await office.sign_in()
    response = await office.client.post("/log", headers={"Accept": "text/html"})
    html = await response.text()
    assert response.status == 405 and response.headers["Allow"] == "GET,HEAD"
    assert "<h1>This page takes no form.</h1>" in html and 'href="/"' in html


@pytest.mark.parametrize("path", ["/gateways/africastalking/wrong/sms", "/smsgate/mobile/v1/nowhere"])
async def test_a_machine_gets_no_page(office: Office, path: str) -> None:
    response = await office.client.get(path, headers={"Accept": "text/html"})
    assert response.status == 404 and "<" not in await response.text()


async def test_the_simulator_is_a_gateway_in_the_demo_world_alone(office: Office, empty_url: str) -> None:
    kannel = {"url": "http://127.0.0.1:13013/", "username": "u", "password": "p", "secret": "s" * 16}
    config = load(
        database=empty_url,
        secret_key="s" * 32,
        help_phone="+255700000000",
        **{f"kannel_{name}": value for name, value in kannel.items()},
    )
    async with open_office(config) as production:
        hashed = production.mwanga.company.vault.hash_password(OFFICE_PASSWORD)
        await production.ask("INSERT INTO officeuser (name, password_hash) VALUES ($1, $2)", OFFICE_USER, hashed)
        for path in ("/", "/messages/sent"):
            page = await production.page(path)
            assert "kannel" in page and "simulator" not in page
            assert "simulator" in await office.page(path)
        assert "There is no agent yet." in await production.page()
