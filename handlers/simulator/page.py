"""A feature phone in the browser, for the demo world: plain forms, one phone for each number. Every action goes
in by the simulator gateway's door."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import aiohttp_jinja2
import jinja2
from aiohttp import web

from bot.payments.simulated import Does, new_receipt
from bot.server import SERVER, Server
from bot.simulator import Call, Handset
from bot.text import numbers
from handlers.office.frame.page import HEADERS, read_form, redirect
from models.demo.world import AGENTS
from models.people import Agent, Customer

STATIC = Path(__file__).with_name("static")
# Unlike the office's pages this one has a script and a style sheet of its own; nothing else is loaded or run.
CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PEOPLE = 20  # of each kind: the page is for the demo world, not for a million benchmark customers
MESSAGES = 30
MOST_CALLS = 500  # screens that nobody closed; the oldest one goes
WAIT_S = 2.0  # for a reply, so that it is on the page without a script, too
STRANGER = "+255799999999"
PINS = {number: pin for _name, number, _language, pin, *_rest in AGENTS}
PIN = re.compile(r"\d{4}")  # of a wallet
RECEIPT = re.compile(r"[A-Z0-9]{10}")  # of a wallet, as Safaricom has them
REFUSED = "&bill=refused"
CALLS = web.AppKey("simulated calls", dict[str, Call])
TEMPLATES = web.AppKey("templates of the simulator", jinja2.Environment)
# What a button does; it may add to the address of the page that shows it.
Action = Callable[[Handset, dict[str, Call], Mapping[str, str]], Awaitable[str | None]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Person:
    """Whom one can be. `pin` is the one the demo world began with."""

    name: str
    role: str
    number: str
    pin: str = ""


def in_demo(handler: Handler) -> Handler:
    """The same handler while the demo world is served, else nothing is there. Only an open database says which world it
    is of, so each request asks."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if not request.app[SERVER].simulated:
            raise web.HTTPNotFound
        return await handler(request)

    return handle


@in_demo
async def show(request: web.Request) -> web.Response:
    server = request.app[SERVER]
    people = await _people()
    number = _number(request.query.get("phone", people[0].number), server)
    page = {
        "people": people,
        "me": next((one for one in people if one.number == number), Person("Another phone", "", number)),
        "messages": await _conversation(server, number),
        "call": request.app[CALLS].get(number),
        "ring": await Handset(server, number).ring(),
        "code": server.config.ussd_code,
        "receipt": new_receipt(),
        "refused": request.query.get("bill") == "refused",
    }
    response = aiohttp_jinja2.render_template("simulator.html", request, page, app_key=TEMPLATES)
    response.headers.update(HEADERS | {"Content-Security-Policy": CONTENT_POLICY})
    return response


@in_demo
async def act(request: web.Request) -> web.Response:
    """Do what a form's button says, then show the page anew. There is nothing to forge: the demo's door to the
    simulator stands open to anybody who knows this page."""
    form = await read_form(request)
    server = request.app[SERVER]
    handset = Handset(server, _number(form.get("phone", ""), server))
    action = ACTIONS.get(form.get("do", ""))
    if action is None:
        raise web.HTTPBadRequest(text="This phone has no such button.")
    shows = await action(handset, request.app[CALLS], form)
    await handset.wait_until_settled(WAIT_S)
    raise redirect(f"/simulator?phone={quote(handset.number)}{shows or ''}")


async def _text(handset: Handset, _calls: dict[str, Call], form: Mapping[str, str]) -> None:
    await handset.wait_until_handled(await handset.text(form.get("text", "")), WAIT_S)


async def _dial(handset: Handset, calls: dict[str, Call], form: Mapping[str, str]) -> None:
    await _hang_up(handset, calls, form)
    if len(calls) >= MOST_CALLS:
        del calls[next(iter(calls))]
    calls[handset.number] = await handset.dial(form.get("text", ""))


async def _answer(handset: Handset, calls: dict[str, Call], form: Mapping[str, str]) -> None:
    call = calls.get(handset.number)
    # A button pressed twice, or on a page from before, answers a screen that is gone.
    if call and call.open and form.get("screen") == f"{call.session} {len(call.inputs)}":
        await handset.answer(call, form.get("text", ""))


async def _hang_up(handset: Handset, calls: dict[str, Call], _form: Mapping[str, str]) -> None:
    if call := calls.pop(handset.number, None):
        await handset.hang_up(call)


async def _pay(handset: Handset, _calls: dict[str, Call], form: Mapping[str, str]) -> None:
    """The phone rang: any four digits are its right PIN."""
    does = Does.PAY if PIN.fullmatch(form.get("pin", "").strip()) else Does.WRONG_PIN
    await handset.answer_ring(form.get("ring", ""), does)


async def _refuse(handset: Handset, _calls: dict[str, Call], form: Mapping[str, str]) -> None:
    await handset.answer_ring(form.get("ring", ""), Does.CANCEL)


async def _pay_bill(handset: Handset, _calls: dict[str, Call], form: Mapping[str, str]) -> str | None:
    """The menu of the wallet pays for an account, with no text to us; pressed twice it is the same payment."""
    amount = handset.read_amount(form.get("amount", ""))
    receipt = form.get("receipt", "")
    if not amount or not RECEIPT.fullmatch(receipt):
        return REFUSED
    return None if await handset.pay_bill(form.get("account", ""), amount, receipt) else REFUSED


ACTIONS: dict[str, Action] = {
    "text": _text,
    "dial": _dial,
    "answer": _answer,
    "hang up": _hang_up,
    "pay": _pay,
    "refuse": _refuse,
    "pay bill": _pay_bill,
}


@in_demo
async def list_messages(request: web.Request) -> web.Response:
    """The conversation of `phone`, and what it is asked to pay, for the page's script."""
    server = request.app[SERVER]
    number = _number(request.query.get("phone", ""), server)
    ring = await Handset(server, number).ring()
    news = {"messages": await _conversation(server, number), "ring": ring and asdict(ring)}
    return web.json_response(news, headers=HEADERS)


@in_demo
async def send_file(request: web.Request) -> web.FileResponse:
    return web.FileResponse(STATIC / request.match_info["file"])


async def _conversation(server: Server, number: str) -> list[dict[str, object]]:
    """The newest messages, oldest first; `at` becomes the time of day in the operator's zone."""
    return [
        asdict(message) | {"at": server.company.clock(datetime.fromtimestamp(message.at / 1000, UTC))}
        for message in await Handset(server, number).conversation(MESSAGES)
    ]


async def _people() -> list[Person]:
    agents = await Agent.filter(retired_at=None).order_by("id").limit(PEOPLE)
    customers = await Customer.filter(phone__isnull=False).order_by("id").limit(PEOPLE)
    people = [Person(agent.name, "agent", agent.phone, PINS.get(agent.phone, "")) for agent in agents]
    people += [Person(f"{one.name} {one.surname}", "customer", one.phone or "") for one in customers]
    return [*people, Person("Somebody else", "unknown to Mwanga", STRANGER)]


def _number(given: str, server: Server) -> str:
    try:
        return numbers.parse(given, server.config.country)
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from error


ROUTES = (
    web.get("/simulator", show),
    web.post("/simulator", act),
    web.get("/simulator/messages", list_messages),
    web.get(r"/simulator/{file:simulator\.(css|js)}", send_file),
)
