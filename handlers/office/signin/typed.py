"""The page at `/typed`: a form that was sent when the session was over, to be looked at and sent."""

from aiohttp import web

from bot.server import SERVER
from handlers.office.frame.page import page, redirect
from handlers.office.frame.routes import ALL, Nav, may, office_page
from handlers.office.frame.session import SIGNED_IN
from handlers.office.frame.typed import is_hidden, open_typed
from models.people import sessions

# What pages put into their forms for themselves. What another form lets people type, like an amount, is shown.
UNSEEN = {"once", "seen", "back", "day", "do", "estimated", "offer", "people", "person", "place", "promised", "q"}
UNSEEN |= {"sealed", "subject", "switch", "up_to", "with"}


@office_page("/typed", roles=ALL, nav=Nav.ME)
async def show(request: web.Request) -> web.StreamResponse:
    """What was typed, and a button that sends it."""
    typed = open_typed(request, request[SIGNED_IN].typed) if request[SIGNED_IN].typed else None
    if typed is None:
        raise redirect("/")
    path = typed.path.partition("?")[0]
    shown = [(name, value, _label(name)) for name, value in typed.fields if name not in UNSEEN]
    return page(
        request,
        "signin/typed.html",
        action=typed.path,
        allowed=may(request, path, "POST"),
        shown=[each for each in shown if not is_hidden(each[0])],
        anew=[each for each in shown if is_hidden(each[0])],
        unseen=[(name, value) for name, value in typed.fields if name in UNSEEN],
    )


@office_page("/typed", "POST", roles=ALL, nav=Nav.ME)
async def forget(request: web.Request) -> web.StreamResponse:
    """It is not to be sent any more."""
    async with request.app[SERVER].database.work():
        await sessions.keep_typed(request[SIGNED_IN], "")
    raise redirect("/")


def _label(name: str) -> str:
    """The name of a field as a word: `cash_limit` is Cash limit."""
    return name.replace("_", " ").replace("-", " ").capitalize()
