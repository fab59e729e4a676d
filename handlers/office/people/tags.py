"""Tags of a customer: put on and taken off at the customer's page."""

from aiohttp import web

from bot.server import SERVER
from handlers.office.frame.page import redirect
from handlers.office.frame.routes import DESK, FORM, USER, Nav, office_page
from handlers.office.frame.words import _
from handlers.office.people.person import ONE, draw, find_customer
from models.customers.tags import MOST, TooManyTags, add_tag, remove_tag, tidy_tag


@office_page(f"{ONE}/tags", "POST", roles=DESK, nav=Nav.PEOPLE)
async def change(request: web.Request) -> web.StreamResponse:
    """Put a tag on, or take one off."""
    customer, form = await find_customer(request), request[FORM]
    tag, actor = tidy_tag(form.get("tag", "")), request[USER].name
    if not tag:
        return await draw(request, customer, 422, problem=_("Please write a tag, as: school."))
    try:
        async with request.app[SERVER].database.work():
            if form.get("do") == "remove":
                await remove_tag(customer, tag, actor)
            else:
                await add_tag(customer, tag, actor)
    except TooManyTags:
        said = _("A customer has {most} tags at most.", most=MOST)
        return await draw(request, customer, 422, problem=said)
    raise redirect(f"/people/{customer.id}?done=tag#tags")
