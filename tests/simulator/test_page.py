"""The phone in the browser, used as somebody without scripts uses it: by the forms that are on the page."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from bot.app import build_app
from bot.config import Config, load
from bot.server import SERVER, Server
from bot.simulator import Handset
from handlers.simulator import page as simulator
from models.sql import execute
from tests.world.people import PEOPLE, PINS
from tests.world.reminded import NOBODY_TOLD, leave_nothing_due
from tests.world.server import PATIENCE_S

pytestmark = pytest.mark.everyday_on_sqlite

CODE = r"Code (\d{3} \d{3} \d{3})"


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What is on a page: its forms, the words of the messages, of the screen and of the links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: dict[str, list[str]] = {
            "said": [],
            "heard": [],
            "dialled": [],
            "people": [],
            "button": [],
        }
        self._place, self._button = "", ""
        self._open: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append(Form(given["action"]))
        if tag == "input":
            self.forms[-1].fields[given["name"]] = given.get("value", "")
        if given.get("class") in self.words:
            self._place = given["class"]
        if tag == "p" and self._place in ("said", "heard", "dialled"):
            self._open = {"p": self._place}
            self.words[self._place].append("")
        if tag == "a" and self._place == "people":
            self._open = {"a": "people"}
            self.words["people"].append("")
        if tag == "button" and "value" in given:
            self._open, self._button = {"button": "button"}, given["value"]
            self.words["button"].append("")

    def handle_data(self, data: str) -> None:
        for place in self._open.values():
            self.words[place][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and tag in self._open:
            self.forms[-1].buttons[self.words["button"][-1]] = self._button
        if tag in self._open:
            self._open = {}


class Browser:
    def __init__(self, client: TestClient[web.Request, web.Application]) -> None:
        self.client = client
        self.page = Page("")
        self.html = ""

    async def be(self, name: str) -> None:
        """Open the page of somebody's phone."""
        await self._show(await self.client.get("/simulator", params={"phone": PEOPLE.get(name, name)}))

    async def press(self, button: str, text: str | None = None) -> None:
        """Fill in the field beside a button and press it."""
        form = next(form for form in self.page.forms if button in form.buttons)
        await self.submit(form, button, text)

    async def submit(self, form: Form, button: str, text: str | None = None) -> None:
        fields = form.fields | {"do": form.buttons[button]} | ({} if text is None else {"text": text})
        response = await self.client.post(form.action, data=fields)
        assert response.history[0].status == 303, "a reload must not send again"
        await self._show(response)

    async def _show(self, response: ClientResponse) -> None:
        assert response.status == 200
        self.html = await response.text()
        self.page = Page(self.html)

    @property
    def heard(self) -> list[str]:
        return self.page.words["heard"]

    @property
    def said(self) -> list[str]:
        return self.page.words["said"]

    @property
    def screen(self) -> str:
        """What a dialled session shows; empty when there is none."""
        return "\n".join(self.page.words["dialled"])


@pytest.fixture
async def browser(config: Config, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Browser]:
    monkeypatch.setattr(simulator, "WAIT_S", PATIENCE_S)  # what is on its way comes, however busy the machine is
    await leave_nothing_due(config.database)
    async with TestClient(TestServer(build_app(config.model_copy(update=NOBODY_TOLD)))) as client:
        browser = Browser(client)
        await browser.be("Asha")
        yield browser


def server(browser: Browser) -> Server:
    assert browser.client.app is not None
    return browser.client.app[SERVER]


async def ask(browser: Browser, statement: str) -> list[dict[str, Any]]:
    return await execute(server(browser).database.client, statement)


async def test_a_sale_by_text_is_on_both_phones(browser: Browser) -> None:
    await browser.press("Send", "BUY SHS0283 8000")
    assert "8 days for TZS 8,000 to BARAKA P., SHS0283" in browser.heard[-1]
    await browser.press("Send", "1 482915")
    assert browser.heard[-1].startswith("SOLD TZS 8,000, 8 days")
    assert browser.said == ["BUY SHS0283 8000", "1 ******"]
    code = re.findall(CODE, browser.heard[-1])
    await browser.be("Baraka")
    assert len(code) == 1 and re.findall(CODE, browser.heard[-1]) == code


async def test_a_sale_by_dialling_is_on_both_phones(browser: Browser) -> None:
    await browser.press("Dial")
    assert "1. Sell" in browser.screen
    for answer in ("1", "SHS0283", "8000", "1", "482915"):
        await browser.press("Send", answer)
    assert browser.screen.startswith("SOLD TZS 8,000, 8 days")
    code = re.findall(CODE, browser.screen)
    await browser.press("Close")
    assert browser.screen == "" and re.findall(CODE, browser.heard[-1]) == code
    await browser.be("Baraka")
    assert re.findall(CODE, browser.heard[-1]) == code


