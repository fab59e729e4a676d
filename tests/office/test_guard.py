"""Every page of the office is shut to whoever has no role for it, and every form needs the token that `page` gave it:
all roles at all routes, from the table of routes itself."""

import asyncio
import re
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
from aiohttp import ClientResponse, web

from bot.config import Config, load
from handlers.office.frame.cookies import SESSION
from handlers.office.frame.guard import ASKING
from handlers.office.frame.page import MACHINES
from handlers.office.frame.routes import OFFICE, PAGES
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from models.people import OfficeRole
from tests.world.browser import Office, open_office
from tests.world.office_paths import MOVING, PART, path_of

pytestmark = pytest.mark.everyday_on_sqlite

OPEN = {"/login", "/login/code", "/invitation/{token}", "/office/{hash}/{name}"}
FIELDS = {"do": "close", "words": "They called", "user": OFFICE_USER, "password": OFFICE_PASSWORD}
ELSEWHERE_ADDRESSES = (
    "//evil.example",
    "https://evil.example/",
    "/\\evil.example",
    "\t//evil.example",
    "javascript:x()",
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        await office.sms("Asha", "FIX SHS0283 no power")
        async with asyncio.timeout(60):
            while await office.ask("SELECT 1 FROM outbox WHERE state IN ('waiting', 'sending')"):
                await asyncio.sleep(0)
        yield office


def routes_of(office: Office) -> list[tuple[str, str]]:
    """Method and path of each route of the office, whoever added it."""
    assert office.client.app
    found, pages = [], office.client.app[OFFICE]
    for route in office.client.app.router.routes():
        assert route.resource
        path = route.resource.canonical
        if path.split("/")[1] not in MACHINES | {"simulator"}:
            found.append((route.method, path_of(pages[route]) if route in pages else path))
    return found


async def everything(office: Office) -> list[object]:
    """All rows of all tables that stand still while nobody does anything."""
    names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    if not office.mwanga.database.embedded:
        names = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    tables = [row["name"] for row in await office.ask(names) if row["name"] not in MOVING]
    where = {"audit": " WHERE action <> 'export'"}  # noted when somebody takes a list
    return [(table, await office.ask(f"SELECT * FROM {table}{where.get(table, '')}")) for table in tables]


async def ask(office: Office, method: str, path: str, **fields: str) -> ClientResponse:
    headers = {"Accept": "text/html"}
    return await office.client.request(method, path, data=fields or None, headers=headers, allow_redirects=False)


async def test_all_that_is_open_to_everybody_is_named_here(office: Office) -> None:
    assert {PART.sub(r"{\1}", page.path) for page in PAGES if page.anybody} == OPEN
    there = set(routes_of(office))
    assert {path for _method, path in there} >= {"/", "/login", "/logout", "/messages", "/messages/1", "/tickets/K1"}
    for page in PAGES:
        assert (page.method, path_of(page)) in there


async def test_nobody_gets_anywhere_without_a_session(office: Office) -> None:
    before = await everything(office)
    for method, path in routes_of(office):
        if path in {"/login", "/login/code", "/office/1/1"} or path.startswith("/invitation/"):
            continue
        response = await ask(office, method, path)
        if method in ASKING:
            fragment = next(page.fragment for page in PAGES if page.method == "GET" and path_of(page) == path)
            assert response.status == (401 if fragment else 303), (method, path)
            assert fragment or response.headers["Location"].startswith("/login"), path
        else:
            assert response.status == 403 and "Sign in to the office" in await response.text(), (method, path)
    assert await everything(office) == before


async def test_the_address_of_a_form_leads_to_its_page(office: Office) -> None:
    """As the address bar has it after a form was refused, or when a phone loads its page anew."""
    looked_at = {path_of(page) for page in PAGES if page.method == "GET"}
    await office.sign_in()
    forms = {path_of(page) for page in PAGES if page.method == "POST"} - looked_at
    assert len(forms) > 50
    for path in sorted(forms):
        response = await ask(office, "GET", path)
        to = response.headers.get("Location", "")
        assert response.status == 303 and to in looked_at and path.startswith(to), (path, response.status, to)
    assert (await office.get("/people/agents/1/cash")).headers["Location"] == "/people/agents/1"
    assert (await ask(office, "HEAD", "/logout")).headers["Location"] == "/"


@pytest.mark.parametrize("role", list(OfficeRole))
async def test_each_role_gets_to_its_own_pages_alone(office: Office, role: OfficeRole) -> None:
    """The table of all routes by all methods. What a role may do is done by the page's own tests; what it may not
    is refused with a token that is right, on a page with a way home, and nothing is written."""
    await office.become(role)
    token, before, refused = await office.csrf("/me"), await everything(office), 0
    for page in PAGES:
        if page.anybody:
            continue
        path, allowed = path_of(page), role in page.roles
        for method in METHODS:
            if method != page.method and (method != "HEAD" or page.method != "GET"):
                continue
            if allowed and page.method not in ASKING:
                response = await ask(office, method, path, csrf="0" * 64)  # without its token
                assert response.status in (403, 404), (method, path)
            elif allowed:
                response = await ask(office, method, path)
                assert response.status in (200, 303, 404), (method, path, response.status)
            else:
                response = await ask(office, method, path, csrf=token)
                refused += 1
                assert response.status == 403, (method, path)
                assert method == "HEAD" or ("another role" in (said := await response.text()) and 'href="/"' in said)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        there = {path_of(page) for page in PAGES if page.method == method}
        for path in {path_of(page) for page in PAGES} - there:
            response = await ask(office, method, path, csrf=token)
            assert response.status in (404, 405), (method, path)
    after = await everything(office)
    assert after == before
    assert refused or role is OfficeRole.OWNER


async def test_an_owner_gets_everywhere() -> None:
    shut = [page.path for page in PAGES if not page.anybody and OfficeRole.OWNER not in page.roles]
    assert shut == []


async def test_an_auditor_only_reads() -> None:
    """But for what is one's own: the session, the password, the language, the second factor."""
    for page in PAGES:
        if page.method not in ASKING and OfficeRole.AUDITOR in page.roles:
            assert page.path.startswith(("/me", "/logout", "/typed")), page.path


async def test_each_form_is_refused_without_its_token(office: Office) -> None:
    await office.html()
    before = await everything(office)
    posts = [(method, path) for method, path in routes_of(office) if method not in ASKING]
    assert {path for _method, path in posts} >= {"/login", "/logout", "/tickets/K1"}
    for method, path in posts:
        for token in ({}, {"csrf": ""}, {"csrf": "0" * 64}):
            response = await ask(office, method, path, **FIELDS | token)
            assert response.status in (403, 404), (method, path)
            assert response.status == 404 or "This form was too old" in await response.text()
    assert await everything(office) == before
    assert (await office.get()).status == 200, "still signed in"


@pytest.mark.slow
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_that_another_site_sends_is_refused_with_a_right_token_too(office: Office, site: str) -> None:
    await office.html()
    fields, before = {"csrf": await office.csrf("/me")}, await everything(office)
    for path in sorted({path_of(page) for page in PAGES if page.method == "POST"}):
        response = await office.client.post(
            path, data=fields, headers={"Sec-Fetch-Site": site, "Accept": "text/html"}, allow_redirects=False
        )
        assert response.status == 403 and "another site" in await response.text(), path
    assert await everything(office) == before
    assert (await office.get()).status == 200
    response = await office.client.post(
        "/logout", data=fields, headers={"Sec-Fetch-Site": "same-origin"}, allow_redirects=False
    )
    assert response.status == 303


@pytest.mark.slow
async def test_a_token_of_before_signing_in_sends_no_form(office: Office) -> None:
    """Who plants his own cookies on somebody knows their token, but not that of the session."""
    token = await office.csrf("/login")
    await office.sign_in()
    before = await everything(office)
    for path in sorted({path_of(page) for page in PAGES if page.method == "POST"}):
        response = await ask(office, "POST", path, csrf=token)
        assert response.status in (403, 404), path
    assert await everything(office) == before


@pytest.mark.slow
async def test_a_session_that_somebody_planted_opens_no_page_and_is_never_taken(office: Office) -> None:
    office.client.session.cookie_jar.update_cookies({SESSION: "planted"}, office.client.make_url("/"))
    for page in PAGES:
        response = await ask(office, page.method, path_of(page))
        assert page.anybody or response.status in (303, 401, 403), page.path
        assert response.status != 303 or response.headers["Location"].startswith("/login"), page.path
        assert SESSION not in response.cookies or response.cookies[SESSION].value != "planted", page.path


@pytest.mark.slow
@pytest.mark.parametrize("to", ELSEWHERE_ADDRESSES)
@pytest.mark.parametrize("signed_in", [False, True])
async def test_no_page_leads_to_another_site(office: Office, signed_in: bool, to: str) -> None:
    """Whatever stands in its address or its form."""
    fields = dict.fromkeys(("next", "back", "with", "to", "q", "place", "typed"), to)
    csrf = await office.csrf("/login")
    if signed_in:
        await office.sign_in()
        csrf = await office.csrf("/me")
    followed = 0
    for page in sorted(PAGES, key=lambda page: page.path == "/logout"):  # the last one
        path = f"{path_of(page)}?{urlencode(fields)}"
        response = await ask(office, page.method, path, **(fields | {"csrf": csrf} if page.method == "POST" else {}))
        if where := response.headers.get("Location", ""):
            followed += 1
            assert re.match(r"/(?![/\\\s])[\x21-\x7e]*$", where), (page.path, where)
    assert followed > (15 if signed_in else 60)


async def test_machines_send_no_token(office: Office) -> None:
    await office.html()
    assert (await office.post("/gateways/africastalking/demo/sms", id="only an id")).status != 403
    assert (await office.post("/smsgate/mobile/v1/device")).status != 403


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_a_route_that_nobody_said_anything_about_is_shut(
    demo_url: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever goes past `office_page` opens no door."""
    called = []

    async def handle(_request: web.Request) -> web.Response:
        called.append(method)
        return web.Response()

    freeze = web.Application.pre_freeze

    def add_and_freeze(app: web.Application) -> None:
        if not app.pre_frozen:
            app.router.add_route(method, "/made-up", handle)
        freeze(app)

    monkeypatch.setattr(web.Application, "pre_freeze", add_and_freeze)
    async with open_office(load(database=demo_url)) as office:
        statuses = []
        for signed_in in (False, True):
            if signed_in:
                await office.html()
            response = await office.client.request(method, "/made-up", allow_redirects=False)
            statuses.append(response.status)
        response = await office.client.request(
            method, "/made-up", data={"csrf": await office.csrf("/me")}, allow_redirects=False
        )
        assert [*statuses, response.status] == [303, 403, 403] and called == []


async def test_a_form_is_refused_in_a_sentence_and_in_the_same_look(office: Office) -> None:
    await office.html()
    response = await office.client.post("/tickets/K1", data=FIELDS, headers={"Accept": "text/html"})
    assert response.status == 403 and "<h1>This form was too old" in await response.text()
