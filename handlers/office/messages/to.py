"""A form that writes to a customer from the customer's own page."""

from aiohttp import web

from handlers.office.frame.page import HEADERS, redirect
from handlers.office.frame.routes import HELPERS, Nav, office_page
from handlers.office.frame.words import _
from handlers.office.messages.conversation import draw
from handlers.office.messages.write_box import box_for, write
from models.people import Customer


@office_page(r"/messages/to/{number:\d{1,18}}", "POST", roles=HELPERS, nav=Nav.MESSAGES)
async def write_to_customer(request: web.Request) -> web.StreamResponse:
    """Write to this customer, and go back to the customer's page; refused, the text is kept in the conversation."""
    customer = await Customer.get_or_none(id=int(request.match_info["number"]))
    if customer is None or customer.phone is None:
        raise web.HTTPNotFound(text=_("There is no customer with a phone here.") + "\n", headers=HEADERS)
    form, problem, status = await write(request, customer.phone)
    if not problem:
        raise redirect(f"/people/{customer.id}?done=written")
    return await draw(request, customer.phone, await box_for(request, customer.phone, form, problem), status)
