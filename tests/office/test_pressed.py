"""Each form of the desk is pressed in a real browser, on a telephone and on a desk, with script and without; where it
asks first, it is dismissed and then pressed again."""

import re
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pyotp
import pytest
from playwright.async_api import Browser, Dialog, Locator
from playwright.async_api import Error as PlaywrightError

import handlers.office
from bot.app import build_app
from bot.config import Config
from handlers.office.frame.routes import PAGES
from tests.world.chromium import Tab, needs_chromium, open_browser, open_tab
from tests.world.full_desk import SECOND, FullDesk, open_full_desk
from tests.world.office_paths import PART
from tests.world.presses import ALL_PRESSES, PASSWORDS, Press, end_sessions

TEMPLATES = Path(handlers.office.__file__).with_name("templates")
HOME_ASKS = "Is it "
STANDING_FOR = {"token": "1-" + "0" * 40, "now0": "RRRR2", "now4": "RRRR2", "now5": "RRRR2"}
LATE = re.compile("status of 40[13]")  # the browser's word for what it asks for when its session has ended


@dataclass
class Presser:
    """A browser for each who works at the desk, and for a guest."""

    desk: FullDesk
    browser: Browser
    width: int
    script: bool
    scheme: str
    stack: AsyncExitStack
    tabs: dict[str, Tab] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    agree: bool = True

    async def tab_of(self, who: str) -> Tab:
        if who not in self.tabs:
            base = str(self.desk.office.client.make_url("/"))
            tab = await self.stack.enter_async_context(
                open_tab(self.browser, base, self.width, java_script_enabled=self.script, color_scheme=self.scheme)
            )
            tab.page.on("dialog", self._answer)
            if who in PASSWORDS:
                await tab.sign_in(who, PASSWORDS[who])
            self.tabs[who] = tab
        return self.tabs[who]

    async def _answer(self, dialog: Dialog) -> None:
        self.heard.append(dialog.message)
        await (dialog.accept() if self.agree else dialog.dismiss())

    async def try_out(self, press: Press) -> list[str]:
        """Press it: what is wrong with that."""
        try:
            return await self._press(press)
        except PlaywrightError as error:
            return [str(error).partition("\n")[0]]

    async def _press(self, press: Press) -> list[str]:
        tab = await self.tab_of(press.who)
        if press.before:
            await press.before(self.desk.office)
        if press.at:
            await tab.go(await self.desk.fill_in(press.at))
        form = await self._find_form(tab, press)
        for name, text in press.typed.items():
            await self._fill(tab, form, name, text)
        button = form.locator("button")
        button = button.filter(has_text=press.button).first if press.button else button.first
        wrong = await self._dismiss(tab, button, press.asks) if press.asks and self.script else []
        if press.late:
            await end_sessions(self.desk.office)
        async with tab.page.expect_navigation() as going:
            await button.click()
        if codes := await tab.page.locator("main li code").all_inner_texts():
            self.desk.codes = codes  # of the second factor that was just set up
        said = await tab.page.inner_text("main")
        wrong += [] if press.says and press.says in said else [f"says {said[:200]!r}"]
        wrong += ["is too wide"] if await tab.is_too_wide() else []
        answer = await going.value
        if answer and answer.request.method == "POST" and self.script:  # a page that no walk along links sees
            wrong += await tab.find_barriers()
        return wrong

    async def _dismiss(self, tab: Tab, button: Locator, asks: str) -> list[str]:
        """Say no: nothing is sent, and the form is still there."""
        sent: list[str] = []
        tab.page.on("request", lambda request: sent.append(request.method))
        self.heard.clear()
        self.agree = False
        await button.click()
        self.agree = True
        heard_right = len(self.heard) == 1 and self.heard[0].startswith(asks)
        wrong = [] if heard_right else [f"asked {self.heard}"]
        return wrong + (["was sent although it was dismissed"] if "POST" in sent else [])

    async def _find_form(self, tab: Tab, press: Press) -> Locator:
        to = await self.desk.fill_in(press.to)
        selector = f"form[method=post][action^='{to}']" if to.endswith("?") else f"form[method=post][action='{to}']"
        selector = selector if to else "form[method=post]:not([action])"
        if press.hidden:
            name, _equals, value = press.hidden.partition("=")
            selector += f":has(input[name={name}][value='{value}'])"
        form = tab.page.locator(selector)
        if press.button:
            form = form.filter(has=tab.page.locator("button", has_text=press.button))
        form = form.first
        for fold in await form.locator("xpath=ancestor::details").all():
            if await fold.get_attribute("open") is None:
                await fold.locator("summary").first.click()
        return form

    async def _fill(self, tab: Tab, form: Locator, name: str, typed: str | bool | bytes) -> None:
        one = form.locator(f"[name='{name}']")
        kind = await one.first.evaluate("each => each.type")
        if typed is True:
            await one.check()
        elif kind == "file":
            await one.set_input_files({"name": "file.csv", "mimeType": "text/csv", "buffer": bytes(typed)})
        elif kind == "radio":
            await form.locator(f"[name='{name}'][value='{typed}']").check()
        elif kind.startswith("select"):
            await one.select_option(str(typed))
        elif typed == "{shown}":
            shown = await tab.page.inner_text("main ol code")
            await one.fill(pyotp.TOTP(shown.replace(" ", "")).now())
        else:
            await one.fill(await self.desk.fill_in(str(typed)))


def _route_of(to: str) -> str:
    """The path of the route to which an address with gaps leads."""
    plain = re.sub(r"\{(\w+)\}", lambda gap: STANDING_FOR.get(gap[1], "1"), to.partition("?")[0].partition("#")[0])
    [route] = [page.path for page in PAGES if page.method == "POST" and _pattern(page.path).fullmatch(plain)]
    return route


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(PART.sub(lambda part: f"(?:{part[2] or '[^/]+'})", path))


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_each_form_is_pressed(config: Config) -> None:
    """From the table of routes."""
    build_app(config)
    there = {page.path for page in PAGES if page.method == "POST"}
    assert {_route_of(press.to or press.at) for press in ALL_PRESSES} == there


def test_each_form_that_asks_first_is_dismissed_and_pressed() -> None:
    """What is asked, from the templates."""
    drawn = "".join(path.read_text() for path in TEMPLATES.rglob("*.html"))
    asked = set(re.findall(r'data-confirm="\{\{ _\("([^"]+)"', drawn))
    assert len(asked) > 6 and "data-confirm=" in drawn
    pressed = {press.asks.replace(SECOND, "{name}") for press in ALL_PRESSES if press.asks}
    assert all(any(sentence.startswith(one) for one in pressed) for sentence in asked), asked - pressed
    assert HOME_ASKS in pressed, "the first page says by itself what it asks"


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
@pytest.mark.parametrize("engine", ["sqlite"])
async def test_each_form_does_what_it_says(
    empty_url: str, tmp_path: Path, width: int, scheme: str, script: bool
) -> None:
    async with open_full_desk(empty_url, tmp_path) as desk, open_browser() as browser, AsyncExitStack() as stack:
        presser = Presser(desk, browser, width, script, scheme, stack)
        wrong = [f"{press.at} to {press.to}: {said}" for press in ALL_PRESSES for said in await presser.try_out(press)]
        heard = [said for tab in presser.tabs.values() for said in tab.complaints]
        wrong += [said for said in heard if not LATE.search(said)]
    assert not wrong, "\n".join(wrong)
