"""Why an agent can sell no more for now, and what to do about it."""

from bot.company import Company
from bot.talks.commands import Keyword, Words
from bot.text import Text, _
from models.selling.refusals import OverLimit, WalletTooSmall

# Starts the talk by which an agent's phone is asked to fill the wallet.
WALLET: Words = {
    "en": ("WALLET",),
    "sw": ("POCHI",),
    "fr": ("PORTEFEUILLE",),
    "pt": ("CARTEIRA",),
    "ha": ("JAKA",),
}


def no_room(refusal: OverLimit | WalletTooSmall, company: Company) -> Text:
    """To stand behind "Not sold." or its like: the cash and its limit, or what the wallet has."""
    if isinstance(refusal, WalletTooSmall):
        if by := company.with_pay_bill:
            return _(
                "Your wallet has {held}. Top it up first: {wallet} pay bill {bill}, account your phone number.",
                held=company.money(refusal.there),
                wallet=by.title,
                bill=by.pay_bill,
            )
        if company.mobile_money:  # a till alone has no account that would say whose wallet it is
            return _(
                "Your wallet has {held}. Top it up first: send {word} and the amount.",
                held=company.money(refusal.there),
                word=Keyword(WALLET),
            )
        return _(
            "Your wallet has {held}. Top it up first, then sell. Help {help}",
            held=company.money(refusal.there),
            help=company.help_phone,
        )
    return _(
        "You hold {held}, your limit is {limit}. Hand in cash first, then sell. Help {help}",
        held=company.number(refusal.held),
        limit=company.number(refusal.limit),
        help=company.help_phone,
    )
