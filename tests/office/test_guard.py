"""Every page of the office is behind sign-in, and every form needs the token that `page` gave it."""

import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bot.config import Config, load
from handlers.office.frame.guard import ASKING, ELSEWHERE
from handlers.office.frame.routes import PAGES
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from tests.world.browser import Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite

OPEN = {"/login", "/office/{hash}/{name}"}
FIELDS = {"do": "close", "words": "They called", "user": OFFICE_USER, "password": OFFICE_PASSWORD}


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        await office.sms("Asha", "FIX SHS0283 no power")
        yield office


def routes_of(office: Office) -> list[tuple[str, str]]:
    """Method and path of each route of the office, whoever added it; a number in it is 1."""
    assert office.client.app
    found = []
    for route in office.client.app.router.routes():
        assert route.resource
        path = route.resource.canonical
        if path.split("/")[1] not in ELSEWHERE:
            found.append((route.method, re.sub(r"\{\w+\}", "1", path)))
    return found


async def everything(office: Office) -> tuple[object, ...]:
    tables = ("audit", "ticket_event", "ticket", "officeuser")
    return tuple([await office.ask(f"SELECT * FROM {table} ORDER BY id") for table in tables])


async def test_each_page_is_behind_sign_in_unless_it_says_otherwise(office: Office) -> None:
    routes = routes_of(office)
    assert {path for _method, path in routes} >= {"/", "/login", "/logout", "/messages", "/messages/1", "/tickets/K1"}
    for method, path in routes:
        if path not in {"/login", "/office/1/1"}:
            response = await office.client.request(method, path, allow_redirects=False)
            assert (response.status, response.headers.get("Location")) == (303, "/login"), (method, path)
    assert {page.path for page in PAGES if page.anybody} == OPEN


async def test_each_form_is_refused_without_its_token(office: Office) -> None:
    await office.html()
    before = await everything(office)
    posts = [(method, path) for method, path in routes_of(office) if method not in ASKING]
    assert {path for _method, path in posts} >= {"/login", "/logout", "/tickets/K1"}
    for method, path in posts:
        for token in ({}, {"csrf": ""}, {"csrf": "0" * 64}):
            response = await office.client.request(method, path, data=FIELDS | token, allow_redirects=False)
            assert response.status == 403, (method, path)
            assert "This form was too old" in await response.text()
    assert await everything(office) == before
    assert (await office.get()).status == 200, "still signed in"


async def test_machines_send_no_token(office: Office) -> None:
    await office.html()
    assert (await office.post("/gateways/africastalking/demo/sms", id="only an id")).status != 403
    assert (await office.post("/smsgate/mobile/v1/device")).status != 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
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
        assert statuses == [303, 403] and called == []
        response = await office.client.request(
            method, "/made-up", data={"csrf": await office.csrf("/")}, allow_redirects=False
        )
        assert response.status == 403 and called == []


async def test_a_form_is_refused_in_a_sentence_and_in_the_same_look(office: Office) -> None:
    await office.html()
    response = await office.client.post("/tickets/K1", data=FIELDS, headers={"Accept": "text/html"})
    assert response.status == 403 and "<h2>This form was too old" in await response.text()
