"""A new agent: who it is, where, and how much cash may be held. The PIN goes to the phone, and nobody else knows it."""

from aiohttp import web

from bot.server import SERVER
from handlers.account.new_agent import add_with_pin_by_sms
from handlers.office.agents.forms import NewAgent
from handlers.office.agents.show import offer
from handlers.office.frame.forms import OfficeForm
from handlers.office.frame.page import is_first, page, redirect
from handlers.office.frame.routes import CASH, USER, Nav, office_page
from handlers.office.frame.words import _
from models.people.agents import AgentExists, find_agent

PATH = "/people/agents/new"


@office_page(PATH, roles=CASH, nav=Nav.PEOPLE)
async def ask(request: web.Request) -> web.StreamResponse:
    """The empty form."""
    company = request.app[SERVER].company
    form = NewAgent.of(request, language=company.languages[0])
    await offer(form, company)
    return _draw(request, form)


@office_page(PATH, "POST", roles=CASH, nav=Nav.PEOPLE)
async def add(request: web.Request) -> web.StreamResponse:
    """Add the agent, who is welcomed by SMS and gets a PIN for once."""
    server, form = request.app[SERVER], NewAgent.of(request)
    await offer(form, server.company)
    grid = " ".join((form.new_grid.data or form.mini_grid.data or "").split())
    valid = form.validate()
    if not grid:
        form.refuse("mini_grid", _("Choose a mini-grid, or write the name of a new one."))
    if not (valid and grid):
        return _draw(request, form, 422)
    try:
        async with server.database.work():
            if await is_first(request):
                await add_with_pin_by_sms(
                    phone=form.phone.data,
                    name=" ".join(form.name.data.split()),
                    language=form.language.data,
                    mini_grid=grid,
                    cash_limit=form.limit.data,
                    company=server.company,
                    composer=server.composer,
                    actor=request[USER].name,
                )
    except AgentExists:
        form.refuse("phone", _("This is the number of an agent already."))
        return _draw(request, form, 409)
    server.outbox.notify()
    agent = await find_agent(form.phone.data)
    raise redirect(f"/people/agents/{agent.id}?done=new" if agent else "/people/agents")


def _draw(request: web.Request, form: OfficeForm, status: int = 200) -> web.StreamResponse:
    return page(request, "agents/new.html", status, form=form)
