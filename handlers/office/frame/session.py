"""Whose session a request is of: a random name in a cookie, and a row (models/people/sessions.py)."""

from aiohttp import web

from bot.server import SERVER
from handlers.office.frame.cookies import RENEWED, SESSION, forget_cookie, read_cookie, set_cookie
from models.people import OfficeUser, sessions
from models.people.second_factor import DEMANDED_OF
from models.people.sessions import Known
from models.people.tables import OfficeSession

SIGNED_IN = web.RequestKey("session", OfficeSession)  # the one of `request[USER]`
# The cookie stays longer than the session: a form that is sent too late is known by it, and is kept.
COOKIE_S = sessions.KEPT_MS // 1_000


async def find_known(request: web.Request) -> Known | None:
    """The session that the browser names, over or not."""
    return await sessions.find_session(read_cookie(request, SESSION))


async def find_user(request: web.Request) -> OfficeUser | None:
    """Whose session this is, if it still holds; asked anew by what stays open."""
    known = await find_known(request)
    return known.user if known and not known.over else None


async def begin(request: web.Request, user: OfficeUser, typed: str = "") -> None:
    """A session with a new name for this browser, in the caller's unit of work; the one before ends. `give` hands it
    over."""
    if before := request.get(SIGNED_IN):
        await sessions.drop_session(before)
    told = {"address": request.remote or "", "browser": request.headers.get("User-Agent", "")}
    request[RENEWED] = await sessions.begin_session(user, **told, typed=typed)


def give(request: web.Request, response: web.StreamResponse) -> None:
    """Hand the session that was begun to the browser."""
    set_cookie(request, response, SESSION, request[RENEWED], COOKIE_S)


def take_away(request: web.Request, response: web.StreamResponse) -> None:
    """The browser forgets its session."""
    forget_cookie(request, response, SESSION)


def lacks_factor(request: web.Request, user: OfficeUser) -> bool:
    """Whether this user has to set up a second factor before anything else."""
    return request.app[SERVER].config.second_factor and user.role in DEMANDED_OF and not user.factor


async def note_seen(request: web.Request, *, by_script: bool) -> None:
    """Write that the session is in use, once a minute at most; what a page's script fetches by itself is no use."""
    session = request[SIGNED_IN]
    background = by_script or request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"
    if sessions.is_due(session) and not (background and request.method in ("GET", "HEAD")):
        async with request.app[SERVER].database.work():
            await sessions.see(session)
