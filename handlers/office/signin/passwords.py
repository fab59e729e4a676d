"""Comparing passwords beside the loop, one at a time."""

import asyncio

from aiohttp import web

from bot.server import SERVER
from models.people import OfficeUser


class SignIn:
    """What signing in remembers from one request to the next."""

    def __init__(self) -> None:
        self.one_at_a_time = asyncio.Lock()  # argon2 takes 64 MiB and 50 ms of one core


SIGN_IN = web.AppKey("sign_in", SignIn)


async def check_password(request: web.Request, user: OfficeUser | None, password: str) -> bool:
    """Whether it is this user's. A user whom there is not takes as long."""
    vault = request.app[SERVER].company.vault
    async with request.app[SIGN_IN].one_at_a_time:
        return await asyncio.to_thread(vault.check_password, password, user.password_hash if user else None)
