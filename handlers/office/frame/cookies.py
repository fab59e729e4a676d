"""Cookies that no script reads, that no other site's form brings along, and that keep to HTTPS if we do."""

from aiohttp import web

from bot.server import SERVER

SESSION, BROWSER, DEVICE = "mwanga_session", "mwanga_browser", "mwanga_device"
RENEWED = web.RequestKey("the session that was begun in this request", str)


def set_cookie(
    request: web.Request, response: web.StreamResponse, name: str, value: str, max_age: int | None = None
) -> None:
    """Give the browser a cookie of ours; without an age it is forgotten with the browser's window."""
    response.set_cookie(
        _cookie_name(request, name), value, max_age=max_age, httponly=True, samesite="Lax", secure=_is_secure(request)
    )


def read_cookie(request: web.Request, name: str) -> str:
    """A cookie of ours, empty when there is none."""
    if name == SESSION and RENEWED in request:
        return request[RENEWED]
    return request.cookies.get(_cookie_name(request, name), "")


def forget_cookie(request: web.Request, response: web.StreamResponse, name: str) -> None:
    """Take a cookie of ours away from the browser."""
    response.del_cookie(_cookie_name(request, name), secure=_is_secure(request), httponly=True, samesite="Lax")


def _cookie_name(request: web.Request, name: str) -> str:
    """With `__Host-` a browser takes it from us alone, by HTTPS: no sibling domain can plant one."""
    return f"__Host-{name}" if _is_secure(request) else name


def _is_secure(request: web.Request) -> bool:
    return request.app[SERVER].config.address.startswith("https:")
