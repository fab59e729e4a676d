"""The page at `/me`: one's own language, password, second factor, and where one is signed in."""

from datetime import UTC, datetime
from functools import partial

from aiohttp import web
from wtforms import PasswordField, SelectField

from bot.server import SERVER
from handlers.office.frame.forms import OfficeForm, required
from handlers.office.frame.page import page, redirect
from handlers.office.frame.routes import ALL, USER, Nav, office_page
from handlers.office.frame.session import SIGNED_IN, begin, give, lacks_factor
from handlers.office.frame.times import when
from handlers.office.frame.words import N_, _
from handlers.office.signin.limits import BY_OWN_PASSWORD, begin_try
from handlers.office.signin.passwords import check_password
from models.people import OfficeUser, guesses, second_factor, sessions
from models.people.office_users import SHORTEST_PASSWORD, ShortPassword, change_language, change_password
from models.people.second_factor import DEMANDED_OF

LANGUAGES = {"en": "English", "sw": "Kiswahili", "fr": "Français", "pt": "Português", "ha": "Hausa"}
DONE = {
    "language": N_("The pages are in this language now."),
    "password": N_("Your password is changed, and your other sessions are ended."),
    "session": N_("The session is ended."),
    "sessions": N_("All other sessions are ended."),
    "off": N_("The second factor is taken away."),
}
WRONG = N_("This is not your password.")
TOO_OFTEN = N_("Too many wrong tries. Please wait 15 minutes.")


class ChangeLanguage(OfficeForm):
    language = SelectField(N_("Language of the pages"))


class ChangePassword(OfficeForm):
    password = PasswordField(N_("Your password"), [required], render_kw={"autocomplete": "current-password"})
    new_password = PasswordField(N_("The new one"), [required], render_kw={"autocomplete": "new-password"})
    again_password = PasswordField(N_("The new one again"), [required], render_kw={"autocomplete": "new-password"})


@office_page("/me", roles=ALL, nav=Nav.ME)
async def show(request: web.Request) -> web.StreamResponse:
    """All of it."""
    return await draw_me(request)


async def draw_me(
    request: web.Request, status: int = 200, password: ChangePassword | None = None, problem: str = ""
) -> web.Response:
    """The page, perhaps with a form that was refused."""
    user, server = request[USER], request.app[SERVER]
    return page(
        request,
        "signin/me.html",
        status,
        problem=problem,
        done={name: _(sentence) for name, sentence in DONE.items()},
        language_form=_language_form(request, user),
        password_form=password or ChangePassword(meta={"company": server.company}),
        shortest=SHORTEST_PASSWORD,
        sessions=await sessions.list_sessions(user),
        this=request[SIGNED_IN].id,
        codes_left=await second_factor.count_codes(user) if user.factor else 0,
        demanded=is_demanded(request, user),
        when=partial(when, server.company, datetime.now(UTC)),
    )


def is_demanded(request: web.Request, user: OfficeUser) -> bool:
    """Whether this user may not go without a second factor."""
    return request.app[SERVER].config.second_factor and user.role in DEMANDED_OF


def _language_form(request: web.Request, user: OfficeUser) -> ChangeLanguage:
    form = ChangeLanguage.of(request, language=user.language)
    ours = request.app[SERVER].company.languages
    form.language.choices = [("", _("as the browser asks")), *((code, LANGUAGES[code]) for code in ours)]
    return form


@office_page("/me/language", "POST", roles=ALL, nav=Nav.ME)
async def choose_language(request: web.Request) -> web.StreamResponse:
    """Another language for one's own pages."""
    form = _language_form(request, request[USER])
    if not form.validate():
        return await draw_me(request, 422)
    async with request.app[SERVER].database.work():
        await change_language(request[USER], form.language.data)
    raise redirect("/me/second-factor" if lacks_factor(request, request[USER]) else "/me?done=language")


@office_page("/me/password", "POST", roles=ALL, nav=Nav.ME)
async def choose_password(request: web.Request) -> web.StreamResponse:
    """Another password, for who knows the one of now. All sessions end but this one, which gets a new name."""
    user, form = request[USER], ChangePassword.of(request)
    if not form.validate():
        return await draw_me(request, 422, form)
    if form.new_password.data != form.again_password.data:
        form.refuse("again_password", _("This is another one than above."))
        return await draw_me(request, 422, form)
    if refused := await refuse_password(request, str(form.password.data)):
        form.refuse("password", refused)
        return await draw_me(request, 422, form)
    try:
        async with request.app[SERVER].database.work():
            vault = request.app[SERVER].company.vault
            await change_password(user, str(form.new_password.data), vault=vault, actor=user.name)
            await begin(request, user)
    except ShortPassword:
        form.refuse("new_password", _("A password has {n} characters or more.", n=SHORTEST_PASSWORD))
        return await draw_me(request, 422, form)
    response = redirect("/me?done=password")
    give(request, response)
    raise response


async def refuse_password(request: web.Request, password: str) -> str:
    """A sentence when this is not one's own password, or was tried too often."""
    user = request[USER]
    counts = [(BY_OWN_PASSWORD, str(user.id))]
    if not await begin_try(request, counts):
        return _(TOO_OFTEN)
    if not await check_password(request, user, password):
        return _(WRONG)
    async with request.app[SERVER].database.work():
        await guesses.give_back(counts)
    return ""


@office_page(r"/me/sessions/{number:\d{1,18}}", "POST", roles=ALL, nav=Nav.ME)
async def end_session(request: web.Request) -> web.StreamResponse:
    """End one of one's own sessions; nobody else's is found."""
    user = request[USER]
    async with request.app[SERVER].database.work():
        await sessions.end_session(user, int(request.match_info["number"]), actor=user.name)
    raise redirect("/me?done=session")


@office_page("/me/sessions", "POST", roles=ALL, nav=Nav.ME)
async def end_others(request: web.Request) -> web.StreamResponse:
    """End all of one's sessions but this one."""
    user = request[USER]
    async with request.app[SERVER].database.work():
        await sessions.end_other_sessions(user, request[SIGNED_IN], actor=user.name)
    raise redirect("/me?done=sessions")
