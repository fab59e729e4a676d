"""The page at `/settings/switches`: messages and sales, each off or on, with the reason that every page then shows."""

from aiohttp import web
from wtforms import Field, ValidationError

from bot.server import SERVER
from handlers.office.frame.forms import LineField, OfficeForm, required
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import ALL, FORM, OWNER_ONLY, USER, Nav, office_page
from handlers.office.frame.times import day_name, moment
from handlers.office.frame.words import N_, _
from models.settings import LONGEST_REASON, OUTGOING, SALES, SWITCHES, read_switches, switch_outgoing, switch_sales

PATH = "/settings/switches"
VERBS = {OUTGOING: switch_outgoing, SALES: switch_sales}
TITLES = {OUTGOING: N_("Outgoing messages"), SALES: N_("Sales")}
MEANINGS = {
    OUTGOING: N_("Off: no message goes out. What comes in is handled, and the answers wait until this is on again."),
    SALES: N_(
        "Off: agents and customers cannot sell or buy, and read that sales are stopped. Money that comes by phone is"
        " received, and waits under Money."
    ),
}
DONE = {
    "off": N_("It is off."),
    "on": N_("It is on."),
    "same": N_("Somebody else did it before: it was so already."),
}


class Reason(OfficeForm):
    """Why something is switched off."""

    reason = LineField(N_("Why"), validators=[required], render_kw={"maxlength": LONGEST_REASON})

    def validate_reason(self, field: Field) -> None:
        if len(field.data or "") > LONGEST_REASON:
            raise ValidationError(_("That is too long."))


@office_page(PATH, roles=ALL, nav=Nav.SETTINGS)
async def show(request: web.Request) -> web.StreamResponse:
    """How they stand."""
    return await _draw(request)


@office_page(PATH, "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def switch(request: web.Request) -> web.StreamResponse:
    """Switch one off with a reason, or on. Who does what was done already is told so."""
    name, to = request[FORM].get("switch", ""), request[FORM].get("to", "")
    if name not in VERBS or to not in ("on", "off"):
        raise web.HTTPBadRequest(text=_("This is no form of ours.") + "\n", headers=HEADERS)
    form = _form(request, name)
    if to == "off" and not form.validate():
        return await _draw(request, 422, refused={name: form})
    server = request.app[SERVER]
    async with server.database.work():
        done = await VERBS[name](to == "on", actor=request[USER].name, reason=form.reason.data or "")
    server.outbox.notify()
    raise redirect(f"{PATH}?done={to if done else 'same'}")


def _form(request: web.Request, name: str) -> Reason:
    """Each switch has a field of its own name."""
    return Reason.of(request, prefix=f"{name}-")


async def _draw(
    request: web.Request, status: int = 200, *, refused: dict[str, Reason] | None = None
) -> web.StreamResponse:
    company, switches = request.app[SERVER].company, await read_switches()
    return page(
        request,
        "switches/switches.html",
        status,
        switches=[switches[name] for name in SWITCHES],
        forms={name: (refused or {}).get(name) or _form(request, name) for name in SWITCHES},
        titles=TITLES,
        meanings=MEANINGS,
        done=_(DONE.get(request.query.get("done", ""), "")) if status == 200 else "",
        since=lambda one: f"{day_name(company, moment(one.since))} {company.clock(moment(one.since))}",
    )
