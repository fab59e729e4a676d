"""The last tokens again: never a new one."""

from bot.chat import Chat
from bot.commands import talk
from bot.i18n import _
from bot.message import Reply
from handlers.receipt import history
from handlers.serial import DeviceSerial, own_device
from models.messages import Class
from models.people import Role
from models.sales import last_tokens

WORDS = {
    "en": ("TOKEN", "RESEND", "LAST"),
    "sw": ("TOKENI", "RUDIA"),
    "fr": ("JETON", "CODE", "RENVOI"),
    "pt": ("CODIGO", "REENVIAR"),
    "ha": ("LAMBA", "TOKEN"),
}


@talk(
    "tokens",
    roles={Role.AGENT},
    words=WORDS,
    menu=_("Last tokens"),
    usage=_("serial"),
    example="SHS0283",
)
async def tokens(chat: Chat) -> Reply:
    device = await chat.ask(DeviceSerial(_("Serial number?")))
    await chat.pin()
    return chat.end(history(device, await last_tokens(device), chat.site, chat.language), kind=Class.TOKEN)


@talk("token", roles={Role.CUSTOMER}, words=WORDS, menu=_("Last tokens"), usage=_("[serial]"))
async def owner_tokens(chat: Chat) -> Reply:
    device = await own_device(chat)
    if device is None:
        return chat.end(_("You have no device yet. Call {help}.", help=chat.site.help_phone))
    return chat.end(history(device, await last_tokens(device), chat.site, chat.language), kind=Class.TOKEN)
