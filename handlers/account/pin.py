"""An agent changes the PIN."""

from bot.message import Reply
from bot.talks import Chat, talk
from bot.talks.fields import NewPin, SamePin
from bot.text import _
from models.people import Role, pins


@talk(
    "pin",
    roles={Role.AGENT},
    words={"en": ("PIN",), "sw": ("PIN", "SIRI"), "fr": ("PIN",), "pt": ("PIN", "SENHA"), "ha": ("PIN",)},
    menu=_("Change PIN"),
    usage=_("old new"),
    example="135790 246813",
    nothing=_("PIN not changed."),
    secret=True,
)
async def pin(chat: Chat) -> Reply:
    await chat.pin(fresh=True, changing=True)
    hashed = await chat.ask(NewPin(_("New PIN? Six digits.")))
    if not chat.one_line:
        await chat.ask(SamePin(_("New PIN once more?"), hashed))
    chat.no_more()
    await pins.change(chat.agent, hashed, actor=chat.person.phone)
    if chat.ussd:
        said = _("PIN changed.")
        return chat.end(said, also=chat.also_by_sms(said))
    return chat.end(_("PIN changed. Now delete your message with the PIN."))
