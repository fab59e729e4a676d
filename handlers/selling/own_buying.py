"""Customers buy, and are told at what price and from whom."""

from collections.abc import Sequence

from bot.message import Reply
from bot.talks import Chat, talk
from bot.talks.commands import Keyword
from bot.talks.fields import Amount
from bot.text import Text, _, joined, shorten, verbatim
from handlers.fields.devices import choose_own_device, named_own_device
from handlers.selling.buy import BUY, why_not
from handlers.selling.cash_requests import how_it_ended
from handlers.selling.how_to_buy import as_many, how_from_agent, ways_to_buy
from handlers.selling.own_line import Bought, own_things, owner_of, put_in_order, said_without_keyword, spellings
from handlers.selling.own_payment import NOTHING_PAID, buy_own, what_rings
from handlers.selling.own_request import end_request, find_own_request, is_to_end, request_shown
from handlers.selling.tokens import WORDS as TOKEN
from handlers.wording import LONGEST_NAME, paid_for_name, tail
from models.devices import Device, Unit
from models.people import Agent, Role
from models.selling import Payable, contracts_of, refusals
from models.selling.contracts import takes_money
from models.selling.prices import Price, price_of, seller_for
from models.selling.quotes import unit_price


@talk(
    "own buying",
    roles={Role.CUSTOMER},
    words=BUY,
    menu=_("Buy"),
    usage=_("amount"),
    example="5000",
    kinds={"buy"},
    arguments=said_without_keyword,
    find_question=find_own_request,
)
async def own_buying(chat: Chat) -> Reply:
    return await _buy(chat)


@talk(
    "buying for others",
    roles={Role.STRANGER},
    words=BUY,
    menu=_("Buy"),
    menu_for=(),
    usage=_("amount serial"),
    example="5000 SHS0283",
)
async def buying_for_others(chat: Chat) -> Reply:
    """A daughter in town: her phone is asked to pay, and whose device it is gets the code as well."""
    if chat.company.mobile_money_of(chat.person.phone) is None:
        return await chat.hand_over(chat.commands.by_name["join"])
    return await _buy(chat)


async def _buy(chat: Chat) -> Reply:
    asks_phones = chat.company.mobile_money_of(chat.person.phone) is not None
    if rings := await what_rings(chat):
        wants_more = chat.one_line or chat.ussd or chat.meant  # else it is a yes or a no for the phone's own question
        chat.stop(rings, outcome="asked already" if wants_more else "unclear")
    if (request := await request_shown(chat)) and await is_to_end(request, chat):
        return await end_request(request, chat)
    own = await own_things(chat.person.customers)
    answered = chat.own_answers[2:] if request else chat.own_answers
    first = answered[0][0] if answered else await put_in_order(chat, own)
    amount: int | None = None
    if first == Amount.name:
        amount = await chat.ask(Amount(_("How much?")))
    paid_for = await _choose_what(chat, own, first)
    try:
        if paid_for is None or not (asks_phones or await seller_of(chat, paid_for.device)):
            return await _tell_how(chat, paid_for)
        if amount is None:
            amount = await chat.ask(Amount(await _how_much(paid_for, chat)))
    except refusals.NotSold as refusal:
        why = why_not(refusal, paid_for.name if paid_for else "", chat.company)
        return chat.end(joined([NOTHING_PAID, why]), outcome="refused")
    if request and request.sale_id:  # the agent was sooner
        chat.no_more()
        return chat.end(await how_it_ended(request, chat), outcome="late")
    return await buy_own(chat, paid_for, amount)


async def _choose_what(chat: Chat, own: Sequence[Payable], first: str) -> Payable | None:
    """What is paid for: as it was named, else the only thing that the caller has, else one of them."""
    if first == Bought.name or not chat.person.customers:
        return await chat.ask(Bought(_("Which serial number?")))
    if not own:
        return None
    if len(own) > 1 and not chat.given("device"):  # what takes no money has to be named
        contracts = await contracts_of(chat.person.customers)
        own = [one for one in own if one.device is None or takes_money(one.device, contracts)] or own
    if len(own) == 1 and not chat.given("device"):
        return own[0]
    shared = len(chat.person.customers) > 1
    options = [(one.name, verbatim(_label(one, shared=shared))) for one in own]
    words: dict[str, set[str]] = {one.name: set() for one in own}
    for spelling, name in spellings(own).items():
        words[name].add(spelling)
    chosen = await chat.choose("device", _("Which one?"), options, words=words)
    return next(one for one in own if one.name == chosen)


