"""Who may see the office's pages: a name and a password, then a sealed cookie for the working day."""

import asyncio
import logging
import secrets
from contextlib import suppress

from aiohttp import web

from bot.edge import neighbourhood
from bot.server import SERVER, Server
from handlers.office.frame.cookies import DEVICE, SESSION, forget_cookie, read_cookie, set_cookie
from handlers.office.frame.page import TOO_OLD, page, redirect
from handlers.office.frame.routes import ALL, FORM, USER, Nav, office_page
from handlers.office.frame.session import LIFE_S, seal
from handlers.office.frame.words import N_
from models.audit import record
from models.people import OfficeUser, guesses, office_users
from models.people.guesses import Limit
from models.vault import Sealed

log = logging.getLogger(__name__)

LONGEST_NAME = 100  # as its column
DEVICE_LIFE_S = 400 * 24 * 3_600  # as long as browsers keep one
MOST_WRONG, WITHIN_MS = 10, 15 * 60_000
BY_ADDRESS, BY_NAME, BY_DEVICE = (
    Limit(f"sign in by {what}", MOST_WRONG, WITHIN_MS) for what in ("address", "name", "device")
)
WRONG = N_("This name and password do not go together.")
TOO_OFTEN = N_("Too many wrong tries. Please wait 15 minutes.")


class SignIn:
    """What signing in remembers from one request to the next."""

    def __init__(self) -> None:
        self.one_at_a_time = asyncio.Lock()  # argon2 takes 64 MiB and 50 ms of one core


SIGN_IN = web.AppKey("sign_in", SignIn)


@office_page("/login", anybody=True)
async def ask(request: web.Request) -> web.StreamResponse:
    """The form."""
    if USER in request:
        raise redirect("/")
    return page(request, "signin/login.html", name="", problem="")


async def ask_again(request: web.Request) -> web.StreamResponse:
    """The form once more, for one that was too old."""
    return page(request, "signin/login.html", 403, name=_name(request), problem=TOO_OLD)


@office_page("/login", "POST", anybody=True, too_old=ask_again)
async def sign_in(request: web.Request) -> web.StreamResponse:
    """The form filled in: to the first page with a session, or the form again with one sentence."""
    name, address = _name(request), request.remote or ""
    counts = _counts(request, name, address)
    if not await _begin_try(request, counts, address):
        response = page(request, "signin/login.html", 429, name=name, problem=TOO_OFTEN)
        response.headers["Retry-After"] = str(WITHIN_MS // 1000)
        return response
    user = await office_users.find_user(name)
    if not await _check_password(request, user) or user is None:
        log.warning("wrong sign-in", extra={"address": address})
        async with request.app[SERVER].database.work():
            await record(user.name if user else "nobody", "wrong sign in", user.name if user else "", f"from {address}")
        return page(request, "signin/login.html", 403, name=name, problem=WRONG)
    async with request.app[SERVER].database.work():
        await guesses.give_back(counts)
        await record(user.name, "sign in", user.name, f"from {address}")
    response = redirect("/")
    set_cookie(request, response, SESSION, seal(request.app[SERVER], user), LIFE_S)
    set_cookie(request, response, DEVICE, _seal_device(request.app[SERVER], user), DEVICE_LIFE_S)
    raise response


@office_page("/logout", "POST", roles=ALL, nav=Nav.ME)
async def sign_out(request: web.Request) -> web.StreamResponse:
    """End all sessions of this user, wherever a copy of a cookie is."""
    user = request[USER]
    async with request.app[SERVER].database.work():
        await office_users.end_sessions(user)
        await record(user.name, "sign out", user.name, f"from {request.remote or ''}")
    response = redirect("/login")
    forget_cookie(request, response, SESSION)
    raise response


def _counts(request: web.Request, name: str, address: str) -> list[tuple[Limit, str]]:
    """By what a try is counted. A browser that this user signed in with before has a count of its own, so that
    strangers keep out strangers alone (OWASP: device cookies)."""
    if device := _known_device(request, name):
        return [(BY_DEVICE, device)]
    named = request.app[SERVER].company.vault.mac(name, "sign in")  # some type their password there
    return [(BY_ADDRESS, neighbourhood(address)), (BY_NAME, named)]


async def _begin_try(request: web.Request, counts: list[tuple[Limit, str]], address: str) -> bool:
    """Count a try as wrong before it is looked at, so that many at once get no further. False: there were too many, and
    this one is not counted."""
    try:
        async with request.app[SERVER].database.work():
            for limit, whose in counts:
                if await guesses.count(limit, whose) is None:
                    raise _TooMany
    except _TooMany:
        log.warning("too many wrong sign-ins", extra={"address": address})
        return False
    return True


class _TooMany(Exception):
    """Undoes the counting."""


def _name(request: web.Request) -> str:
    return request[FORM].get("user", "").strip()[:LONGEST_NAME]


async def _check_password(request: web.Request, user: OfficeUser | None) -> bool:
    """Compare the password beside the loop. A name that nobody has takes as long."""
    vault, password = request.app[SERVER].company.vault, request[FORM].get("password", "")
    async with request.app[SIGN_IN].one_at_a_time:
        return await asyncio.to_thread(vault.check_password, password, user.password_hash if user else None)


def _seal_device(server: Server, user: OfficeUser) -> str:
    """That this user signed in with this browser. It opens nothing."""
    return server.company.vault.seal_json({"user": user.name, "device": secrets.token_hex(16)}, "device")


def _known_device(request: web.Request, name: str) -> str:
    """The name of this browser, if this user signed in with it before."""
    with suppress(Sealed):
        known = request.app[SERVER].company.vault.open_json(read_cookie(request, DEVICE), "device")
        return str(known["device"]) if known["user"] == name else ""
    return ""
