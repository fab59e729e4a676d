"""A newcomer's half hour: `mwanga init`, the first owner, and the first steps of the page to their end.

The phone is the emulated one, the server a process of its own. A second page stays open and shows each step as it is
done."""

import time
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.async_api import Page, expect

from bot.config import Config, load
from tests.emulators.android.clock import Clock
from tests.emulators.android.phone import Phone
from tests.world.chromium import Tab, needs_chromium, open_browser, open_tab
from tests.world.csv_files import KEY
from tests.world.prompt import mwanga_command
from tests.world.server import ServerProcess, query

pytestmark = [pytest.mark.slow, needs_chromium]

OWNER, PASSWORD = "neema", "long enough to keep"
ASHA, HALIMA = "+255712000001", "+255754000111"
PIN = "730582"
# What `mwanga init` asks, one line for each question; an empty one takes what is usual.
ANSWERS = ("Umeme Jua", "TZ", "", "", "en,sw", "+255700000000", "", "", "phones")
FILES = {
    "customers": "name,surname,phone,language,mini_grid,village\nHalima,Omari,0754000111,en,Mlimani,Kitangari\n",
    "stock": f"serial number,starting code,key,time divider,kind,plan\nJUA001,987654321,{KEY},1,shs,Home daily\n",
    "devices": "serial,name,surname,phone\nJUA001,Halima,Omari,0754000111\n",
}
READY = "Everything is set up, and something is sold."


@pytest.fixture
def founded(tmp_path: Path) -> Config:
    """A folder with a configuration and an owner, as the commands leave it."""
    made = mwanga_command("init", f"backup_folder={tmp_path}/copies", input="\n".join(ANSWERS) + "\n")
    assert made.exit_code == 0, made.output
    (tmp_path / "copies").mkdir(exist_ok=True)
    owner = mwanga_command("admin", "add", OWNER, "--role", "owner", input=f"{PASSWORD}\n")
    assert owner.exit_code == 0, owner.output
    return load()


class Newcomer:
    """Somebody at the page, with the first page open beside it that nobody loads again."""

    def __init__(self, tab: Tab, first: Page) -> None:
        self.tab, self.page, self.first = tab, tab.page, first

    async def sees_done(self, step: str, number: int) -> None:
        """The open page says so by itself."""
        await expect(self.first.locator(".steps .done", has_text=step)).to_be_visible()
        await expect(self.first.locator("h2", has_text=f"{number} of 8 done")).to_be_visible()

    async def follow(self, step: str) -> None:
        """Go where the step leads."""
        await self.tab.go("/")
        await self.page.click(f".steps a >> text={step}")

    async def bring(self, kind: str) -> None:
        """Import a file on its page: checked first, then written."""
        await self.tab.go(f"/settings/prices/{kind}")
        file: Any = {"name": f"{kind}.csv", "mimeType": "text/csv", "buffer": FILES[kind].encode()}
        await self.page.set_input_files("input[type=file]", file)
        await self.page.click("text=Check it")
        await expect(self.page.locator("main")).to_contain_text("1 row is in order.")
        await self.page.click("text=Write it")
        await expect(self.page.locator("main")).to_contain_text("1 rows read, 1 new or changed.")


async def sign_in(tab: Tab) -> None:
    """The first time the page asks for a second factor: the app gets the letters that stand below the picture."""
    await tab.sign_in(OWNER, PASSWORD)
    secret = await tab.page.inner_text("main ol code")
    await tab.page.fill("input[name=code]", pyotp.TOTP(secret.replace(" ", "")).now())
    await tab.page.fill("input[name=password]", PASSWORD)
    await tab.page.click("text=Turn it on")
    await tab.page.click("text=I have them")
    await expect(tab.page.locator("h1")).to_have_text("Home")


