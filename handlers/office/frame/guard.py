"""Who gets to a page of the office, and which forms are taken: in one place, so that no page can forget it."""

from typing import Any
from urllib.parse import quote, urlsplit

from aiohttp import web

from bot.server import SERVER
from handlers.office.frame.page import BANNERS, HEADERS, MACHINES, TOO_OLD, find_banners, is_ours, read_form, redirect
from handlers.office.frame.routes import FORM, OFFICE, USER, WAITING, Handler, OfficePage, count_all, pages_at
from handlers.office.frame.session import SIGNED_IN, find_known, lacks_factor, note_seen
from handlers.office.frame.typed import own_path, seal_typed
from handlers.office.frame.words import LANGUAGE, N_, _, choose_language
from models.audit import coming_from
from models.people import OfficeUser, sessions
from models.people.sessions import Known

NO_FILES = N_("This page takes no file.")
OTHER_SITE = N_("This form is of another site.")
LOOKING = ("GET", "HEAD")
ASKING = (*LOOKING, "OPTIONS")  # methods that change nothing
SET_UP, TYPED = "/me/second-factor", "/typed"
BEFORE_SET_UP = (SET_UP, "/logout", "/me/language")  # all that is open to who has yet to set up a second factor
ASK_TO_SIGN_IN: web.AppKey[Handler] = web.AppKey("asks who brings a form to sign in first")
KEPT = web.RequestKey("the form that was brought, sealed", str)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> Any:
    """Let through who is signed in and has a role for the page, and of what changes something only forms that `page`
    made for this browser. A route that nobody has said anything about is shut."""
    resource = request.match_info.route.resource
    first = (resource.canonical if resource else request.path).split("/")[1]
    if first in MACHINES:
        return await handler(request)
    elsewhere = first == "simulator"
    known = None if elsewhere else await find_known(request)
    user = known.user if known and not known.over else None
    LANGUAGE.set(_language(request, user))
    if elsewhere:
        return await handler(request)
    if resource is None:
        return await _refuse_address(request, user, handler)
    _refuse_zero_bytes(request)
    page = request.app[OFFICE].get(request.match_info.route)
    if user and known:
        request[USER], request[SIGNED_IN] = user, known.session
        _check_role(page, user)
        if lacks_factor(request, user) and not (page and (page.anybody or page.path in BEFORE_SET_UP)):
            raise redirect(SET_UP)
    elif page is None or not page.anybody:
        return await _ask_to_sign_in(request, page, known)
    if request.method not in ASKING and (answer := await _refuse_form(request, page)):
        return answer
    if user and page:
        await note_seen(request, by_script=page.fragment)
        if not page.fragment:
            request[BANNERS] = await find_banners()
            request[WAITING] = await count_all(user)
    with coming_from(request.remote or ""):
        return await handler(request)


async def _refuse_address(request: web.Request, user: OfficeUser | None, handler: Handler) -> web.StreamResponse:
    """No page is there. What only takes a form, as the address bar has it after one was refused, leads to the nearest
    page above; all else is refused by the router, in the frame of who is signed in. Raises HTTPException."""
    if user and not lacks_factor(request, user):
        request[USER] = user
    only_takes_a_form = isinstance(request.match_info.http_exception, web.HTTPMethodNotAllowed)
    if not only_takes_a_form or request.method not in LOOKING:
        return await handler(request)
    path = request.path
    while path and not _is_a_page(request, path):
        path = path.rpartition("/")[0]
    raise redirect(path or "/")


def _is_a_page(request: web.Request, path: str) -> bool:
    return any(pages_at(request.app, path))


def _refuse_zero_bytes(request: web.Request) -> None:
    """Nobody types one into an address, and PostgreSQL takes none. Raises HTTPSeeOther to the address without, and
    HTTPBadRequest."""
    query = request.query
    if not any("\0" in text for pair in query.items() for text in pair):
        return
    if request.method not in ASKING:
        raise web.HTTPBadRequest(text="This is no form.\n", headers=HEADERS)
    kept = [(name.replace("\0", ""), value.replace("\0", "")) for name, value in query.items()]
    raise redirect(own_path(str(request.rel_url.with_query(kept))))


def _check_role(page: OfficePage | None, user: OfficeUser) -> None:
    """Raises HTTPForbidden for who has no role for the page, and for everybody where the page has none."""
    if page is None or not (page.anybody or user.role in page.roles):
        said = _("{name} may not do this: it takes another role. The owner can give it.", name=user.name)
        raise web.HTTPForbidden(text=f"{said}\n", headers=HEADERS)


async def _ask_to_sign_in(request: web.Request, page: OfficePage | None, known: Known | None) -> web.StreamResponse:
    """Nobody is signed in: to the form, and from there back to where one wanted to go. What was typed is kept."""
    if page and page.fragment:
        raise web.HTTPUnauthorized(text=_("Please sign in.") + "\n", headers=HEADERS)
    if request.method in ASKING:
        path = own_path(request.path_qs)
        raise redirect("/login" if path == "/" else f"/login?next={quote(path, safe='/')}")
    if page is None:
        raise redirect("/login")
    _check_origin(request)
    if request.content_type == "multipart/form-data":  # a file has to be chosen anew
        raise redirect("/login")
    form = await read_form(request)
    kept = is_ours(request, form) or _is_from_here(request)
    request[KEPT] = seal_typed(request, form, known.user.id if known else 0) if kept else ""
    return await request.app[ASK_TO_SIGN_IN](request)


async def _refuse_form(request: web.Request, page: OfficePage | None) -> web.StreamResponse | None:
    """Read the form; an answer when it is not one of ours, or is of another session. Raises HTTPForbidden."""
    _check_origin(request)
    if request.content_type == "multipart/form-data" and not (page and page.upload):
        raise web.HTTPForbidden(text=_(NO_FILES) + "\n", headers=HEADERS)
    form = request[FORM] = await read_form(request)
    if is_ours(request, form):
        return None
    if page and page.too_old:
        return await page.too_old(request)
    if page and _is_from_here(request) and USER in request:  # of another session of this browser: shown again
        sealed = seal_typed(request, form, request[USER].id)
        async with request.app[SERVER].database.work():
            await sessions.keep_typed(request[SIGNED_IN], sealed)
        raise redirect(TYPED)
    raise web.HTTPForbidden(text=_(TOO_OLD) + "\n", headers=HEADERS)


def _check_origin(request: web.Request) -> None:
    """A browser that says where a form comes from is believed when that is another site; over plain HTTP it says so by
    `Origin` alone. Raises HTTPForbidden."""
    origin = request.headers.get("Origin", "")
    hosts = (request.host, urlsplit(request.app[SERVER].config.address).netloc)
    from_elsewhere = origin != "" and urlsplit(origin).netloc not in hosts
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none") or from_elsewhere:
        raise web.HTTPForbidden(text=_(OTHER_SITE) + "\n", headers=HEADERS)


def _is_from_here(request: web.Request) -> bool:
    """Whether the browser itself says that a page of ours sent the form; no page of another site can say so."""
    return request.headers.get("Sec-Fetch-Site") == "same-origin"


def _language(request: web.Request, user: OfficeUser | None) -> str:
    if user and user.language:
        return user.language
    return choose_language(request.headers.get("Accept-Language", ""), request.app[SERVER].company.languages)
