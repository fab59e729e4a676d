"""The language in which we answer."""

from bot.message import Reply
from bot.talks import Chat, talk
from bot.text import _, verbatim
from handlers.fields.languages import NAMES, language_names
from models.people import Role


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
)
async def language(chat: Chat) -> Reply:
    options = [(code, verbatim(NAMES[code])) for code in chat.company.languages]
    code = await chat.choose("language", _("Language?"), options, words=language_names(chat.company.languages))
    chat.no_more()
    await chat.speak(code)
    return chat.end(_("Done. We write in English now."))
