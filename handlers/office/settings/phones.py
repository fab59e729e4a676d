"""The pages at `/settings/phones`: link a gateway phone and see it come, pause it, rename it, name its SIM cards, and
say to which operator's texts one of them is believed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import segno
from aiohttp import web
from markupsafe import Markup

from bot.android import linking, queue
from bot.android.linking import NameTaken, NoSuchPhone, NoSuchSim
from bot.android.troubles import troubles
from bot.receipts.reading import read_money
from bot.receipts.rules import list_operators
from bot.server import SERVER, Server
from bot.text.numbers import parse
from handlers.office.frame.forms import LineField, OfficeForm, required
from handlers.office.frame.lists import csv_address, send_csv, wants_csv
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import FORM, HELPERS, OWNER_ONLY, USER, Nav, office_page
from handlers.office.frame.times import moment, when
from handlers.office.frame.words import N_, _
from handlers.office.settings.typed import read_number
from models.messages import Phone, Sim, read_sims
from models.money import receipt_texts
from models.money.receipt_texts import ReceiptWallet
from models.sql import connection, now_ms

LONGEST_NAME = 100  # as its column
ONE = r"/settings/phones/{number:\d{1,9}}"
MOST = 50  # phones on the page
NO_SIM = N_("This SIM card is not in the phone any more.")
COLUMNS = ("name", "state", "seen", "battery", "sim", "carrier", "number", "troubles")


class NewPhone(OfficeForm):
    name = LineField(N_("What the office calls it, like Shop phone"), [required])


@dataclass(frozen=True)
class Shown:
    """A phone as the page has it."""

    row: Phone
    state: str
    sims: Sequence[Sim]
    wallets: Mapping[int, ReceiptWallet]  # whose texts are believed, by the place of the SIM card
    troubles: Sequence[str]
    waits: bool  # whether it has a code with which it may come
    seen: str


@office_page("/settings/phones", roles=HELPERS, nav=Nav.SETTINGS)
async def show_all(request: web.Request) -> web.StreamResponse:
    """All phones, and a place to add one."""
    if wants_csv(request):
        return await send_csv(request, "phones", COLUMNS, _rows(request.app[SERVER]))
    return await _draw(request, NewPhone.of(request))


@office_page("/settings/phones", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def add(request: web.Request) -> web.StreamResponse:
    """A new phone, or a new code for one that is known: the code is shown this once."""
    form = NewPhone.of(request)
    if not form.validate():
        return await _draw(request, form, 422)
    name = _tidy(str(form.name.data))
    if not name:
        form.refuse("name", _("Write a name of 1 to 100 letters."))
        return await _draw(request, form, 422)
    server = request.app[SERVER]
    async with server.database.work():
        phone, code = await linking.add(name, server.company.vault, actor=request[USER].name)
    address = linking.api_address(server.config.address)
    return page(
        request,
        "settings/phone_code.html",
        phone=await _shown(server, phone),
        code=code,
        address=address,
        secure=address.startswith("https://"),
        minutes=linking.CODE_MS // 60_000,
        qr=_picture(address),
    )


@office_page(f"{ONE}/state", roles=HELPERS, nav=Nav.SETTINGS, fragment=True)
async def show_state(request: web.Request) -> web.StreamResponse:
    """Whether a phone has come: the part of the page that is fetched again and again."""
    return page(request, "settings/phone_state.html", phone=await _shown(request.app[SERVER], await _find(request)))


@office_page(ONE, roles=HELPERS, nav=Nav.SETTINGS)
async def show(request: web.Request) -> web.StreamResponse:
    """One phone, with all that can be done to it."""
    return await _draw_one(request, await _find(request))


@office_page(f"{ONE}/{{verb:pause|resume}}", "POST", roles=HELPERS, nav=Nav.SETTINGS)
async def pause(request: web.Request) -> web.StreamResponse:
    """Give it no more messages, or give it some again."""
    verb = request.match_info["verb"]
    return await _change(request, linking.pause if verb == "pause" else linking.resume, verb)


@office_page(f"{ONE}/rename", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def rename(request: web.Request) -> web.StreamResponse:
    """Call it by another name."""
    name = _tidy(request[FORM].get("name", ""))
    if not name:
        return await _draw_one(request, await _find(request), 422, problem=_("Write a name of 1 to 100 letters."))

    async def work(phone: Phone, *, actor: str) -> None:
        try:
            await linking.rename(phone, name, actor=actor)
        except NameTaken:
            raise NameTaken(_("Another phone is called {name}.", name=name)) from None

    return await _change(request, work, "rename")


@office_page(f"{ONE}/sim", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def number_sim(request: web.Request) -> web.StreamResponse:
    """Write down which number a SIM card has."""
    form, company = request[FORM], request.app[SERVER].company
    try:
        number = parse(form.get("phone", ""), company.country)
    except ValueError as error:
        return await _draw_one(request, await _find(request), 422, problem=_(str(error)))

    async def work(phone: Phone, *, actor: str) -> None:
        try:
            await linking.number_sim(phone, read_number(form.get("place", "")), number, actor=actor)
        except NoSuchSim:
            raise NoSuchSim(_(NO_SIM)) from None

    return await _change(request, work, "sim")


@office_page(f"{ONE}/bind", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def bind(request: web.Request) -> web.StreamResponse:
    """Believe an operator's texts to a SIM card: they become payments."""
    form, company = request[FORM], request.app[SERVER].company
    operator, place = form.get("operator", ""), read_number(form.get("place", ""))
    if operator not in await list_operators(company):
        return await _draw_one(request, await _find(request), 422, problem=_("Please choose one of the list."))
    try:
        balance = read_money(typed, company) if (typed := form.get("balance", "").strip()) else None
    except ValueError:
        said = _("{typed} is no amount of money: write it as the operator does, like 12,500.50.", typed=typed[:20])
        return await _draw_one(request, await _find(request), 422, problem=said)

    async def work(phone: Phone, *, actor: str) -> None:
        if place not in [sim.number for sim in read_sims(phone.sims)]:
            raise NoSuchSim(_(NO_SIM))
        trusted = form.get("trusted") == "yes"
        await receipt_texts.bind(phone, place, operator, trusted=trusted, balance=balance, actor=actor)

    return await _change(request, work, "bind")


