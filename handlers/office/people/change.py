"""Change what is known of a customer: name, phone, village, language, gender, position. Who comes second is told
what the first one did, and keeps what was typed."""

import re
from collections.abc import Sequence
from typing import Any

from aiohttp import web
from wtforms import SelectField

from bot.company import Company
from bot.server import SERVER
from handlers.customers.changes import ChangedMeanwhile, Details, change_customer, details_of, say_position
from handlers.office.frame.forms import NameField, OfficeForm, PhoneField, ReadField, required
from handlers.office.frame.page import page, redirect
from handlers.office.frame.routes import FORM, HELPERS, USER, Nav, office_page
from handlers.office.frame.words import N_, _
from handlers.office.people.person import LANGUAGES, ONE, find_customer
from models.people import Customer, Gender, MiniGrid, Village

MOST_VILLAGES = 300  # in the box; where there are more, those of the customer's mini-grid
POSITION = re.compile(r"([-+]?\d{1,2}(?:\.\d{1,15})?)\s*[,;\s]\s*([-+]?\d{1,3}(?:\.\d{1,15})?)")
GENDERS = {Gender.FEMALE: N_("female"), Gender.MALE: N_("male"), Gender.OTHER: N_("other")}


class PositionField(ReadField):
    """Latitude and longitude as maps write them, -6.79235, 39.20833; degrees, rounded to five decimals."""

    def read(self, _company: Company, typed: str) -> tuple[float, float]:
        found = POSITION.fullmatch(typed)
        if found is None or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:
            raise ValueError(_("Write latitude and longitude like {position}.", position="-6.79235, 39.20833"))
        return round(float(found[1]), 5), round(float(found[2]), 5)

    def write(self, _company: Company, value: Any) -> str:
        return say_position(value)


class ChangeCustomer(OfficeForm):
    """What the office may change."""

    name = NameField(N_("Name"), [required])
    surname = NameField(N_("Surname"), [required])
    phone = PhoneField(N_("Phone; empty for none"))
    village = SelectField(N_("Village"), validate_choice=True)
    language = SelectField(N_("Language of texts"))
    gender = SelectField(N_("Gender"))
    position = PositionField(N_("Position: latitude, longitude; empty where it is not known"))


@office_page(f"{ONE}/change", roles=HELPERS, nav=Nav.PEOPLE)
async def ask(request: web.Request) -> web.StreamResponse:
    """The form."""
    customer = await find_customer(request)
    form = await _form(request, customer)
    return _draw(request, customer, form, details_of(customer).version)


@office_page(f"{ONE}/change", "POST", roles=HELPERS, nav=Nav.PEOPLE)
async def change(request: web.Request) -> web.StreamResponse:
    """Change it; then the customer's page."""
    server, customer = request.app[SERVER], await find_customer(request)
    form, seen = await _form(request, customer), request[FORM].get("seen", "")
    if not form.validate():
        return _draw(request, customer, form, seen, 422)
    wanted = Details(
        name=form.name.data or "",
        surname=form.surname.data or "",
        phone=form.phone.data,
        village_id=int(form.village.data) if form.village.data else None,
        language=form.language.data,
        gender=form.gender.data or None,
        position=form.position.data,
    )
    actor, company, composer = request[USER].name, server.company, server.composer
    try:
        async with server.database.work():
            changed = await change_customer(
                customer, wanted, seen=seen, actor=actor, company=company, composer=composer
            )
    except ChangedMeanwhile as meanwhile:
        said = await _said(customer, meanwhile.now)
        return _draw(request, customer, form, meanwhile.now.version, 409, said)
    server.outbox.notify()
    raise redirect(f"/people/{customer.id}?done={'changed' if changed else 'same'}")


async def _form(request: web.Request, customer: Customer) -> ChangeCustomer:
    now = details_of(customer)
    first = {"name": now.name, "surname": now.surname, "phone": now.phone, "position": now.position}
    first |= {"gender": now.gender or ""}
    form = ChangeCustomer.of(request, **first, village=str(now.village_id or ""), language=now.language)
    ours = request.app[SERVER].company.languages
    form.language.choices = [(each, LANGUAGES.get(each, each)) for each in dict.fromkeys([*ours, now.language])]
    form.gender.choices = [("", _("not known")), *((each.value, _(name)) for each, name in GENDERS.items())]
    form.village.choices = await _villages(customer)
    return form


async def _villages(customer: Customer) -> Sequence[tuple[str, str]] | dict[str, Sequence[tuple[str, str]]]:
    """The villages by mini-grid; only the customer's own mini-grid where there are too many."""
    found = await Village.all().order_by("name").limit(MOST_VILLAGES + 1)
    if len(found) > MOST_VILLAGES:
        found = await Village.filter(mini_grid_id=customer.mini_grid_id).order_by("name").limit(MOST_VILLAGES)
    grids = {grid.id: grid.name for grid in await MiniGrid.all().order_by("name")}
    choices: dict[str, list[tuple[str, str]]] = {_("None"): [("", _("no village"))]}
    for village in found:
        choices.setdefault(grids[village.mini_grid_id], []).append((str(village.id), village.name))
    return dict(choices)


async def _said(customer: Customer, now: Details) -> str:
    village = await Village.get_or_none(id=now.village_id) if now.village_id else None
    facts = [f"{now.name} {now.surname}", now.phone or _("no phone"), village.name if village else _("no village")]
    facts.append(LANGUAGES.get(now.language, now.language))
    facts += [_(GENDERS[Gender(now.gender)])] if now.gender else []
    facts += [say_position(now.position)] if now.position else []
    return _(
        "Somebody else changed this customer while you wrote. By now it is: {facts}. Look at it, then save again.",
        facts=", ".join(facts),
    )


def _draw(
    request: web.Request, customer: Customer, form: ChangeCustomer, seen: str, status: int = 200, problem: str = ""
) -> web.StreamResponse:
    return page(request, "people/change.html", status, person=customer, form=form, seen=seen, problem=problem)
