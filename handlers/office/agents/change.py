"""What an agent is, may and earns: name, language, mini-grid, phone, limit, commissions, wallet."""

from decimal import Decimal

from aiohttp import web

from bot.server import SERVER, Server
from handlers.account.agent_phone import change_agent_phone
from handlers.office.agents import forms
from handlers.office.agents.show import ONE, act, offer
from handlers.office.frame.routes import CASH, HELPERS, USER, Nav, office_page
from models.money.wallets import make_postpaid, make_prepaid
from models.people import Agent
from models.people.agents import change_agent, lock_agent
from models.tickets import tickets


@office_page(f"{ONE}/details", "POST", roles=HELPERS, nav=Nav.PEOPLE)
async def change_details(request: web.Request) -> web.StreamResponse:
    """Another name, language or mini-grid."""
    form = forms.Details.of(request)
    await offer(form, request.app[SERVER].company)

    async def do(_server: Server, agent: Agent) -> None:
        held = await lock_agent(agent.id, form.seen.data or "")
        await change_agent(
            held,
            name=" ".join(form.name.data.split()),
            language=form.language.data,
            mini_grid=form.mini_grid.data,
            actor=request[USER].name,
        )
        await tickets.hand_back_elsewhere(held, request[USER].name)

    return await act(request, "details", form, do)


@office_page(f"{ONE}/phone", "POST", roles=CASH, nav=Nav.PEOPLE)
async def change_phone(request: web.Request) -> web.StreamResponse:
    """Another phone number. Who sends PINs may not do this: together they would be somebody else's account."""
    form = forms.ChangePhone.of(request)

    async def do(server: Server, agent: Agent) -> None:
        held = await lock_agent(agent.id)
        await change_agent_phone(
            held, form.phone.data, company=server.company, composer=server.composer, actor=request[USER].name
        )

    return await act(request, "phone", form, do)


@office_page(f"{ONE}/terms", "POST", roles=CASH, nav=Nav.PEOPLE)
async def change_terms(request: web.Request) -> web.StreamResponse:
    """Another limit or commission; a wallet, or none."""
    form = forms.Terms.of(request)

    async def do(_server: Server, agent: Agent) -> None:
        held, actor = await lock_agent(agent.id, form.seen.data or ""), request[USER].name
        if form.prepaid.data != held.prepaid:
            await (make_prepaid if form.prepaid.data else make_postpaid)(held, actor)
        await change_agent(
            held,
            cash_limit=form.limit.data,
            commission=_basis_points(form.commission.data),
            goods_commission=_basis_points(form.goods_commission.data),
            cashier=form.cashier.data,
            actor=actor,
        )

    return await act(request, "terms", form, do)


def _basis_points(percent: Decimal | None) -> int:
    return round((percent or Decimal(0)) * 100)
