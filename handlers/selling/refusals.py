"""Why a payment was not taken, and what to do about it."""

from bot.talks.chat import Chat
from bot.text.i18n import Text, _
from handlers.wording import bought
from models.money import refusals


def why_not(refusal: refusals.NotSold, serial: str, chat: Chat) -> Text:
    """The reason, to stand behind "Not sold." or its like."""
    company = chat.company
    match refusal:
        case refusals.OverLimit(held=held, limit=limit):
            return _(
                "You hold {held}, your limit is {limit}. Hand in cash first, then sell. Help {help}",
                held=company.number(held),
                limit=company.number(limit),
                help=company.help_phone,
            )
        case refusals.AmountTooSmall(minimum=minimum):
            return _("The least is {amount}.", amount=company.money(minimum))
        case refusals.MoreThanOwed(left=left):
            return _("Only {left} is left to pay for {serial}.", left=company.money(left), serial=serial)
        case refusals.PaidOff():
            return _("{serial} is paid off: nothing is left to pay.", serial=serial)
        case refusals.AmountTooLarge(most=most, unit=unit, most_units=units):
            return _(
                "One token carries {bought} at most: up to {amount}.",
                bought=bought(unit, units),
                amount=company.money(most - most % company.coin),
            )
        case refusals.TooManyTokens(minutes=minutes):
            return _("{serial} got too many codes just now. Try again in {n} min.", serial=serial, n=minutes)
        case refusals.PriceChanged():
            return _("Price or owner has just changed. Please send it again.")
        case _no_plan:
            return _("{serial} has no price yet. Call {help}.", serial=serial, help=company.help_phone)