async def link_a_phone(newcomer: Newcomer) -> Phone:
    """The page shows a code, and says by itself when the phone has come."""
    page = newcomer.page
    await newcomer.follow("Link a gateway phone")
    await page.fill("input[name=name]", "Shop phone")
    await page.click("text=Show a code")
    phone = Phone(await page.inner_text("main ol code"), Clock(time.time()), wall=time.time)
    code = await page.inner_text("main ol dd")
    await expect(page.locator("main")).to_contain_text("Waiting for Shop phone")
    assert (await phone.register(code=code.replace(" ", ""))).status == 201
    await expect(page.locator("main")).to_contain_text("Shop phone is here.")
    await phone.sync()
    return phone


async def add_an_agent(newcomer: Newcomer) -> None:
    page = newcomer.page
    await newcomer.follow("Add an agent")
    await page.fill("input[name=name]", "Asha Mushi")
    await page.fill("input[name=phone]", "0712 000 001")
    await page.fill("input[name=new_grid]", "Mlimani")
    await page.fill("input[name=limit]", "200000")
    await page.click("main form button")
    await expect(page.locator("h1")).to_contain_text("Asha Mushi")


async def set_a_price(newcomer: Newcomer) -> None:
    page = newcomer.page
    await newcomer.follow("Set the prices")
    await page.click("text=Tariffs")
    await page.fill("input[name=name]", "Home daily")
    await page.select_option("select[name=unit]", "days")
    await page.fill("input[name=price]", "1000")
    await page.click("text=Save")
    await expect(page.locator("[role=status]")).to_contain_text("It is kept.")


async def read(phone: Phone, receiver: str) -> str:
    """The next SMS that the gateway phone sends to this number."""
    while not phone.radio.unread(receiver):
        await phone.pull()
        await phone.queue.rest()
        if phone.queue.waiting:
            await phone.clock.forward(6)  # the app pauses between messages
    return await phone.radio.read(receiver)


async def read_pin(phone: Phone) -> str:
    """The agent's PIN for once; beside it comes a welcome."""
    said = " ".join([await read(phone, ASHA), await read(phone, ASHA)])
    assert "You can sell now: send HELP." in said, "nobody can dial where phones carry the SMS"
    return said.partition("PIN for once: ")[2][:6]


async def test_the_first_steps_lead_to_a_first_sale(founded: Config) -> None:
    async with (
        ServerProcess(founded.database, africastalking_api_key="") as server,
        open_browser() as browser,
        open_tab(browser, server.address) as tab,
    ):
        await sign_in(tab)
        first = await tab.page.context.new_page()
        await first.goto(server.address)
        newcomer = Newcomer(tab, first)
        await expect(first.locator("h2", has_text="1 of 8 done")).to_be_visible()  # the help number: `init` asks for it

        async with await link_a_phone(newcomer) as phone:
            await newcomer.sees_done("Link a gateway phone", 2)
            await add_an_agent(newcomer)
            await newcomer.sees_done("Add an agent", 3)
            once = await read_pin(phone)
            await set_a_price(newcomer)
            await newcomer.sees_done("Set the prices", 4)
            await newcomer.bring("customers")
            await newcomer.sees_done("Register customers", 5)
            await newcomer.bring("stock")
            await newcomer.sees_done("List the devices in stock", 6)
            await newcomer.bring("devices")

            await newcomer.follow("Make a backup")
            await newcomer.page.click("text=Copy it now")
            await newcomer.sees_done("Make a backup", 7)

            await phone.receives(ASHA, f"PIN {once} {PIN}")
            assert "PIN" in await read(phone, ASHA)
            await phone.receives(ASHA, "BUY JUA001 5000")
            assert (await read(phone, ASHA)).startswith("Sell 5 days for TZS 5,000 to HALIMA O., JUA001?")
            await phone.receives(ASHA, f"1 {PIN}")
            sold, token = await read(phone, ASHA), await read(phone, HALIMA)
            assert sold.startswith("SOLD TZS 5,000, 5 days") and "Code " in token
            await expect(first.locator("main")).to_contain_text(READY)
            await expect(first.locator("main")).to_contain_text("TZS 5,000")
            assert phone.complaints == [] and tab.complaints == []
        [sale] = await query(founded.database, "SELECT amount, units FROM sale")
        assert sale == {"amount": 5_000_00, "units": 5}
