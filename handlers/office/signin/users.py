"""The page at `/settings/users`: who signs in to the office, and as what; for owners alone."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import partial

from aiohttp import web
from wtforms import SelectField

from bot.server import SERVER
from handlers.office.frame.forms import LineField, OfficeForm, required
from handlers.office.frame.lists import csv_address, send_csv, wants_csv
from handlers.office.frame.page import page, redirect
from handlers.office.frame.routes import OWNER_ONLY, USER, Nav, office_page
from handlers.office.frame.times import day_name, when
from handlers.office.frame.words import N_, _
from models.people import OfficeRole, OfficeUser, invitations, office_users, promotions, second_factor
from models.people.office_users import LastUser
from models.tickets import tickets

ROLES = {
    OfficeRole.OWNER: N_("Owner: everything, users and settings too"),
    OfficeRole.FINANCE: N_("Finance: books cash, takes back sales, closes days"),
    OfficeRole.SUPPORT: N_("Support: helps callers, answers texts, registers people"),
    OfficeRole.AUDITOR: N_("Auditor: reads everything, changes nothing"),
}
DONE = {
    "invited": N_("The link is below. Send it to this person alone: it works once, for 3 days."),
    "asked": N_("It is written down. Another one who moves money has to agree, under Money, To decide."),
    "role": N_("The role is changed. This person has to sign in again."),
    "same": N_("It was so already: nothing has changed."),
    "removed": N_("This person signs in no more. Open tickets of theirs are nobody's now."),
    "factor": N_("The second factor is taken away. Who needs one is asked at the next sign-in to set it up."),
    "password": N_("The link is below. Send it to this person alone: a new password is set by it."),
    "withdrawn": N_("The link works no more."),
}
MOST = 100
COLUMNS = ("name", "role", "second_factor", "language")
NUMBER = r"{number:\d{1,18}}"
NOBODY_ELSE = N_("Nobody else who moves money is there to agree. At the server's prompt, and in the log: {command}.")
OTHER = N_("{name} asked for another role of {user}: it is decided first, under Money, To decide.")
NOT_YET = N_(
    "Nobody else who moves money is there to agree: somebody who did was taken out. You decide alone from {when} on."
    " At the server's prompt it goes at once: {command}."
)
LAST = N_("{name} is the last owner: make somebody else one first.")


class Invite(OfficeForm):
    whom = LineField(N_("Who is it for?"), [required], render_kw={"maxlength": 100})
    role = SelectField(N_("Role"))


class ChangeRole(OfficeForm):
    role = SelectField(N_("Role"))


def _with_roles(form: Invite | ChangeRole) -> None:
    form.role.choices = [(role.value, _(sentence)) for role, sentence in ROLES.items()]


@office_page("/settings/users", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def show(request: web.Request) -> web.StreamResponse:
    """All who may sign in, and the links that still work."""
    if wants_csv(request):
        return await send_csv(request, "users", COLUMNS, _rows())
    return await _draw(request)


async def _rows() -> AsyncIterator[Sequence[object]]:
    for each in await office_users.list_users():
        yield each.name, each.role.value, bool(each.factor), each.language


async def _draw(
    request: web.Request, status: int = 200, invite: Invite | None = None, problem: str = ""
) -> web.Response:
    server = request.app[SERVER]
    form = invite or Invite(meta={"company": server.company}, role=OfficeRole.SUPPORT.value)
    _with_roles(form)
    vault, address = server.company.vault, server.config.address
    return page(
        request,
        "signin/users.html",
        status,
        problem=problem,
        done={name: _(sentence) for name, sentence in DONE.items()},
        users=await office_users.list_users(),
        roles=[(role.value, _(sentence)) for role, sentence in ROLES.items()],
        demanded=second_factor.DEMANDED_OF if server.config.second_factor else frozenset(),
        invite=form,
        links=[
            (each, f"{address}/invitation/{invitations.token_of(each, vault)}")
            for each in await invitations.list_open()
        ],
        asked=await promotions.list_open(MOST),
        csv=csv_address(request),
        when=partial(when, server.company, datetime.now(UTC)),
    )


@office_page("/settings/users/invite", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def invite(request: web.Request) -> web.StreamResponse:
    """Make a link by which somebody becomes a user; for who is to move money when a second person agrees."""
    form = Invite.of(request)
    _with_roles(form)
    if not form.validate():
        return await _draw(request, 422, form)
    try:
        async with request.app[SERVER].database.work():
            made = await promotions.let_in(OfficeRole(form.role.data), str(form.whom.data), by=request[USER])
    except promotions.NotYetAlone as refused:
        said = _not_yet(request, refused, f"mwanga admin add NAME --role {form.role.data}")
        return await _draw(request, 422, form, problem=said)
    raise redirect("/settings/users?done=invited#links" if made else "/settings/users?done=asked")


async def _user(request: web.Request) -> OfficeUser:
    """Whom the path names. Raises HTTPNotFound."""
    user = await office_users.get_user(int(request.match_info["number"]))
    if user is None:
        raise web.HTTPNotFound(text=_("There is no such user.") + "\n")
    return user


@office_page(f"/settings/users/{NUMBER}/role", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def change_role(request: web.Request) -> web.StreamResponse:
    """Another role, which ends this user's sessions; one that moves money waits for a second person."""
    user, form = await _user(request), ChangeRole.of(request)
    _with_roles(form)
    if not form.validate():
        return await _draw(request, 422, problem=_("Please choose one of the list."))
    try:
        async with request.app[SERVER].database.work():
            changed = await promotions.give_role(user, OfficeRole(form.role.data), by=request[USER])
    except LastUser:
        return await _draw(request, 422, problem=_(LAST, name=user.name))
    except promotions.OtherRole as other:
        return await _draw(request, 422, problem=_(OTHER, name=other.by, user=user.name))
    except promotions.NotYetAlone as refused:
        said = _not_yet(request, refused, f"mwanga admin role {user.name} {form.role.data}")
        return await _draw(request, 422, problem=said)
    raise redirect(f"/settings/users?done={ {True: 'role', False: 'same', None: 'asked'}[changed] }")


