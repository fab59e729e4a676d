"""The language in which we answer."""

import re
from collections.abc import Sequence
from typing import Any

from bot.message import Reply
from bot.talks import Chat, talk
from bot.talks.courtesies import says_nothing
from bot.talks.listing import choice_named
from bot.text import _, verbatim
from handlers.fields.languages import NAMES, language_names
from models.people import Caller, Role

# What stands beside the name of a language for which somebody asks, and is no courtesy; of all languages together.
_ASKING = """
    LANGUAGE SPEAK WRITE REPLY ANSWER USE SWITCH CHANGE TALK UNDERSTAND
    LUGHA ANDIKA ANDIKENI ONGEA ONGEENI JIBU JIBUNI BADILI BADILISHA BADILISHENI TUMIA NAELEWA NAOMBA
    LANGUE PARLE PARLER PARLEZ ECRIRE ECRIVEZ REPONDEZ CHANGER CHANGEZ COMPRENDS EN
    LINGUA FALA FALAR FALE FALEM FALO ESCREVA ESCREVAM ESCREVER MUDAR MUDE ENTENDO EM
    HARSHE HARSHEN CANZA RUBUTA RUBUTU MAGANA
"""
ASKING = frozenset(_ASKING.split())
_WORD = re.compile(r"[^\W_]+")


async def named_language(_caller: Caller, text: str, _before: Sequence[Sequence[Any]]) -> list[str] | None:
    """The language that a text asks for; nothing, so that it is asked for, when it names none, or says more than that:
    french fries. None for several."""
    names = language_names(list(NAMES))
    named = {word: choice_named(names, word) for word in _WORD.findall(text)}
    found = {code for code in named.values() if code}
    more = [word for word, code in named.items() if not code and not says_nothing(word, ASKING)]
    if len(found) > 1:
        return None
    return [] if more else [NAMES[code] for code in found]


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
    at_once=True,
)
async def language(chat: Chat) -> Reply:
    options = [(code, verbatim(NAMES[code])) for code in chat.company.languages]
    code = await chat.choose("language", _("Language?"), options, words=language_names(chat.company.languages))
    chat.no_more()
    await chat.speak(code)
    return chat.end(_("Done. We write in English now."))
