"""The menu, made from what the talks say of themselves. HELP is in handlers/account/help.py."""

from bot.message import Reply
from bot.talks import Chat, talk
from bot.text import Text, _, verbatim
from models.people import Role


@talk(
    "menu",
    roles={Role.AGENT, Role.CUSTOMER},
    words={"en": ("MENU",), "ha": ("MENU",)},
    reads=True,
    when_locked=True,
)
async def menu(chat: Chat) -> Reply:
    chosen = await chat.choose("menu", _header(chat), chat.commands.menu(chat.person.role))
    return await chat.hand_over(chat.commands.by_name[chosen])


def _header(chat: Chat) -> Text:
    if chat.person.role is Role.STRANGER:
        return _(
            "{company} does not know this number. Call {help}.",
            company=chat.company.name,
            help=chat.company.help_phone,
        )
    return verbatim(chat.company.name)
