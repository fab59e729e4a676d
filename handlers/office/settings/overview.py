"""The page at `/settings`: each heading with a link, for who may see it."""

from aiohttp import web

from handlers.office.frame.page import page
from handlers.office.frame.routes import DESK, Nav, may, office_page
from handlers.office.settings.headings import HEADINGS


@office_page("/settings", roles=DESK, nav=Nav.SETTINGS)
async def show(request: web.Request) -> web.StreamResponse:
    """The headings."""
    return page(request, "settings/overview.html", headings=[each for each in HEADINGS if may(request, each.path)])
