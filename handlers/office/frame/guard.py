"""Who gets to a page of the office, and which forms are taken: in one place, so that no page can forget it."""

from typing import Any

from aiohttp import web

from bot.server import SERVER
from handlers.office.frame.page import BANNERS, HEADERS, MACHINES, TOO_OLD, find_banners, is_ours, read_form, redirect
from handlers.office.frame.routes import COUNTS, FORM, OFFICE, USER, WAITING, Handler, OfficePage
from handlers.office.frame.session import find_user
from handlers.office.frame.words import LANGUAGE, N_, _, choose_language
from models.audit import coming_from
from models.people import OfficeUser

ELSEWHERE = MACHINES | {"simulator"}  # first words of paths that are none of the office's
NO_FILES = N_("This page takes no file.")
ASKING = ("GET", "HEAD", "OPTIONS")  # methods that change nothing


@web.middleware
async def guard(request: web.Request, handler: Handler) -> Any:
    """Let through who is signed in and has a role for the page, and of what changes something only forms that `page`
    made for this browser. A route that nobody has said anything about is shut."""
    resource = request.match_info.route.resource
    user = None
    if resource is not None and resource.canonical.split("/")[1] not in ELSEWHERE:
        user = await find_user(request)
    LANGUAGE.set(_language(request, user))
    if resource is None or resource.canonical.split("/")[1] in ELSEWHERE:
        return await handler(request)
    page = request.app[OFFICE].get(request.match_info.route)
    if user:
        request[USER] = user
        _check_role(page, user)
    elif page is None or not page.anybody:
        raise redirect("/login")
    if request.method not in ASKING:
        if request.content_type == "multipart/form-data" and not (page and page.upload):
            raise web.HTTPForbidden(text=f"{_(NO_FILES)}\n", headers=HEADERS)
        form = request[FORM] = await read_form(request)
        if not is_ours(request, form):
            if page and page.too_old:
                return await page.too_old(request)
            raise web.HTTPForbidden(text=f"{_(TOO_OLD)}\n", headers=HEADERS)
    if user and page and not page.fragment:
        request[BANNERS] = await find_banners()
        request[WAITING] = {nav: await count(user) for nav, count in COUNTS.items()}
    with coming_from(request.remote or ""):
        return await handler(request)


def _check_role(page: OfficePage | None, user: OfficeUser) -> None:
    """Raises HTTPForbidden for who has no role for the page, and for everybody where the page has none."""
    if page is None or not (page.anybody or user.role in page.roles):
        said = _("{name} may not do this: it takes another role. The owner can give it.", name=user.name)
        raise web.HTTPForbidden(text=f"{said}\n", headers=HEADERS)


def _language(request: web.Request, user: OfficeUser | None) -> str:
    if user and user.language:
        return user.language
    return choose_language(request.headers.get("Accept-Language", ""), request.app[SERVER].company.languages)
