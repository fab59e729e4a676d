"""The owner's page of users, the links by which they come, and one's own page, in a browser."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine

from bot.config import Config
from models.audit import record
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from models.people import OfficeRole, OfficeUser
from tests.world.browser import PASSWORD, Office, open_office
from tests.world.hostile import HOSTILE, check_inert, shows
from tests.world.users_page import USERS, code_of, links_of, number_of, send, set_up, sign_in_anew, wrong_codes

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        yield office


@pytest.fixture
async def strict(config: Config) -> AsyncIterator[Office]:
    """An office that demands the second factor of owners and finance."""
    given = config.model_copy(update={"second_factor": True})
    given.__pydantic_fields_set__.add("second_factor")
    async with open_office(given) as office:
        yield office


# Invitations


async def test_somebody_is_invited_chooses_a_name_and_is_in(office: Office) -> None:
    await office.sign_in()
    status, html = await send(office, f"{USERS}/invite", whom="Rehema of Lindi", role="support")
    [link] = links_of(html)
    async with office.mwanga.database.work():
        await record("Pendo", "sign in", "Pendo")  # of whom only the log knows
        await OfficeUser.create(name="Upendo", password_hash="", role=OfficeRole.OWNER, removed_at=datetime.now(UTC))
    assert status == 303 and "Rehema of Lindi" in html and "it works once" in html
    office.client.session.cookie_jar.clear()
    page = await office.html(link)
    assert "Welcome to the office" in page
    fields = {"name": "rehema", "password": "a long password", "again_password": "a long password"}
    for wrong, said in (
        ({"password": "short", "again_password": "short"}, "10 characters or more"),
        ({"again_password": "another password"}, "another one than above"),
        ({"name": ""}, "Please fill this in"),
        ({"name": OFFICE_USER}, "signs in with this name already"),
        ({"name": "command line"}, "Nobody can have this name"),
        ({"name": "+255 710 000 001"}, "Nobody can have this name"),
        ({"name": "Pendo"}, "signs in with this name already"),
        ({"name": "UPENDO"}, "signs in with this name already"),
    ):
        status, html = await send(office, link, link, **fields | wrong)
        assert status == 422 and said in html, wrong
        assert "name" in wrong or 'value="rehema"' in html, "what was typed stays"
    status, _html = await send(office, link, link, **fields)
    assert status == 303 and "rehema, support" in await office.page("/me")
    office.client.session.cookie_jar.clear()
    for response in (await office.get(link), await office.sign_in("rehema", "a long password")):
        assert response.status in (404, 303)
    assert (await office.get(link)).status == 404, "it works once"


async def test_a_link_is_withdrawn(office: Office) -> None:
    await office.sign_in()
    _status, html = await send(office, f"{USERS}/invite", whom="Rehema", role="owner")
    [link] = links_of(html)
    [row] = await office.ask("SELECT id FROM office_invitation")
    _status, html = await send(office, f"/settings/invitations/{row['id']}/withdraw")
    assert links_of(html) == [] and (await office.get(link)).status == 404


async def test_a_forgotten_password_is_set_by_a_link(office: Office) -> None:
    await office.become(OfficeRole.SUPPORT, "rehema")
    await sign_in_anew(office)
    _status, html = await send(office, f"{USERS}/{await number_of(office, 'rehema')}/password")
    [link] = links_of(html)
    office.client.session.cookie_jar.clear()
    assert "A new password for rehema" in await office.html(link)
    await send(office, link, link, password="a fresh password", again_password="a fresh password")
    office.client.session.cookie_jar.clear()
    assert (await office.sign_in("rehema", PASSWORD)).status == 403
    assert (await office.sign_in("rehema", "a fresh password")).status == 303


# Users


async def test_a_role_is_changed_and_the_last_owner_stays(office: Office) -> None:
    await office.become(OfficeRole.SUPPORT, "rehema")
    rehema = dict(cookies_of(office))
    await sign_in_anew(office)
    admin, number = await number_of(office, OFFICE_USER), await number_of(office, "rehema")
    for path, fields in ((f"{USERS}/{admin}/role", {"role": "auditor"}), (f"{USERS}/{admin}/remove", {})):
        status, html = await send(office, path, **fields)
        assert status == 422 and "is the last owner" in html
    assert (await send(office, f"{USERS}/{number}/role", role="king"))[0] == 422
    status, html = await send(office, f"{USERS}/{number}/role", role="owner")
    assert status == 303 and "has to sign in again" in html
    assert (await office.client.get("/me", cookies=rehema, allow_redirects=False)).status == 303
    status, _html = await send(office, f"{USERS}/{number}/role", role="finance")
    audit = await office.ask("SELECT actor, old, new FROM audit WHERE action = 'office role' ORDER BY id")
    assert [tuple(row.values()) for row in audit] == [
        (OFFICE_USER, "support", "owner"),
        (OFFICE_USER, "owner", "finance"),
    ]


def cookies_of(office: Office) -> list[tuple[str, str]]:
    return [(cookie.key, cookie.value) for cookie in office.client.session.cookie_jar]


async def test_somebody_is_removed_with_sessions_and_tickets(office: Office) -> None:
    await office.sms("Asha", "FIX SHS0283 no power")
    await office.become(OfficeRole.SUPPORT, "rehema")
    rehema, number = dict(cookies_of(office)), await number_of(office, "rehema")
    await office.ask("UPDATE ticket SET staff_id = $1, agent_id = NULL", number)
    await sign_in_anew(office)
    status, html = await send(office, f"{USERS}/{number}/remove")
    assert status == 303 and "signs in no more" in html
    assert [row["staff_id"] for row in await office.ask("SELECT staff_id FROM ticket")] == [None]
    assert (await office.client.get("/me", cookies=rehema, allow_redirects=False)).status == 303
    assert (await send(office, f"{USERS}/{number}/remove"))[0] == 404


@pytest.mark.parametrize("text", HOSTILE)
async def test_names_are_inert(office: Office, text: str) -> None:
    await office.sign_in()
    await office.ask("INSERT INTO officeuser (name, password_hash) VALUES ($1, '')", text)
    _status, html = await send(office, f"{USERS}/invite", whom=text, role="support")
    check_inert(html)
    assert shows(html, text)
    await office.become(OfficeRole.AUDITOR, text)
    await office.ask("UPDATE office_session SET browser = $1, address = $2", text, text[:45])
    own = await office.html("/me")
    check_inert(own)
    assert shows(own, text)


# One's own page


async def test_another_password_keeps_this_session_and_ends_the_others(office: Office) -> None:
    await office.sign_in()
    other = dict(cookies_of(office))
    office.client.session.cookie_jar.clear()
    await office.sign_in()
    fields = {"password": OFFICE_PASSWORD, "new_password": "another one", "again_password": "another one"}
    for wrong, said in (
        ({"password": "wrong"}, "This is not your password"),
        ({"again_password": "a third one"}, "another one than above"),
        ({"new_password": "short", "again_password": "short"}, "10 characters or more"),
    ):
        status, html = await send(office, "/me/password", "/me", **fields | wrong)
        assert status == 422 and said in html
    before = dict(cookies_of(office))
    status, html = await send(office, "/me/password", "/me", **fields)
    assert status == 303 and "Your password is changed" in html
    for cookies in (other, before):
        assert (await office.client.get("/me", cookies=cookies, allow_redirects=False)).status == 303
    office.client.session.cookie_jar.clear()
    assert (await office.sign_in(password="another one")).status == 303


async def test_guessing_one_s_own_password_is_slowed_down(office: Office) -> None:
    """Somebody at a desk that was left open."""
    await office.become(OfficeRole.SUPPORT)
    fields = {"new_password": "another one", "again_password": "another one"}
    pages = [await send(office, "/me/password", "/me", password=f"guess {n}", **fields) for n in range(11)]
    assert "Too many wrong tries" in pages[-1][1] and "Too many" not in pages[-2][1]
    assert "Too many wrong tries" in (await send(office, "/me/password", "/me", password=PASSWORD, **fields))[1]


async def test_sessions_are_listed_and_ended(office: Office) -> None:
    await office.sign_in()
    other = dict(cookies_of(office))
    office.client.session.cookie_jar.clear()
    await office.sign_in()
    page = await office.page("/me")
    assert page.count("End this session") == 1 and "this one" in page and "from 127.0.0.1" in page
    [number] = re.findall(r'action="/me/sessions/(\d+)"', await office.html("/me"))
    await send(office, f"/me/sessions/{number}", "/me")
    assert (await office.client.get("/me", cookies=other, allow_redirects=False)).status == 303
    assert "End this session" not in await office.page("/me")
    await office.become(OfficeRole.AUDITOR)
    [own] = await office.ask("SELECT MIN(id) AS id FROM office_session")
    await send(office, f"/me/sessions/{own['id']}", "/me")
    assert await office.ask("SELECT 1 FROM office_session WHERE id = $1", own["id"]), "nobody ends another's"


async def test_the_pages_are_in_the_language_of_the_user(office: Office) -> None:
    await office.sign_in()
    assert '<html lang="en">' in await office.html("/me")
    assert (await send(office, "/me/language", "/me", language="xx"))[0] == 422
    _status, html = await send(office, "/me/language", "/me", language="sw")
    assert '<html lang="sw">' in html and '<option selected value="sw">Kiswahili' in html


# The second factor


async def enter(office: Office, code: str, user: str = OFFICE_USER, password: str = OFFICE_PASSWORD) -> tuple[int, str]:
    """The password, then this code, in a browser that is new: the status and where it leads or what it says."""
    office.client.session.cookie_jar.clear()
    html = await (await office.sign_in(user, password)).text()
    assert "The code of your app" in html and (await office.get("/me")).status == 303, "nobody is signed in yet"
    half = unescape(re.findall(r'name="half" value="([^"]*)"', html)[0])
    csrf = re.findall(r'name="csrf" value="([0-9a-f]+)"', html)[0]
    response = await office.post("/login/code", csrf=csrf, half=half, code=code)
    return response.status, response.headers.get("Location", "") or await response.text()


async def test_an_owner_has_to_set_it_up_before_anything_else(strict: Office) -> None:
    office = strict
    await office.sign_in()
    for path in ("/", "/me", "/settings/users", "/messages"):
        response = await office.get(path)
        assert (response.status, response.headers["Location"]) == (303, "/me/second-factor")
    _secret, _codes = await set_up(office)
    assert (await office.get("/settings/users")).status == 200
    await office.become(OfficeRole.SUPPORT)
    assert (await office.get("/")).status == 200, "who helps callers may go without"
    await office.become(OfficeRole.FINANCE)
    assert (await office.get("/")).status == 303


async def test_signing_in_takes_a_code_and_each_counts_once(office: Office) -> None:
    await office.sign_in()
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        secret, codes = await set_up(office)
        clock.shift(timedelta(minutes=2))
        code = code_of(secret)
        assert (await enter(office, ""))[0] == 403
        assert await enter(office, code) == (303, "/")
        status, said = await enter(office, code)
        assert status == 403 and "or it was used" in said
        assert await enter(office, codes[0].lower()) == (303, "/")
        assert (await enter(office, codes[0]))[0] == 403
    actions = [row["action"] for row in await office.ask("SELECT action FROM audit ORDER BY id")]
    assert actions.count("wrong code") == 3 and actions.count("recovery code") == 1 and "second factor" in actions


async def test_guessing_codes_is_slowed_down(office: Office) -> None:
    await office.sign_in()
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        secret, codes = await set_up(office)
        clock.shift(timedelta(minutes=2))
        statuses = [(await enter(office, code))[0] for code in wrong_codes(secret, 6)]
        assert statuses == [403] * 5 + [429]
        assert (await enter(office, code_of(secret)))[0] == 429 and (await enter(office, codes[0]))[0] == 429
        clock.shift(timedelta(minutes=16))
        assert (await enter(office, code_of(secret)))[0] == 303


@pytest.mark.parametrize("half", ["", "x", "A.B"])
async def test_the_code_alone_opens_nothing(office: Office, half: str) -> None:
    await office.sign_in()
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        secret, _codes = await set_up(office)
        clock.shift(timedelta(minutes=2))
        office.client.session.cookie_jar.clear()
        response = await office.post("/login/code", csrf=await office.csrf(), half=half, code=code_of(secret))
    assert response.status == 403 and (await office.get("/me")).status == 303


async def test_half_a_sign_in_is_over_after_ten_minutes_and_with_another_password(office: Office) -> None:
    await office.sign_in()
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        secret, _codes = await set_up(office)
        clock.shift(timedelta(minutes=2))
        office.client.session.cookie_jar.clear()
        html = await (await office.sign_in()).text()
        half = unescape(re.findall(r'name="half" value="([^"]*)"', html)[0])
        clock.shift(timedelta(minutes=11))
        response = await office.post("/login/code", csrf=await office.csrf(), half=half, code=code_of(secret))
        assert response.status == 403 and "took too long" in await response.text()
        clock.shift(timedelta(minutes=-10))
        await office.ask("UPDATE officeuser SET session_epoch = session_epoch + 1")
        response = await office.post("/login/code", csrf=await office.csrf(), half=half, code=code_of(secret))
        assert response.status == 403


async def test_the_owner_takes_away_what_another_lost_and_not_the_own(office: Office) -> None:
    await office.become(OfficeRole.SUPPORT, "rehema")
    with time_machine.travel(datetime.now(UTC), tick=False):
        await set_up(office, PASSWORD)
        await sign_in_anew(office)
        number, own = await number_of(office, "rehema"), await number_of(office, OFFICE_USER)
        assert "with a second factor" in await office.page(USERS)
        assert (await send(office, f"{USERS}/{own}/second-factor"))[0] == 422
        assert (await send(office, f"{USERS}/{number}/second-factor"))[0] == 303
        office.client.session.cookie_jar.clear()
        assert (await office.sign_in("rehema", PASSWORD)).status == 303


async def test_another_phone_takes_the_password_and_a_code(office: Office) -> None:
    await office.sign_in()
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        secret, codes = await set_up(office)
        clock.shift(timedelta(minutes=2))
        [code] = wrong_codes(secret, 1)
        for wrong in ({"password": "wrong", "code": codes[0]}, {"password": OFFICE_PASSWORD, "code": code}):
            assert (await send(office, "/me/second-factor/off", "/me", **wrong))[0] == 422
        status, fresh = await send(office, "/me/recovery-codes", "/me", password=OFFICE_PASSWORD)
        assert status == 200 and codes[1] not in fresh and len(re.findall(r"[A-Z2-9-]{19}", fresh)) == 10
        right = {"password": OFFICE_PASSWORD, "code": code_of(secret)}
        status, html = await send(office, "/me/second-factor/off", "/me", **right)
        assert status == 303 and "is taken away" in html and "Off:" in html


async def test_a_secret_is_sealed_and_for_this_session_alone(office: Office) -> None:
    await office.sign_in()
    html = await office.html("/me/second-factor")
    secret = re.findall(r"<code>([A-Z2-7 ]+)</code>", html)[0].replace(" ", "")
    sealed = unescape(re.findall(r'name="sealed" value="([^"]*)"', html)[0])
    await office.become(OfficeRole.FINANCE, "rehema")
    response = await office.post(
        "/me/second-factor",
        csrf=await office.csrf("/me"),
        sealed=sealed,
        code=code_of(secret),
        password=PASSWORD,
    )
    assert (response.status, response.headers["Location"]) == (303, "/me/second-factor")
    assert await office.ask("SELECT 1 FROM officeuser WHERE factor <> ''") == []
