"""The office's script in a real browser: live parts, the counter of SMS parts, and what asks first."""

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from bot.config import Config
from bot.text import gsm
from handlers.office.home.live import LIVE
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from tests.world.browser import Office, open_office
from tests.world.chromium import Tab, needs_chromium, open_browser, open_tab

pytestmark = [pytest.mark.slow, needs_chromium, pytest.mark.parametrize("engine", ["sqlite"])]
TEXTS = (
    "",
    "Karibu",
    "a" * 160,
    "a" * 161,
    "a" * 306 + "€",
    "€" * 80,
    "€" * 81,
    "a" * 152 + "€" + "b" * 152,
    "ɓ" * 70,
    "ɓ" * 71,
    "a" * 66 + "😀" + "b" * 70,
    "line\nline [x] {y} ~ | \\ ^",
    "ç" * 70,
)


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        yield office


@pytest.fixture
async def tab(office: Office) -> AsyncIterator[Tab]:
    """A browser in which the owner has signed in."""
    async with open_browser() as browser, open_tab(browser, str(office.client.make_url("/"))) as tab:
        await tab.sign_in(OFFICE_USER, OFFICE_PASSWORD)
        yield tab


async def test_the_page_shows_what_happens_without_being_loaded_again(office: Office, tab: Tab) -> None:
    assert office.client.app
    office.client.app[LIVE].look_s = 0.05
    await tab.go("/")
    await tab.page.evaluate("window.same = true")
    async with asyncio.timeout(20):
        while not len(office.client.app[LIVE]):
            await asyncio.sleep(0.01)
    await office.sms("Asha", "wxyz qqq")
    await tab.page.get_by_text("xyz qqq").wait_for(timeout=30_000)
    assert await tab.page.evaluate("window.same") is True
    assert tab.complaints == []


async def test_parts_are_counted_as_the_server_counts_them(tab: Tab) -> None:
    await tab.go("/messages/with/255710000002")
    area = tab.page.locator("textarea[data-count-parts]").first
    shown = tab.page.locator(f"#{await area.get_attribute('data-count-parts')}")
    for text in TEXTS:
        await area.fill(text)
        said = await shown.inner_text()
        assert not text or re.search(rf"\b{gsm.parts(text)} SMS", said), (text, said)
    assert tab.complaints == []
