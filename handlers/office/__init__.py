"""The office's pages: sign in, and see how things are. The only conversations that know HTTP."""

import aiohttp_jinja2
import jinja2
from aiohttp import web

from handlers.office import front, messages, signin, tickets
from handlers.office.page import in_our_look


def add_to(app: web.Application) -> None:
    """Hook the office's routes into the server."""
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("handlers.office"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    app.middlewares.append(in_our_look)
    app[signin.SIGN_IN] = signin.SignIn()
    app.router.add_get("/", signin.required(front.show))
    app.router.add_get("/login", signin.ask)
    app.router.add_post("/login", signin.sign_in)
    app.router.add_post("/logout", signin.sign_out)
    app.router.add_get("/messages", signin.required(messages.show_all))
    app.router.add_get(r"/messages/{number:\d{1,18}}", signin.required(messages.show))
    app.router.add_get("/tickets", signin.required(tickets.show_all))
    app.router.add_get(r"/tickets/K{number:\d{1,9}}", signin.required(tickets.show))
    app.router.add_post(r"/tickets/K{number:\d{1,9}}", signin.required(tickets.change))
