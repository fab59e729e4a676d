"""The office's pages: a desk at which people are found, answered, sold to and paid out.

A page is one file with its template, like `messages/sent.py` and `templates/messages/sent.html`, in the room of its
entry: a handler under `@office_page("/messages", roles=ALL, nav=Nav.MESSAGES)`. It is served because it is there, it is
shut to whoever has none of its roles, and a POST reaches it only with the token of our own forms.
"""

import pkgutil
import re
from functools import cache
from importlib import import_module

import aiohttp_jinja2
import jinja2
from aiohttp import web

from handlers.office.frame import words
from handlers.office.frame.guard import ASK_TO_SIGN_IN, guard
from handlers.office.frame.page import draw_problem
from handlers.office.frame.routes import OFFICE, PAGES, PATTERNS, first_word
from handlers.office.home import live
from handlers.office.settings import backup
from handlers.office.signin import passwords, signin


@cache
def _import_pages() -> None:
    """Each module adds its pages to PAGES when it is imported."""
    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        import_module(module.name)


def add_to(app: web.Application) -> None:
    """Hook the office's pages into the server."""
    _import_pages()
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("handlers.office"),
        undefined=jinja2.StrictUndefined,
        auto_reload=False,  # or each page asks the disk for the age of each of its templates
        trim_blocks=True,
        lstrip_blocks=True,
    )
    app.middlewares.extend((draw_problem, guard))
    app[passwords.SIGN_IN] = passwords.SignIn()
    app[ASK_TO_SIGN_IN] = signin.ask_first
    app[backup.COPYING] = backup.Copying()
    app.on_shutdown.append(backup.end_copying)
    words.add_to(environment)
    app.on_startup.append(live.prepare)
    app.on_shutdown.append(live.end)
    app[OFFICE], app[PATTERNS] = {}, {}
    for page in sorted(PAGES, key=lambda page: page.path):
        for method in ("HEAD", "GET") if page.method == "GET" else (page.method,):
            route = app.router.add_route(method, page.path, page.handler)
            app[OFFICE][route] = page
        info = route.resource.get_info() if route.resource else {}
        pattern = info.get("pattern") or re.compile(re.escape(info["path"]))
        app[PATTERNS].setdefault((page.method, first_word(page.path)), []).append((pattern, page))
