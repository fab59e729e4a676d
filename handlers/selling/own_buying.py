"""Customers are told how to buy: from whom, for which device, at what price."""

from bot.message import Reply
from bot.talks import Chat, talk
from bot.talks.commands import Keyword
from bot.text import Text, _, joined, shorten
from handlers.fields.devices import choose_own_device, named_own_device
from handlers.selling.buy import BUY
from handlers.selling.tokens import WORDS as TOKEN
from handlers.wording import LONGEST_NAME, fitting, tail
from models.devices import Device, Unit
from models.money import contracts_of
from models.money.prices import Price, price_of, seller_for
from models.money.quotes import unit_price
from models.people import Agent, Role


@talk(
    "own buying",
    roles={Role.CUSTOMER},
    words=BUY,
    menu=_("How to buy"),
    reads=True,
    kinds={"buy"},
    arguments=named_own_device,
)
async def own_buying(chat: Chat) -> Reply:
    device = await choose_own_device(chat)
    price = await _price_of(device, chat)
    number = device.serial if device else await _number_of_goods(chat)
    sentences = [
        how_to_buy(await seller_of(chat, device), number, chat),
        _priced(price, chat) if price else None,
        _least(price, chat) if price else None,
        _("The code comes by SMS.") if device else None,
        _("Paid already? Send {token}.", token=Keyword(TOKEN)) if device and not chat.ussd else None,
        _("Help {help}", help=chat.company.help_phone),
    ]
    return chat.end(_as_many(sentences, chat))


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
    price = await _price_of(device, chat)
    number = device.serial if device else await _number_of_goods(chat)
    how = how_to_buy(await seller_of(chat, device), number, chat)
    help_line = _("Help {help}", help=chat.company.help_phone)
    if device is None or price is None:
        return chat.end(_as_many([how, help_line], chat))
    first = Text("{serial}: {price}", {"serial": tail(device.serial), "price": _priced(price, chat)})
    return chat.end(_as_many([first, _least(price, chat), how, help_line], chat))


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


def how_to_buy(seller: Agent | None, number: str, chat: Chat) -> Text:
    """What to do with the money: whom to give it to, and which number to say. Empty is no number."""
    if seller is None:
        return _("To buy, call {help}.", help=chat.company.help_phone)
    who = {"name": shorten(seller.name, LONGEST_NAME), "phone": seller.phone}
    if not number:
        return _("To buy: pay agent {name} {phone}.", **who)
    return _("To buy: pay agent {name} {phone} and say {number}.", number=number, **who)


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


def _as_many(sentences: list[Text | None], chat: Chat) -> Text:
    """As many of these sentences as are one SMS, the first ones."""
    return fitting(chat.language, [joined(sentences[:count]) for count in range(len(sentences), 0, -1)])
