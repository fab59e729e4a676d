"""The office registers a customer, with a device or with none yet: the checks of the talk, and all on one page, which
keeps what was typed. It is read once more before it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from tortoise.exceptions import IntegrityError

from bot.server import SERVER
from bot.text.numbers import parse
from handlers.customers.office_registration import office_key, register_by_office, request_of
from handlers.customers.questions import NAME_RULE, NO_PHONE, why_not_free
from handlers.customers.register import KINDS
from handlers.fields.languages import NAMES
from handlers.office.counter.forms import Register
from handlers.office.counter.lookup import NotFound, find_customer, person_of
from handlers.office.counter.sell import sale_key
from handlers.office.frame.page import is_first, page
from handlers.office.frame.routes import DESK, FORM, USER, Nav, office_page
from handlers.office.frame.words import LANGUAGE, _
from models.customers import registration, search
from models.customers.registration import Form, InUse, Labels, NotFree, is_name
from models.devices import DeviceModel, Kind, Tariff, Unit
from models.devices.connections import ConnectionGroup, ConnectionType, MeterType, SubConnectionType
from models.people import Customer, MiniGrid, Village

PATH = "/register"
NONE, NEW = "none", "new"
LABELS: dict[str, Any] = {
    "type": ConnectionType,
    "sub_type": SubConnectionType,
    "tariff": Tariff,
    "meter_type": MeterType,
    "group": ConnectionGroup,
}


@dataclass(frozen=True)
class Reached:
    """By which phone, and who that is."""

    said: str  # E.164, #4, or empty for none
    phone: str
    known: Sequence[Customer]


@office_page(PATH, roles=DESK, nav=Nav.PEOPLE)
async def ask(request: web.Request) -> web.StreamResponse:
    """The empty form; a link may name a customer who gets another device."""
    first: dict[str, Any] = {"language": request.app[SERVER].company.languages[0]}
    if known := await person_of(request):
        first = {
            "name": f"{known.name} {known.surname}",
            "phone": f"#{known.id}",
            "language": known.language,
            "village": str(known.village_id or ""),
        }
    return await _draw(request, Register.of(request, **first))


@office_page(PATH, "POST", roles=DESK, nav=Nav.PEOPLE)
async def check_or_register(request: web.Request) -> web.StreamResponse:
    """Check what was typed and show what will be registered; do it where that was shown."""
    form, company = Register.of(request), request.app[SERVER].company
    await _offer(request, form)
    agreed = request[FORM].get("do") == "register"
    if agreed and (before := await registration.find_done(office_key(sale_key(request)))):
        return page(request, "counter/registered.html", done=before, new=False)
    form.validate()
    reached = await _reach(request, form)
    filled = await _fill(request, form, reached)
    if filled is None or form.errors:
        return await _refuse(request, form, 422, reached=reached)
    if not agreed:
        return await _draw(request, form, reached=reached, filled=filled)
    if not form.consent.data:
        form.refuse("consent", _("Without this nobody is registered."))
    if reached.known and form.same.data not in (NEW, *(str(one.id) for one in reached.known)):
        form.refuse("same", _("Please choose one of the list."))
    if form.errors:
        return await _refuse(request, form, 422, reached=reached, filled=filled)
    server = request.app[SERVER]
    try:
        async with server.database.work():
            # Who sends it twice at once waits here for the first one, and reads what that has done.
            if await is_first(request) or not (before := await registration.find_done(office_key(sale_key(request)))):
                done = await register_by_office(
                    filled, sale_key(request), request[USER], company=company, composer=server.composer
                )
            else:
                done = before
    except (NotFree, IntegrityError) as error:  # somebody was quicker: all that was said of the person still holds
        if isinstance(error, IntegrityError) and not filled.serial:
            raise
        refusal = error if isinstance(error, NotFree) else InUse(filled.serial)  # a new meter, at this moment
        form.refuse("serial", why_not_free(refusal, filled.serial, company).to(LANGUAGE.get()))
        return await _refuse(request, form, 409, reached=reached)
    server.outbox.notify()
    return page(request, "counter/registered.html", done=done)


async def _refuse(request: web.Request, form: Register, status: int, **shown: Any) -> web.StreamResponse:
    """Show what is wrong with it; but what the same form did meanwhile, where it was sent twice at once."""
    agreed = request[FORM].get("do") == "register"
    if agreed and (before := await registration.find_done(office_key(sale_key(request)))):
        return page(request, "counter/registered.html", done=before, new=False)
    return await _draw(request, form, status, **shown)


async def _reach(request: web.Request, form: Register) -> Reached:
    """The phone that was typed, and the customers of the village's mini-grid who have it."""
    typed, company = (form.phone.data or "").strip(), request.app[SERVER].company
    if not typed or typed.upper() in NO_PHONE:
        return Reached("", "", [])
    if typed.startswith("#"):
        try:
            known = await find_customer(typed, company)
        except NotFound as error:
            form.refuse("phone", str(error))
            return Reached("", "", [])
        if form.same.data != NEW:
            form.same.data = str(known.id)
        return Reached(f"#{known.id}", known.phone or "", [known])
    try:
        phone = parse(typed, company.country)
    except ValueError:
        form.refuse("phone", _("{typed} is not a phone number.", typed=typed))
        return Reached("", "", [])
    village = await _village(form)
    known_here = await search.customers_by_phone(phone, village.mini_grid_id) if village else []
    return Reached(phone, phone, known_here)


async def _village(form: Register) -> Village | None:
    typed = form.village.data or ""
    known = typed.isdecimal() and not form.village.errors
    return await Village.get_or_none(id=int(typed)) if known else None