def _not_yet(request: web.Request, refused: promotions.NotYetAlone, command: str) -> str:
    """From when on one who is left alone decides alone, and how it goes before."""
    company = request.app[SERVER].company
    moment = f"{day_name(company, refused.until)} {company.clock(refused.until)}"
    return _(NOT_YET, when=moment, command=command)


@office_page(f"/settings/users/{NUMBER}/remove", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def remove(request: web.Request) -> web.StreamResponse:
    """Take somebody's way in; open tickets of this user are nobody's then."""
    user, actor = await _user(request), request[USER].name
    try:
        async with request.app[SERVER].database.work():
            await office_users.remove_user(user, actor=actor)
            await tickets.hand_back(actor, staff=user)
    except LastUser:
        return await _draw(request, 422, problem=_(LAST, name=user.name))
    raise redirect("/settings/users?done=removed")


@office_page(f"/settings/users/{NUMBER}/second-factor", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def reset_factor(request: web.Request) -> web.StreamResponse:
    """The phone is lost; of who moves money it waits for a second person. One's own is taken away with a code, on the
    own page."""
    user = await _user(request)
    if user.id == request[USER].id:
        return await _draw(request, 422, problem=_("Your own second factor is changed on your own page."))
    try:
        async with request.app[SERVER].database.work():
            done = await promotions.take_factor_away(user, by=request[USER])
    except promotions.NobodyElse:
        return await _draw(request, 422, problem=_(NOBODY_ELSE, command=f"mwanga admin factor {user.name}"))
    raise redirect(f"/settings/users?done={'factor' if done else 'asked'}")


@office_page(f"/settings/users/{NUMBER}/password", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def offer_password(request: web.Request) -> web.StreamResponse:
    """The password is forgotten: a link to set another one; for who moves money when a second person agrees."""
    user = await _user(request)
    try:
        async with request.app[SERVER].database.work():
            made = await promotions.renew_password(user, by=request[USER])
    except promotions.NobodyElse:
        return await _draw(request, 422, problem=_(NOBODY_ELSE, command=f"mwanga admin password {user.name}"))
    raise redirect("/settings/users?done=password#links" if made else "/settings/users?done=asked")


@office_page(f"/settings/invitations/{NUMBER}/withdraw", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def withdraw(request: web.Request) -> web.StreamResponse:
    """A link is to work no more."""
    async with request.app[SERVER].database.work():
        await invitations.withdraw(int(request.match_info["number"]), by=request[USER])
    raise redirect("/settings/users?done=withdrawn")
