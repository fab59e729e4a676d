"""What somebody typed and could not be taken, for the session was over: sealed, it goes through the sign-in and is
shown again. Nothing is done by it until a button is pressed."""

import json
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from multidict import MultiDictProxy

from bot.server import SERVER
from handlers.office.frame.cookies import BROWSER, read_cookie
from models.sql import DAY_MS, now_ms
from models.vault import Sealed

LONGEST = 24_000  # bytes of a form
LIFE_MS = DAY_MS
HIDDEN = ("password", "pin", "secret", "token")  # parts of names whose fields are typed anew
OURS = ("csrf", "half", "typed", "next")


@dataclass(frozen=True)
class Typed:
    """A form: where it was to be sent, with what, and whose it was (0: nobody knows)."""

    path: str
    fields: tuple[tuple[str, str], ...]
    user: int


def seal_typed(request: web.Request, form: MultiDictProxy[str], user: int) -> str:
    """The form that this request brings; empty for one that is too long, and for a browser without our cookie: nothing
    would show whose it is. Files are chosen anew."""
    lines = [(name, value) for name, value in form.items() if isinstance(value, str) and name not in OURS]
    fields = [(name, "" if is_hidden(name) else value) for name, value in lines]
    browser = read_cookie(request, BROWSER)
    if len(urlencode(fields)) > LONGEST or not browser:
        return ""
    kept = {"path": request.path_qs, "fields": fields, "user": user, "at": now_ms(), "browser": browser}
    return request.app[SERVER].company.vault.seal_json(kept, "typed form")


def open_typed(request: web.Request, sealed: str) -> Typed | None:
    """The form that was sealed, for a day and in the browser where it was typed: nobody brings another one's along."""
    try:
        kept = request.app[SERVER].company.vault.open_json(sealed, "typed form")
    except (Sealed, json.JSONDecodeError):
        return None
    if now_ms() - kept["at"] > LIFE_MS or kept.get("browser") != read_cookie(request, BROWSER):
        return None
    return Typed(kept["path"], tuple((name, value) for name, value in kept["fields"]), kept["user"])


def is_hidden(name: str) -> bool:
    """Whether what is typed into this field is kept nowhere."""
    return any(part in name for part in HIDDEN)


def own_path(path: str) -> str:
    """A path of ours that somebody may be sent to after signing in; `/` for anything else. Browsers take `//host`,
    `/\\host` and a tab between the two for another site."""
    parts = path if 0 < len(path) <= 500 and path.isprintable() and " " not in path else ""
    if not parts.startswith("/") or parts[1:2] in ("/", "\\") or "\\" in parts:
        return "/"
    try:
        split = urlsplit(parts)
    except ValueError:
        return "/"
    first = split.path.split("/")[1]
    return "/" if split.scheme or split.netloc or first in ("login", "logout") else parts
