"""The menu and the help: both are made from what the talks say of themselves."""

from collections.abc import Sequence

from bot.message import Reply
from bot.talks import Chat, Field, Talk, Turn, talk
from bot.talks.replay import lesson_on
from bot.text import SCREEN, Text, _, plain, septets, verbatim
from models.people import Role


@talk(
    "menu",
    roles={Role.AGENT, Role.CUSTOMER},
    words={"en": ("MENU",), "ha": ("MENU",)},
    reads=True,
    when_locked=True,
)
async def menu(chat: Chat) -> Reply:
    offered = chat.commands.menu(chat.person.role)
    if not offered:
        company = chat.company
        chat.stop(_("{company} does not know this number. Call {help}.", company=company.name, help=company.help_phone))
    chosen = await chat.choose("menu", verbatim(chat.company.name), offered)
    return await chat.hand_over(chat.commands.by_name[chosen])


@talk(
    "help",
    roles={Role.AGENT, Role.CUSTOMER},
    words={"en": ("HELP", "?"), "sw": ("MSAADA",), "fr": ("AIDE",), "pt": ("AJUDA",), "ha": ("TAIMAKO",)},
    menu=_("Help"),
    reads=True,
    usage=_("keyword"),
    example="TOKEN",
    when_locked=True,
)
async def help_(chat: Chat) -> Reply:
    about = await chat.ask(KeywordAsked(verbatim(""))) if chat.answers(KeywordAsked.name) else None
    if about is not None:
        return chat.end(_lesson(about, chat.language))
    offered = [one for one in chat.commands.for_role(chat.person.role) if one.name not in ("help", "menu")]
    empty = _("{lines}. Help {help}", lines="", help=chat.company.help_phone).to(chat.language)
    lines = _lines([*offered, menu], chat.language, SCREEN - septets(plain(empty)))
    return chat.end(_("{lines}. Help {help}", lines=", ".join(lines), help=chat.company.help_phone))


class KeywordAsked(Field[Talk | None]):
    """What somebody wants to know more of. What is no keyword of his is no reason to refuse help."""

    name = "keyword"

    async def read(self, turn: Turn, answer: str) -> str:
        found = turn.commands.find(answer.partition(" ")[0], turn.person.role)
        return found[0].name if found else ""

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        return len(pieces)

    async def find(self, turn: Turn, recorded: str) -> Talk | None:
        return turn.commands.by_name.get(recorded)


def _lesson(one: Talk, language: str) -> Text:
    """What a command is for, where that fits beside it, and how to write it."""
    how = lesson_on(one)
    said = Text("{what}\n{how}", {"what": one.menu or _("All by menu"), "how": how})
    return said if septets(plain(said.to(language))) <= SCREEN else how


def _lines(talks: list[Talk], language: str, room: int) -> list[str]:
    """The keywords, as many as fit, with the last one (the menu, which shows them all) in any case; the first ones
    with what follows them, as far as there is room."""
    lines = [one.keyword.to(language) for one in talks]
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
    return f"{one.keyword.to(language)} {one.usage.to(language)}".strip()
