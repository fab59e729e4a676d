"""The page at `/invitation/…`: who was invited chooses a name and a password, who forgot a password chooses another."""

from typing import NoReturn

from aiohttp import web
from wtforms import PasswordField

from bot.server import SERVER
from handlers.office.frame.forms import LineField, OfficeForm, required
from handlers.office.frame.page import TOO_OLD, page, redirect
from handlers.office.frame.routes import office_page
from handlers.office.frame.words import N_, _
from handlers.office.signin.signin import let_in
from models.people import OfficeUser, promotions
from models.people.invitations import NoInvitation, accept, find_invitation, takes_second
from models.people.office_users import (
    LONGEST_NAME,
    SHORTEST_PASSWORD,
    BadName,
    NeedsSecond,
    ShortPassword,
    UserExists,
)
from models.people.tables import Invitation

PATH = r"/invitation/{token:\d{1,18}-[0-9a-f]{40}}"
GONE = N_("This link works no more. The owner of the office can make another one.")
WAITS = N_("It is asked for: a second person of the office has to agree first. Ask the owner for the next link.")


class Accept(OfficeForm):
    name = LineField(N_("Name to sign in with"), render_kw={"autocomplete": "username", "maxlength": LONGEST_NAME})
    password = PasswordField(N_("Password"), [required], render_kw={"autocomplete": "new-password"})
    again_password = PasswordField(N_("Password again"), [required], render_kw={"autocomplete": "new-password"})


@office_page(PATH, anybody=True)
async def ask(request: web.Request) -> web.StreamResponse:
    """The form; or, at once, that a second person has to agree first."""
    found = await _find(request)
    return _draw(request, 200, found, Accept.of(request), waits=await _takes_second(request, found))


async def ask_again(request: web.Request) -> web.StreamResponse:
    """The form once more, for one that was too old."""
    return _draw(request, 403, await _find(request), Accept.of(request), _(TOO_OLD))


async def _find(request: web.Request) -> Invitation:
    try:
        return await find_invitation(request.match_info["token"], request.app[SERVER].company.vault)
    except NoInvitation:
        raise web.HTTPNotFound(text=_(GONE) + "\n") from None


async def _takes_second(request: web.Request, found: Invitation) -> bool:
    async with request.app[SERVER].database.work():
        return await takes_second(found)


def _draw(
    request: web.Request, status: int, found: Invitation, form: Accept, problem: str = "", *, waits: bool = False
) -> web.Response:
    return page(
        request,
        "signin/invitation.html",
        status,
        invitation=found,
        form=form,
        problem=problem,
        waits=waits,
        shortest=SHORTEST_PASSWORD,
    )


@office_page(PATH, "POST", anybody=True, too_old=ask_again)
async def become(request: web.Request) -> web.StreamResponse:
    """The form filled in: the invited person is signed in; who has a second factor signs in with it."""
    found, form = await _find(request), Accept.of(request)
    if await _takes_second(request, found):
        await _ask_second(request, found)
    valid = form.validate()
    if not found.user_id and not form.name.data:
        form.refuse("name", _("Please fill this in."))
    if valid and form.password.data != form.again_password.data:
        form.refuse("again_password", _("This is another one than above."))
    if form.errors:
        return _draw(request, 422, found, form)
    try:
        user = await _accept(request, found, form)
    except BadName:
        form.refuse("name", _("Nobody can have this name. Please choose another one."))
    except UserExists:
        form.refuse("name", _("Somebody signs in with this name already. Please choose another one."))
    except ShortPassword:
        form.refuse("password", _("A password has {n} characters or more.", n=SHORTEST_PASSWORD))
    else:
        if user.factor:
            raise redirect("/login")
        return await let_in(request, user)
    return _draw(request, 422, found, form)


async def _accept(request: web.Request, found: Invitation, form: Accept) -> OfficeUser:
    """Who came of the link. Raises HTTPNotFound when it works no more, and HTTPForbidden when a second person is asked
    first."""
    server = request.app[SERVER]
    try:
        async with server.database.work():
            return await accept(found, form.name.data or "", str(form.password.data), vault=server.company.vault)
    except NoInvitation:
        raise web.HTTPNotFound(text=_(GONE) + "\n") from None
    except NeedsSecond:  # since we looked
        return await _ask_second(request, found)


async def _ask_second(request: web.Request, found: Invitation) -> NoReturn:
    """The link works no more, and a second person is asked. Raises HTTPForbidden."""
    async with request.app[SERVER].database.work():
        asked = await promotions.ask_again(found)
    raise web.HTTPForbidden(text=_(WAITS if asked else GONE) + "\n")
