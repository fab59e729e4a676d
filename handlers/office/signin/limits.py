"""How often somebody may guess a password or a code: counted in the database before a guess is looked at."""

import logging

from aiohttp import web

from bot.server import SERVER
from models.people import guesses
from models.people.guesses import Limit

log = logging.getLogger(__name__)

MOST_WRONG, WITHIN_MS = 10, 15 * 60_000
BY_ADDRESS, BY_NAME, BY_DEVICE = (
    Limit(f"sign in by {what}", MOST_WRONG, WITHIN_MS) for what in ("address", "name", "device")
)
# Who gets to ask for a code knows the password: five tries of a million find it in a quarter of an hour once in 70,000.
BY_CODE = Limit("code of", 5, WITHIN_MS)
BY_OWN_PASSWORD = Limit("own password of", MOST_WRONG, WITHIN_MS)
Counts = list[tuple[Limit, str]]


class _TooMany(Exception):
    """Undoes the counting."""


async def begin_try(request: web.Request, counts: Counts) -> bool:
    """Count a try as wrong before it is looked at, so that many at once get no further. False: there were too many, and
    this one is not counted."""
    try:
        async with request.app[SERVER].database.work():
            for limit, whose in counts:
                if await guesses.count(limit, whose) is None:
                    raise _TooMany
    except _TooMany:
        log.warning("too many wrong sign-ins", extra={"address": request.remote or ""})
        return False
    return True
