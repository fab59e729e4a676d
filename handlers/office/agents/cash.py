"""Money of an agent at the desk: cash that is handed in, disputes, commission, and the wallet."""

from aiohttp import web

from bot.server import Server
from handlers.account.commission import pay_out_commission
from handlers.account.disputes import settle_hand_in
from handlers.account.hand_in import take_hand_in
from handlers.office.agents import forms
from handlers.office.agents.show import ONE, act
from handlers.office.frame.routes import CASH, FORM, USER, Nav, office_page
from handlers.office.frame.words import _
from handlers.selling.wallet import take_top_up
from models.money.hand_in import HandIn
from models.people import Agent
from models.selling.proposals import propose_payout


@office_page(f"{ONE}/cash", "POST", roles=CASH, nav=Nav.PEOPLE)
async def book_cash(request: web.Request) -> web.StreamResponse:
    """Book cash that was counted; the commission that is due is paid out with it."""
    form = forms.BookCash.of(request)

    async def book(server: Server, agent: Agent) -> None:
        await take_hand_in(
            agent,
            form.amount.data,
            form.reference.data or "",
            company=server.company,
            composer=server.composer,
            actor=request[USER].name,
            again=form.again.data,
        )

    return await act(request, "cash", form, book)


@office_page(f"{ONE}/commission", "POST", roles=CASH, nav=Nav.PEOPLE)
async def pay_commission(request: web.Request) -> web.StreamResponse:
    """Pay commission out of the till."""
    form = forms.PayCommission.of(request)
    key = f"{request[USER].id} {request[FORM].get('once', '')[:40]}"

    async def pay(server: Server, agent: Agent) -> None:
        await pay_out_commission(
            agent,
            form.amount.data,
            key,
            company=server.company,
            composer=server.composer,
            actor=request[USER].name,
        )

    return await act(request, "commission", form, pay)


@office_page(f"{ONE}/settle", "POST", roles=CASH, nav=Nav.PEOPLE)
async def settle(request: web.Request) -> web.StreamResponse:
    """Say how much a hand-in was, or agree to what another one of the office said."""
    form = forms.Settle.of(request)

    async def say(server: Server, agent: Agent) -> str:
        entry = await HandIn.get_or_none(reference=form.reference.data, agent_id=agent.id)
        if entry is None:
            raise web.HTTPNotFound(text=_("There is no such hand-in."))
        settled = await settle_hand_in(
            entry, form.amount.data, request[USER], company=server.company, composer=server.composer
        )
        return "settled" if settled.agreed else "proposed"

    return await act(request, "settle", form, say)


@office_page(f"{ONE}/topup", "POST", roles=CASH, nav=Nav.PEOPLE)
async def top_up(request: web.Request) -> web.StreamResponse:
    """Book money for the wallet."""
    form = forms.TopUp.of(request)

    async def book(server: Server, agent: Agent) -> None:
        await take_top_up(
            agent,
            form.amount.data,
            form.reference.data or "",
            company=server.company,
            composer=server.composer,
            actor=request[USER].name,
            again=form.again.data,
        )

    return await act(request, "topup", form, book)


@office_page(f"{ONE}/payout", "POST", roles=CASH, nav=Nav.PEOPLE)
async def pay_out(request: web.Request) -> web.StreamResponse:
    """Ask another one of the office to give money out of the wallet back."""
    form = forms.PayOut.of(request)
    key = f"{request[USER].id} {request[FORM].get('once', '')[:40]}"

    async def propose(_server: Server, agent: Agent) -> None:
        await propose_payout(agent, form.amount.data, request[USER], form.reason.data, key)

    return await act(request, "payout", form, propose)
