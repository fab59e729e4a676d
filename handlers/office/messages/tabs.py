"""The tabs of the pages of messages."""

from aiohttp import web

from handlers.office.frame.routes import may
from handlers.office.frame.words import N_

TABS = (
    ("/messages", N_("To answer")),
    ("/messages/unclear", N_("Not understood")),
    ("/messages/all", N_("All")),
    ("/messages/failed", N_("Failed")),
    ("/messages/sent", N_("All sent")),
    ("/write", N_("Write to many")),
)


def tabs(request: web.Request) -> list[tuple[str, str]]:
    """Those that this user may open, by path."""
    return [(path, title) for path, title in TABS if may(request, path)]
