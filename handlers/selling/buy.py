"""An agent sells a top-up token for cash, or takes a payment on a plan."""

from bot.message import Reply
from bot.talks.chat import Chat
from bot.talks.commands import Talk
from bot.talks.decorator import talk
from bot.talks.fields import Amount
from bot.text.i18n import Text, _, verbatim
from handlers.fields.devices import Payable, name_of
from handlers.selling.receipts import copy_to_owner, for_agent
from handlers.selling.refusals import why_not
from handlers.wording import bought, item, owner, shared
from models.devices.tables import Device
from models.messages.tables import MessageKind
from models.money import payment, quotes, refusals
from models.money.contracts import Contract
from models.money.sales import Sale, same_today
from models.people.callers import Role


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
    paid_for = await chat.ask(Payable(_("Serial number?")))
    return await take(chat, buy, paid_for, await chat.ask(Amount(_("Amount paid?"))))


async def take(chat: Chat, talk: Talk, paid_for: Device | Contract, amount: int) -> Reply:
    """Quote a payment for a device, or for goods without one, confirm it, take it, and tell both sides."""
    nothing, again = talk.nothing or verbatim(""), chat.again()
    try:
        earlier = await _same_today(paid_for, amount, chat)
        if earlier and not again and not chat.ussd:  # before the quote: the last payment leaves nothing to quote
            return chat.end(_held(earlier, paid_for, talk, chat), outcome="held")
        quote = quotes.quote(await _standing(paid_for, chat), amount)
        if earlier and not again:
            again = await _once_more(earlier, paid_for, talk, chat)
            if not again:
                return chat.end(nothing, outcome="declined")
        if chat.quoted(list(quote.effect)) != list(quote.effect):
            raise refusals.PriceChanged
        if not await chat.confirm(_question(quote, paid_for, chat), pin=True):
            return chat.end(nothing, outcome="declined")
        sold = await payment.sell(quote, seller=chat.agent, key=chat.key, vault=chat.company.vault, again=again)
    except refusals.SoldToday as refusal:
        return chat.end(_held(refusal.earlier, paid_for, talk, chat), outcome="held")
    except refusals.NotSold as refusal:
        why = why_not(refusal, name_of(paid_for), chat)
        return chat.end(Text("{nothing} {why}", {"nothing": nothing, "why": why}), outcome="refused")
    told = for_agent(sold, chat.company, chat.language)
    return chat.end(told, kind=MessageKind.TOKEN, also=copy_to_owner(sold, chat.company), outcome="sold")


async def _standing(paid_for: Device | Contract, chat: Chat) -> quotes.Standing:
    if isinstance(paid_for, Device):
        most = quotes.most_units(paid_for, chat.company.vault)
        return await quotes.standing(paid_for, chat.company.today(), chat.company.coin, most)
    return await quotes.standing_of(paid_for, chat.company.today())


async def _same_today(paid_for: Device | Contract, amount: int, chat: Chat) -> Sale | None:
    if isinstance(paid_for, Device):
        return await same_today(chat.agent, amount, device_id=paid_for.id)
    return await same_today(chat.agent, amount, contract_id=paid_for.id)


def _question(quote: quotes.Quote, paid_for: Device | Contract, chat: Chat) -> Text:
    """What the money will do, and to whom."""
    name = name_of(paid_for)
    if isinstance(paid_for, Contract):
        name = f"{name} {item(paid_for.appliance.name)}"
    values = {"amount": chat.company.money(quote.amount), "owner": owner(quote.standing.customer), "serial": name}
    units = bought(quote.unit or "", quote.units)
    debts = quote.recovered + quote.access
    if debts:
        parts = shared(units, quote.amount - debts, quote.access, quote.recovered, chat.company)
        return Text("{owner}, {serial}, {amount}: {parts}?", {**values, "parts": parts})
    if quote.unit is None or quote.unlocks:
        question = _("Take {amount} from {owner} for {serial}?", **values)
    else:
        question = _("Sell {bought} for {amount} to {owner}, {serial}?", bought=units, **values)
    if quote.owed:
        return _("{question} Then {left} is left.", question=question, left=chat.company.money(quote.owed))
    if quote.unlocks:
        return _("{question} Then all is paid: it unlocks for good.", question=question)
    return _("{question} Then all is paid.", question=question) if quote.parts else question


def _held(earlier: Sale, paid_for: Device | Contract, talk: Talk, chat: Chat) -> Text:
    """The same sale a second time within a day needs the word AGAIN: networks repeat, and people forget."""
    values = {
        "time": chat.company.clock(earlier.created_at),
        "ref": earlier.reference,
        "buy": talk.keyword,
        "serial": name_of(paid_for),
        "amount": earlier.amount // 10**chat.company.exponent,
        "again": _("AGAIN"),
    }
    if isinstance(paid_for, Contract):
        return _(
            "Not taken again. Same payment was taken {time}, ref {ref}. Once more: {buy} {serial} {amount} {again}",
            **values,
        )
    return _(
        "Not sold again. Same sale was done {time}, ref {ref}. To sell once more: {buy} {serial} {amount} {again}",
        **values,
    )


async def _once_more(earlier: Sale, paid_for: Device | Contract, talk: Talk, chat: Chat) -> bool:
    values = {
        "serial": name_of(paid_for),
        "amount": chat.company.money(earlier.amount),
        "time": chat.company.clock(earlier.created_at),
        "ref": earlier.reference,
    }
    if isinstance(paid_for, Contract):
        question, once_more = _("{serial}, {amount}: paid {time}, ref {ref}. Once more?", **values), _("Take again")
    else:
        question, once_more = _("{serial}, {amount}: sold {time}, ref {ref}. Once more?", **values), _("Sell again")
    options = [("again", once_more), ("no", _("No"))]
    return await chat.choose("twice", question, options) == "again"


@talk(
    "pay",
    roles={Role.AGENT},
    words={"en": ("PAY",), "sw": ("REJESHO",), "fr": ("VERSER",), "pt": ("PRESTACAO",), "ha": ("BIYAN",)},
    menu=_("Take an instalment"),
    usage=_("S-number amount"),
    example="S1042 800",
    nothing=_("Not taken."),
)
async def pay(chat: Chat) -> Reply:
    paid_for = await chat.ask(Payable(_("Number (S1042) or serial?")))
    return await take(chat, pay, paid_for, await chat.ask(Amount(_("Amount paid?"))))
