"""One way to make a page and to read a form: the headers that keep browsers safe, and the CSRF field."""

import hashlib
import hmac
import io
import logging
import secrets
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp_jinja2
from aiohttp import web
from markupsafe import Markup
from multidict import MultiDict, MultiDictProxy

from bot.server import SERVER
from handlers.office.frame.cookies import BROWSER, SESSION, read_cookie, set_cookie
from handlers.office.frame.routes import FOOT, FORM, HEAD, OFFICE, USER, WAITING, Handler, may, office_page
from handlers.office.frame.words import LANGUAGE, N_, _
from models.office import forms
from models.settings import OUTGOING, SALES, read_switches

log = logging.getLogger(__name__)

MACHINES = {"gateways", "smsgate", "payments", "health", "ready", "metrics"}  # first words of paths
MOST_FIELDS = 200
MOST_UPLOADED = 4 * 1024 * 1024  # bytes of a form with a file: some 30,000 lines of a statement
TOO_OLD = N_("This form was too old, or this browser keeps no cookies. Please try again.")
TOO_LARGE = N_("This file is too large for a page: bring it in by the mwanga command, or in parts.")
REFUSALS = (
    web.HTTPBadRequest,
    web.HTTPForbidden,
    web.HTTPNotFound,
    web.HTTPMethodNotAllowed,
    web.HTTPConflict,
    web.HTTPRequestEntityTooLarge,
)

STATIC = Path(__file__).parent.with_name("static")
FILES = {path.name: path.read_bytes() for path in STATIC.iterdir()}
KINDS = {".css": "text/css", ".js": "text/javascript"}
# Their addresses change with what is in them, so a browser may keep them for ever.
ADDRESSES = {name: f"/office/{hashlib.sha256(data).hexdigest()[:12]}/{name}" for name, data in FILES.items()}
# Nothing but our own style sheet and script is loaded or run, whatever text slips into a page.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page(request: web.Request, template: str, status: int = 200, **context: object) -> web.Response:
    """A template as a response. Its forms carry `csrf()`, which holds for this browser and this session, and those that
    must not be done twice `once()`."""
    browser = read_cookie(request, BROWSER) or secrets.token_urlsafe(16)
    response = aiohttp_jinja2.render_template(template, request, _shared(request, browser) | context, status=status)
    response.headers.update(HEADERS)
    response.enable_compression()
    if not read_cookie(request, BROWSER):
        set_cookie(request, response, BROWSER, browser)
    return response


def _shared(request: web.Request, browser: str) -> dict[str, object]:
    """What every template may use."""
    shown = request.app[OFFICE].get(request.match_info.route)
    waiting = request.get(WAITING, {})
    return {
        "company": request.app[SERVER].company,
        "language": LANGUAGE.get(),
        "static": ADDRESSES,
        "csrf": partial(_hidden, "csrf", _csrf(request, browser)),
        "once": lambda: _hidden("once", secrets.token_urlsafe(12)),
        "here": shown.nav if shown else None,
        "head": [(nav.path, nav.title, nav, waiting.get(nav, 0)) for nav in HEAD if may(request, nav.path)],
        "foot": [(nav.path, nav.title, nav) for nav in FOOT if may(request, nav.path)],
        "banners": request.get(BANNERS, ()),
        "may": partial(may, request),
        "user": request.get(USER),
        "query": request.query,
    }


BANNERS = web.RequestKey("what everybody has to know on every page", list[str])


OFF = {
    OUTGOING: N_("Outgoing messages are switched off: answers wait."),
    SALES: N_("Sales are switched off: nobody can sell or buy."),
}


async def find_banners() -> list[str]:
    """What is switched off, in sentences, with who did it and why."""
    off = [switch for switch in (await read_switches()).values() if not switch.on]
    return [" ".join(filter(None, (_(OFF[one.name]), one.reason and f"{one.by}: {one.reason}"))) for one in off]


def _hidden(name: str, value: str) -> Markup:
    return Markup('<input type="hidden" name="{}" value="{}">').format(name, value)


async def is_first(request: web.Request) -> bool:
    """Whether the form comes for the first time, by its `once()`; in the unit of work that does what it asks for."""
    key = request[FORM].get("once", "")
    return not key or await forms.take(f"{request[USER].id} {key}")


