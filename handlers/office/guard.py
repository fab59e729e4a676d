"""Who gets to a page of the office, and which forms are taken: in one place, so that no page can forget it."""

from typing import Any

from aiohttp import web

from handlers.office.page import HEADERS, MACHINES, is_ours, read_form, redirect
from handlers.office.routes import FORM, USER, Handler, OfficePage
from handlers.office.signin import TOO_OLD, find_user

OFFICE = web.AppKey("office", dict[web.AbstractRoute, OfficePage])
ELSEWHERE = MACHINES | {"simulator"}  # first words of paths that are none of the office's
ASKING = ("GET", "HEAD", "OPTIONS")  # methods that change nothing


@web.middleware
async def guard(request: web.Request, handler: Handler) -> Any:
    """Let through who is signed in, and of what changes something only forms that `page` made for this browser. A route
    that nobody has said anything about is guarded, too."""
    resource = request.match_info.route.resource
    if resource is None or resource.canonical.split("/")[1] in ELSEWHERE:
        return await handler(request)
    page = request.app[OFFICE].get(request.match_info.route)
    if user := await find_user(request):
        request[USER] = user
    elif page is None or page.signed_in:
        raise redirect("/login")
    if request.method in ASKING:
        return await handler(request)
    form = request[FORM] = await read_form(request)
    if is_ours(request, form):
        return await handler(request)
    if page and page.too_old:
        return await page.too_old(request)
    raise web.HTTPForbidden(text=f"{TOO_OLD}\n", headers=HEADERS)
