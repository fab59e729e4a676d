"""An agent sells a top-up token for cash."""

from bot.chat import Chat
from bot.commands import talk
from bot.fields import Amount
from bot.i18n import Text, _
from bot.message import Reply
from handlers.receipt import bought, copy_to_owner, for_agent, owner
from handlers.serial import DeviceSerial
from models import vending
from models.devices import Device
from models.messages import Class
from models.people import Role
from models.sales import Sale, same_today


@talk(
    "buy",
    roles={Role.AGENT},
    words={
        "en": ("BUY", "VEND", "TOPUP"),
        "sw": ("NUNUA", "LIPA"),
        "fr": ("ACHAT", "ACHETER", "PAYER"),
        "pt": ("COMPRAR", "PAGAR"),
        "ha": ("SAYA", "BIYA"),
    },
    menu=_("Sell"),
    usage=_("serial amount"),
    example="SHS0283 8000",
    nothing=_("Not sold."),
)
async def buy(chat: Chat) -> Reply:
    device = await chat.ask(DeviceSerial(_("Serial number?")))
    amount = await chat.ask(Amount(_("Amount paid?")))
    again = chat.again()
    try:
        quote = vending.quote(device, amount)
        earlier = await same_today(device, chat.agent, amount)
        if earlier and not again:
            if not chat.ussd:
                return chat.end(_held(earlier, device, chat), outcome="held")
            again = await _sell_again(earlier, device, chat)
            if not again:
                return chat.end(_("Not sold."), outcome="declined")
        if not await chat.confirm(_question(quote, chat), pin=True):
            return chat.end(_("Not sold."), outcome="declined")
        sold = await vending.sell(quote, seller=chat.agent, key=chat.key, vault=chat.site.vault, again=again)
    except vending.SoldToday as refusal:
        return chat.end(_held(refusal.earlier, device, chat), outcome="held")
    except vending.NotSold as refusal:
        return chat.end(_why(refusal, device, chat), outcome="refused")
    also = copy_to_owner(sold, chat.site)
    return chat.end(for_agent(sold, chat.site), kind=Class.TOKEN, also=also, outcome="sold")


def _question(quote: vending.Quote, chat: Chat) -> Text:
    return _(
        "Sell {bought} for {amount} to {owner}, {serial}?",
        bought=bought(quote.unit, quote.units),
        amount=chat.site.money(quote.amount),
        owner=owner(quote.device.customer),
        serial=quote.device.serial,
    )


def _held(earlier: Sale, device: Device, chat: Chat) -> Text:
    """The same sale a second time within a day needs the word AGAIN: networks repeat, and people forget."""
    return _(
        "Not sold again. Same sale was done {time}, ref {ref}. To sell once more: {buy} {serial} {amount} {again}",
        time=chat.site.clock(earlier.created_at),
        ref=earlier.reference,
        buy=buy.keyword(chat.language),
        serial=device.serial,
        amount=earlier.amount // 10**chat.site.exponent,
        again=_("AGAIN"),
    )


async def _sell_again(earlier: Sale, device: Device, chat: Chat) -> bool:
    question = _(
        "{serial}, {amount}: sold {time}, ref {ref}. Once more?",
        serial=device.serial,
        amount=chat.site.money(earlier.amount),
        time=chat.site.clock(earlier.created_at),
        ref=earlier.reference,
    )
    options = [("again", _("Sell again")), ("no", _("No"))]
    return await chat.choose("twice", question, options) == "again"


def _why(refusal: vending.NotSold, device: Device, chat: Chat) -> Text:
    """Why nothing was sold, and what to do about it."""
    site = chat.site
    match refusal:
        case vending.OverLimit(held=held, limit=limit):
            return _(
                "Not sold. You hold {held}, your limit is {limit}. Hand in cash first, then sell. Help {help}",
                held=site.number(held),
                limit=site.number(limit),
                help=site.help_phone,
            )
        case vending.AmountTooSmall(minimum=minimum):
            return _("Not sold. The least is {amount}.", amount=site.money(minimum))
        case vending.AmountTooLarge(most=most, most_units=units):
            return _(
                "Not sold. One token carries {bought} at most: up to {amount}.",
                bought=bought(device.plan.unit if device.plan else "", units),
                amount=site.money(most),
            )
        case vending.PriceChanged():
            return _("Not sold. The price has just changed. Please send it again.")
        case _no_plan:
            return _(
                "Not sold. {serial} has no price yet. Call {help}.",
                serial=device.serial,
                help=site.help_phone,
            )
