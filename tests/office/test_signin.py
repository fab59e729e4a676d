"""Who gets in to the office's page, over HTTP and on both engines."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from bot.config import Config, load
from handlers.office.page import STYLE
from handlers.office.signin import MOST_WRONG, REMEMBERED, Tries
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from tests.world.browser import CSRF, Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite

WRONG = "This name and password do not go together."


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        yield office


async def test_who_is_not_signed_in_is_sent_to_the_form(office: Office) -> None:
    response = await office.get()
    assert (response.status, response.headers["Location"]) == (303, "/login")


async def test_the_form_has_a_user_a_password_and_a_hidden_csrf_field(office: Office) -> None:
    html = await (await office.get("/login")).text()
    assert re.findall(r'<input[^>]* name="(\w+)"', html) == ["csrf", "user", "password"]
    assert html.count("<form") == 1


async def test_the_right_password_opens_the_page(office: Office) -> None:
    response = await office.sign_in()
    assert (response.status, response.headers["Location"]) == (303, "/")
    assert (await office.get()).status == 200


@pytest.mark.parametrize("user", [OFFICE_USER, "nobody", "", "ad\0min", "x" * 5_000])
async def test_a_wrong_name_and_a_wrong_password_get_the_same_sentence(office: Office, user: str) -> None:
    response = await office.sign_in(user, "wrong")
    assert response.status == 403
    assert WRONG in await response.text()
    assert (await office.get()).status == 303


@pytest.mark.parametrize("csrf", ["", "0" * 64, "ééé"])
async def test_a_form_without_its_csrf_field_is_refused(office: Office, csrf: str) -> None:
    await office.get("/login")
    response = await office.post("/login", user=OFFICE_USER, password=OFFICE_PASSWORD, csrf=csrf)
    assert response.status == 403
    assert (await office.get()).status == 303


async def test_a_form_made_for_another_browser_is_refused(office: Office) -> None:
    theirs = await office.csrf()
    office.client.session.cookie_jar.clear()
    assert await office.csrf() != theirs
    response = await office.post("/login", user=OFFICE_USER, password=OFFICE_PASSWORD, csrf=theirs)
    assert response.status == 403


@pytest.mark.parametrize("body", [b"\xff\xfe", b"&".join([b"a=b"] * 50), b"user=%ff%fe"])
async def test_a_strange_form_is_refused(office: Office, body: bytes) -> None:
    assert (await office.client.post("/login", data=body)).status in (400, 403)


@pytest.mark.parametrize(("url", "secure"), [("", False), ("https://mwanga.example", True)])
async def test_the_session_cookie_is_kept_from_scripts_and_from_other_sites(
    demo_url: str, url: str, secure: bool
) -> None:
    async with open_office(load(database=demo_url, public_url=url, demo_in_public=True)) as office:
        form = await office.get("/login")
        browser, csrf = form.cookies["mwanga_browser"].value, CSRF.findall(await form.text())[0]
        response = await office.client.post(
            "/login",
            data={"user": OFFICE_USER, "password": OFFICE_PASSWORD, "csrf": csrf},
            headers={"Cookie": f"mwanga_browser={browser}"},
            allow_redirects=False,
        )
    cookie = response.cookies["mwanga_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert (cookie["max-age"], bool(cookie["secure"])) == (str(12 * 3600), secure)
    assert OFFICE_USER not in cookie.value


@pytest.mark.parametrize("path", ["/", "/login"])
async def test_pages_are_not_stored_not_framed_and_run_nothing(office: Office, path: str) -> None:
    await office.page()
    if path == "/login":
        office.client.session.cookie_jar.clear()
    response = await office.get(path)
    headers, html = response.headers, await response.text()
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert "script-src 'none'" in headers["Content-Security-Policy"]
    assert "<script" not in html
    assert f"<style>{STYLE}</style>" in html  # to the letter: the policy holds its hash


async def test_signing_out_ends_the_session(office: Office) -> None:
    await office.sign_in()
    response = await office.post("/logout", csrf=await office.csrf("/"))
    assert (response.status, response.headers["Location"]) == (303, "/login")
    assert (await office.get()).status == 303


async def test_another_site_cannot_sign_somebody_out(office: Office) -> None:
    before = await office.csrf()
    await office.sign_in()
    assert (await office.post("/logout")).status == 403
    assert (await office.post("/logout", csrf=before)).status == 403
    assert (await office.get()).status == 200


async def test_a_new_password_ends_all_sessions(office: Office) -> None:
    await office.sign_in()
    await office.ask(
        "UPDATE officeuser SET password_hash = $1", office.mwanga.company.vault.hash_password("another-one")
    )
    assert (await office.get()).status == 303
    assert (await office.sign_in(password="another-one")).status == 303


async def test_a_removed_user_is_out(office: Office) -> None:
    await office.sign_in()
    await office.ask("DELETE FROM officeuser")
    assert (await office.get()).status == 303


@pytest.mark.parametrize(("hours", "status"), [(11, 200), (13, 303)])
async def test_a_session_lasts_twelve_hours(office: Office, hours: int, status: int) -> None:
    await office.sign_in()
    cookies = {c.key: c.value for c in office.client.session.cookie_jar}
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours), tick=False):
        # past its age the jar drops the cookie: a thief does not
        response = await office.client.get("/", cookies=cookies, allow_redirects=False)
    assert response.status == status


@pytest.mark.parametrize("cookie", ["", "x", "AAAA", "A" * 200, "é"])
async def test_a_made_up_session_opens_nothing(office: Office, cookie: str) -> None:
    response = await office.client.get("/", cookies={"mwanga_session": cookie}, allow_redirects=False)
    assert response.status == 303


async def test_who_is_signed_in_does_not_see_the_form_again(office: Office) -> None:
    await office.sign_in()
    response = await office.get("/login")
    assert (response.status, response.headers["Location"]) == (303, "/")


async def test_signing_in_and_out_is_in_the_audit(office: Office) -> None:
    await office.sign_in(password="wrong")
    await office.sign_in()
    await office.post("/logout", csrf=await office.csrf("/"))
    rows = await office.ask("SELECT actor, action, subject, detail FROM audit ORDER BY id")
    assert [(row["actor"], row["action"], row["subject"]) for row in rows] == [
        (OFFICE_USER, "sign in", OFFICE_USER),
        (OFFICE_USER, "sign out", OFFICE_USER),
    ]
    assert rows[0]["detail"] == "from 127.0.0.1"


# Guessing


async def test_guessing_is_slowed_down_and_the_right_password_waits_too(office: Office) -> None:
    statuses = [(await office.sign_in(password=f"guess {n}")).status for n in range(MOST_WRONG + 1)]
    assert statuses == [403] * MOST_WRONG + [429]
    assert (await office.sign_in()).status == 429
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16), tick=False):
        assert (await office.sign_in()).status == 303


async def test_right_passwords_are_not_counted(office: Office) -> None:
    for _ in range(MOST_WRONG + 2):
        assert (await office.sign_in()).status == 303
        office.client.session.cookie_jar.clear()


@pytest.mark.parametrize(
    ("keys", "left"),
    [
        ([("name a", "address 1")], False),
        ([("name a", "address 2")], False),  # the same name from elsewhere
        ([("name b", "address 1")], False),  # the same address with another name
        ([("name b", "address 2")], True),
    ],
)
def test_tries_are_counted_for_the_name_and_for_the_address(keys: list[tuple[str, str]], left: bool) -> None:
    tries = Tries()
    for _ in range(MOST_WRONG):
        assert tries.begin_try("name a", "address 1")
    assert [tries.begin_try(*pair) for pair in keys] == [left]


def test_what_is_remembered_of_tries_is_bounded() -> None:
    tries = Tries()
    for n in range(REMEMBERED):
        tries.begin_try(f"name {n}", f"address {n}")
    assert len(tries._wrong) <= REMEMBERED
