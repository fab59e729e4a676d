"""The last tokens again: never a new one."""

from bot.message import Reply
from bot.talks import Chat, talk
from bot.talks.commands import Keyword
from bot.talks.meanings import THING
from bot.text import Text, _, shorten
from handlers.fields.devices import DeviceSerial, PaidFor, choose_own_device, named_own_device
from handlers.selling.buy import buy
from handlers.selling.how_to_buy import as_many, how_by_phone
from handlers.selling.one_line import means_sale
from handlers.selling.receipts import history, swap_notice
from handlers.tickets.news import FIX
from handlers.wording import LONGEST_NAME, out_of_use
from models.devices import Device, with_owner
from models.messages import MessageKind
from models.people import Agent, Role
from models.selling.prices import seller_for
from models.selling.sales import last_codes
from models.selling.swaps import swap_to

WORDS = {
    "en": ("TOKEN", "CODE", "RESEND", "LAST"),
    "sw": ("TOKENI", "RUDIA"),
    "fr": ("CODE", "JETON", "RENVOI"),
    "pt": ("CODIGO", "REENVIAR"),
    "ha": ("LAMBA", "TOKEN"),
}


@talk(
    "tokens",
    roles={Role.AGENT},
    words=WORDS,
    menu=_("Last tokens"),
    reads=True,
    usage=_("serial"),
    example="SHS0283",
)
async def tokens(chat: Chat) -> Reply:
    if chat.given(PaidFor.name) or await means_sale(chat):
        return await chat.hand_over(buy)
    device = await chat.ask(DeviceSerial(_("Serial number?")))
    await chat.pin()
    return await _show_tokens(chat, device)


@talk(
    "token",
    roles={Role.CUSTOMER},
    words=WORDS,
    menu=_("Last tokens"),
    reads=True,
    kinds={"token", THING},
    arguments=named_own_device,
)
async def owner_tokens(chat: Chat) -> Reply:
    device = await choose_own_device(chat)
    if device is None:
        chat.stop(_("You have no device yet. Call {help}.", help=chat.company.help_phone))
    return await _show_tokens(chat, device)


async def _show_tokens(chat: Chat, device: Device) -> Reply:
    found = await last_codes(device)
    sold_since = any(one.amount is not None for one in found)
    if not sold_since and (swap := await swap_to(device)):
        former = await with_owner(swap.former_id)
        text = swap_notice(swap, former.serial, device, chat.company, chat.language)
        return chat.end(text, kind=MessageKind.TOKEN)
    if not found and device.retired_at:
        return chat.end(out_of_use(device.serial, chat.company))
    if not found and chat.person.agent:
        return chat.end(_("No token yet for {serial}.", serial=device.serial))
    if not found:
        return chat.end(_none_yet(await seller_for(device.customer or chat.person.customers[0]), device, chat))
    return chat.end(history(device, found, chat.company, chat.language), kind=MessageKind.TOKEN)


def _none_yet(seller: Agent | None, device: Device, chat: Chat) -> Text:
    """For a customer who asks for a code before there is one: whom to pay, and what to do who did."""
    if by_phone := how_by_phone(chat.person.phone, chat.company):
        none = _("No token yet for {serial}.", serial=device.serial)
        paid = _("Paid already? Send {fix} and your words.", fix=Keyword(FIX))
        return as_many([none, by_phone, paid], chat.language)
    if seller is None:
        return _("No token yet for {serial}. Call {help}.", serial=device.serial, help=chat.company.help_phone)
    return _(
        "No token yet for {serial}. Pay agent {name} {phone}. Paid already? Send {fix} and your words.",
        serial=device.serial,
        name=shorten(seller.name, LONGEST_NAME),
        phone=seller.phone,
        fix=Keyword(FIX),
    )