async def _fill(request: web.Request, form: Register, reached: Reached) -> Form | None:
    """The registration as it was filled in; None, and a sentence at the field, where something is wrong."""
    company, village = request.app[SERVER].company, await _village(form)
    name, _space, surname = " ".join((form.name.data or "").split()).partition(" ")
    if village is None and not form.village.errors:
        form.refuse("village", _("Please choose one of the list."))
    if form.name.data and not (is_name(name) and is_name(surname)):
        form.refuse("name", NAME_RULE.to(LANGUAGE.get()))
    kind = None if form.kind.errors or form.kind.data in (NONE, None, "None") else Kind(form.kind.data)
    what, serial = village.name if village else "", ""
    if kind:
        serial = await _free(request, form, kind, (name, surname, reached.said))
        what = serial
    model = await _model(form, serial, kind) if serial and kind else None
    tariff, labels = await _labels(form) if kind is Kind.METER else (None, None)
    if form.errors or village is None:
        return None
    same = next((one for one in reached.known if str(one.id) == form.same.data), None)
    return Form(
        customer=same,
        name=name,
        surname=surname,
        phone=reached.phone or None,
        language=form.language.data,
        village=village,
        kind=kind,
        serial=serial,
        model=model,
        tariff=tariff,
        labels=labels,
        consent="",  # the verb knows the words
        request=request_of(company, name, surname, reached.said, form.kind.data, what),
        today=company.today(),
    )


async def _free(request: web.Request, form: Register, kind: Kind, person: tuple[str, str, str]) -> str:
    """The whole serial of a device that is free, or that this very form registered before."""
    company, serial = request.app[SERVER].company, form.serial.data or ""
    if not serial:
        form.refuse("serial", _("Please fill this in."))
        return ""
    try:
        return await registration.free_serial(serial, kind)
    except NotFree as refusal:
        if await registration.find_repeated(None, request_of(company, *person, kind.value, serial)):
            return serial
        form.refuse("serial", why_not_free(refusal, serial, company).to(LANGUAGE.get()))
        return ""


async def _model(form: Register, serial: str, kind: Kind) -> DeviceModel | None:
    """Asked for only where several fit."""
    fitting = await registration.fitting_models(serial, kind)
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    chosen = next((one for one in fitting if str(one.id) == form.model.data), None)
    if chosen is None:
        form.model.choices = [("", _("Choose")), *((str(one.id), f"{one.manufacturer} {one.name}") for one in fitting)]
        form.refuse("model", _("Several fit this serial: please choose one."))
    return chosen


async def _labels(form: Register) -> tuple[Tariff | None, Labels]:
    """Tariff and labels of a meter. What is usual for its connection type is taken where nothing was chosen."""
    chosen: dict[str, Any] = {}
    for name, table in LABELS.items():
        typed = form[name].data or ""
        known = typed.isdecimal() and not form[name].errors
        chosen[name] = await table.get_or_none(id=int(typed)) if known else None
    type_ = chosen["type"]
    if type_:
        await type_.fetch_related("usual_tariff", "usual_meter_type", "usual_group")
    tariff = chosen["tariff"] or (type_.usual_tariff if type_ else None)
    meter_type = chosen["meter_type"] or (type_.usual_meter_type if type_ else None)
    group = chosen["group"] or (type_.usual_group if type_ else None)
    if tariff is None:
        form.refuse("tariff", _("Please choose one of the list."))
    sub = chosen["sub_type"]
    if sub and (type_ is None or sub.type_id != type_.id):
        form.refuse("sub_type", _("This belongs to another connection type."))
    return tariff, Labels(meter_type, group, type_, sub)


async def _offer(request: web.Request, form: Register) -> None:
    """What can be chosen."""
    company = request.app[SERVER].company
    grids = {grid.id: grid.name for grid in await MiniGrid.all()}
    villages = await Village.all().order_by("mini_grid_id", "name")
    form.village.choices = [
        ("", _("Choose")),
        *((str(one.id), f"{grids[one.mini_grid_id]}: {one.name}") for one in villages),
    ]
    form.language.choices = [(code, NAMES[code]) for code in company.languages]
    form.kind.choices = [(kind, label.to(LANGUAGE.get())) for kind, label in KINDS]
    for name, table in LABELS.items():
        rows = await (table.filter(unit=Unit.ENERGY) if table is Tariff else table.all()).order_by("id")
        choices = [("", _("As usual, or none")), *((str(row.pk), row.name) for row in rows)]
        field: Any = form[name]
        field.choices = choices
    models = await DeviceModel.all().order_by("name")
    form.model.choices = [("", _("As the serial says")), *((str(one.id), one.name) for one in models)]


async def _draw(
    request: web.Request,
    form: Register,
    status: int = 200,
    *,
    reached: Reached | None = None,
    filled: Form | None = None,
) -> web.StreamResponse:
    if form.village.choices is None:
        await _offer(request, form)
    known = list(reached.known) if reached else []
    form.same.choices = [
        *((str(one.id), f"#{one.id} {one.name} {one.surname}") for one in known),
        (NEW, _("Somebody else who shares the phone")),
    ]
    return page(
        request,
        "counter/register.html",
        status,
        form=form,
        known=known,
        filled=filled,
        namesakes=await _namesakes(filled) if filled else [],
        has_labels=len(list(form.tariff.choices or [])) > 1,
        several_models=bool(form.model.errors) or bool(form.model.data),
    )


async def _namesakes(filled: Form) -> list[Customer]:
    """Others of this name in this mini-grid: the same person may have come twice."""
    return await search.namesakes(filled.name, filled.surname, None, filled.village.mini_grid_id)
