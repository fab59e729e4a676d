"""Cash is booked and power is sold in a real browser, by the keyboard alone, on a telephone and on a desk."""

import pytest

from bot.config import Config
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from models.money.ledger import AccountKind, Posting, post
from tests.world.browser import open_office
from tests.world.chromium import Tab, needs_chromium, open_browser, open_tab

pytestmark = [pytest.mark.slow, needs_chromium, pytest.mark.parametrize("engine", ["sqlite"])]

ASHA = "/people/agents/1"


async def look(tab: Tab) -> list[str]:
    """What is wrong with the page as it is now; what the browser says of a refused form is no complaint of it."""
    said = [each for each in tab.complaints if "status of 4" not in each]
    return said + await tab.find_barriers() + (["is too wide"] if await tab.is_too_wide() else [])


async def fill(tab: Tab, selector: str, text: str) -> None:
    await tab.tab_to(selector)
    await tab.page.keyboard.type(text)


@pytest.mark.parametrize("width", [360, 1280])
async def test_cash_is_booked_and_power_sold_without_a_mouse(config: Config, width: int) -> None:
    async with open_office(config) as office, open_browser() as browser:
        async with office.mwanga.database.work():
            cash = [Posting(AccountKind.CASH, 1, 90_000_00), Posting(AccountKind.ENERGY, 0, -90_000_00)]
            await post("taken", cash, actor="test")
        async with open_tab(browser, str(office.client.make_url("/")), width) as tab:
            await tab.sign_in(OFFICE_USER, OFFICE_PASSWORD)
            await tab.go(ASHA)
            await fill(tab, f"form[action='{ASHA}/cash'] input[name=amount]", "95000")
            await tab.press("Enter")
            await tab.page.wait_for_selector("[role=alert]")
            assert await tab.page.input_value(f"form[action='{ASHA}/cash'] input[name=amount]") == "95000"
            assert await look(tab) == []
            await tab.tab_to(f"form[action='{ASHA}/cash'] input[name=amount]")
            await tab.press("Control+A")
            await tab.page.keyboard.type("60000")
            await tab.press("Enter")
            await tab.page.wait_for_selector("[role=status]")
            assert "TZS 60,000" in await tab.page.inner_text("main")
            assert await look(tab) == []
            await tab.go("/sell?serial=SHS0283")
            await fill(tab, "main input[name=amount]", "8000")
            await tab.press("Enter")
            await tab.page.wait_for_selector("text=Sell this?")
            assert await look(tab) == []
            await tab.tab_to("main form button")
            await tab.press("Enter")
            await tab.page.wait_for_selector("text=Sold for TZS 8,000")
            assert await tab.page.inner_text(".code") and await look(tab) == []
        assert [row["amount"] for row in await office.ask("SELECT amount FROM hand_in")] == [60_000_00]
