"""Who may see the office's pages: a name and a password, then a sealed cookie for the working day."""

import asyncio
import hmac
import logging
from collections import deque

from aiohttp import web

from bot.server import SERVER, Server
from handlers.office.page import SESSION, page, redirect, set_cookie
from handlers.office.routes import FORM, USER, office_page
from models.audit import record
from models.people import OfficeUser
from models.sql import now_ms
from models.vault import Sealed

log = logging.getLogger(__name__)

LIFE_S = 12 * 3_600
LONGEST_NAME = 100  # as its column
MOST_WRONG, WITHIN_MS = 10, 15 * 60_000
REMEMBERED = 2_000  # names and addresses; beyond that the longest quiet is forgotten
TOO_OLD = "This form was too old, or this browser keeps no cookies. Please try again."
WRONG = "This name and password do not go together."
TOO_OFTEN = "Too many wrong tries. Please wait 15 minutes."


class Tries:
    """Slows down guessing: so many wrong tries in a quarter of an hour for each name, and for each address."""

    def __init__(self) -> None:
        self._wrong: dict[str, deque[int]] = {}

    def begin_try(self, *keys: str) -> bool:
        """Count a try as wrong before it is looked at, so that many at once get no further. False: too many."""
        now = now_ms()
        recent = [self._recent(key, now) for key in keys]
        if any(len(times) >= MOST_WRONG for times in recent):
            return False
        for times in recent:
            times.append(now)
        return True

    def give_back(self, *keys: str) -> None:
        """The try was right."""
        for key in keys:
            if self._wrong.get(key):
                self._wrong[key].pop()

    def _recent(self, key: str, now: int) -> deque[int]:
        times = self._wrong[key] = self._wrong.pop(key, deque())
        while times and times[0] <= now - WITHIN_MS:
            times.popleft()
        while len(self._wrong) > REMEMBERED:
            del self._wrong[next(iter(self._wrong))]
        return times


class SignIn:
    """What signing in remembers from one request to the next."""

    def __init__(self) -> None:
        self.tries = Tries()
        self.one_at_a_time = asyncio.Lock()  # argon2 takes 64 MiB and 50 ms of one core


SIGN_IN = web.AppKey("sign_in", SignIn)


@office_page("/login", signed_in=False)
async def ask(request: web.Request) -> web.StreamResponse:
    """The form."""
    if USER in request:
        raise redirect("/")
    return page(request, "login.html", name="", problem="")


async def ask_again(request: web.Request) -> web.StreamResponse:
    """The form once more, for one that was too old."""
    return page(request, "login.html", 403, name=_name(request), problem=TOO_OLD)


@office_page("/login", "POST", signed_in=False, too_old=ask_again)
async def sign_in(request: web.Request) -> web.StreamResponse:
    """The form filled in: to the first page with a session, or the form again with one sentence."""
    name = _name(request)
    address, tries = request.remote or "", request.app[SIGN_IN].tries
    keys = f"name {name}", f"address {address}"
    if not tries.begin_try(*keys):
        log.warning("too many wrong sign-ins", extra={"address": address})
        response = page(request, "login.html", 429, name=name, problem=TOO_OFTEN)
        response.headers["Retry-After"] = str(WITHIN_MS // 1000)
        return response
    user = await OfficeUser.get_or_none(name=name)
    if not await _check_password(request, user) or user is None:
        log.warning("wrong sign-in", extra={"address": address})
        return page(request, "login.html", 403, name=name, problem=WRONG)
    tries.give_back(*keys)
    async with request.app[SERVER].database.work():
        await record(user.name, "sign in", user.name, f"from {address}")
    response = redirect("/")
    set_cookie(request, response, SESSION, _seal(request.app[SERVER], user), LIFE_S)
    raise response


@office_page("/logout", "POST")
async def sign_out(request: web.Request) -> web.StreamResponse:
    """Forget the session."""
    user = request[USER]
    async with request.app[SERVER].database.work():
        await record(user.name, "sign out", user.name, f"from {request.remote or ''}")
    response = redirect("/login")
    response.del_cookie(SESSION)
    raise response


def _name(request: web.Request) -> str:
    return request[FORM].get("user", "").strip()[:LONGEST_NAME]


async def _check_password(request: web.Request, user: OfficeUser | None) -> bool:
    """Compare the password beside the loop. A name that nobody has takes as long."""
    vault, password = request.app[SERVER].company.vault, request[FORM].get("password", "")
    async with request.app[SIGN_IN].one_at_a_time:
        return await asyncio.to_thread(vault.check_password, password, user.password_hash if user else None)


def _seal(server: Server, user: OfficeUser) -> str:
    """A session: who, since when, and with which password, so that a new password ends it."""
    vault = server.company.vault
    session = {"user": user.id, "at": now_ms(), "password": vault.mac(user.password_hash, "session")}
    return vault.seal_json(session, "session")


async def find_user(request: web.Request) -> OfficeUser | None:
    """Whose session this is, if it still holds."""
    vault = request.app[SERVER].company.vault
    try:
        session = vault.open_json(request.cookies.get(SESSION, ""), "session")
    except Sealed:
        return None
    if now_ms() - session["at"] > LIFE_S * 1000:
        return None
    user = await OfficeUser.get_or_none(id=session["user"])
    if user is None or not hmac.compare_digest(vault.mac(user.password_hash, "session"), session["password"]):
        return None
    return user
