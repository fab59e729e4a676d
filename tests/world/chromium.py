"""Debian's Chromium, driven by Playwright, at a server of ours; and axe-core, which finds what keeps people out."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

CHROMIUM = shutil.which("chromium") or ""
AXE = Path(__file__).parents[2] / ".venv/axe/node_modules/axe-core/axe.min.js"  # .ci/run puts it there
MISSING = [name for name, there in (("Chromium", bool(CHROMIUM)), ("axe-core", AXE.exists())) if not there]
needs_chromium = pytest.mark.skipif(
    bool(MISSING), reason=f"{' and '.join(MISSING)} cannot be had here: `.ci/run` installs both"
)
# As root it has no sandbox; and nothing of it may look for Google's hosts.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 60_000.0  # a busy machine takes long to start a browser, and to draw a page
expect.set_options(timeout=PATIENCE_MS)
# Best practices beside WCAG 2.2 AA.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass
class Tab:
    """A tab of a browser, and what its console complained about."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        await self.page.goto(self.base + path)

    async def sign_in(self, user: str, password: str) -> None:
        await self.go("/login")
        await self.page.fill("input[name=user]", user)
        await self.page.fill("input[name=password]", password)
        async with self.page.expect_navigation():
            await self.page.click("form[action='/login'] button")

    async def find_barriers(self) -> list[str]:
        """What axe-core finds on the page, each with the place."""
        await self.page.evaluate(AXE.read_text())
        found = await self.page.evaluate("rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES)
        return [f"{each['id']}: {node['html'][:120]}" for each in found["violations"] for node in each["nodes"]]

    async def is_too_wide(self) -> bool:
        """Whether one has to scroll sideways."""
        return bool(await self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.page.keyboard.press(key)

    async def tab_to(self, selector: str, most: int = 120) -> None:
        """Move the focus there as somebody without a mouse does."""
        for _ in range(most):
            if await self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            await self.press("Tab")
        raise AssertionError(f"no Tab leads to {selector}")


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=PATIENCE_MS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def open_tab(browser: Browser, base: str, width: int = 1280, **options: Any) -> AsyncIterator[Tab]:
    """A tab with cookies of its own."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": width, "height": 900}, locale="en-GB", **options
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        tab = Tab(await context.new_page(), base.rstrip("/"))

        def hear(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                tab.complaints.append(message.text)

        tab.page.on("console", hear)
        tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        yield tab
    finally:
        await context.close()


def links_of(html: str) -> list[str]:
    """Where the links of a page lead, inside the office."""
    return [link.partition("#")[0].replace("&amp;", "&") for link in re.findall(r'<a [^>]*?href="(/[^"]*)"', html)]