@pytest.mark.parametrize(
    ("pin", "button", "heard"),
    [
        ("1234", "Pay", "SHS0283\nCode 459 820 794\n5 days. Paid TZS 5,000"),
        ("12", "Pay", "Not paid: TZS 5,000, SHS0283. The M-Pesa PIN was wrong."),
        ("", "No", "Not paid: TZS 5,000, SHS0283. You said no on your phone."),
    ],
)
async def test_a_customer_buys_and_the_phone_rings(browser: Browser, pin: str, button: str, heard: str) -> None:
    await browser.be("Baraka")
    await browser.press("Send", "BUY 5000")
    assert browser.heard[-1].endswith("Sent to your phone: enter your M-Pesa PIN.")
    assert "Pay TZS 5,000 to Mwanga Demo for SHS0283?" in browser.html
    news = await (await browser.client.get("/simulator/messages", params={"phone": PEOPLE["Baraka"]})).json()
    assert news["ring"]["question"] in browser.html and news["ring"]["wallet"] == "M-Pesa"
    form = next(form for form in browser.page.forms if button in form.buttons)
    form.fields["pin"] = pin
    await browser.submit(form, button)
    await browser.submit(form, button)  # it rings no more
    assert browser.heard[-1].startswith(heard)
    assert "Pay TZS 5,000" not in browser.html


def bill(browser: Browser, account: str, amount: str) -> Form:
    form = next(form for form in browser.page.forms if "Pay bill" in form.buttons)
    form.fields |= {"account": account, "amount": amount}
    return form


async def test_a_bill_is_paid_once_in_the_menu_of_the_phone_however_often_one_presses(browser: Browser) -> None:
    await browser.be("Baraka")
    form = bill(browser, "shs 0283", "5,000")
    for _press in range(2):
        await browser.submit(form, "Pay bill")
        assert browser.heard[0].startswith("SHS0283\nCode 459 820 794\n5 days. Paid TZS 5,000")
    assert browser.said == [] and len(browser.heard) == 1
    assert [row["amount"] for row in await ask(browser, "SELECT amount FROM payment")] == [5_000_00]
    await browser.submit(bill(browser, "SHS0283", "2000"), "Pay bill")
    assert "2 days. Paid TZS 2,000" in browser.heard[-1]


@pytest.mark.parametrize(
    ("account", "amount", "receipt"),
    [("SHS9999", "5000", ""), ("SHS0283", "1", ""), ("SHS0283", "much", ""), ("SHS0283", "5000", "a' OR 1")],
)
async def test_a_bill_that_we_would_not_have_is_not_paid(
    browser: Browser, account: str, amount: str, receipt: str
) -> None:
    await browser.be("Baraka")
    form = bill(browser, account, amount)
    form.fields["receipt"] = receipt or form.fields["receipt"]
    await browser.submit(form, "Pay bill")
    assert "Nothing was paid" in browser.html and browser.heard == []
    assert await ask(browser, "SELECT amount FROM payment") == []
    await browser.be("Baraka")
    assert "Nothing was paid" not in browser.html


async def test_a_long_code_goes_straight_to_its_screen(browser: Browser) -> None:
    await browser.press("Dial", " *384*20*1*SHS0283# ")
    assert browser.screen.startswith("Amount paid?")


@pytest.mark.parametrize("dialled", ["*100#", "*384*20", "*384*201#", "hello", "*384*20#1"])
async def test_a_code_that_is_not_ours_reaches_nobody(browser: Browser, dialled: str) -> None:
    await browser.press("Dial", dialled)
    assert browser.screen == "Connection problem or invalid code. Dial *384*20#"
    assert await ask(browser, "SELECT * FROM ussdsession") == []
    await browser.press("Close")
    assert browser.screen == ""


async def test_a_call_stays_when_the_page_is_left_and_can_be_gone_on_with_after_hanging_up(
    browser: Browser,
) -> None:
    await browser.press("Dial", "*384*20*1*SHS0283#")
    await browser.be("Baraka")
    assert browser.screen == ""
    await browser.be("Asha")
    assert browser.screen.startswith("Amount paid?")
    await browser.press("Hang up")
    assert [bool(row["open"]) for row in await ask(browser, "SELECT open FROM ussdsession")] == [False]
    await browser.press("Dial")
    assert "1. Continue: Sell" in browser.screen


async def test_a_button_pressed_twice_answers_once(browser: Browser) -> None:
    await browser.press("Dial")
    menu = next(form for form in browser.page.forms if "Hang up" in form.buttons)
    await browser.submit(menu, "Send", "1")
    asked = browser.screen
    await browser.submit(menu, "Send", "1")
    assert browser.screen == asked and asked.startswith("Serial number?")


async def test_screens_that_nobody_closes_are_bounded(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "MOST_CALLS", 2)
    for name in ("Asha", "Juma", "Baraka"):
        await browser.be(name)
        await browser.press("Dial")
    assert browser.client.app is not None
    assert list(browser.client.app[simulator.CALLS]) == [PEOPLE["Juma"], PEOPLE["Baraka"]]


