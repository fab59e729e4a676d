"""Who gets in to the office's page, over HTTP and on both engines."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine

from bot.config import Config, load
from handlers.office.frame.cookies import SESSION
from handlers.office.frame.page import ADDRESSES, FILES
from handlers.office.signin.limits import MOST_WRONG
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from models.people import OfficeRole, office_users
from tests.world import light_passwords
from tests.world.browser import CSRF, Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite

WRONG = "This name and password do not go together."


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        yield office


def test_a_server_hashes_passwords_at_their_full_cost() -> None:
    """RFC 9106's choice for machines with little memory. Only tests hash lightly."""
    hasher = light_passwords.OF_A_SERVER
    assert (hasher.time_cost, hasher.memory_cost, hasher.parallelism) == (3, 65_536, 4)


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
        prefix = "__Host-" if secure else ""
        browser, csrf = form.cookies[f"{prefix}mwanga_browser"].value, CSRF.findall(await form.text())[0]
        response = await office.client.post(
            "/login",
            data={"user": OFFICE_USER, "password": OFFICE_PASSWORD, "csrf": csrf},
            headers={"Cookie": f"{prefix}mwanga_browser={browser}"},
            allow_redirects=False,
        )
    cookie = response.cookies[f"{prefix}mwanga_session"]
    assert set(response.cookies) == {f"{prefix}mwanga_session", f"{prefix}mwanga_device"}
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert (cookie["max-age"], bool(cookie["secure"])) == (str(7 * 24 * 3600), secure)
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
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in headers["Content-Security-Policy"]
    assert re.findall(r"<script[^>]*>.", html) == [f'<script src="{ADDRESSES["office.js"]}" defer><'], "ours alone"
    assert "<style" not in html and " style=" not in html


async def test_the_style_sheet_and_the_script_are_small_and_kept_by_browsers(office: Office) -> None:
    assert len(FILES["office.js"]) <= 5 * 1024
    for name, address in ADDRESSES.items():
        response = await office.get(address)
        assert "immutable" in response.headers["Cache-Control"] and await response.read() == FILES[name]
    assert (await office.get("/office/1/nothing.css")).status == 404


async def test_signing_out_leads_to_the_form(office: Office) -> None:
    await office.sign_in()
    response = await office.post("/logout", csrf=await office.csrf("/"))
    assert (response.status, response.headers["Location"]) == (303, "/login")
    assert (await office.get()).status == 303


async def test_signing_out_ends_the_session_wherever_its_cookie_was_copied_to(office: Office) -> None:
    await office.sign_in()
    stolen = {c.key: c.value for c in office.client.session.cookie_jar}
    assert (await office.client.get("/", cookies=stolen, allow_redirects=False)).status == 200
    await office.post("/logout", csrf=await office.csrf("/"))
    office.client.session.cookie_jar.clear()
    assert (await office.client.get("/", cookies=stolen, allow_redirects=False)).status == 303


async def test_another_site_cannot_sign_somebody_out(office: Office) -> None:
    before = await office.csrf()
    await office.sign_in()
    assert (await office.post("/logout")).status == 403
    assert (await office.post("/logout", csrf=before)).status == 403
    assert (await office.get()).status == 200


async def test_a_new_password_ends_all_sessions(office: Office) -> None:
    await office.sign_in()
    async with office.mwanga.database.work():
        admin = await office_users.find_user(OFFICE_USER)
        assert admin is not None
        await office_users.change_password(admin, "another-one", vault=office.mwanga.company.vault, actor="test")
    assert (await office.get()).status == 303
    assert (await office.sign_in(password="another-one")).status == 303


async def test_a_removed_user_is_out(office: Office) -> None:
    await office.sign_in()
    async with office.mwanga.database.work():
        await office_users.add_user(
            "rehema", "another-one", vault=office.mwanga.company.vault, actor="test", role=OfficeRole.OWNER
        )
        admin = await office_users.find_user(OFFICE_USER)
        assert admin is not None
        await office_users.remove_user(admin, actor="test")
    assert (await office.get()).status == 303
    assert (await office.sign_in()).status == 403
    assert (await office.sign_in("rehema", "another-one")).status == 303


