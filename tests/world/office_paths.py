"""The office's pages as paths: one for each from the table of routes, and all that links lead to."""

import re

from handlers.office.frame.routes import PAGES, OfficePage
from tests.world.browser import Office
from tests.world.chromium import links_of

PART = re.compile(
    r"\{(\w+)(?::((?:[^{}]|\{[^{}]*\})*))?\}"
)  # of a path, as aiohttp writes it: {number} or {number:\d+}
# What may stand for a part; besides, the first of several words.
FILL = ("1", "12345", "sw", "install", "1-" + "0" * 40)
MOST_PAGES = 400  # that the walk looks at
# What somebody types into a box, whose answer has links of its own.
ASKED = ("/settings/texts?q=PIN", "/find?q=a")
# Rows that change by themselves, or because somebody looks.
MOVING = {"office_session", "gatewaystate", "guess", "setting", "form_once", "tortoise_migrations"}
MOVING |= {"gateway_beat"}  # each minute
# What a server that has just started adds up and indexes beside all work follows what stands in other tables.
MOVING |= {"added_up", "name_change", "name_trace", "name_turn", "name_word"}


def path_of(page: OfficePage) -> str:
    """A path that this page answers."""
    return PART.sub(lambda part: fill(part[2] or r"[^{}/]+"), page.path)


def fill(pattern: str) -> str:
    for text in (*FILL, pattern.partition("|")[0]):
        if re.fullmatch(pattern, text):
            return text
    raise AssertionError(f"say in FILL what fits {pattern}")


async def walk(office: Office) -> dict[str, str]:
    """One address for each page of the office, found as a person does: by links, from the first page on."""
    assert office.client.app
    router = office.client.app.router
    waiting, seen, found = ["/", *ASKED], {"/", *ASKED}, {}
    while waiting and len(seen) < MOST_PAGES:
        path = waiting.pop(0)
        response = await office.get(path)
        assert response.status in (200, 303), f"{path} answers {response.status}"
        canonical = next((each for each in _canonicals(router, path)), "")
        found.setdefault(canonical, path)
        if response.content_type != "text/html" or response.status == 303:
            continue
        for link in links_of(await response.text()):
            per_page = sum(1 for one in seen if _shape(one) == _shape(link))
            if link not in seen and per_page < 3 and not link.startswith("/simulator"):
                seen.add(link)
                waiting.append(link)
    return found


def _shape(path: str) -> str:
    return re.sub(r"\d+", "1", path.partition("?")[0])


def _canonicals(router: object, path: str) -> list[str]:
    plain = path.partition("?")[0]
    found = []
    for page in PAGES:
        pattern = re.sub(r"\{\w+:((?:[^{}]|\{[^{}]*\})+)\}", r"(?:\1)", page.path)
        pattern = re.sub(r"\{\w+\}", "[^/]+", pattern)
        if page.method == "GET" and re.fullmatch(pattern, plain):
            found.append(page.path)
    return found
