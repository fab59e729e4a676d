"""A form that is sent when the session is over: what was typed goes through the sign-in and is shown again, and nothing
is done by it until the button is pressed."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
import time_machine

import handlers.office
from bot.config import Config
from handlers.office.frame.cookies import SESSION
from handlers.office.frame.typed import OURS
from handlers.office.signin.typed import UNSEEN
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from models.people import OfficeRole
from tests.world.browser import CSRF, PASSWORD, Office, open_office
from tests.world.hostile import HOSTILE, check_inert, shows

pytestmark = pytest.mark.everyday_on_sqlite

TEMPLATES = Path(handlers.office.__file__).with_name("templates")
# Hidden in one form, typed or chosen in another.
TYPED_ELSEWHERE = {
    "amount",
    "customer",
    "device",
    "file",
    "gateway",
    "name",
    "reference",
    "serial",
    "sure",
    "tag",
    "to",
}
TYPED_ELSEWHERE |= {"what"}
WORDS = "She says: the lamp is on, but\nthe radio is not. " + "x" * 60


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        yield office


async def end_sessions(office: Office) -> None:
    """Half an hour goes by: the browser goes on bringing its cookie."""
    await office.ask("UPDATE office_session SET seen_at = seen_at - 1860000")


async def bring(office: Office, path: str = "/settings/users/invite", **fields: str) -> str:
    """A form whose session has ended meanwhile: the page that answers it."""
    csrf = await office.csrf("/me")
    await end_sessions(office)
    response = await office.post(path, csrf=csrf, **fields)
    assert response.status == 403
    return await response.text()


def hidden(html: str, name: str) -> str:
    found = re.findall(rf'name="{name}" value="([^"]*)"', html)
    return unescape(found[0]) if found else ""


async def sign_in_with(office: Office, html: str, user: str = OFFICE_USER, password: str = OFFICE_PASSWORD) -> str:
    """Sign in by this form: where it leads."""
    fields = {"user": user, "password": password, "csrf": CSRF.findall(html)[0], "typed": hidden(html, "typed")}
    response = await office.post("/login", **fields)
    assert response.status == 303, await response.text()
    return response.headers["Location"]


async def invited(office: Office) -> int:
    return len(await office.ask("SELECT 1 FROM office_invitation"))


async def test_what_was_typed_is_shown_again_and_sent_by_a_button(office: Office) -> None:
    await office.sign_in()
    html = await bring(office, whom=WORDS, role="finance")
    assert "What you typed is kept" in html and "She says" not in html, "sealed"
    assert await sign_in_with(office, html) == "/typed" and await invited(office) == 0, "nothing is done by itself"
    shown = await office.html("/typed")
    assert shows(shown, WORDS) and 'action="/settings/users/invite"' in shown and await invited(office) == 0
    again = {"whom": "Rehema of Lindi", "role": "finance", "csrf": CSRF.findall(shown)[0]}
    assert (await office.post("/settings/users/invite", **again)).status == 303
    assert await invited(office) == 1


async def test_it_goes_through_a_wrong_password_as_well(office: Office) -> None:
    await office.sign_in()
    html = await bring(office, whom="Rehema")
    fields = {"user": OFFICE_USER, "password": "wrong", "csrf": CSRF.findall(html)[0], "typed": hidden(html, "typed")}
    html = await (await office.post("/login", **fields)).text()
    assert await sign_in_with(office, html) == "/typed"
    assert shows(await office.html("/typed"), "Rehema")


async def test_passwords_are_not_kept(office: Office) -> None:
    await office.sign_in()
    secrets = {"password": "my old secret", "new_password": "my new secret", "again_password": "my new secret"}
    html = await bring(office, "/me/password", **secrets)
    assert await sign_in_with(office, html) == "/typed"
    shown = await office.html("/typed")
    assert "secret" not in shown and shown.count('type="password"') == 3


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_was_typed_is_inert(office: Office, text: str) -> None:
    await office.sign_in()
    assert await sign_in_with(office, await bring(office, whom=text, other=text * 3)) == "/typed"
    shown = await office.html("/typed")
    check_inert(shown)
    assert shows(shown, text)


def test_what_pages_keep_in_their_forms_is_not_shown_as_typed() -> None:
    """Hidden fields: each is unseen afterwards, unless another form lets people type one of that name."""
    drawn = "".join(path.read_text() for path in TEMPLATES.rglob("*.html"))
    forms = "".join(re.findall(r'<form method="post".*?</form>', drawn, re.DOTALL))
    hidden = set(re.findall(r'type="hidden" name="([a-z_]+)"', forms))
    assert hidden > {"up_to", "do", "sealed"}
    assert hidden - UNSEEN - {*OURS} == TYPED_ELSEWHERE
    assert {"once", *hidden} >= UNSEEN - {"day", "q"}


async def test_the_mark_up_to_which_one_read_is_not_asked_for(office: Office) -> None:
    await office.sign_in()
    html = await bring(office, "/messages/with/255710000002/answered", up_to="15")
    assert await sign_in_with(office, html) == "/typed"
    shown = await office.html("/typed")
    assert "Up to" not in shown and hidden(shown, "up_to") == "15"


async def test_without_our_cookies_nothing_is_said_to_be_kept(office: Office) -> None:
    """The browser says that the form is ours, and nothing that it could be shown to again."""
    response = await office.client.post(
        "/settings/users/invite", data={"whom": WORDS}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    html = await response.text()
    assert response.status == 403 and hidden(html, "typed") == ""
    assert "Please sign in" in html and "What you typed is kept" not in html


async def test_it_is_thrown_away_when_it_is_not_wanted(office: Office) -> None:
    await office.sign_in()
    await sign_in_with(office, await bring(office, whom="Rehema"))
    assert (await office.post("/typed", csrf=await office.csrf("/typed"))).headers["Location"] == "/"
    response = await office.get("/typed")
    assert (response.status, response.headers["Location"]) == (303, "/")


async def test_it_is_shown_to_nobody_else(office: Office) -> None:
    """Somebody else signs in at the same desk."""
    await office.become(OfficeRole.OWNER, "mariam")
    assert await sign_in_with(office, await bring(office, whom="Rehema")) == "/"
    assert (await office.get("/typed")).status == 303


async def test_who_may_not_send_it_sees_the_words_and_no_button(office: Office) -> None:
    await office.become(OfficeRole.OWNER, "mariam")
    html = await bring(office, whom="Rehema of Lindi")
    await office.ask("UPDATE officeuser SET role = 'support' WHERE name = 'mariam'")
    assert await sign_in_with(office, html, "mariam", PASSWORD) == "/typed"
    shown = await office.html("/typed")
    assert "Rehema of Lindi" in shown and "Your role may not send this" in shown and "Send it now" not in shown


async def test_a_form_of_another_site_is_not_kept(office: Office) -> None:
    """A site that posts to us brings no cookie of ours: what it says is not shown to whoever signs in then."""
    response = await office.post("/settings/users/invite", whom="evil", role="owner")
    html = await response.text()
    assert response.status == 403 and hidden(html, "typed") == "" and "Please sign in" in html
    for site in ("cross-site", "same-site"):
        await office.sign_in()
        csrf = await office.csrf("/me")
        await end_sessions(office)
        told = await office.client.post(
            "/settings/users/invite", data={"csrf": csrf, "whom": "evil"}, headers={"Sec-Fetch-Site": site}
        )
        assert told.status == 403 and hidden(await told.text(), "typed") == ""


@pytest.mark.parametrize("sealed", ["", "x", "AAAA.BBBB", "é", "A" * 50_000])
async def test_a_made_up_one_is_nothing(office: Office, sealed: str) -> None:
    fields = {"user": OFFICE_USER, "password": OFFICE_PASSWORD, "csrf": await office.csrf(), "typed": sealed}
    assert (await office.post("/login", **fields)).headers["Location"] == "/"


async def test_another_sealed_text_is_no_form(office: Office) -> None:
    vault = office.mwanga.company.vault
    sealed = vault.seal_json({"path": "//evil.example", "fields": [], "user": 0, "at": 9**18}, "another purpose")
    fields = {"user": OFFICE_USER, "password": OFFICE_PASSWORD, "csrf": await office.csrf(), "typed": sealed}
    assert (await office.post("/login", **fields)).headers["Location"] == "/"


async def test_one_that_is_too_long_is_not_kept_and_that_is_said(office: Office) -> None:
    await office.sign_in()
    html = await bring(office, whom="x" * 30_000)
    assert hidden(html, "typed") == "" and "Please sign in" in html


async def test_it_is_kept_for_a_day(office: Office) -> None:
    await office.sign_in()
    html = await bring(office, whom="Rehema")
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=25), tick=False):
        assert await sign_in_with(office, html) == "/"


async def test_after_signing_in_in_another_tab_an_old_form_is_shown_again(office: Office) -> None:
    """Its token is of the session before; the browser itself says that it is ours."""
    await office.sign_in()
    csrf = await office.csrf("/me")
    await end_sessions(office)
    await office.sign_in()
    fields = {"csrf": csrf, "whom": "Rehema of Lindi", "role": "support"}
    refused = await office.post("/settings/users/invite", **fields)
    assert refused.status == 403 and await invited(office) == 0, "a browser that says nothing is not believed"
    response = await office.client.post(
        "/settings/users/invite", data=fields, headers={"Sec-Fetch-Site": "same-origin"}, allow_redirects=False
    )
    assert (response.status, response.headers["Location"]) == (303, "/typed") and await invited(office) == 0
    assert "Rehema of Lindi" in await office.html("/typed")


async def test_a_session_that_was_never_there_keeps_what_fits_the_browser(office: Office) -> None:
    """The row is gone, as after signing out elsewhere: the token still shows that the form is this browser's."""
    await office.sign_in()
    csrf = await office.csrf("/me")
    await office.ask("DELETE FROM office_session")
    html = await (await office.post("/settings/users/invite", csrf=csrf, whom="Rehema of Lindi")).text()
    assert await sign_in_with(office, html) == "/typed"
    assert SESSION in {c.key for c in office.client.session.cookie_jar}


async def test_what_was_typed_in_another_browser_is_not_shown(office: Office) -> None:
    """A stranger seals a form of his own, and has it brought to the sign-in by somebody else's browser."""
    await office.sign_in()
    strange = hidden(await bring(office, whom="Somebody of mine", role="owner"), "typed")
    office.client.session.cookie_jar.clear()
    html = await (await office.get("/login")).text()
    fields = {"user": OFFICE_USER, "password": OFFICE_PASSWORD, "csrf": CSRF.findall(html)[0], "typed": strange}
    response = await office.post("/login", **fields)
    assert (response.status, response.headers["Location"]) == (303, "/")


async def test_a_form_of_another_origin_is_refused(office: Office) -> None:
    """Over plain HTTP browsers say where a form comes from by this header alone."""
    await office.sign_in()
    csrf = await office.csrf("/me")
    for origin, status in (("http://elsewhere.example", 403), ("null", 403)):
        response = await office.client.post("/logout", data={"csrf": csrf}, headers={"Origin": origin})
        assert response.status == status, origin
    ours = str(office.client.make_url("/")).rstrip("/")
    response = await office.client.post("/logout", data={"csrf": csrf}, headers={"Origin": ours}, allow_redirects=False)
    assert response.status == 303
