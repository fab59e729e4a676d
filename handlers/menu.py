"""The menu and the help: both are made from what the talks say of themselves."""

from bot.chat import Chat
from bot.commands import Talk, talk
from bot.i18n import Text, _, verbatim
from bot.message import Reply
from models.people import Role

EVERYONE = frozenset(Role)


@talk(
    "menu",
    roles={Role.AGENT, Role.CUSTOMER},
    words={"en": ("MENU",), "ha": ("MENU",)},
    when_locked=True,
)
async def menu(chat: Chat) -> Reply:
    offered = [one for one in chat.commands.for_role(chat.person.role) if one.menu is not None]
    chosen = await chat.choose("menu", _header(chat), [(one.name, one.menu or verbatim("")) for one in offered])
    return await chat.hand_over(chat.commands.by_name[chosen])


def _header(chat: Chat) -> Text:
    if chat.person.role is Role.STRANGER:
        return _(
            "{company} does not know this number. Call {help}.",
            company=chat.site.company,
            help=chat.site.help_phone,
        )
    return verbatim(chat.site.company)


@talk(
    "help",
    roles={Role.AGENT, Role.CUSTOMER},
    words={"en": ("HELP", "?"), "sw": ("MSAADA",), "fr": ("AIDE",), "pt": ("AJUDA",), "ha": ("TAIMAKO",)},
    menu=_("Help"),
    when_locked=True,
)
async def help_(chat: Chat) -> Reply:
    lines = [_line(one, chat.language) for one in chat.commands.for_role(chat.person.role) if one.name != "help"]
    text = _("{lines}. Help {help}", lines=", ".join(lines), help=chat.site.help_phone)
    return chat.end(text)


def _line(one: Talk, language: str) -> str:
    return f"{one.keyword(language)} {one.usage.to(language)}".strip()
