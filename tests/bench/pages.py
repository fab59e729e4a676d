"""How long the server takes for each page of the office, for an owner who is signed in."""

import pkgutil
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from statistics import median

import aiohttp

from handlers import office
from handlers.office.frame.routes import PAGES
from models.demo.world import OFFICE_PASSWORD, OFFICE_USER
from tests.bench.servers import Server

CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')
PART = re.compile(r"\{(\w+)(?::((?:[^{}]|\{[^{}]*\})*))?\}")  # {number} or {number:\d+}
# Names are found by an index that follows them, and instalments are counted beside all work: after a start that takes
# some seconds, which are not what a page takes.
CHORES_DONE = """SELECT NOT EXISTS (SELECT 1 FROM name_change) AND (EXISTS (SELECT 1 FROM collection)
  OR (SELECT COUNT(*) FROM (SELECT 1 FROM instalment LIMIT 20001) AS few) <= 20000)"""
KINDS = {"/": "home", "/find": "find"}
# What stays open, what is a whole history as a file, what is shut to who is signed in, and pictures.
NO_PAGES = re.compile(r"/live$|\.csv$|^/login|^/invitation|^/office/|/help/pictures")
# Rows that fill the parts of a path: those with the most behind them, where that is known.
CUSTOMER = "SELECT customer_id FROM sale WHERE contract_id IS NULL ORDER BY id DESC LIMIT 1"
ROWS = {
    "/help/{name}": "SELECT 'install'",
    "/help/{name}/{part}": "SELECT 'reference', 'routes'",
    "/messages/with/{phone}": "SELECT substr(phone, 2) FROM outbox ORDER BY id DESC LIMIT 1",
    "/messages/{number}": "SELECT MAX(id) FROM outbox",
    "/money/payments/{number}": "SELECT MAX(payment_id) FROM suspense",
    "/money/sales/{reference}": "SELECT reference FROM sale ORDER BY id DESC LIMIT 1",
    "/people/agents/{number}": "SELECT agent_id FROM sale WHERE agent_id IS NOT NULL ORDER BY id DESC LIMIT 1",
    "/people/{number}": CUSTOMER,
    "/people/{number}/change": CUSTOMER,
    "/people/{number}/devices/{device}": "SELECT customer_id, device_id FROM sale ORDER BY id DESC LIMIT 1",
    "/settings/gateways/tried/{number}": "SELECT MAX(id) FROM outbox",
    "/settings/phones/{number}": "SELECT MAX(id) FROM phone",
    "/settings/texts/{language}/{number}": "SELECT 'sw', 1",
    "/tickets/K{number}": "SELECT MAX(id) FROM ticket",
    "/write/{number}": "SELECT MAX(id) FROM broadcast",
}
# What people ask of a page, where that may take longer than the page as it comes; words in braces are of ASKED.
QUESTIONS = (
    "/find?q={phone}",
    "/find?q={tail}",
    "/find?q={serial}",
    "/find?q={serial_end}",
    "/find?q={sale}",
    "/find?q=K{ticket}",
    "/find?q={payment}",
    "/find?q={name}+{surname}",
    "/find?q={name}",
    "/find?q={surname}",
    "/find?q={name}+{surname}x&near=1",
    "/find?q=nobody+so",
    "/people?grid=1",
    "/people?tag=tag+1",
    "/people?overdue=1",
    "/people/agents?mini_grid=1",
    "/messages/sent?state=failed",
    "/messages/sent?state=delivered",
    "/messages/sent?gateway=africastalking",
    "/messages/sent?phone=%2B{phone}",
    "/tickets?state=closed",
    "/tickets?agent={agent}",
    "/tickets?grid=1",
    "/tickets?grid=1&state=closed&category=power",
    "/money?since={quarter}",
    "/money?since={quarter}&grid=1",
    "/money?since={quarter}&agent={agent}",
    "/money?since={quarter}&provider=daraja",
    "/money?since={quarter}&provider=cash",
    "/money/month?month={month}",
    "/money/sales?grid=1",
    "/money/sales?agent={agent}",
    "/money/sales?since={quarter}&provider=daraja",
    "/money/sales?since={quarter}&void=yes",
    "/money/payments?since={quarter}&provider=daraja",
    "/money/payments?agent={agent}",
    "/money/handins?agent={agent}",
    "/money/visits?agent={agent}",
    "/money/collection?grid=1",
    "/money/close?of=agent+{agent}",
    "/money/requests?all=yes",
    "/log?by=admin",
    "/log?action=hand+in",
    "/log?subject=customer+{customer}",
    "/log?by=admin&action=customer+phone",
    "/sell?person={customer}",
    "/tickets/new?person={customer}",
    "/write/{broadcast}?result=failed",
)
ASKED = {
    "phone": "SELECT substr(phone, 2) FROM customer ORDER BY id DESC LIMIT 1",
    "tail": "SELECT substr(phone, 10) FROM customer ORDER BY id DESC LIMIT 1",
    "name, surname": "SELECT name, surname FROM customer ORDER BY id DESC LIMIT 1",
    "customer, agent": "SELECT customer_id, agent_id FROM sale WHERE agent_id IS NOT NULL ORDER BY id DESC LIMIT 1",
    "serial, serial_end": "SELECT serial, substr(serial, length(serial) - 4) FROM device ORDER BY id DESC LIMIT 1",
    "sale": "SELECT reference FROM sale ORDER BY id DESC LIMIT 1",
    "payment": "SELECT reference FROM payment ORDER BY id DESC LIMIT 1",
    "ticket": "SELECT MAX(id) FROM ticket",
    "broadcast": "SELECT MAX(id) FROM broadcast",
}
Ask = Callable[[str], Awaitable[Sequence[Sequence[object]]]]


