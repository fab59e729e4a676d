"""The menu and the help: both are made from what the talks say of themselves."""

from bot.chat import Chat
from bot.commands import Talk, talk
from bot.gsm import SCREEN, plain, septets
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
    chosen = await chat.choose("menu", _header(chat), chat.commands.menu(chat.person.role))
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
    offered = [one for one in chat.commands.for_role(chat.person.role) if one.name not in ("help", "menu")]
    empty = _("{lines}. Help {help}", lines="", help=chat.site.help_phone).to(chat.language)
    lines = _lines([*offered, menu], chat.language, SCREEN - septets(plain(empty)))
    return chat.end(_("{lines}. Help {help}", lines=", ".join(lines), help=chat.site.help_phone))


def _lines(talks: list[Talk], language: str, room: int) -> list[str]:
    """The keywords, as many as fit, with the last one (the menu, which shows them all) in any case; the first ones
    with what follows them, as far as there is room."""
    lines = [one.keyword(language) for one in talks]
    while _cost(lines) > room:
        del lines[-2]
    for place in range(len(lines) - 1):
        longer = [*lines[:place], _line(talks[place], language), *lines[place + 1 :]]
        if _cost(longer) > room:
            break
        lines = longer
    return lines


def _cost(lines: list[str]) -> int:
    return septets(plain(", ".join(lines)))


def _line(one: Talk, language: str) -> str:
    return f"{one.keyword(language)} {one.usage.to(language)}".strip()
