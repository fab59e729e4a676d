"""The office's pages: sign in, and see how things are.

A page is one file with its template, like `messages.py` and `templates/messages.html`: a handler under
`@office_page("/messages")`. It is behind sign-in, and a POST reaches it only with the token of our own forms. It joins
the line of imports below; with `link="Messages"` it is among the links at the head of each page.
"""

import aiohttp_jinja2
import jinja2
from aiohttp import web

from handlers.office import front, messages, receipts, signin, tickets  # noqa: F401 - each adds its pages
from handlers.office.guard import OFFICE, guard
from handlers.office.page import draw_problem
from handlers.office.routes import PAGES


def add_to(app: web.Application) -> None:
    """Hook the office's pages into the server."""
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("handlers.office"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    app.middlewares.extend((draw_problem, guard))
    app[signin.SIGN_IN] = signin.SignIn()
    app[OFFICE] = {}
    for page in sorted(PAGES, key=lambda page: page.path):
        for method in ("HEAD", "GET") if page.method == "GET" else (page.method,):
            app[OFFICE][app.router.add_route(method, page.path, page.handler)] = page
