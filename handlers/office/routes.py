"""Which pages the office has: `@office_page` puts a handler among them, behind sign-in unless it says otherwise."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from models.people import OfficeUser

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

USER = web.RequestKey("office user", OfficeUser)  # who is signed in; not there for nobody
FORM = web.RequestKey("form", dict[str, str])  # the fields of a POST, its token checked


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficePage:
    path: str  # in aiohttp's spelling: /tickets/K{number}
    method: str
    handler: Handler
    signed_in: bool  # whether only who is signed in gets to it
    link: str  # its name among the links at the head of each page; empty for none
    too_old: Handler | None  # answers a form without its token; None: a page that says so


PAGES: list[OfficePage] = []


def office_page(
    path: str, method: str = "GET", *, signed_in: bool = True, link: str = "", too_old: Handler | None = None
) -> Callable[[Handler], Handler]:
    """Serve a handler at this path. It finds the user in `request[USER]` and a POST's fields in `request[FORM]`."""

    def add(handler: Handler) -> Handler:
        PAGES.append(
            OfficePage(path=path, method=method, handler=handler, signed_in=signed_in, link=link, too_old=too_old)
        )
        return handler

    return add
