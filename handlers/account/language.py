"""The language in which we answer."""

from collections.abc import Sequence
from typing import Any

from bot.message import Reply
from bot.talks import Chat, talk
from bot.talks.listing import choice_named
from bot.text import _, verbatim
from handlers.fields.languages import NAMES, language_names
from models.people import Caller, Role


async def named_language(_caller: Caller, text: str, _before: Sequence[Sequence[Any]]) -> list[str] | None:
    """The language that a text names; nothing, so that it is asked for, when it names none. None for several."""
    names = language_names(list(NAMES))
    found = {code for word in text.split() for code in [choice_named(names, word)] if code}
    return [NAMES[code] for code in found] if len(found) < 2 else None


@talk(
    "language",
    roles={Role.AGENT, Role.CUSTOMER},
    words={
        "en": ("LANG", "LANGUAGE"),
        "sw": ("LUGHA",),
        "fr": ("LANGUE",),
        "pt": ("LINGUA",),
        "ha": ("HARSHE",),
    },
    menu=_("Language"),
    usage=_("sw"),
    when_locked=True,
    kinds={"language"},
    arguments=named_language,
)
async def language(chat: Chat) -> Reply:
    options = [(code, verbatim(NAMES[code])) for code in chat.company.languages]
    code = await chat.choose("language", _("Language?"), options, words=language_names(chat.company.languages))
    chat.no_more()
    await chat.speak(code)
    return chat.end(_("Done. We write in English now."))
