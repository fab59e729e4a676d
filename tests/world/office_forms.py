"""Forms of the office as a browser sends them: with the hidden fields that the page drew."""

import re
from html import unescape

from tests.world.browser import Office

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


def hidden_in(html: str, path: str) -> dict[str, str]:
    """The hidden fields of the first form of a page that is sent to this path."""
    [form] = re.findall(rf'<form method="post" action="{path}">(.*?)</form>', html, re.DOTALL)[:1]
    return {name: unescape(value) for name, value in HIDDEN.findall(form)}


async def fields(office: Office, path: str, page: str, **typed: str) -> dict[str, str]:
    """What the form of a page sends to this path, with what is typed into it."""
    return hidden_in(await office.html(page), path) | typed


async def send(office: Office, path: str, page: str, **typed: str) -> tuple[int, str]:
    """Send a form of a page: the status, and where it goes on or what it says."""
    response = await office.post(path, **await fields(office, path, page, **typed))
    return response.status, response.headers.get("Location", "") or await response.text()
