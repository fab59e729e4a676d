"""An agent who pays before selling fills the wallet by mobile money: the phone is asked to pay."""

from bot.message import Reply
from bot.talks import Chat, Turn, talk
from bot.talks.fields import Amount
from bot.text import Text, _, joined
from handlers.selling.no_room import WALLET
from handlers.selling.own_payment import NOTHING_PAID, ring, what_rings
from models.people import Role
from models.selling import requests


def may_be_asked(turn: Turn) -> bool:
    """Whether this agent has a wallet, and a phone that can be asked to pay into it."""
    return turn.agent.prepaid and turn.company.mobile_money_of(turn.agent.phone) is not None


@talk(
    "wallet",
    roles={Role.AGENT},
    words=WALLET,
    menu=_("Top up my wallet"),
    menu_if=may_be_asked,
    usage=_("amount"),
    example="50000",
    nothing=NOTHING_PAID,
)
async def wallet_(chat: Chat) -> Reply:
    agent, company = chat.agent, chat.company
    if not agent.prepaid:
        chat.stop(_("You have no wallet: you sell up to your limit, and hand in cash."), outcome="refused")
    by = company.mobile_money_of(agent.phone)
    if by is None:
        chat.stop(joined([_nobody_asks(chat), NOTHING_PAID]), outcome="refused")
    if rings := await what_rings(chat):
        chat.stop(rings, outcome="asked already")
    amount = await chat.ask(Amount(_("How much?")))
    chat.no_more()
    wanted = requests.Wanted(
        provider=by.provider,
        phone=agent.phone,
        language=chat.language,
        amount=amount,
        account=f"W{agent.id}",
        agent_id=agent.id,
    )
    return await ring(chat, wanted, by, [_("{amount} for your wallet.", amount=company.money(amount))])


def _nobody_asks(chat: Chat) -> Text:
    """Where the wallet is filled instead."""
    if by := chat.company.with_pay_bill:
        return _("Top up: {wallet} pay bill {bill}, account your phone number.", wallet=by.title, bill=by.pay_bill)
    return _("The office fills your wallet. Call {help}.", help=chat.company.help_phone)