async def test_everybody_of_the_demo_world_is_offered_and_agents_with_their_pin(browser: Browser) -> None:
    people = browser.page.words["people"]
    assert [next(number for number in PEOPLE.values() if number in one) for one in people] == list(PEOPLE.values())[:7]
    for name, pin in PINS.items():
        assert any(PEOPLE[name] in one and f"PIN {pin}" in one for one in people)


async def test_at_most_twenty_of_a_kind_are_offered(empty_url: str) -> None:
    crowded = build_app(load(database=empty_url, demo_customers=30), load_demo=True)
    async with TestClient(TestServer(crowded)) as client:
        page = Page(await (await client.get("/simulator")).text())
    assert sum("customer" in one for one in page.words["people"]) == 20


async def test_a_number_that_is_not_offered_has_a_phone_too(browser: Browser) -> None:
    await browser.be("0754 000 111")
    await browser.press("Send", "hello")
    assert "does not know this number" in browser.heard[-1]
    assert (await ask(browser, "SELECT phone FROM inbox"))[0]["phone"] == "+255754000111"


async def test_words_are_shown_and_never_run(browser: Browser) -> None:
    evil = "<script>alert('x')</script><b>&amp;"
    await browser.press("Send", evil)
    assert browser.said == [evil]
    assert "<script>alert" not in browser.html and "<b>&amp;" not in browser.html
    policy = (await browser.client.get("/simulator")).headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy


async def test_the_page_gets_new_messages_as_json(browser: Browser) -> None:
    form = {"id": "x1", "from": PEOPLE["Asha"], "text": "CASH"}
    await browser.client.post("/gateways/simulator/demo/sms", data=form)
    await Handset(server(browser), PEOPLE["Asha"]).wait_until_settled(PATIENCE_S)
    await browser.press("Send", "BUY SHS0283 8000")
    response = await browser.client.get("/simulator/messages", params={"phone": PEOPLE["Asha"]})
    messages = (await response.json())["messages"]
    assert [message["text"] for message in messages if message["said"]] == ["CASH", "BUY SHS0283 8000"]
    assert [message["text"] for message in messages if not message["said"]] == browser.heard
    assert all(re.fullmatch(r"\d\d:\d\d", message["at"]) for message in messages)


async def test_only_the_last_thirty_messages_are_shown(browser: Browser) -> None:
    for number in range(31):
        form = {"id": f"x{number}", "from": PEOPLE["Asha"], "text": f"hello {number}"}
        await browser.client.post("/gateways/simulator/demo/sms", data=form)
    await browser.be("Asha")
    assert len(browser.said) + len(browser.heard) == 30
    assert browser.said[-1] == "hello 30" and "hello 0" not in browser.said


async def test_what_is_not_sent_is_not_on_the_phone(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "WAIT_S", 0.5)
    await ask(browser, "INSERT INTO setting (name, value) VALUES ('outgoing', 'off')")
    await browser.press("Send", "BUY SHS0283 8000")
    assert browser.said and browser.heard == []


async def test_a_customer_without_a_phone_is_not_offered(browser: Browser) -> None:
    before = len(browser.page.words["people"])
    await ask(browser, f"UPDATE customer SET phone = NULL WHERE phone = '{PEOPLE['Neema']}'")
    await browser.be("Asha")
    assert len(browser.page.words["people"]) == before - 1


@pytest.mark.parametrize("fields", [{}, {"phone": "x"}, {"phone": "0700000001", "do": "jump"}])
async def test_a_form_that_is_not_ours_is_refused(browser: Browser, fields: dict[str, str]) -> None:
    assert (await browser.client.post("/simulator", data=fields)).status == 400
    assert (await browser.client.get("/simulator/messages")).status == 400


@pytest.mark.parametrize("path", ["", "/messages?phone=0700000001", "/simulator.css", "/simulator.js"])
async def test_outside_the_demo_world_there_is_no_simulator(empty_url: str, path: str) -> None:
    config = load(
        database=empty_url,
        secret_key="k" * 32,
        help_phone="+255700000000",
        africastalking_username="sandbox",
        africastalking_api_key="key",
        africastalking_secret="s" * 16,
    )
    async with TestClient(TestServer(build_app(config))) as client:
        assert (await client.get(f"/simulator{path}")).status == 404
        form = {"phone": PEOPLE["Asha"], "do": "text", "text": "HELP"}
        assert (await client.post("/simulator", data=form)).status == 404
        assert (await client.post("/gateways/simulator/demo/sms", data=form)).status == 404


@pytest.mark.parametrize("name", ["simulator.css", "simulator.js"])
async def test_the_page_finds_its_files(browser: Browser, name: str) -> None:
    assert f"/simulator/{name}" in browser.html
    assert (await browser.client.get(f"/simulator/{name}")).status == 200
    assert (await browser.client.get("/simulator/simulator.py")).status == 404