def _label(paid_for: Payable, *, shared: bool) -> str:
    """The serial or the goods, and whose it is where a number is shared."""
    owner = owner_of(paid_for) if shared else None
    return f"{paid_for_name(paid_for)} {owner.masked}"[:30] if owner else paid_for_name(paid_for)


async def _how_much(paid_for: Payable, chat: Chat) -> Text:
    """The question for the amount, with the price and the least. Raises what `price_of` does."""
    price = await _price_of(paid_for.device, chat)
    if price is None:
        return _("How much?")
    return joined([_("How much?"), _priced(price, chat), _least(price, chat)])


async def _tell_how(chat: Chat, paid_for: Payable | None) -> Reply:
    """Nobody can take the money now, or there is nothing to pay for: whom to call, and the price. Raises what
    `price_of` does."""
    device = paid_for.device if paid_for else None
    price = await _price_of(device, chat)
    sentences = [
        how_from_agent(await seller_of(chat, device), paid_for.name if paid_for else "", chat.company),
        _priced(price, chat) if price else None,
        _least(price, chat) if price else None,
        _("The code comes by SMS.") if device else None,
        _("Paid already? Send {token}.", token=Keyword(TOKEN)) if device and not chat.ussd else None,
        _("Help {help}", help=chat.company.help_phone),
    ]
    return chat.end(as_many(sentences, chat.language), outcome="told how")


@talk(
    "price",
    roles={Role.CUSTOMER},
    words={"en": ("PRICE",), "sw": ("BEI",), "fr": ("PRIX",), "pt": ("PRECO",), "ha": ("FARASHI",)},
    menu=_("Price"),
    menu_for=(),
    reads=True,
    kinds={"price"},
    arguments=named_own_device,
)
async def price_(chat: Chat) -> Reply:
    device = await choose_own_device(chat)
    try:
        price = await _price_of(device, chat)
    except refusals.NotSold as refusal:
        return chat.end(why_not(refusal, device.serial if device else "", chat.company))
    number = device.serial if device else await _number_of_goods(chat)
    seller = await seller_of(chat, device)
    ways = ways_to_buy(seller, number, chat.person.phone, chat.company)
    called = seller is None and chat.company.mobile_money_of(chat.person.phone) is None  # it is the one way already
    help_line = None if called else _("Help {help}", help=chat.company.help_phone)
    if device is None or price is None:
        return chat.end(as_many([*ways, help_line], chat.language))
    first = Text("{serial}: {price}", {"serial": tail(device.serial), "price": _priced(price, chat)})
    return chat.end(as_many([first, _least(price, chat), *ways, help_line], chat.language))


@talk(
    "agent",
    roles={Role.CUSTOMER},
    words={"en": ("AGENT",), "sw": ("WAKALA",), "fr": ("AGENT",), "pt": ("AGENTE",), "ha": ("WAKILI",)},
    menu=_("My agent"),
    menu_for=(),
    reads=True,
    kinds={"agent"},
)
async def agent_(chat: Chat) -> Reply:
    chat.no_more()
    seller, help_line = await seller_of(chat, None), _("Help {help}", help=chat.company.help_phone)
    if seller is None:
        return chat.end(joined([_("No agent is near you now."), help_line]))
    named = _("Your agent is {name} {phone}.", name=shorten(seller.name, LONGEST_NAME), phone=seller.phone)
    return chat.end(joined([named, help_line]))


async def seller_of(chat: Chat, device: Device | None) -> Agent | None:
    """Whom the owner of this device pays, or else the caller."""
    owner = device.customer if device else None
    return await seller_for(owner or chat.person.customers[0])


async def _number_of_goods(chat: Chat) -> str:
    """The number by which goods without a device are paid; empty where there are none, or several."""
    found = [one for one in await contracts_of(chat.person.customers) if one.ended_on is None]
    return found[0].number if len(found) == 1 else ""


async def _price_of(device: Device | None, chat: Chat) -> Price | None:
    company = chat.company
    if device is None:
        return None
    return await price_of(device, today=company.today(), coin=company.coin, vault=company.vault)


def _priced(price: Price, chat: Chat) -> Text:
    amount = chat.company.money(price.amount)
    return _("{amount} a kWh.", amount=amount) if price.unit is Unit.ENERGY else _("{amount} a day.", amount=amount)


def _least(price: Price, chat: Chat) -> Text | None:
    """The smallest payment, where that is not the price of a day or of 0.1 kWh."""
    usual = price.amount if price.unit is Unit.DAYS else unit_price(price.amount, 10, chat.company.coin)
    return None if price.least <= usual else _("At least {amount} each time.", amount=chat.company.money(price.least))
