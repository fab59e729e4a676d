"""One way to make a page and to read a form: the headers that keep browsers safe, and the CSRF field."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp_jinja2
from aiohttp import web
from markupsafe import Markup

from bot.server import SERVER
from handlers.office.routes import PAGES, USER, Handler

SESSION, BROWSER, DEVICE = "mwanga_session", "mwanga_browser", "mwanga_device"

MACHINES = {"gateways", "smsgate", "payments", "health", "ready", "metrics"}  # first words of paths

STYLE = Path(__file__).with_name("templates").joinpath("office.css").read_text()
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
# Nothing but our own inline style is loaded or run, whatever text slips into a page.
HEADERS = {
    "Content-Security-Policy": f"default-src 'self'; script-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page(request: web.Request, template: str, status: int = 200, **context: object) -> web.Response:
    """A template as a response. Its forms carry `csrf`, which holds for this browser and this session."""
    browser = read_cookie(request, BROWSER) or secrets.token_urlsafe(16)
    shared = {
        "company": request.app[SERVER].company,
        "style": Markup(STYLE),  # noqa: S704 - our own file; escaped it would not match its hash
        "csrf": _csrf(request, browser),
        "here": f"/{_first_word(request)}",
        "links": sorted((each.path, each.link) for each in PAGES if each.link),
        "user": request.get(USER),
    }
    response = aiohttp_jinja2.render_template(template, request, shared | context, status=status)
    response.headers.update(HEADERS)
    if not read_cookie(request, BROWSER):
        set_cookie(request, response, BROWSER, browser)
    return response


@web.middleware
async def draw_problem(request: web.Request, handler: Handler) -> Any:
    """What is refused or not there, as a page for whoever sits at a browser; machines get their line of text."""
    try:
        return await handler(request)
    except (web.HTTPBadRequest, web.HTTPForbidden, web.HTTPNotFound) as error:
        if "text/html" not in request.headers.get("Accept", "") or _first_word(request) in MACHINES:
            raise
        said = "" if error.text is None or error.text.startswith(str(error.status)) else error.text.strip()
        return page(request, "problem.html", error.status, said=said or "There is no such page.")


def _first_word(request: web.Request) -> str:
    return request.path.removeprefix("/").partition("/")[0]


def redirect(path: str) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(path, headers=HEADERS)


def set_cookie(
    request: web.Request, response: web.StreamResponse, name: str, value: str, max_age: int | None = None
) -> None:
    """A cookie that no script reads, that no other site's form brings along, and that keeps to HTTPS if we do."""
    response.set_cookie(
        _cookie_name(request, name), value, max_age=max_age, httponly=True, samesite="Lax", secure=_is_secure(request)
    )


def read_cookie(request: web.Request, name: str) -> str:
    """A cookie of ours, empty when there is none."""
    return request.cookies.get(_cookie_name(request, name), "")


def forget_cookie(request: web.Request, response: web.StreamResponse, name: str) -> None:
    response.del_cookie(_cookie_name(request, name), secure=_is_secure(request), httponly=True, samesite="Lax")


def _cookie_name(request: web.Request, name: str) -> str:
    """With `__Host-` a browser takes it from us alone, by HTTPS: no sibling domain can plant one."""
    return f"__Host-{name}" if _is_secure(request) else name


def _is_secure(request: web.Request) -> bool:
    return request.app[SERVER].config.address.startswith("https:")


async def read_form(request: web.Request) -> dict[str, str]:
    """The fields of an urlencoded form. Raises HTTPBadRequest."""
    try:
        pairs = parse_qsl((await request.read()).decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise web.HTTPBadRequest(text="This is no form.\n", headers=HEADERS) from error
    return {name: value.replace("\0", "") for name, value in pairs}


def is_ours(request: web.Request, form: Mapping[str, str]) -> bool:
    """Whether the form was made by `page` for this browser: another site can bring our cookie but cannot know
    the keyed hash of it that belongs in the field."""
    browser = read_cookie(request, BROWSER)
    given, expected = form.get("csrf", ""), _csrf(request, browser)
    return bool(browser) and hmac.compare_digest(given.encode(), expected.encode())


def _csrf(request: web.Request, browser: str) -> str:
    # With the session in it, whoever can plant cookies cannot plant a pair of his own on somebody signed in.
    return request.app[SERVER].company.vault.mac(f"{browser} {read_cookie(request, SESSION)}", "csrf")
