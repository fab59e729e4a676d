"""Why a payment was not taken, and what to do about it."""

from bot.talks.chat import Chat
from bot.text.i18n import Text, _
from handlers.wording import bought
from models.money import quotes


def why_not(refusal: quotes.NotSold, serial: str, chat: Chat) -> Text:
    """The reason, to stand behind "Not sold." or its like."""
    site = chat.site
    match refusal:
        case quotes.OverLimit(held=held, limit=limit):
            return _(
                "You hold {held}, your limit is {limit}. Hand in cash first, then sell. Help {help}",
                held=site.number(held),
                limit=site.number(limit),
                help=site.help_phone,
            )
        case quotes.AmountTooSmall(minimum=minimum):
            return _("The least is {amount}.", amount=site.money(minimum))
        case quotes.MoreThanOwed(left=left):
            return _("Only {left} is left to pay for {serial}.", left=site.money(left), serial=serial)
        case quotes.PaidOff():
            return _("{serial} is paid off: nothing is left to pay.", serial=serial)
        case quotes.AmountTooLarge(most=most, unit=unit, most_units=units):
            return _(
                "One token carries {bought} at most: up to {amount}.",
                bought=bought(unit, units),
                amount=site.money(most - most % site.coin),
            )
        case quotes.TooManyTokens(minutes=minutes):
            return _("{serial} got too many codes just now. Try again in {n} min.", serial=serial, n=minutes)
        case quotes.PriceChanged():
            return _("Price or owner has just changed. Please send it again.")
        case _no_plan:
            return _("{serial} has no price yet. Call {help}.", serial=serial, help=site.help_phone)
