"""The pages at `/help`: what there is to read, find a word in it, and one document."""

from aiohttp import web

from handlers.office.frame.page import page
from handlers.office.frame.routes import ALL, Nav, office_page
from handlers.office.frame.words import _
from handlers.office.help.documents import documents, find, pictures

LONGEST = 100  # characters that are looked for


@office_page("/help", roles=ALL, nav=Nav.HELP)
async def show_all(request: web.Request) -> web.StreamResponse:
    """All documents with their headings, or where some words stand in them."""
    words = " ".join(request.query.get("q", "")[:LONGEST].split())
    return page(request, "help/contents.html", documents=documents().values(), words=words, hits=find(words))


@office_page("/help/{name}", roles=ALL, nav=Nav.HELP)
async def show(request: web.Request) -> web.StreamResponse:
    """One document."""
    document = documents().get(request.match_info["name"])
    if document is None:
        raise web.HTTPNotFound(text=_("There is no such page."))
    return page(request, "help/document.html", document=document, part="")


@office_page("/help/{name}/{part}", roles=ALL, nav=Nav.HELP)
async def show_part(request: web.Request) -> web.StreamResponse:
    """One heading of a document that is too large for a page."""
    document, part = documents().get(request.match_info["name"]), request.match_info["part"]
    if document is None or part not in document.parts:
        raise web.HTTPNotFound(text=_("There is no such page."))
    return page(request, "help/document.html", document=document, part=part)


@office_page("/help/pictures/{file}", roles=ALL, nav=Nav.HELP, fragment=True)
async def show_picture(request: web.Request) -> web.StreamResponse:
    """A picture of a document."""
    path = pictures().get(request.match_info["file"])
    if path is None:
        raise web.HTTPNotFound(text=_("There is no such page."))
    headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=path.read_bytes(), content_type="image/png", headers=headers)
