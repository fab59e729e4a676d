"""The office in a real browser: each page on a telephone and on a desk, light and dark, with script and without, and
what somebody does there who has no mouse."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from bot.config import load
from handlers.office.frame.routes import PAGES
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from models.people import OfficeRole, OfficeUser, invitations, office_users, second_factor
from models.sql import now_ms
from tests.world.browser import PASSWORD, Office, open_office
from tests.world.chromium import Tab, needs_chromium, open_browser, open_tab
from tests.world.many import write_to_all
from tests.world.office_paths import walk

pytestmark = [pytest.mark.slow, needs_chromium, pytest.mark.parametrize("engine", ["sqlite"])]

MOST_BYTES = 50 * 1024
SCREEN = 900  # pixels that a tab is high
# No page of its own.
NO_PAGES = {
    "/live": "the script's stream",
    "/live/entries": "the script fetches them",
    "/live/home": "the script fetches it",
    "/office/{hash}/{name}": "the style sheet and the script",
    "/receipts": "an address of before, which leads on",
}
# Reached by no link of the office; test_each_page_without_a_link_is_whole goes there.
NOT_LINKED = {
    "/login": "for whoever is not signed in",
    "/login/code": "it begins with the password, whose answer it is where a second factor is set up",
    "/typed": "signing in again with a form that was not sent",
    r"/invitation/{token:\d{1,18}-[0-9a-f]{40}}": "what the owner gives to whom is invited",
}


@pytest.fixture
async def office(empty_url: str) -> AsyncIterator[Office]:
    """The demo's office with a day's life in it, a gateway phone, and what was written to many."""
    async with open_office(load(database=empty_url, demo_life=True), load_demo=True) as office:
        await office.html()
        await office.post("/settings/phones", name="Shop phone", csrf=await office.csrf("/settings/phones"))
        await write_to_all(office.mwanga.database)
        yield office


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with open_browser() as browser:
        yield browser


async def test_a_link_leads_to_each_page(office: Office) -> None:
    found = await walk(office)
    pages = {page.path for page in PAGES if page.method == "GET" and not page.fragment}
    missing = sorted(pages - set(found) - set(NOT_LINKED) - set(NO_PAGES))
    assert not missing, "\n".join(missing)


LOOKS = pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")])


@LOOKS
async def test_each_page_is_whole(office: Office, browser: Browser, width: int, scheme: str) -> None:
    pages = await walk(office)
    wrong = []
    async with open_tab(browser, str(office.client.make_url("/")), width, color_scheme=scheme) as tab:
        await tab.sign_in(OFFICE_USER, OFFICE_PASSWORD)
        for path in pages.values():
            wrong += [f"{path}: {said}" for said in await _look_at(tab, path)]
    assert not wrong, "\n".join(wrong)


@LOOKS
async def test_each_page_without_a_link_is_whole(office: Office, browser: Browser, width: int, scheme: str) -> None:
    base = str(office.client.make_url("/"))
    token = await invited(office)
    await with_second_factor(office, "coded")
    async with open_tab(browser, base, width, color_scheme=scheme) as tab:
        wrong = [f"{path}: {said}" for path in ("/login", f"/invitation/{token}") for said in await _look_at(tab, path)]
        await tab.sign_in("coded", PASSWORD)
        await tab.page.wait_for_selector("input[name=code]")
        wrong += [f"the code: {said}" for said in await _look_at_open(tab, len(await tab.page.content()))]
    async with open_tab(browser, base, width, color_scheme=scheme) as tab:
        await tab.sign_in(OFFICE_USER, OFFICE_PASSWORD)
        await bring_too_late(office, tab)
        wrong += [f"/typed: {said}" for said in await _look_at(tab, "/typed")]
        assert await tab.page.input_value("input[name=whom]") == "Rehema Hassan"
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", ["en", "sw", "fr", "pt", "ha"])
async def test_all_entries_at_the_head_are_seen_on_a_telephone(office: Office, browser: Browser, language: str) -> None:
    async with open_tab(browser, str(office.client.make_url("/")), 360) as tab:
        await tab.sign_in(OFFICE_USER, OFFICE_PASSWORD)
        await office.ask("UPDATE officeuser SET language = $1", language)
        await tab.go("/money")
        entries = await tab.page.locator("header nav a").all()
        boxes = [box for entry in entries if (box := await entry.bounding_box())]
    assert len(boxes) == 6 and all(box["x"] >= 0 and box["x"] + box["width"] <= 360 for box in boxes), boxes


async def invited(office: Office) -> str:
    """Somebody is invited: the end of the link."""
    async with office.mwanga.database.work():
        owner = await OfficeUser.get(name=OFFICE_USER)
        invitation = await invitations.invite(OfficeRole.SUPPORT, "Rehema Hassan", by=owner)
    return invitations.token_of(invitation, office.mwanga.company.vault)


async def with_second_factor(office: Office, name: str) -> None:
    """A user whose phone shows codes."""
    vault, secret = office.mwanga.company.vault, second_factor.new_secret()
    code = second_factor.code_at(secret, now_ms() // 1000 // second_factor.STEP_S)
    async with office.mwanga.database.work():
        user = await office_users.create_user(name, PASSWORD, OfficeRole.FINANCE, vault=vault, actor="test")
        await second_factor.set_up(user, secret, code, vault=vault, actor="test")


async def bring_too_late(office: Office, tab: Tab) -> None:
    """Fill in a form while the session ends, send it, and sign in once more."""
    await tab.go("/settings/users")
    await tab.page.fill("form[action='/settings/users/invite'] input[name=whom]", "Rehema Hassan")
    await office.ask("UPDATE office_session SET seen_at = seen_at - 1860000")
    await tab.page.click("form[action='/settings/users/invite'] button")
    await tab.page.fill("input[name=user]", OFFICE_USER)
    await tab.page.fill("input[name=password]", OFFICE_PASSWORD)
    await tab.page.click("form[action='/login'] button")
    await tab.page.wait_for_url("**/typed")


async def _look_at(tab: Tab, path: str) -> list[str]:
    """What is wrong with a page."""
    tab.complaints.clear()
    if ".csv" in path or ".png" in path:
        return []
    response = await tab.page.goto(tab.base + path)
    assert response
    said = [] if response.status == 200 else [f"answers {response.status}"]
    return said + await _look_at_open(tab, len(await response.body()))


async def _look_at_open(tab: Tab, size: int) -> list[str]:
    """The same of the page that is open, of so many bytes."""
    said = [f"has {size:,} bytes"] if size > MOST_BYTES else []
    if await tab.is_too_wide():
        said.append("is too wide")
    return said + await tab.find_barriers() + tab.complaints


async def test_each_page_is_there_without_script(office: Office, browser: Browser) -> None:
    pages = await walk(office)
    async with open_tab(browser, str(office.client.make_url("/")), java_script_enabled=False) as tab:
        await tab.sign_in(OFFICE_USER, OFFICE_PASSWORD)
        for path in pages.values():
            if ".csv" in path or ".png" in path:
                continue
            await tab.go(path)
            assert await tab.page.inner_text("main"), path
        assert tab.complaints == []


async def test_a_sheet_prints_dark_on_light_without_what_is_pressed(office: Office, browser: Browser) -> None:
    await office.html()
    async with open_tab(browser, str(office.client.make_url("/")), color_scheme="dark") as tab:
        await tab.sign_in(OFFICE_USER, OFFICE_PASSWORD)
        await tab.go("/money/visits")
        await tab.page.emulate_media(media="print", color_scheme="dark")
        for pressed in ("header", ".rooms", "form.filter", "footer"):
            assert not await tab.page.is_visible(pressed), pressed
        assert await tab.page.is_visible("h1")
        look = "getComputedStyle(document.body)"
        assert await tab.page.evaluate(f"[{look}.color, {look}.backgroundColor]") == [
            "rgb(0, 0, 0)",
            "rgb(255, 255, 255)",
        ]
        soft = "getComputedStyle(document.querySelector('main')).getPropertyValue('--soft')"
        assert await tab.page.evaluate(soft) == "#5a564e"


@LOOKS
async def test_each_page_of_money_is_chosen_without_sliding(
    office: Office, browser: Browser, width: int, scheme: str
) -> None:
    """On a telephone by a tap on what is open, at a desk at once; without script too."""
    await office.html()
    base = str(office.client.make_url("/"))
    async with open_tab(browser, base, width, color_scheme=scheme, java_script_enabled=False) as tab:
        await tab.sign_in(OFFICE_USER, OFFICE_PASSWORD)
        await tab.go("/money/till")
        links = tab.page.locator(".rooms a")
        if width < SCREEN:
            assert not await links.first.is_visible()
            await tab.page.click(".rooms summary")
        boxes = [await link.bounding_box() for link in await links.all()]
        assert len(boxes) == 16
        for box in boxes:
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] < SCREEN
        await tab.page.click(".rooms a[href='/money/wallets']")
        await tab.page.wait_for_url("**/money/wallets")


async def test_a_stolen_phone_is_locked_on_the_first_screen_of_a_telephone(office: Office, browser: Browser) -> None:
    """Of the agent whose statement of the month is the longest."""
    [most] = await office.ask("SELECT agent_id FROM sale GROUP BY agent_id ORDER BY COUNT(*) DESC LIMIT 1")
    async with open_tab(browser, str(office.client.make_url("/")), 360) as tab:
        await tab.sign_in(OFFICE_USER, OFFICE_PASSWORD)
        await tab.go(f"/people/agents/{most['agent_id']}")
        [lock] = await tab.page.locator("summary", has_text="Lock, as when").all()
        where = await lock.bounding_box()
        assert where and where["y"] + where["height"] < SCREEN, where
