"""The page with the phone, its script and its style; in the demo world only."""

import aiohttp_jinja2
import jinja2
from aiohttp import web

from handlers.simulator import page


def add_to(app: web.Application) -> None:
    """Hook the simulator's routes into the server; each is there only while the demo world is served."""
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("handlers.simulator"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        app_key=page.TEMPLATES,
    )
    app[page.CALLS] = {}
    app.router.add_routes(page.ROUTES)
