"""The menu, made from what the talks say of themselves. HELP is in handlers/account/help.py."""

from bot.message import Reply
from bot.talks import Chat, talk
from bot.text import _, verbatim
from models.people import Role


@talk(
    "menu",
    roles={Role.AGENT, Role.CUSTOMER},
    words={"en": ("MENU",), "ha": ("MENU",)},
    reads=True,
    when_locked=True,
)
async def menu(chat: Chat) -> Reply:
    offered = chat.commands.menu(chat.person.role, chat)
    if not offered:
        company = chat.company
        chat.stop(_("{company} does not know this number. Call {help}.", company=company.name, help=company.help_phone))
    if len(offered) == 1:  # to a stranger: a menu of one line would only cost a screen
        return await chat.hand_over(chat.commands.by_name[offered[0][0]])
    chosen = await chat.choose("menu", verbatim(chat.company.name), offered)
    return await chat.hand_over(chat.commands.by_name[chosen])