@office_page(f"{ONE}/unbind", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def unbind(request: web.Request) -> web.StreamResponse:
    """Believe no texts to a SIM card any more."""

    async def work(phone: Phone, *, actor: str) -> None:
        await receipt_texts.unbind(phone, read_number(request[FORM].get("place", "")), actor=actor)

    return await _change(request, work, "unbind")


@office_page(f"{ONE}/unlink", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def unlink(request: web.Request) -> web.StreamResponse:
    """Shut it out; what waits for it goes elsewhere."""
    server = request.app[SERVER]
    if request[FORM].get("sure") != "yes":
        said = _("Say that you are sure: the phone must be linked anew to come back.")
        return await _draw_one(request, await _find(request), 422, problem=said)

    async def work(phone: Phone, *, actor: str) -> None:
        await linking.unlink(phone, copies=server.config.copies, actor=actor)

    phone = await _find(request)
    await _perform(request, phone, work)
    server.outbox.notify()
    raise redirect("/settings/phones?done=unlink")


async def _change(request: web.Request, change: Callable[..., Awaitable[None]], done: str) -> web.StreamResponse:
    phone = await _find(request)
    try:
        await _perform(request, phone, change)
    except (NameTaken, NoSuchSim) as problem:
        return await _draw_one(request, phone, 422, problem=str(problem))
    request.app[SERVER].outbox.notify()
    raise redirect(f"/settings/phones/{phone.id}?done={done}")


async def _perform(request: web.Request, phone: Phone, change: Callable[..., Awaitable[None]]) -> None:
    """Do it in a unit of work, to the phone as it is then. Raises HTTPNotFound for one that is gone meanwhile."""
    async with request.app[SERVER].database.work():
        try:
            held = await linking.find(phone.name)
        except NoSuchPhone:
            raise _gone() from None
        await change(held, actor=request[USER].name)


def _gone() -> web.HTTPNotFound:
    return web.HTTPNotFound(text=_("There is no such phone any more.") + "\n", headers=HEADERS)


async def _find(request: web.Request) -> Phone:
    phone = await Phone.get_or_none(id=int(request.match_info["number"]), unlinked_at=0)
    if phone is None:
        raise _gone()
    return phone


def _tidy(name: str) -> str:
    """A name as it is kept: one space between words; empty for one that is too long."""
    tidy = " ".join(name.split())
    return tidy if len(tidy) <= LONGEST_NAME else ""


def _picture(address: str) -> Markup:
    """The address as a QR code, which the app reads."""
    code = segno.make(address, micro=False)
    return Markup(code.svg_inline(svgclass="qr", lineclass=None, omitsize=True))  # noqa: S704 - drawn here


async def _shown(server: Server, phone: Phone) -> Shown:
    now = now_ms()
    receivers = await queue.receivers(connection(), phone, now)
    return Shown(
        row=phone,
        state=_state(phone, now),
        sims=read_sims(phone.sims),
        wallets={wallet.sim: wallet for wallet in await ReceiptWallet.filter(phone_id=phone.id)},
        troubles=troubles(phone, receivers, server.config, _),
        waits=bool(phone.code_hash) and phone.code_until > now,
        seen=when(server.company, datetime.now(UTC), phone.seen_at) if phone.seen_at else "",
    )


def _state(phone: Phone, now: int) -> str:
    if phone.paused:
        return _("Paused")
    if phone.linked_at:
        return _("Linked")
    return _("Waiting for the phone") if phone.code_until > now else _("Not linked yet")


async def _draw(request: web.Request, form: NewPhone, status: int = 200) -> web.StreamResponse:
    server = request.app[SERVER]
    phones = await Phone.filter(unlinked_at=0).order_by("name").limit(MOST)
    return page(
        request,
        "settings/phones.html",
        status,
        form=form,
        phones=[await _shown(server, each) for each in phones],
        csv=csv_address(request),
    )


async def _rows(server: Server) -> AsyncIterator[Sequence[object]]:
    """A row for each SIM card."""
    for phone in await Phone.filter(unlinked_at=0).order_by("name"):
        shown = await _shown(server, phone)
        seen = moment(phone.seen_at) if phone.seen_at else None
        cards: list[tuple[object, ...]] = [(sim.number, sim.carrier, sim.phone) for sim in shown.sims]
        for card in cards or [("", "", "")]:
            yield phone.name, shown.state, seen, phone.battery, *card, " ".join(shown.troubles)


async def _draw_one(request: web.Request, phone: Phone, status: int = 200, *, problem: str = "") -> web.StreamResponse:
    operators = sorted(await list_operators(request.app[SERVER].company))
    return page(
        request,
        "settings/phone.html",
        status,
        operators=operators,
        phone=await _shown(request.app[SERVER], phone),
        problem=problem,
        typed=request.get(FORM, {}),
    )