@pytest.mark.parametrize(
    ("minutes", "status"),
    [([29, 58], 200), ([31], 303), ([*range(25, 720, 25), 721], 303), ([*range(25, 720, 25)], 200)],
)
async def test_a_session_lasts_half_an_hour_without_a_page_and_twelve_with(
    office: Office, minutes: list[int], status: int
) -> None:
    await office.sign_in()
    cookies = {c.key: c.value for c in office.client.session.cookie_jar}
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        began = datetime.now(UTC)
        for minute in minutes:
            clock.move_to(began + timedelta(minutes=minute))
            response = await office.client.get("/me", cookies=cookies, allow_redirects=False)
    assert response.status == status


async def test_what_a_script_fetches_by_itself_keeps_no_session_alive(office: Office) -> None:
    await office.sign_in()
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        for _ in range(4):
            clock.shift(timedelta(minutes=9))
            response = await office.client.get("/me", headers={"Sec-Fetch-Mode": "cors"}, allow_redirects=False)
    assert response.status == 303


async def test_signing_in_gives_the_session_a_new_name_and_ends_the_one_before(office: Office) -> None:
    """Fixation: a name that somebody planted or saw before opens nothing."""
    office.client.session.cookie_jar.update_cookies({SESSION: "planted"}, office.client.make_url("/"))
    await office.sign_in()
    names = [session_of(office)]
    for _ in range(2):
        fields = {"user": OFFICE_USER, "password": OFFICE_PASSWORD, "csrf": await office.csrf("/me")}
        assert (await office.post("/login", **fields)).status == 303
        names.append(session_of(office))
    assert len({"planted", *names}) == 4
    for name in ("planted", *names[:-1]):
        assert (await office.client.get("/me", cookies={SESSION: name}, allow_redirects=False)).status == 303
    assert len(await office.ask("SELECT id FROM office_session")) == 1
    assert not [name for name in names if name in str(await office.ask("SELECT * FROM office_session"))]


def session_of(office: Office) -> str:
    return next(c.value for c in office.client.session.cookie_jar if c.key == SESSION)


async def test_signing_out_ends_this_session_alone(office: Office) -> None:
    await office.sign_in()
    first = session_of(office)
    office.client.session.cookie_jar.clear()
    await office.sign_in()
    await office.post("/logout", csrf=await office.csrf("/me"))
    assert (await office.get("/me")).status == 303
    assert (await office.client.get("/me", cookies={SESSION: first}, allow_redirects=False)).status == 200


# Where one wanted to go


async def test_a_deep_link_leads_there_after_signing_in(office: Office) -> None:
    response = await office.get("/messages?state=failed&q=a%20b")
    assert (response.status, response.headers["Location"][:26]) == (303, "/login?next=/messages?stat")
    form = await (await office.get(response.headers["Location"])).text()
    [path] = re.findall(r'name="next" value="([^"]*)"', form)
    fields = {"user": OFFICE_USER, "password": OFFICE_PASSWORD, "csrf": CSRF.findall(form)[0]}
    wrong = await (await office.post("/login", **fields | {"password": "wrong", "next": unescape(path)})).text()
    assert re.findall(r'name="next" value="([^"]*)"', wrong) == [path], "a wrong password does not lose it"
    response = await office.post("/login", **fields, next=unescape(path))
    assert response.headers["Location"] == "/messages?state=failed&q=a%20b"


@pytest.mark.parametrize(
    "path",
    [
        *(
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "http://evil.example",
            "evil.example",
        ),
        *("/\t/evil.example", "\t//evil.example", "/\n/evil.example", " //evil.example", "https:evil.example"),
        *(
            "javascript:alert(1)",
            "/login",
            "/login?next=//evil.example",
            "/logout",
            "//evil.example\\@x",
            "/" + "a" * 600,
        ),
        *("/x\r\nSet-Cookie: a=b", "//[", "", "?x", "/%5c\u2028"),
    ],
)
async def test_no_other_site_is_led_to(office: Office, path: str) -> None:
    fields = {"user": OFFICE_USER, "password": OFFICE_PASSWORD, "csrf": await office.csrf()}
    response = await office.post("/login", **fields, next=path)
    assert (response.status, response.headers["Location"]) == (303, "/")
    asked = await office.client.get("/login", params={"next": path}, allow_redirects=False)
    assert (asked.status, asked.headers["Location"]) == (303, "/")


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
        (OFFICE_USER, "wrong sign in", OFFICE_USER),
        (OFFICE_USER, "sign in", OFFICE_USER),
        (OFFICE_USER, "sign out", OFFICE_USER),
    ]
    assert {row["detail"] for row in rows} == {"from 127.0.0.1"}


