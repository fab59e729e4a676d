"""Adding a page to the office is one file and its template: this one is made up here."""

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp_jinja2
import jinja2
import pytest

from bot.config import Config
from handlers.office.frame.routes import PAGES
from tests.world.browser import Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite

MODULE = '''
"""The page at `/weather`: what the weather is, and what the office says about it."""

from aiohttp import web

from handlers.office.frame.page import page, redirect
from handlers.office.frame.routes import ALL, FORM, USER, Nav, office_page

said = []


@office_page("/weather", roles=ALL, nav=Nav.TICKETS)
async def show(request: web.Request) -> web.StreamResponse:
    return page(request, "weather.html", said=said)


@office_page("/weather", "POST", roles=ALL, nav=Nav.TICKETS)
async def change(request: web.Request) -> web.StreamResponse:
    said.append(f"{request[USER].name}: {request[FORM]['words']}")
    raise redirect("/weather")
'''
TEMPLATE = """{% extends "office.html" %}
{% block title %}Weather{% endblock %}
{% block main %}
<p>It rains. {{ said | join(", ") }}</p>
<form method="post">{{ csrf() }}<input name="words"><button>Say</button></form>
{% endblock %}
"""


@pytest.fixture
async def office(config: Config, tmp_path: Path) -> AsyncIterator[Office]:
    """An office with one page more."""
    (tmp_path / "weather.py").write_text(MODULE)
    (tmp_path / "weather.html").write_text(TEMPLATE)
    try:
        spec = importlib.util.spec_from_file_location("weather", tmp_path / "weather.py")
        assert spec and spec.loader
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        async with open_office(config) as office:
            assert office.client.app
            environment = aiohttp_jinja2.get_env(office.client.app)
            assert environment.loader
            environment.loader = jinja2.ChoiceLoader([environment.loader, jinja2.FileSystemLoader(tmp_path)])
            yield office
    finally:
        PAGES[:] = [page for page in PAGES if page.path != "/weather"]  # the others stay, whoever looked for them first


async def test_a_new_page_is_served_behind_sign_in(office: Office) -> None:
    response = await office.get("/weather")
    assert (response.status, response.headers["Location"]) == (303, "/login?next=/weather")
    assert (await office.post("/weather", words="Take a coat")).status == 403
    page = await office.page("/weather")
    assert "Home Messages People Tickets" in page and "It rains." in page
    assert '<a href="/tickets" aria-current="page">' in await office.html("/weather")


async def test_its_form_needs_the_token(office: Office) -> None:
    await office.html()
    assert (await office.post("/weather", words="Take a coat")).status == 403
    assert "coat" not in await office.page("/weather")
    response = await office.post("/weather", words="Take a coat", csrf=await office.csrf("/weather"))
    assert response.status == 303
    assert "admin: Take a coat" in await office.page("/weather")
