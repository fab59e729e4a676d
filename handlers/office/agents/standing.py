"""Whether an agent may sell: locked, unlocked, with a PIN that is for once, or retired."""

from aiohttp import web

from bot.server import Server
from handlers.account.office_lock import lock_by_office
from handlers.account.one_time_pin import send_pin
from handlers.account.retire import retire
from handlers.office.agents import forms
from handlers.office.agents.show import ONE, act
from handlers.office.frame.routes import CASH, DESK, HELPERS, USER, Nav, office_page
from models.people import Agent, pins


@office_page(f"{ONE}/lock", "POST", roles=DESK, nav=Nav.PEOPLE)
async def lock(request: web.Request) -> web.StreamResponse:
    """Lock an agent, as when a phone was stolen."""
    form = forms.Lock.of(request)

    async def do(server: Server, agent: Agent) -> None:
        await lock_by_office(
            agent,
            company=server.company,
            composer=server.composer,
            actor=request[USER].name,
            reason=form.reason.data,
        )

    return await act(request, "lock", form, do)


@office_page(f"{ONE}/unlock", "POST", roles=DESK, nav=Nav.PEOPLE)
async def unlock(request: web.Request) -> web.StreamResponse:
    """Let an agent sell again."""
    form = forms.Unlock.of(request)

    async def do(_server: Server, agent: Agent) -> None:
        if agent.locked_at:
            await pins.unlock(agent, request[USER].name, form.reason.data)

    return await act(request, "unlock", form, do)


@office_page(f"{ONE}/pin", "POST", roles=HELPERS, nav=Nav.PEOPLE)
async def new_pin(request: web.Request) -> web.StreamResponse:
    """Send an agent a PIN that is for once. Nobody of the office reads it."""
    form = forms.SendPin.of(request)

    async def do(server: Server, agent: Agent) -> None:
        await send_pin(agent, company=server.company, composer=server.composer, actor=request[USER].name)

    return await act(request, "pin", form, do)


@office_page(f"{ONE}/retire", "POST", roles=CASH, nav=Nav.PEOPLE)
async def retire_agent(request: web.Request) -> web.StreamResponse:
    """Let somebody sell no more."""
    form = forms.Retire.of(request)

    async def do(_server: Server, agent: Agent) -> None:
        if agent.retired_at is None:
            await retire(agent, with_cash=form.with_cash.data, actor=request[USER].name)

    return await act(request, "retire", form, do)
