"""The page at `/settings/receipts`: by which rules an operator's text becomes a payment, and a box to try a text."""

from aiohttp import web
from wtforms import TextAreaField

from bot.receipts import Heard
from bot.receipts.explain import explain
from bot.receipts.rules import BadRule, add_rule, list_rules, remove_rule, shipped_rules, switch_rule
from bot.server import SERVER
from bot.text.numbers import sender
from handlers.office.frame.forms import LineField, OfficeForm, required
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import CASH, FORM, OWNER_ONLY, USER, Nav, office_page
from handlers.office.frame.words import N_, _
from models.money.receipt_texts import list_wallets
from models.sql import now_ms

LONGEST = 1_000  # characters of a text


class RuleForm(OfficeForm):
    name = LineField(N_("Name of the rule"), [required])
    operator = LineField(N_("Operator, like mpesa-tz, or a provider of your own"), [required])
    sender = LineField(N_("Name from which its texts come, like M-PESA"), [required])
    template = TextAreaField(
        N_("The text with gaps, like [reference] Confirmed. You have received [amount] from [phone]"), [required]
    )


@office_page("/settings/receipts", roles=CASH, nav=Nav.SETTINGS)
async def show(request: web.Request) -> web.StreamResponse:
    """The rules, and a box to try a text."""
    return await _draw(request, RuleForm.of(request))


@office_page("/settings/receipts/try", "POST", roles=CASH, nav=Nav.SETTINGS)
async def try_out(request: web.Request) -> web.StreamResponse:
    """What would become of a text; nothing is changed."""
    server, form = request.app[SERVER], request[FORM]
    text, name = form.get("text", "")[:LONGEST], form.get("sender", "")[:40].strip()
    wallets = await list_wallets()
    wallet = wallets[0] if len(wallets) == 1 else None
    heard = Heard(
        inbox_id=0,
        gateway="",
        sim=wallet.sim if wallet else 1,
        sender=sender(name or "NOBODY", server.company.country),
        text=text,
        reached_at=now_ms(),
    )
    rules = await list_rules(server.company)
    said = await explain(heard, wallet, rules, server.company, sender_known=bool(name), say=_)
    return await _draw(request, RuleForm(), tried=text, came_from=name, said=said)


@office_page("/settings/receipts", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def add(request: web.Request) -> web.StreamResponse:
    """A rule of the office's own, or other words of one."""
    server, form = request.app[SERVER], RuleForm.of(request)
    if not form.validate():
        return await _draw(request, form, 422)
    values = (str(form[name].data)[:LONGEST] for name in ("name", "operator", "sender", "template"))
    try:
        async with server.database.work():
            await add_rule(*values, company=server.company, actor=request[USER].name)
    except BadRule as refused:
        return await _draw(request, form, 422, problem=refused.to(_))
    raise redirect("/settings/receipts?done=saved")


@office_page("/settings/receipts/{verb:on|off|remove}", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def switch(request: web.Request) -> web.StreamResponse:
    """Use a rule, leave it out, or remove one of the office's own."""
    server, name, verb = request.app[SERVER], request[FORM].get("name", "")[:60], request.match_info["verb"]
    try:
        async with server.database.work():
            if verb == "remove":
                await remove_rule(name, actor=request[USER].name)
            else:
                await switch_rule(name, on=verb == "on", actor=request[USER].name)
    except BadRule as refused:
        raise web.HTTPBadRequest(text=f"{refused.to(_)}\n", headers=HEADERS) from refused
    raise redirect(f"/settings/receipts?done={verb}")


async def _draw(
    request: web.Request,
    form: RuleForm,
    status: int = 200,
    *,
    problem: str = "",
    tried: str = "",
    came_from: str = "",
    said: object = (),
) -> web.StreamResponse:
    company = request.app[SERVER].company
    used = await list_rules(company)
    names = {rule.name for rule in used}
    return page(
        request,
        "settings/receipts.html",
        status,
        form=form,
        used=used,
        unused=[rule for rule in shipped_rules(company) if rule.name not in names],
        bound=bool(await list_wallets()),
        problem=problem,
        tried=tried,
        came_from=came_from,
        said=said,
        longest=LONGEST,
    )
