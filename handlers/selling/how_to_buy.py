"""How a customer buys, in sentences: by phone where mobile money can be asked of that phone, or from an agent."""

from collections.abc import Sequence

from bot.company import Company
from bot.talks.commands import Keyword
from bot.text import Text, _, joined, shorten
from handlers.selling.buy import BUY
from handlers.wording import LONGEST_NAME, fitting
from models.people import Agent


def ways_to_buy(seller: Agent | None, number: str, phone: str, company: Company) -> list[Text]:
    """A sentence for each way, the best first. `number` is what an agent is told; empty is none."""
    by_phone = how_by_phone(phone, company)
    if by_phone is None:
        return [how_from_agent(seller, number, company)]
    return [by_phone, *in_its_menu(number, phone, company), *or_agent(seller)]


def how_by_phone(phone: str, company: Company) -> Text | None:
    """What to send; None where this phone cannot be asked to pay."""
    by = company.mobile_money_of(phone)
    if by is None:
        return None
    return _("To buy: send {buy} and the amount, then enter your {wallet} PIN.", buy=Keyword(BUY), wallet=by.title)


def how_from_agent(seller: Agent | None, number: str, company: Company) -> Text:
    """Whom to give the money to, and which number to say. Empty is no number."""
    if seller is None:
        return _("To buy, call {help}.", help=company.help_phone)
    who = {"name": shorten(seller.name, LONGEST_NAME), "phone": seller.phone}
    if not number:
        return _("To buy: pay agent {name} {phone}.", **who)
    return _("To buy: pay agent {name} {phone} and say {number}.", number=number, **who)


def in_its_menu(account: str, phone: str, company: Company) -> list[Text]:
    """Where to pay in the phone's own menu, after another way; none where nothing is known of it. `account` is a serial
    or the number of goods; a till asks for none."""
    by = company.mobile_money_of(phone)
    if by and by.till:
        return [_("Or pay to till {bill}.", bill=by.till)]
    if by and by.pay_bill and account:
        return [_("Or pay bill {bill}, account {number}.", bill=by.pay_bill, number=account)]
    return []


def or_agent(seller: Agent | None) -> list[Text]:
    """The agent, after another way; none where nobody is near."""
    if seller is None:
        return []
    return [_("Or pay agent {name} {phone}.", name=shorten(seller.name, LONGEST_NAME), phone=seller.phone)]


def as_many(sentences: Sequence[Text | None], language: str) -> Text:
    """As many of these sentences as are one SMS, the first ones."""
    return fitting(language, [joined(sentences[:count]) for count in range(len(sentences), 0, -1)])
