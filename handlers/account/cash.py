"""An agent asks for the cash held, its limit and the commission due."""

from bot.message import Reply
from bot.talks import Chat, talk
from bot.text import Text, _, joined
from models.money.ledger import cash_held, commission_due
from models.money.wallets import in_wallet
from models.people import Role


@talk(
    "cash",
    roles={Role.AGENT},
    words={
        "en": ("CASH", "FLOAT", "BAL", "BALANCE"),
        "sw": ("FEDHA", "SALIO"),
        "fr": ("CAISSE", "SOLDE"),
        "pt": ("CAIXA", "SALDO"),
        "ha": ("KUDI", "SAURA"),
    },
    menu=_("My cash"),
    reads=True,
    kinds={"balance"},
)
async def cash(chat: Chat) -> Reply:
    await chat.pin()
    if chat.agent.prepaid:
        return chat.end(await _in_wallet(chat))
    held, due = await cash_held(chat.agent.id), await commission_due(chat.agent.id)
    company, limit = chat.company, chat.agent.cash_limit
    return chat.end(
        _(
            "You hold {held} of {limit}. You can sell for {room} more. Commission due {due}.",
            held=company.money(held),
            limit=company.number(limit),
            room=company.number(max(limit - held, 0)),
            due=company.whole(due),
        )
    )


async def _in_wallet(chat: Chat) -> Text:
    """What a wallet has, and how more comes into it."""
    company = chat.company
    has = _(
        "Your wallet has {held}: you can sell for that. Commission due {due}.",
        held=company.money(await in_wallet(chat.agent.id)),
        due=company.whole(await commission_due(chat.agent.id)),
    )
    by = company.with_pay_bill
    if by is None:
        return has
    how = _("Top up: {wallet} pay bill {bill}, account your phone number.", wallet=by.title, bill=by.pay_bill)
    return joined([has, how])