@office_page("/office/{hash}/{name}", anybody=True)
async def show_file(request: web.Request) -> web.StreamResponse:
    """The style sheet and the script."""
    name = request.match_info["name"]
    if name not in FILES:
        raise web.HTTPNotFound
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    kind = KINDS[Path(name).suffix]
    response = web.Response(body=FILES[name], content_type=kind, charset="utf-8", headers=headers)
    response.enable_compression()
    return response


@web.middleware
async def draw_problem(request: web.Request, handler: Handler) -> Any:
    """What is refused, not there or broken, as a page for whoever sits at a browser; machines get their line of
    text."""
    try:
        return await handler(request)
    except REFUSALS as error:
        if not _is_for_people(request):
            raise
        said = "" if error.text is None or error.text.startswith(str(error.status)) else error.text.strip()
        no_form = isinstance(error, web.HTTPMethodNotAllowed)
        said = said or (_("This page takes no form.") if no_form else _("There is no such page."))
        response = page(request, "problem.html", error.status, said=said)
        response.headers.extend((name, error.headers[name]) for name in ("Allow",) if name in error.headers)
        return response
    except web.HTTPException:
        raise
    except Exception:
        if not _is_for_people(request):
            raise
        log.exception("a page of the office broke", extra={"path": request.match_info.route.resource})
        said = _("Something went wrong here; it is in the server's log. Look whether it was done before you try again.")
        return page(request, "problem.html", 500, said=said)


def _is_for_people(request: web.Request) -> bool:
    first = request.path.removeprefix("/").partition("/")[0]
    return "text/html" in request.headers.get("Accept", "") and first not in MACHINES


def redirect(path: str) -> web.HTTPSeeOther:
    """Go on to another page, as after each form."""
    return web.HTTPSeeOther(path, headers=HEADERS)


async def read_form(request: web.Request) -> MultiDictProxy[str]:
    """The fields of an urlencoded form. Raises HTTPBadRequest."""
    if request.content_type == "multipart/form-data":
        return await _read_upload(request)
    try:
        pairs = parse_qsl((await request.read()).decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise web.HTTPBadRequest(text="This is no form.\n", headers=HEADERS) from error
    return MultiDictProxy(MultiDict((name, value.replace("\0", "")) for name, value in pairs))


async def _read_upload(request: web.Request) -> MultiDictProxy[str]:
    """The fields of a form with files, each a `web.FileField`: only who is signed in may send much. Raises
    HTTPBadRequest, and HTTPRequestEntityTooLarge."""
    if (request.content_length or 0) > MOST_UPLOADED:  # before anything of it is read
        raise web.HTTPRequestEntityTooLarge(MOST_UPLOADED, request.content_length or 0, text=_(TOO_LARGE) + "\n")
    whole = request.clone(client_max_size=MOST_UPLOADED) if USER in request else request
    try:
        fields = await whole.post()
    except ValueError as error:
        raise web.HTTPBadRequest(text="This is no form.\n", headers=HEADERS) from error
    given = MultiDict(
        (name, value.replace("\0", "") if isinstance(value, str) else _in_memory(value))
        for name, value in fields.items()
    )
    return MultiDictProxy(given)  # type: ignore[arg-type] # files are read by those who ask for them


def _in_memory(given: Any) -> web.FileField:
    """A file without its file on the disk, which somebody would have to close, whether the form is taken or not."""
    with given.file as file:
        return web.FileField(given.name, given.filename, io.BytesIO(file.read()), given.content_type, given.headers)


def is_ours(request: web.Request, form: MultiDictProxy[str]) -> bool:
    """Whether the form was made by `page` for this browser: another site can bring our cookie but cannot know
    the keyed hash of it that belongs in the field."""
    browser = read_cookie(request, BROWSER)
    given, expected = form.get("csrf", ""), _csrf(request, browser)
    return bool(browser) and isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())


def _csrf(request: web.Request, browser: str) -> str:
    # With the session in it, whoever can plant cookies cannot plant a pair of his own on somebody signed in.
    return request.app[SERVER].company.vault.mac(f"{browser} {read_cookie(request, SESSION)}", "csrf")
