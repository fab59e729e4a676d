"""The language in which we answer."""

from collections.abc import Sequence

from babel import Locale

from bot.message import Reply
from bot.talks.chat import Chat
from bot.talks.commands import talk
from bot.text.i18n import _, verbatim
from models.people.tables import Role

# Each language in its own words, unaccented: whoever looks for it can read it.
NAMES = {"en": "English", "sw": "Kiswahili", "fr": "Francais", "pt": "Portugues", "ha": "Hausa"}


def called(languages: Sequence[str]) -> dict[str, set[str]]:
    """What each language is called in each of them: Swahili, Kiswahili and souaheli are the same."""
    return {code: {Locale(one).languages[code] for one in languages} for code in languages}


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
    options = [(code, verbatim(NAMES[code])) for code in chat.site.languages]
    code = await chat.choose("language", _("Language?"), options, words=called(chat.site.languages))
    chat.no_more()
    await chat.person.speak(code)
    chat.language = code
    return chat.end(_("Done. We write in English now."))
