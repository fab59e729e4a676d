"""The last tokens again: never a new one."""

from bot.message import Reply
from bot.talks import Chat, talk
from bot.text import _
from handlers.fields.devices import DeviceSerial, choose_own_device
from handlers.selling.receipts import history
from models.devices import Device
from models.messages import MessageKind
from models.money.sales import last_tokens
from models.people import Role

WORDS = {
    "en": ("TOKEN", "RESEND", "LAST"),
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
    device = await chat.ask(DeviceSerial(_("Serial number?")))
    await chat.pin()
    return await _show_tokens(chat, device)


@talk("token", roles={Role.CUSTOMER}, words=WORDS, menu=_("Last tokens"), reads=True)
async def owner_tokens(chat: Chat) -> Reply:
    device = await choose_own_device(chat)
    if device is None:
        chat.stop(_("You have no device yet. Call {help}.", help=chat.company.help_phone))
    return await _show_tokens(chat, device)


async def _show_tokens(chat: Chat, device: Device) -> Reply:
    found = await last_tokens(device)
    if not found:
        return chat.end(_("No token yet for {serial}.", serial=device.serial))
    return chat.end(history(device, found, chat.company, chat.language), kind=MessageKind.TOKEN)
