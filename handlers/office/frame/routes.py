"""Which pages the office has: `@office_page` puts a handler among them and says who may get to it.

The navigation, the reference of pages and the test of every role at every route are made from this list.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from aiohttp import web
from multidict import MultiDictProxy

from handlers.office.frame.words import N_
from models.people import OfficeRole, OfficeUser, two_people

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

USER = web.RequestKey("office user", OfficeUser)  # who is signed in; not there for nobody
FORM = web.RequestKey("form", MultiDictProxy[str])  # the fields of a POST, its token checked

WAITING = web.RequestKey("what waits behind each entry", dict["Nav", int])

ALL = frozenset(OfficeRole)  # who may read
DESK = frozenset({OfficeRole.OWNER, OfficeRole.FINANCE, OfficeRole.SUPPORT})  # who work at the desk
HELPERS, CASH = two_people.HELPERS, two_people.CASH
OWNER_ONLY = frozenset({OfficeRole.OWNER})
NOBODY: frozenset[OfficeRole] = frozenset()


class Nav(Enum):
    """The entries at the head of each page, in their order, with their paths; what is at the foot comes last."""

    HOME = ("/", N_("Home"))
    MESSAGES = ("/messages", N_("Messages"))
    PEOPLE = ("/people", N_("People"))
    TICKETS = ("/tickets", N_("Tickets"))
    MONEY = ("/money", N_("Money"))
    SETTINGS = ("/settings", N_("Settings"))
    LOG = ("/log", N_("Log"))
    HELP = ("/help", N_("Help"))
    ME = ("/me", N_("My account"))

    @property
    def path(self) -> str:
        return self.value[0]

    @property
    def title(self) -> str:
        return self.value[1]


HEAD = (Nav.HOME, Nav.MESSAGES, Nav.PEOPLE, Nav.TICKETS, Nav.MONEY, Nav.SETTINGS)
FOOT = (Nav.LOG, Nav.HELP, Nav.ME)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficePage:
    path: str  # in aiohttp's spelling: /tickets/K{number}
    method: str
    handler: Handler
    roles: frozenset[OfficeRole]  # who may get to it
    nav: Nav | None  # the entry that it belongs to
    anybody: bool  # whether nobody needs to sign in for it
    fragment: bool  # whether it is a part of a page, without head and foot
    upload: bool  # whether its form may bring a file
    too_old: Handler | None  # answers a form without its token; None: a page that says so


PAGES: list[OfficePage] = []
OFFICE = web.AppKey("office", dict[web.AbstractRoute, OfficePage])
# By method and first word: a page asks of some fifty paths whether they may be shown.
PATTERNS = web.AppKey("patterns of the office's pages", dict[tuple[str, str], list[tuple[re.Pattern[str], OfficePage]]])
Count = Callable[[OfficeUser], Awaitable[int]]
COUNTS: dict[Nav, Count] = {}  # what waits behind an entry, drawn beside it


def office_page(
    path: str,
    method: str = "GET",
    *,
    roles: frozenset[OfficeRole] = NOBODY,
    nav: Nav | None = None,
    anybody: bool = False,
    fragment: bool = False,
    upload: bool = False,
    too_old: Handler | None = None,
) -> Callable[[Handler], Handler]:
    """Serve a handler at this path to these roles. It finds the user in `request[USER]` and a POST's fields in
    `request[FORM]`."""
    if anybody == bool(roles):
        raise TypeError(f"{method} {path} says neither who may get to it nor that anybody may, or both")

    def add(handler: Handler) -> Handler:
        PAGES.append(
            OfficePage(
                path=path,
                method=method,
                handler=handler,
                roles=roles,
                nav=nav,
                anybody=anybody,
                fragment=fragment,
                upload=upload,
                too_old=too_old,
            )
        )
        return handler

    return add


def pages_at(app: web.Application, path: str, method: str = "GET") -> Iterator[OfficePage]:
    """The pages that this path may lead to."""
    some = app[PATTERNS].get((method, first_word(path)), [])
    return (page for pattern, page in some if pattern.fullmatch(path))


def first_word(path: str) -> str:
    """`people` of /people/17: no page has a part to be filled there."""
    return path.partition("/")[2].partition("/")[0]


def may(request: web.Request, path: str, method: str = "GET") -> bool:
    """Whether who is signed in may get to this path, so that no button is drawn that would be refused."""
    user = request.get(USER)
    return user is not None and any(user.role in page.roles for page in pages_at(request.app, path, method))


async def count_all(user: OfficeUser) -> dict[Nav, int]:
    """What waits for this user behind each entry that counts."""
    return {nav: await count(user) for nav, count in COUNTS.items()}


def count_of(nav: Nav) -> Callable[[Count], Count]:
    """Draw what this counts, in one indexed statement, beside an entry of the navigation."""

    def add(count: Count) -> Count:
        COUNTS[nav] = count
        return count

    return add