async def test_a_made_up_name_is_not_in_the_audit_for_it_may_be_a_password(office: Office) -> None:
    await office.sign_in("correct horse", "battery")
    rows = await office.ask("SELECT actor, action, subject, detail FROM audit")
    assert [tuple(row.values()) for row in rows] == [("nobody", "wrong sign in", "", "from 127.0.0.1")]
    assert "correct" not in str(await office.ask("SELECT name FROM guess"))


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


async def guess(office: Office, times: int, *, user: str = OFFICE_USER, address: str = "") -> list[int]:
    """The statuses of wrong tries by a browser that is new each time."""
    statuses = []
    for _ in range(times):
        office.client.session.cookie_jar.clear()
        csrf = await office.csrf()
        fields = {"user": user, "password": "wrong", "csrf": csrf}
        headers = {"X-Forwarded-For": address} if address else {}
        response = await office.client.post("/login", data=fields, headers=headers, allow_redirects=False)
        statuses.append(response.status)
    return statuses


async def test_strangers_do_not_keep_out_a_browser_that_signed_in_before(office: Office) -> None:
    assert (await office.sign_in()).status == 303
    known = {c.key: c.value for c in office.client.session.cookie_jar if c.key != "mwanga_session"}
    assert (await guess(office, MOST_WRONG + 1))[-1] == 429
    office.client.session.cookie_jar.clear()
    assert (await office.sign_in()).status == 429, "a new browser cannot be told from a stranger's"
    office.client.session.cookie_jar.update_cookies(known, office.client.make_url("/"))
    assert (await office.sign_in()).status == 303


async def test_a_known_browser_has_its_own_count(office: Office) -> None:
    await office.sign_in()
    await office.post("/logout", csrf=await office.csrf("/"))
    statuses = [(await office.sign_in(password=f"guess {n}")).status for n in range(MOST_WRONG + 1)]
    assert statuses == [403] * MOST_WRONG + [429]
    assert await office.ask("SELECT 1 FROM guess WHERE name LIKE 'sign in by address%' AND wrong > 0") == []


async def test_a_known_browser_is_known_for_its_user_alone(office: Office) -> None:
    await office.sign_in()
    await office.post("/logout", csrf=await office.csrf("/"))
    await office.sign_in("somebody else", "wrong")
    assert await office.ask("SELECT 1 FROM guess WHERE name LIKE 'sign in by address%' AND wrong = 1")


async def test_made_up_names_do_not_forget_a_full_count(office: Office) -> None:
    assert (await guess(office, MOST_WRONG + 1))[-1] == 429
    rows = len(await office.ask("SELECT 1 FROM guess"))
    assert set(await guess(office, 30, user="made up")) == {429}
    assert len(await office.ask("SELECT 1 FROM guess")) == rows, "a refused try leaves nothing behind"


async def test_counts_outlive_a_restart(demo_url: str) -> None:
    async with open_office(load(database=demo_url)) as office:
        await guess(office, MOST_WRONG)
    async with open_office(load(database=demo_url)) as office:
        assert await guess(office, 1) == [429]


async def test_behind_a_proxy_each_address_has_its_own_count(demo_url: str) -> None:
    async with open_office(load(database=demo_url, trusted_proxies="127.0.0.1")) as office:
        assert (await guess(office, MOST_WRONG + 1, user="x", address="203.0.113.7"))[-1] == 429
        assert await guess(office, 1, user="y", address="203.0.113.7") == [429]
        assert await guess(office, 1, user="y", address="203.0.113.8") == [403]
        assert await guess(office, 1, user="y", address="198.51.100.1, 203.0.113.7") == [429], (
            "what it brings is made up"
        )


async def test_ipv6_addresses_of_one_customer_count_as_one(demo_url: str) -> None:
    async with open_office(load(database=demo_url, trusted_proxies="127.0.0.1")) as office:
        for n in range(MOST_WRONG):
            assert await guess(office, 1, user=f"name {n}", address=f"2001:db8:1:2::{n}") == [403]
        assert await guess(office, 1, user="other", address="2001:db8:1:2:ffff::9") == [429]
        assert await guess(office, 1, user="other", address="2001:db8:1:3::9") == [403]


async def test_many_tries_at_once_get_no_further(office: Office) -> None:
    csrf = await office.csrf()
    statuses = await asyncio.gather(
        *(office.post("/login", user=OFFICE_USER, password=f"guess {n}", csrf=csrf) for n in range(3 * MOST_WRONG))
    )
    assert [response.status for response in statuses].count(403) == MOST_WRONG
