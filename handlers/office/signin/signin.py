"""Signing in and out: a name and a password, for some a code of their phone's app, then a session."""

import json
import logging
import secrets
from contextlib import suppress
from typing import Any

from aiohttp import web

from bot.edge import neighbourhood
from bot.server import SERVER, Server
from handlers.office.frame.cookies import DEVICE, read_cookie, set_cookie
from handlers.office.frame.guard import KEPT, TYPED
from handlers.office.frame.page import TOO_OLD, page, redirect
from handlers.office.frame.routes import ALL, FORM, USER, Nav, office_page
from handlers.office.frame.session import SIGNED_IN, begin, give, take_away
from handlers.office.frame.typed import open_typed, own_path
from handlers.office.frame.words import N_
from handlers.office.signin.limits import (
    BY_ADDRESS,
    BY_CODE,
    BY_DEVICE,
    BY_NAME,
    WITHIN_MS,
    Counts,
    begin_try,
)
from handlers.office.signin.passwords import check_password
from models.audit import record
from models.people import OfficeUser, guesses, office_users, second_factor, sessions
from models.people.second_factor import WrongCode
from models.sql import MINUTE_MS, now_ms
from models.vault import Sealed

log = logging.getLogger(__name__)

DEVICE_LIFE_S = 400 * 24 * 3_600  # as long as browsers keep one
HALF_MS = 10 * MINUTE_MS  # between the password and the code
WRONG = N_("This name and password do not go together.")
WRONG_CODE = N_("This code is not the one of now, or it was used. Wait for the next one.")
TOO_OFTEN = N_("Too many wrong tries. Please wait 15 minutes.")
TOO_LATE = N_("That took too long. Please begin again.")
SESSION_OVER = N_("Your session is over. What you typed is kept: sign in, and it is shown to you again.")
PLEASE = N_("Your session is over. Please sign in.")


@office_page("/login", anybody=True)
async def ask(request: web.Request) -> web.StreamResponse:
    """The form."""
    if USER in request:
        raise redirect(own_path(request.query.get("next", "/")))
    return _ask(request, 200, "", next=request.query.get("next", ""))


async def ask_again(request: web.Request) -> web.StreamResponse:
    """The form once more, for one that was too old."""
    return _ask(request, 403, TOO_OLD)


async def ask_first(request: web.Request) -> web.StreamResponse:
    """The form in answer to another one that came without a session; what was typed goes with it."""
    kept = request[KEPT]
    return _ask(request, 403, SESSION_OVER if kept else PLEASE, name="", typed=kept)


def _ask(request: web.Request, status: int, problem: str, **told: str) -> web.Response:
    """The form, with what it brought."""
    brought = {"name": "user", "next": "next", "typed": "typed"}
    form = request.get(FORM, {})
    shown = {name: told.get(name, form.get(field, "")) for name, field in brought.items()}
    shown["name"] = shown["name"].strip()[: office_users.LONGEST_NAME]
    shown["next"] = own_path(shown["next"])
    return page(request, "signin/login.html", status, problem=problem, **shown)


@office_page("/login", "POST", anybody=True, too_old=ask_again)
async def sign_in(request: web.Request) -> web.StreamResponse:
    """The form filled in: to a session, or to the code, or the form again with one sentence."""
    name, address = _name(request), request.remote or ""
    counts = _counts(request, name, address)
    if not await begin_try(request, counts):
        return _wait(_ask(request, 429, TOO_OFTEN))
    user = await office_users.find_user(name)
    if not await check_password(request, user, request[FORM].get("password", "")) or user is None:
        log.warning("wrong sign-in", extra={"address": address})
        async with request.app[SERVER].database.work():
            await record(user.name if user else "nobody", "wrong sign in", user.name if user else "", f"from {address}")
        return _ask(request, 403, WRONG)
    async with request.app[SERVER].database.work():
        await guesses.give_back(counts)
    return _ask_code(request, 200, user, "") if user.factor else await let_in(request, user)


def _ask_code(request: web.Request, status: int, user: OfficeUser, problem: str) -> web.Response:
    """The second form. It carries, sealed, that the password was right: nobody is signed in yet."""
    half = {"user": user.id, "epoch": user.session_epoch, "at": now_ms()}
    return page(
        request,
        "signin/code.html",
        status,
        problem=problem,
        half=request.app[SERVER].company.vault.seal_json(half, "half signed in"),
        next=own_path(request[FORM].get("next", "")),
        typed=request[FORM].get("typed", ""),
    )


