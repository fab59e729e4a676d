"""`/money/wallets`: agents who pay before they sell: what is in each wallet, money that they bring, and cash that is
paid out when a second person agrees."""

from functools import partial

from aiohttp import web
from wtforms import BooleanField

from bot.server import SERVER
from handlers.exchange.cells import figure
from handlers.office.frame.forms import AmountField, LineField, OfficeForm, above_nothing, required
from handlers.office.frame.lists import listed, send_csv
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import ALL, CASH, USER, Nav, office_page
from handlers.office.frame.words import N_, _
from handlers.office.money.asked import at
from handlers.office.money.doing import do, key_of
from handlers.selling.wallet import take_top_up
from models.money.reservations import promised_by
from models.money.wallets import LONGEST_REFERENCE
from models.office import money_wallets
from models.people import Agent
from models.selling.proposals import propose_payout

MOST = 1_000  # on the page; the file has all
ONE = r"/money/wallets/{number:\d{1,18}}"
COLUMNS = ("agent", "phone", "mini_grid", "wallet", "commission_due", "last_top_up")
DONE = {
    "topup": N_("It is booked, and the agent gets an SMS."),
    "asked": N_("It is written down. Another one of the office has to agree: it waits under “To decide”."),
}


class TopUpForm(OfficeForm):
    """What an agent pays into the wallet."""

    amount = AmountField(N_("How much did the agent bring?"), [required, above_nothing])
    reference = LineField(N_("Your own number for it, if you have one"), render_kw={"maxlength": LONGEST_REFERENCE})
    again = BooleanField(N_("It is other money than the same amount within a day"))


class PayoutForm(OfficeForm):
    """What is paid out of a wallet."""

    amount = AmountField(N_("How much is paid out?"), [required])
    reason = LineField(N_("Why?"), [required])


@office_page("/money/wallets", roles=ALL, nav=Nav.MONEY)
async def show(request: web.Request) -> web.StreamResponse:
    """All wallets, by the agents' names."""
    return await _draw(request)


@office_page("/money/wallets.csv", roles=ALL, nav=Nav.MONEY)
async def save(request: web.Request) -> web.StreamResponse:
    """The same as a file."""
    company = request.app[SERVER].company
    rows = [
        (row["name"], row["phone"], row["mini_grid"], figure(int(row["wallet"]), company),
         figure(int(row["due"]), company), row["topped_at"])
        for row in await money_wallets.wallets()
    ]  # fmt: skip
    return await send_csv(request, "wallets", COLUMNS, listed(rows))


@office_page(f"{ONE}/topup", "POST", roles=CASH, nav=Nav.MONEY)
async def top_up(request: web.Request) -> web.StreamResponse:
    """Book what an agent pays into the wallet."""
    server, agent, form = request.app[SERVER], await _find(request), TopUpForm.of(request)
    valid = form.validate()
    if len(form.reference.data or "") > LONGEST_REFERENCE:
        form.refuse("reference", _("At most {n} characters.", n=LONGEST_REFERENCE))
    if not valid or form.reference.errors:
        return await _draw(request, 422, wrong=(agent.id, form))

    async def work() -> None:
        await take_top_up(
            agent,
            int(form.amount.data or 0),
            form.reference.data or "",
            company=server.company,
            composer=server.composer,
            actor=request[USER].name,
            again=bool(form.again.data),
        )

    if problem := await do(request, work):
        return await _draw(request, 422, problem=problem, wrong=(agent.id, form))
    raise redirect("/money/wallets?done=topup")


@office_page(f"{ONE}/payout", "POST", roles=CASH, nav=Nav.MONEY)
async def pay_out(request: web.Request) -> web.StreamResponse:
    """Ask another one of the office to pay cash out of a wallet."""
    agent, form = await _find(request), PayoutForm.of(request)
    if not form.validate():
        return await _draw(request, 422, wrong=(-agent.id, form))

    async def work() -> None:
        await propose_payout(agent, int(form.amount.data or 0), request[USER], str(form.reason.data), key_of(request))

    if problem := await do(request, work):
        return await _draw(request, 422, problem=problem, wrong=(-agent.id, form))
    raise redirect("/money/wallets?done=asked")


async def _draw(request: web.Request, status: int = 200, **more: object) -> web.StreamResponse:
    company, rows = request.app[SERVER].company, await money_wallets.wallets()
    fields = {"problem": "", "wrong": (0, None)} | more
    return page(
        request,
        "money/wallets.html",
        status,
        wallets=rows[:MOST],
        pending=await promised_by([row["id"] for row in rows[:MOST]]),
        more=max(0, len(rows) - MOST),
        top_up_form=TopUpForm(meta={"company": company}),
        payout_form=PayoutForm(meta={"company": company}),
        at=partial(at, company),
        done=DONE,
        **fields,
    )


async def _find(request: web.Request) -> Agent:
    agent = await Agent.get_or_none(id=int(request.match_info["number"]))
    if agent is None:
        raise web.HTTPNotFound(text=_("There is no such agent.") + "\n", headers=HEADERS)
    return agent
