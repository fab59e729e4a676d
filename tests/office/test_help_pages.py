"""The help at `/help`: all of docs/, found by words, in the office's own frame."""

import re
from collections.abc import AsyncIterator

import pytest

from bot.config import Config
from handlers.office.help.documents import documents, pictures
from tests.world.browser import Office, open_office

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        await office.html()
        yield office


async def test_every_page_is_served_small_and_with_its_contents(office: Office) -> None:
    for name, document in documents().items():
        html = await office.html(f"/help/{name}")
        for heading in document.contents:
            assert f'<a href="{document.address(heading.anchor) if document.parts else "#" + heading.anchor}">' in html
        for page in [html, *[await office.html(f"/help/{name}/{part}") for part in document.parts]]:
            assert len(page.encode()) < 50_000, name
            assert not re.search(r"<script(?! src=\"/office/)|style=", page)


async def test_every_link_within_the_help_is_served(office: Office) -> None:
    links = {link for document in documents().values() for link in re.findall(r'="(/[^"#]*)', document.html)}
    assert "/help/install" in links
    for link in links:
        assert (await office.get(link)).status == 200, link


async def test_pictures_are_served_as_pictures(office: Office) -> None:
    for name, path in pictures().items():
        response = await office.get(f"/help/pictures/{name}")
        assert response.content_type == "image/png" and await response.read() == path.read_bytes()


@pytest.mark.parametrize(
    "path",
    ["nothing", "pictures/nothing.png", "..%2fREADME", "pictures/..%2f..%2fREADME.md", "Operate", "operate/cash"],
)
async def test_what_is_no_page_is_not_there(office: Office, path: str) -> None:
    assert (await office.client.get(f"/help/{path}", headers={"Accept": "text/html"})).status == 404


async def test_words_are_found_and_the_way_there_works(office: Office) -> None:
    html = await office.html("/help?q=Reconcile+statement")
    links = re.findall(r'<a href="(/help/[a-z/-]+)#([^"]+)"', html)
    assert links and "<mark>" in html
    for path, anchor in links:
        assert f'id="{anchor}"' in await office.html(path)
    assert "Nothing. Try fewer or shorter words." in await office.page("/help?q=xyzzy")
    assert "<i>" not in await office.html("/help?q=%3Ci%3E")


async def test_the_first_page_names_all_of_them(office: Office) -> None:
    page = await office.page("/help")
    assert all(document.title in page for document in documents().values())


async def test_nobody_reads_it_without_signing_in(config: Config) -> None:
    async with open_office(config) as office:
        for path in ("/help", "/help/operate"):
            assert (await office.get(path)).status == 303
        assert (await office.get("/help/pictures/home.png")).status == 401