@office_page("/login/code", anybody=True)
async def ask_code(_request: web.Request) -> web.StreamResponse:
    """Somebody went back to the second form: it begins with the first one."""
    raise redirect("/login")


@office_page("/login/code", "POST", anybody=True, too_old=ask_again)
async def enter_code(request: web.Request) -> web.StreamResponse:
    """The second form filled in."""
    user = await _half_signed_in(request)
    if user is None:
        return _ask(request, 403, TOO_LATE)
    counts: Counts = [(BY_CODE, str(user.id))]
    if not await begin_try(request, counts):
        return _wait(_ask_code(request, 429, user, TOO_OFTEN))
    vault = request.app[SERVER].company.vault
    try:
        async with request.app[SERVER].database.work():
            await second_factor.check_code(user, request[FORM].get("code", ""), vault=vault)
            await guesses.give_back(counts)
    except WrongCode:
        async with request.app[SERVER].database.work():
            await record(user.name, "wrong code", user.name, f"from {request.remote or ''}")
        return _ask_code(request, 403, user, WRONG_CODE)
    return await let_in(request, user)


async def _half_signed_in(request: web.Request) -> OfficeUser | None:
    """Whose password was right some minutes ago, and has not changed since."""
    try:
        half: dict[str, Any] = request.app[SERVER].company.vault.open_json(
            request[FORM].get("half", ""), "half signed in"
        )
    except (Sealed, json.JSONDecodeError):
        return None
    user = await office_users.get_user(half["user"])
    if user is None or user.session_epoch != half["epoch"] or not user.factor or now_ms() - half["at"] > HALF_MS:
        return None
    return user


async def let_in(request: web.Request, user: OfficeUser) -> web.StreamResponse:
    """Begin a session, and go where one wanted to: to what was typed before, or to a path of ours."""
    sealed = request[FORM].get("typed", "")
    typed = open_typed(request, sealed) if sealed else None
    shown = typed is not None and typed.user in (0, user.id)
    async with request.app[SERVER].database.work():
        await begin(request, user, sealed if shown else "")
        await record(user.name, "sign in", user.name, f"from {request.remote or ''}")
    response = redirect(TYPED if shown else own_path(request[FORM].get("next", "")))
    give(request, response)
    set_cookie(request, response, DEVICE, _seal_device(request.app[SERVER], user), DEVICE_LIFE_S)
    raise response


@office_page("/logout", "POST", roles=ALL, nav=Nav.ME)
async def sign_out(request: web.Request) -> web.StreamResponse:
    """End this session, wherever a copy of its cookie is."""
    user = request[USER]
    async with request.app[SERVER].database.work():
        await sessions.drop_session(request[SIGNED_IN])
        await record(user.name, "sign out", user.name, f"from {request.remote or ''}")
    response = redirect("/login")
    take_away(request, response)
    raise response


def _counts(request: web.Request, name: str, address: str) -> Counts:
    """By what a try is counted. A browser that this user signed in with before has a count of its own, so that
    strangers keep out strangers alone (OWASP: device cookies)."""
    if device := _known_device(request, name):
        return [(BY_DEVICE, device)]
    named = request.app[SERVER].company.vault.mac(name, "sign in")  # some type their password there
    return [(BY_ADDRESS, neighbourhood(address)), (BY_NAME, named)]


def _wait(response: web.Response) -> web.Response:
    response.headers["Retry-After"] = str(WITHIN_MS // 1000)
    return response


def _name(request: web.Request) -> str:
    return request[FORM].get("user", "").strip()[: office_users.LONGEST_NAME]


def _seal_device(server: Server, user: OfficeUser) -> str:
    """That this user signed in with this browser. It opens nothing."""
    return server.company.vault.seal_json({"user": user.name, "device": secrets.token_hex(16)}, "device")


def _known_device(request: web.Request, name: str) -> str:
    """The name of this browser, if this user signed in with it before."""
    with suppress(Sealed):
        known = request.app[SERVER].company.vault.open_json(read_cookie(request, DEVICE), "device")
        return str(known["device"]) if known["user"] == name else ""
    return ""
