"""Whose session a request is of: a name and a password, then a sealed cookie for the working day."""

import hmac

from aiohttp import web

from bot.server import SERVER, Server
from handlers.office.frame.cookies import SESSION, read_cookie
from models.people import OfficeUser
from models.sql import now_ms
from models.vault import Sealed

LIFE_S = 12 * 3_600


def seal(server: Server, user: OfficeUser) -> str:
    """A session: who, since when, and with which password, so that a new password ends it."""
    vault = server.company.vault
    session = {"user": user.id, "at": now_ms(), "password": vault.mac(user.password_hash, "session")}
    return vault.seal_json(session | {"epoch": user.session_epoch}, "session")


async def find_user(request: web.Request) -> OfficeUser | None:
    """Whose session this is, if it still holds."""
    vault = request.app[SERVER].company.vault
    try:
        session = vault.open_json(read_cookie(request, SESSION), "session")
    except Sealed:
        return None
    if now_ms() - session["at"] > LIFE_S * 1000:
        return None
    user = await OfficeUser.get_or_none(id=session["user"], session_epoch=session.get("epoch"))
    if user is None or not hmac.compare_digest(vault.mac(user.password_hash, "session"), session["password"]):
        return None
    return user