@dataclass(frozen=True)
class Measured:
    """How long one page took, in seconds, each time it was asked for."""

    path: str
    seconds: Sequence[float]
    cpu: float  # seconds of the loop at work, on average
    status: int
    size: int  # bytes

    @property
    def kind(self) -> str:
        return KINDS.get(self.path.partition("?")[0], "other page")

    @property
    def median_ms(self) -> float:
        return median(self.seconds) * 1000

    @property
    def worst_ms(self) -> float:
        return max(self.seconds) * 1000


async def measure(server: Server, ask: Ask, times: int) -> list[Measured]:
    """Each page and each question so many times, after one that does not count: a page is used more than once."""
    cookies = aiohttp.CookieJar(unsafe=True)  # of an address without a name
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}", cookie_jar=cookies) as browser:
        await _sign_in(browser)
        found = [await _measure(browser, server, path, times) for path in [*await _paths(ask), *await _questions(ask)]]
    if broken := [(each.path, each.status) for each in found if each.status not in (200, 303)]:
        raise RuntimeError(f"no pages: {broken}")
    return found


async def _sign_in(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/login") as form:
        [csrf] = CSRF.findall(await form.text())
    fields = {"user": OFFICE_USER, "password": OFFICE_PASSWORD, "csrf": csrf}
    async with browser.post("/login", data=fields, allow_redirects=False) as answer:
        answer.raise_for_status()


async def _measure(browser: aiohttp.ClientSession, server: Server, path: str, times: int) -> Measured:
    seconds: list[float] = []
    status = size = 0
    worked = 0.0
    for number in range(times + 1):
        if number == 1:
            worked = server.loop_seconds()
        began = time.perf_counter()
        async with browser.get(path, allow_redirects=False, headers={"Accept": "text/html"}) as answer:
            status, size = answer.status, len(await answer.read())
        seconds.append(time.perf_counter() - began)
    return Measured(path, seconds[1:], (server.loop_seconds() - worked) / times, status, size)


async def _paths(ask: Ask) -> list[str]:
    """A path for each page that the office has; those of rows that there are none of are left out."""
    for module in pkgutil.walk_packages(office.__path__, "handlers.office."):
        import_module(module.name)  # each adds its pages
    paths = {page.path for page in PAGES if page.method == "GET" and not NO_PAGES.search(page.path)}
    return [filled for path in sorted(paths) for filled in await _filled(path, ask)]


async def _filled(path: str, ask: Ask) -> list[str]:
    """The path with the parts of a row that there is, or with each word that a part may be."""
    plain = PART.sub(r"{\1}", path)
    if words := PART.search(path):
        if "|" in (words[2] or ""):
            return [path.replace(words[0], word) for word in words[2].split("|")]
    else:
        return [path]
    head = max((each for each in ROWS if plain.startswith(each)), key=len, default="")
    if not head:
        raise RuntimeError(f"say in ROWS what fills {plain}")
    row = next(iter(await ask(ROWS[head])), (None,))
    values = iter(row)
    return [] if row[0] is None else [re.sub(r"\{\w+\}", lambda _part: str(next(values)), plain)]


async def _questions(ask: Ask) -> list[str]:
    today = datetime.now(UTC).date()
    values: dict[str, object] = {"quarter": today - timedelta(days=91), "month": f"{today - timedelta(days=31):%Y-%m}"}
    for names, statement in ASKED.items():
        row = next(iter(await ask(statement)), ())
        values |= {name: value for name, value in zip(names.split(", "), row, strict=False) if value is not None}
    return [question.format_map(values) for question in QUESTIONS if _named(question) <= set(values)]


def _named(question: str) -> set[str]:
    return {name for name, _pattern in PART.findall(question)}
