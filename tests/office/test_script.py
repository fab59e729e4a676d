"""The office's script in a real browser: live parts, the counter of SMS parts, and what asks first."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator

import pytest

from bot.config import Config
from bot.outbound.by_hand import as_sent
from bot.text import gsm
from bot.text.gsm import straight
from handlers.office.home import live
from handlers.office.home.live import LIVE
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from tests.world.browser import Office, open_office
from tests.world.chromium import Tab, needs_chromium, open_browser, open_tab

pytestmark = [pytest.mark.slow, needs_chromium, pytest.mark.parametrize("engine", ["sqlite"])]
TEXTS = (
    "“Karibu” – l’agent… ‘Juma’",
    "’" * 160,
    "’" * 161,
    "…" * 54,
    "a" * 152 + "…" + "b" * 10,
    "Ça, déjà payé: à bientôt",
    "çã" * 80,
    "çã" * 81,
    "Jose\u0301",
    "œuf æble ß",
    "a\u00a0b\u200bc \u0663\u0664 ½ № ²",
    "a" * 160 + "   \n",
    "  a\t\nb  \n\n",
    "用" * 3,
    "½" * 54,
    "l·l ŀ ŉ ǆ ˈ ₦5 25° `x`",
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


async def test_the_page_shows_what_happens_without_being_loaded_again(
    office: Office, tab: Tab, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert office.client.app
    monkeypatch.setattr(live, "SHARE", 0)  # as in tests/office/test_live.py
    office.client.app[LIVE].look_s = 0.05
    await tab.go("/")
    await tab.page.evaluate("window.same = true")
    async with asyncio.timeout(60):
        while not len(office.client.app[LIVE]):
            await asyncio.sleep(0.01)
    await office.sms("Asha", "wxyz qqq")
    await tab.page.get_by_text("xyz qqq").wait_for()
    assert await tab.page.evaluate("window.same") is True
    assert tab.complaints == []


async def test_parts_are_counted_as_the_server_counts_them(tab: Tab) -> None:
    """Of what it writes: a curly mark is straight by then, and costs no more than a straight one."""
    await tab.go("/messages/with/255710000002")
    area = tab.page.locator("textarea[data-count-parts]").first
    shown = tab.page.locator(f"#{await area.get_attribute('data-count-parts')}")
    for text in TEXTS:
        await area.fill(text)
        said, sent = await shown.inner_text(), as_sent(text)
        counted = f"{gsm.septets(sent)} characters, {gsm.parts(sent)} SMS."
        assert not text or said.startswith(counted), (text, sent, said, counted)
        typed = unicodedata.normalize("NFC", text)
        changed = any(letter not in sent for letter in straight(typed) if not letter.isspace())
        assert ("in plain letters" in said) is changed, (text, said)
    assert tab.complaints == []
