"""The office in a real browser: each page on a telephone and on a desk, light and dark, with script and without, and
what somebody does there who has no mouse."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from bot.config import load
from handlers.office.frame.routes import PAGES
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from tests.world.browser import Office, open_office
from tests.world.chromium import Tab, links_of, needs_chromium, open_browser, open_tab

pytestmark = [pytest.mark.slow, needs_chromium, pytest.mark.parametrize("engine", ["sqlite"])]

MOST_BYTES = 50 * 1024
MOST_PAGES = 400  # that the walk looks at
SCREEN = 900  # pixels that a tab is high
# Reached by a form or by the script, not by a link: with what leads there.
NOT_LINKED = {
    "/login": "for whoever is not signed in",
    "/find": "the find box of each page",
    "/live": "the script's stream",
    "/live/home": "the script fetches it",
    "/office/{hash}/{name}": "the style sheet and the script",
    "/login/code": "the password, where a second factor is set up",
    "/typed": "signing in again with a form that was not sent",
    r"/invitation/{token:\d{1,18}-[0-9a-f]{40}}": "what the owner gives to whom is invited",
    "/receipts": "an address of before, which leads on",
    r"/settings/phones/{number:\d{1,9}}": "a phone, of which the demo world has none",
    r"/write/{number:\d{1,18}}": "a message to many, of which the demo world has none",
}
# What somebody types into a box, whose answer has links of its own.
ASKED = ("/settings/texts?q=PIN", "/find?q=a")


@pytest.fixture
async def office(empty_url: str) -> AsyncIterator[Office]:
    """The demo's office with a day's life in it."""
    async with open_office(load(database=empty_url, demo_life=True), load_demo=True) as office:
        yield office


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as browser:
        yield browser


async def walk(office: Office) -> dict[str, str]:
    """One address for each page of the office, found as a person does: by links, from the first page on."""
    assert office.client.app
    router = office.client.app.router
    waiting, seen, found = ["/", *ASKED], {"/", *ASKED}, {}
    while waiting and len(seen) < MOST_PAGES:
        path = waiting.pop(0)
        response = await office.get(path)
        assert response.status in (200, 303), f"{path} answers {response.status}"
        canonical = next((each for each in _canonicals(router, path)), "")
        found.setdefault(canonical, path)
        if response.content_type != "text/html" or response.status == 303:
            continue
        for link in links_of(await response.text()):
            per_page = sum(1 for one in seen if _shape(one) == _shape(link))
            if link not in seen and per_page < 3 and not link.startswith("/simulator"):
                seen.add(link)
                waiting.append(link)
    return found


def _shape(path: str) -> str:
    return re.sub(r"\d+", "1", path.partition("?")[0])


def _canonicals(router: object, path: str) -> list[str]:
    plain = path.partition("?")[0]
    found = []
    for page in PAGES:
        pattern = re.sub(r"\{\w+:((?:[^{}]|\{[^{}]*\})+)\}", r"(?:\1)", page.path)
        pattern = re.sub(r"\{\w+\}", "[^/]+", pattern)
        if page.method == "GET" and re.fullmatch(pattern, plain):
            found.append(page.path)
    return found


async def test_a_link_leads_to_each_page(office: Office) -> None:
    await office.html()
    found = await walk(office)
    pages = {page.path for page in PAGES if page.method == "GET" and not page.fragment}
    missing = sorted(pages - set(found) - set(NOT_LINKED))
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")])
async def test_each_page_is_whole(office: Office, browser: Browser, width: int, scheme: str) -> None:
    await office.html()
    pages = await walk(office)
    wrong = []
    async with open_tab(browser, str(office.client.make_url("/")), width, color_scheme=scheme) as tab:
        await tab.sign_in(OFFICE_USER, OFFICE_PASSWORD)
        for path in pages.values():
            wrong += [f"{path}: {said}" for said in await _look_at(tab, path)]
    assert not wrong, "\n".join(wrong)


async def _look_at(tab: Tab, path: str) -> list[str]:
    """What is wrong with a page."""
    tab.complaints.clear()
    if ".csv" in path or ".png" in path:
        return []
    response = await tab.page.goto(tab.base + path)
    assert response
    said = [] if response.status == 200 else [f"answers {response.status}"]
    if (size := len(await response.body())) > MOST_BYTES:
        said.append(f"has {size:,} bytes")
    if await tab.is_too_wide():
        said.append("is too wide")
    return said + await tab.find_barriers() + tab.complaints


async def test_each_page_is_there_without_script(office: Office, browser: Browser) -> None:
    await office.html()
    pages = await walk(office)
    async with open_tab(browser, str(office.client.make_url("/")), java_script_enabled=False) as tab:
        await tab.sign_in(OFFICE_USER, OFFICE_PASSWORD)
        for path in pages.values():
            if ".csv" in path or ".png" in path:
                continue
            await tab.go(path)
            assert await tab.page.inner_text("main"), path
        assert tab.complaints == []


async def test_a_stolen_phone_is_locked_on_the_first_screen_of_a_telephone(office: Office, browser: Browser) -> None:
    """Of the agent whose statement of the month is the longest."""
    [most] = await office.ask("SELECT agent_id FROM sale GROUP BY agent_id ORDER BY COUNT(*) DESC LIMIT 1")
    async with open_tab(browser, str(office.client.make_url("/")), 360) as tab:
        await tab.sign_in(OFFICE_USER, OFFICE_PASSWORD)
        await tab.go(f"/people/agents/{most['agent_id']}")
        [lock] = await tab.page.locator("summary", has_text="Lock, as when").all()
        where = await lock.bounding_box()
        assert where and where["y"] + where["height"] < SCREEN, where
