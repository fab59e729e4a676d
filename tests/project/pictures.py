"""The pictures of the documents: `make pictures` takes them of the demo world and its invented day, in Debian's
Chromium. A keyword takes one alone: `python -m tests.project.pictures home`.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import time_machine

from bot.config import demo_world, load
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from tests.project.pages import DOCS
from tests.world.browser import open_office
from tests.world.chromium import CHROMIUM, Tab, open_browser, open_tab
from tests.world.people import NOON, PEOPLE, PINS

FOLDER = DOCS / "pictures"
DESK = 1280  # pixels; of a page only what such a screen shows is taken
PHONE = 900  # wide enough for the phone with its people beside it
HEIGHT, EDGE = 900, 20
LARGEST = 200 * 1024  # bytes of one: who reads the help pays by the megabyte


async def take_home(tab: Tab) -> None:
    """What needs somebody, and how things are."""
    await tab.go("/")


async def take_person(tab: Tab) -> None:
    """A customer with a plan, texts, sales and a ticket, found by her serial."""
    await tab.page.fill("input[type=search]", "HILL001")
    await tab.press("Enter")
    await tab.page.wait_for_selector("text=Zawadi Mollel")


async def take_write(tab: Tab) -> None:
    """Write to many, as it looks before it goes."""
    await tab.go("/write")
    await tab.page.fill("textarea[name=text_en]", "Dear {name}, the power is off on Sunday from 8 to 12. Mwanga Demo")
    await tab.page.fill("textarea[name=text_sw]", "{name}, umeme utakatika Jumapili saa 2 hadi 6 mchana. Mwanga Demo")
    await tab.page.select_option("select[name=mini_grid]", label="Naliendele Hill")
    await tab.page.click("text=Look at it before it goes")
    await tab.page.wait_for_selector("text=The first of them reads")


async def take_simulator(tab: Tab) -> None:
    """The phone in the browser after the first sale of the README."""
    await _text(tab, "Asha", "BUY SHS0283 8000", "Sell 8 days")
    await _text(tab, "Asha", f"1 {PINS['Asha']}", "SOLD TZS 8,000")


async def take_purchase(tab: Tab) -> None:
    """A customer's phone that is asked to pay."""
    await _text(tab, "Baraka", "BUY 5000", "Sent to your phone")
    await tab.page.wait_for_selector("#ring:not([hidden])")


async def _text(tab: Tab, who: str, text: str, answer: str) -> None:
    await tab.go(f"/simulator?phone=%2B{PEOPLE[who].lstrip('+')}")
    await tab.page.fill("input[aria-label='Text message']", text)
    await tab.press("Enter")
    await tab.page.wait_for_selector(f"#messages >> text={answer}")


# In their order: what is sold in the simulator would stand on the first page.
PICTURES: dict[str, Callable[[Tab], Awaitable[None]]] = {
    "home": take_home,
    "person": take_person,
    "write": take_write,
    "simulator": take_simulator,
    "purchase": take_purchase,
}
OF_PHONES = ("simulator", "purchase")


async def take(names: list[str]) -> None:
    """Take these pictures, of a fresh demo world on an invented morning."""
    with tempfile.TemporaryDirectory(prefix="mwanga-") as folder:
        config = demo_world(load(database=f"sqlite://{folder}/demo.db", demo_life=True))
        async with open_office(config, load_demo=True) as office, open_browser() as browser:
            for name in names:
                width, last = (PHONE, ".phone") if name in OF_PHONES else (DESK, "footer")
                async with open_tab(browser, str(office.client.make_url("/")), width) as tab:
                    await tab.sign_in(OFFICE_USER, OFFICE_PASSWORD)
                    await PICTURES[name](tab)
                    await _keep(tab, last, FOLDER / f"{name}.png")


async def _keep(tab: Tab, last: str, file: Path) -> None:
    """What the screen shows, down to the last thing on it."""
    box = await tab.page.locator(last).bounding_box()
    assert box
    width, height = await tab.page.evaluate("innerWidth"), min(HEIGHT, box["y"] + box["height"] + EDGE)
    taken = await tab.page.screenshot(clip={"x": 0, "y": 0, "width": width, "height": height})
    if len(taken) > LARGEST:
        sys.exit(f"{file.name} has {len(taken):,} bytes, more than {LARGEST:,}.")
    file.write_bytes(taken)
    print(f"{file.name}, {len(taken):,} bytes")


if __name__ == "__main__":
    if not CHROMIUM:
        sys.exit("Chromium is not here: apt install chromium")
    with time_machine.travel(NOON):
        asyncio.run(take(sys.argv[1:] or list(PICTURES)))
