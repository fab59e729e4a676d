"""Work at the office by the keyboard alone, on a telephone and on a desk: a text is answered, cash is booked, power is
sold, from signing in on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.config import Config
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from models.money.ledger import AccountKind, Posting, post
from tests.world.browser import Office, open_office
from tests.world.chromium import Tab, needs_chromium, open_browser, open_tab
from tests.world.people import PEOPLE

pytestmark = [
    pytest.mark.slow,
    needs_chromium,
    pytest.mark.parametrize("engine", ["sqlite"]),
    pytest.mark.parametrize("width", [360, 1280]),
]

ASHA = "/people/agents/1"
AMOUNT = f"form[action='{ASHA}/cash'] input[name=amount]"
WITH = f"/messages/with/{PEOPLE['Baraka'].lstrip('+')}"


@asynccontextmanager
async def at_the_keyboard(office: Office, width: int) -> AsyncIterator[Tab]:
    """A browser in which somebody has signed in without a mouse, and sees the first page."""
    async with open_browser() as browser, open_tab(browser, str(office.client.make_url("/")), width) as tab:
        await tab.go("/login")
        await fill(tab, "input[name=user]", OFFICE_USER)
        await fill(tab, "input[name=password]", OFFICE_PASSWORD)
        await tab.press("Enter")
        await tab.page.wait_for_selector("h1 >> text=Home")
        yield tab


async def follow(tab: Tab, *paths: str) -> None:
    """From link to link."""
    for path in paths:
        await tab.tab_to(f"a[href='{path}']")
        await tab.press("Enter")
        await tab.page.wait_for_url(f"**{path}")


async def fill(tab: Tab, selector: str, text: str) -> None:
    await tab.tab_to(selector)
    await tab.press("Control+A")
    await tab.page.keyboard.type(text)


async def look(tab: Tab) -> list[str]:
    """What is wrong with the page as it is now; what the browser says of a refused form is no complaint of it."""
    said = [each for each in tab.complaints if "status of 4" not in each]
    return said + await tab.find_barriers() + (["is too wide"] if await tab.is_too_wide() else [])


async def test_a_text_that_was_not_understood_is_answered(config: Config, width: int) -> None:
    async with open_office(config) as office:
        await office.sms("Baraka", "nyumba yangu iko karibu na shule")
        async with at_the_keyboard(office, width) as tab:
            await follow(tab, "/messages", WITH)
            await fill(tab, "main textarea[name=text]", "We come tomorrow at ten")
            assert "23 characters, 1 SMS." in await tab.page.inner_text("main")
            assert await look(tab) == []
            await tab.tab_to(f"form[action='{WITH}'] button")
            await tab.press("Enter")
            await tab.page.wait_for_selector("[role=status] >> text=Written.")
            assert await look(tab) == []
            await follow(tab, "/messages")
            assert "Nobody waits for an answer." in await tab.page.inner_text("main")
        [answer] = await office.ask("SELECT phone, text FROM outbox WHERE kind = 'office'")
        assert answer == {"phone": PEOPLE["Baraka"], "text": "We come tomorrow at ten"}
        [asked] = await office.ask("SELECT outcome, answered_at FROM inbox")
        assert asked["outcome"] == "not understood" and asked["answered_at"] > 0


async def test_the_cash_of_an_agent_is_booked(config: Config, width: int) -> None:
    async with open_office(config) as office:
        await take_cash(office, 90_000_00)
        async with at_the_keyboard(office, width) as tab:
            await follow(tab, "/people", "/people/agents", ASHA)
            await fill(tab, AMOUNT, "95000")
            await tab.press("Enter")
            await tab.page.wait_for_selector("[role=alert]")
            assert await tab.page.input_value(AMOUNT) == "95000", "what was refused is still there"
            assert await look(tab) == []
            await fill(tab, AMOUNT, "60000")
            await tab.press("Enter")
            await tab.page.wait_for_selector("[role=status]")
            assert "TZS 60,000" in await tab.page.inner_text("main")
            assert await look(tab) == []
        assert [row["amount"] for row in await office.ask("SELECT amount FROM hand_in")] == [60_000_00]


async def take_cash(office: Office, amount: int) -> None:
    """Asha has sold so much."""
    async with office.mwanga.database.work():
        lines = [Posting(AccountKind.CASH, 1, amount), Posting(AccountKind.ENERGY, 0, -amount)]
        await post("taken", lines, actor="test")


async def test_power_is_sold_at_the_counter(config: Config, width: int) -> None:
    async with open_office(config) as office:
        async with at_the_keyboard(office, width) as tab:
            await tab.go("/sell?serial=SHS0283")
            await fill(tab, "main input[name=amount]", "8000")
            await tab.press("Enter")
            await tab.page.wait_for_selector("text=Sell this?")
            assert await look(tab) == []
            await tab.tab_to("main form button")
            await tab.press("Enter")
            await tab.page.wait_for_selector("text=Sold for TZS 8,000")
            assert await tab.page.inner_text(".code") and await look(tab) == []
        assert [row["amount"] for row in await office.ask("SELECT amount FROM sale")] == [8_000_00]
