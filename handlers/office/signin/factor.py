"""The pages at `/me/second-factor`: an app of the phone is set up by a QR code; recovery codes are shown once."""

import json

import segno
from aiohttp import web
from markupsafe import Markup
from wtforms import PasswordField, StringField

from bot.server import SERVER
from handlers.office.frame.forms import OfficeForm, required
from handlers.office.frame.page import page, redirect
from handlers.office.frame.routes import ALL, FORM, USER, Nav, office_page
from handlers.office.frame.session import SIGNED_IN, begin, give, lacks_factor
from handlers.office.frame.words import N_, _
from handlers.office.signin.limits import BY_CODE, begin_try
from handlers.office.signin.me import draw_me, is_demanded, refuse_password
from models.people import guesses, second_factor
from models.people.second_factor import WrongCode, address_of, new_secret
from models.sql import HOUR_MS, now_ms
from models.vault import Sealed

SETTING_UP_MS = HOUR_MS


class SetUp(OfficeForm):
    password = PasswordField(N_("Your password"), [required], render_kw={"autocomplete": "current-password"})
    code = StringField(
        N_("The code that the app shows"),
        [required],
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": "7"},
    )


@office_page("/me/second-factor", roles=ALL, nav=Nav.ME)
async def ask(request: web.Request) -> web.StreamResponse:
    """A fresh secret as a QR code. It counts from when a code of it was typed."""
    if request[USER].factor:
        raise redirect("/me")
    return _draw(request, 200, SetUp.of(request), new_secret())


def _draw(request: web.Request, status: int, form: SetUp, secret: str) -> web.Response:
    server, user = request.app[SERVER], request[USER]
    sealed = {"secret": secret, "session": request[SIGNED_IN].id, "at": now_ms()}
    drawn = segno.make(address_of(secret, user.name, server.company.name), micro=False)
    return page(
        request,
        "signin/second_factor.html",
        status,
        form=form,
        demanded=lacks_factor(request, user),
        sealed=server.company.vault.seal_json(sealed, "new second factor"),
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        qr=Markup(drawn.svg_inline(scale=4, border=4, svgclass="qr", lineclass=None)),  # noqa: S704 - segno's own
    )


@office_page("/me/second-factor", "POST", roles=ALL, nav=Nav.ME)
async def set_up(request: web.Request) -> web.StreamResponse:
    """The code is right: the second factor counts from now on. The session gets a new name, all others end."""
    user, form = request[USER], SetUp.of(request)
    secret = _read_secret(request)
    if user.factor or secret is None:
        raise redirect("/me/second-factor")
    if not form.validate():
        return _draw(request, 422, form, secret)
    if refused := await refuse_password(request, str(form.password.data)):
        form.refuse("password", refused)
        return _draw(request, 422, form, secret)
    typed = request[SIGNED_IN].typed
    try:
        async with request.app[SERVER].database.work():
            vault = request.app[SERVER].company.vault
            codes = await second_factor.set_up(user, secret, str(form.code.data), vault=vault, actor=user.name)
            await begin(request, user, typed)
    except WrongCode:
        form.refuse("code", _("This is not the code of now. Is the clock of the phone right?"))
        return _draw(request, 422, form, secret)
    return _show_codes(request, codes, "/typed" if typed else "/")


def _read_secret(request: web.Request) -> str | None:
    """The secret that was shown to this session within the hour."""
    try:
        sealed = request.app[SERVER].company.vault.open_json(request[FORM].get("sealed", ""), "new second factor")
    except (Sealed, json.JSONDecodeError):
        return None
    same = sealed["session"] == request[SIGNED_IN].id and now_ms() - sealed["at"] < SETTING_UP_MS
    return str(sealed["secret"]) if same else None


def _show_codes(request: web.Request, codes: list[str], onward: str) -> web.Response:
    response = page(request, "signin/codes.html", codes=codes, onward=onward)
    give(request, response)
    return response


@office_page("/me/recovery-codes", "POST", roles=ALL, nav=Nav.ME)
async def renew_codes(request: web.Request) -> web.StreamResponse:
    """Fresh recovery codes, for who knows the password. The session gets a new name, as wherever a page has secrets."""
    user = request[USER]
    if not user.factor:
        raise redirect("/me/second-factor")
    if refused := await refuse_password(request, request[FORM].get("password", "")):
        return await draw_me(request, 422, problem=refused)
    async with request.app[SERVER].database.work():
        codes = await second_factor.renew_codes(user, actor=user.name)
        await begin(request, user)
    return _show_codes(request, codes, "/me")


@office_page("/me/second-factor/off", "POST", roles=ALL, nav=Nav.ME)
async def take_away(request: web.Request) -> web.StreamResponse:
    """Go without, or set up another phone: for who knows the password and has a code."""
    user = request[USER]
    if not user.factor:
        raise redirect("/me")
    if refused := await refuse_password(request, request[FORM].get("password", "")):
        return await draw_me(request, 422, problem=refused)
    counts = [(BY_CODE, str(user.id))]
    if not await begin_try(request, counts):
        return await draw_me(request, 429, problem=_("Too many wrong tries. Please wait 15 minutes."))
    try:
        async with request.app[SERVER].database.work():
            vault = request.app[SERVER].company.vault
            await second_factor.check_code(user, request[FORM].get("code", ""), vault=vault)
            await guesses.give_back(counts)
            await second_factor.reset(user, actor=user.name)
            await begin(request, user)
    except WrongCode:
        return await draw_me(request, 422, problem=_("This code is not the one of now, or it was used."))
    response = redirect("/me/second-factor" if is_demanded(request, user) else "/me?done=off")
    give(request, response)
    raise response
