"""The page at `/settings/gateways`: in which order they carry messages, a message to try one, and a test of its way."""

from dataclasses import dataclass

from aiohttp import web
from wtforms import SelectField

from bot.gateways.errors import explained
from bot.outbound import NewMessage, enqueue
from bot.routing import Health
from bot.routing.health import condition_of
from bot.server import SERVER, Server
from handlers.office.frame.forms import OfficeForm, PhoneField, required
from handlers.office.frame.page import HEADERS, is_first, page, redirect
from handlers.office.frame.routes import FORM, OWNER_ONLY, USER, Nav, office_page
from handlers.office.frame.words import N_, _
from handlers.office.settings.typed import read_number
from models.audit import record
from models.messages import MessageKind
from models.messages.written import AT_ONCE
from models.office import outgoing
from models.settings import ChangedMeanwhile, change_settings, read_version
from models.sql import now_ms

WORDS = {
    Health.WELL: N_("Working"),
    Health.QUIET: N_("Quiet"),
    Health.DOWN: N_("Down"),
    Health.PAUSED: N_("Paused"),
}
LIFE_MS = 10 * 60_000  # of a message that tries a gateway: later it says nothing
OPEN = {"waiting", "scheduled", "sending"}


class TryForm(OfficeForm):
    gateway = SelectField(N_("By which gateway"))
    phone = PhoneField(N_("To which number"), [required])


@dataclass(frozen=True)
class Line:
    """One place in the order."""

    name: str
    label: str
    state: str
    reason: str
    place: int  # from 1 on; 0 for one that is not in the order
    tested: bool  # whether it has a number for a test of its way


@office_page("/settings/gateways", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def show(request: web.Request) -> web.StreamResponse:
    """The order, and what became of the last message that tried a gateway."""
    await request.app[SERVER].settings.refresh()
    return await _draw(request, TryForm.of(request))


@office_page("/settings/gateways/order", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def reorder(request: web.Request) -> web.StreamResponse:
    """Move one earlier, or go back to the configuration's order."""
    server, form = request.app[SERVER], request[FORM]
    await server.settings.refresh()
    order = list(server.router.order)
    name = form.get("earlier", "")
    wanted: str | None = None
    if not form.get("back"):
        if name not in [*order, *_choices(server)]:
            raise web.HTTPBadRequest(text=_("There is no such gateway any more.") + "\n", headers=HEADERS)
        order = _earlier(order, name)
        wanted = ",".join(order)
    try:
        async with server.database.work():
            await change_settings(
                {"route": wanted},
                {"route": ",".join(server.router.order)},
                seen=read_number(form.get("seen", "")),
                actor=request[USER].name,
            )
    except ChangedMeanwhile:
        await server.settings.refresh()
        said = _("Somebody else has changed the order meanwhile. This is how it is now.")
        return await _draw(request, TryForm.of(request), 409, problem=said)
    await server.settings.refresh()
    raise redirect("/settings/gateways?done=order")


@office_page("/settings/gateways/try", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def try_out(request: web.Request) -> web.StreamResponse:
    """Send a message by one gateway to a number, and see what becomes of it. Of the kind that no other gateway takes
    when this one is down, and at night as well."""
    server = request.app[SERVER]
    form = _with_choices(TryForm.of(request), server)
    if not form.validate():
        return await _draw(request, form, 422)
    now, gateway = now_ms(), str(form.gateway.data)
    text = f"Test of {server.router.watch.facts(gateway).label[:40]} by {server.company.name}."
    origin = f"{AT_ONCE}test {gateway[:40]} {now}"
    async with server.database.work():
        if not await is_first(request):
            raise redirect("/settings/gateways")
        message = NewMessage(origin, str(form.phone.data), text, MessageKind.OFFICE, gateway, life=LIFE_MS)
        await enqueue([message], now)
        await record(request[USER].name, "gateway message", gateway, str(form.phone.data))
    server.outbox.notify()
    raise redirect(f"/settings/gateways?tried={await outgoing.find(origin)}")


@office_page("/settings/gateways/test", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def test(request: web.Request) -> web.StreamResponse:
    """Let a gateway write to itself now: if that comes back, both ways work."""
    server, gateway = request.app[SERVER], request[FORM].get("gateway", "")
    if not await server.alerts.test_now(gateway, actor=request[USER].name):
        said = _("Nobody knows this gateway's own number, or another test has just left.")
        return await _draw(request, TryForm.of(request), 422, problem=said)
    raise redirect("/settings/gateways?done=test")


@office_page(r"/settings/gateways/tried/{number:\d{1,18}}", roles=OWNER_ONLY, nav=Nav.SETTINGS, fragment=True)
async def show_tried(request: web.Request) -> web.StreamResponse:
    """What became of a message: the part of the page that is fetched again and again."""
    return page(request, "settings/gateway_tried.html", tried=await _tried(int(request.match_info["number"])))


def _earlier(order: list[str], name: str) -> list[str]:
    """The order with one a place earlier, or behind all when it had none."""
    if name not in order:
        return [*order, name]
    place, others = order.index(name), [each for each in order if each != name]
    return [*others[: max(place - 1, 0)], name, *others[max(place - 1, 0) :]]


async def _tried(number: int) -> dict[str, object] | None:
    """A message that tried a gateway, with its state in words."""
    row = await outgoing.one(number)
    if row is None:
        return None
    why = explained(row["error"], say=_) if row["error"] else ""
    return {
        "id": row["id"],
        "state": outgoing.word_for(row["state"]),
        "gateway": row["gateway"],
        "phone": row["phone"],
        "why": why,
        "open": row["state"] in OPEN or (row["state"] == "sent" and not row["error"]),
    }


def _choices(server: Server) -> list[str]:
    """The gateways that can send, by name."""
    names = dict.fromkeys([*server.outbox.gateways, *server.router.watch.gateways])
    return [name for name in names if name != "simulator" or server.simulated]


def _with_choices(form: TryForm, server: Server) -> TryForm:
    form.gateway.choices = [(name, server.router.watch.facts(name).label) for name in _choices(server)]
    return form


def _lines(server: Server) -> list[Line]:
    order = list(server.router.order)
    watched = server.router.watch.gateways
    carried = {*order, *(name for name, (facts, _how) in watched.items() if facts.phone and "phones" in order)}
    rest = [name for name in _choices(server) if name not in carried]
    lines = []
    for place, name in enumerate([*order, *rest], start=1):
        facts = server.router.watch.facts(name)
        condition = condition_of(facts, now_ms(), _) if name in watched else None
        lines.append(
            Line(
                name,
                _("All gateway phones") if name == "phones" else facts.label,
                _(WORDS[condition.state]) if condition else "",
                condition.reason if condition else "",
                place if name in order else 0,
                bool(server.alerts.test_number(name)),
            )
        )
    return lines


async def _draw(request: web.Request, form: TryForm, status: int = 200, *, problem: str = "") -> web.StreamResponse:
    server = request.app[SERVER]
    await server.router.watch.look()
    tried = read_number(request.query.get("tried", ""))
    phones = [name for name, (facts, _how) in server.router.watch.gateways.items() if facts.phone]
    return page(
        request,
        "settings/gateways.html",
        status,
        lines=_lines(server),
        phones=[(name, server.router.watch.facts(name).label, server.alerts.test_number(name)) for name in phones],
        form=_with_choices(form, server),
        problem=problem,
        seen=await read_version(),
        set_here="route" in server.settings.set,
        tried=await _tried(tried) if tried else None,
    )
