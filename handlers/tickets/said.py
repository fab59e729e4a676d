"""What a customer's words say to "is it fixed?", in five languages at once. A ticket that is closed by mistake is worse
than one that is open by mistake: what is not plainly a yes is none, and what speaks for both is asked once more."""

import re

from bot.text import plain_word
from handlers.tickets.news import DONE

# Whole words that say no by themselves, and that turn round a yes beside them.
NOT = frozenset({
    "NOT", "NO", "NOPE", "NAH", "NEVER", "NOBODY", "NOONE", "NONE", "NOTHING", "WITHOUT", "STILL", "DONT", "DOESNT",
    "DIDNT", "ISNT", "WONT", "CANT", "CANNOT", "AINT", "HASNT", "HAVENT", "WASNT",
    "BADO", "SIO", "SIYO", "HAPANA", "HAKUNA", "HAMNA", "SIJAONA", "SIJAPATA",
    "PAS", "TOUJOURS", "JAMAIS", "RIEN", "NON", "AUCUN", "AUCUNE", "PERSONNE",
    "NAO", "AINDA", "NUNCA", "NADA", "NEM", "NINGUEM",
    "BA", "BABU", "BAI", "BAYA", "BATA", "TUKUNA", "AA",
})  # fmt: skip
BROKEN = frozenset({
    "DARK", "DARKNESS", "OFF", "BROKEN", "DEAD", "WORSE", "FAULTY", "GIZA", "MBOVU", "IMEZIMA", "UMEZIMA", "NOIR",
    "PANNE", "CASSE", "ESCURO", "AVARIADO", "AVARIADA", "DUHU",
})  # fmt: skip
# Swahili verbs in the negative: haiwaki, haijatengenezwa, hajaja, hawakuja.
NEGATIVE_VERB = re.compile("(?:HA(?:I|U|ZI|JA|WAJA|KU|WAKU)|SIJA|HATUJA)[A-Z]{2,}")
FIXED = frozenset({
    "WORKS", "WORKING", "WORKED", "FIXED", "REPAIRED", "SOLVED", "RESOLVED",
    "MARCHE", "FONCTIONNE", "REPARE", "REPAREE", "RESOLU", "RESOLUE", "ALLUME", "ALLUMEE",
    "FUNCIONA", "FUNCIONANDO", "RESOLVIDO", "RESOLVIDA", "REPARADO", "REPARADA", "ARRANJADO", "ACENDEU",
    "GYARU",
})  # fmt: skip
FIXED_VERB = re.compile("(?:IMESHA|IMEKWISHA|IME|INA|UME|UNA|ZIME|ZINA)(?:WAK|PON|TENGENE|TENGEMA|REKEB|FANYA)[A-Z]*")
FIXED_PHRASE = re.compile(
    r"\b(?:(?:IT|ITS|ALL|EVERYTHING|LIGHTS?|POWER) (?:(?:IS|ARE) )?(?:FINE|GOOD|ON|BACK)|(?:FINE|GOOD|ON|BACK) NOW"
    r"|TATIZO (?:LANGU )?(?:LIMEISHA|LIMEKWISHA|LIMETATULIWA|IMEISHA)|SHIDA (?:YANGU )?(?:IMEISHA|IMEKWISHA)"
    r"|I?KO (?:SAWA|POA|VIZURI|SAFI)|UMEME UMERUDI|CEST BON|TOUT VA BIEN"
    r"|(?:COURANT|LUMIERE) (?:EST )?REVENUE?|(?:ESTA|TUDO) (?:BOM|BEM)|(?:LUZ|ENERGIA|CORRENTE) VOLTOU"
    r"|(?:YANA|TANA) AIKI|AN GYARA|SUN GYARA|WUTA TA DAWO)\b"
)
# What is asked or wanted is not so yet: when will it be fixed.
WANTED = frozenset({
    "WHEN", "WILL", "WHO", "WHY", "HOW", "WHAT", "CAN", "COULD", "IF", "UNTIL", "BEFORE", "SHOULD", "MUST",
    "NEED", "WANT", "SOON", "TOMORROW", "HALF", "ALMOST", "LINI", "NANI", "KWANINI", "KAMA", "NATAKA", "KESHO",
    "QUAND", "QUI", "COMMENT", "POURQUOI", "SI", "DEMAIN", "QUANDO", "QUEM", "COMO", "SE", "AMANHA", "YAUSHE",
    "WAYE", "IDAN", "GOBE",
})  # fmt: skip
THANKS = frozenset({
    "OK", "OKAY", "OKEY", "K", "SAWA", "POA", "ASANTE", "ASANTENI", "SANA", "THANKS", "THANK", "THX", "YOU",
    "VERY", "MUCH", "FINE", "GOOD", "GREAT", "NICE", "DACCORD", "MERCI", "BIEN", "BON", "BEAUCOUP", "OBRIGADO",
    "OBRIGADA", "BOM", "CERTO", "MUITO", "NAGODE", "TO", "TOH", "MADALLA", "HM", "HMM",
})  # fmt: skip
BESIDE = 2  # words on either side of a yes within which a no turns it round: ne marche pas, it is not yet fixed
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
# Those of the keywords that say it by themselves; in Hausa it may be a wish: gyara.
_DONE = frozenset(plain_word(word) for words in DONE.values() for word in words) - {"GYARA"}


def says_fixed(text: str) -> bool | None:
    """True when the words say that it is fixed, False that it is not; None when they say neither, or both, or name
    something by a number."""
    words = _words(text)
    if any(map(str.isdigit, text)):
        return None
    no = [_is_no(word) for word in words]
    fixed = [
        word in FIXED or bool(FIXED_VERB.fullmatch(word)) or (not at and word in _DONE) for at, word in enumerate(words)
    ]
    turned = [said and any(no[max(0, at - BESIDE) : at + BESIDE + 1]) for at, said in enumerate(fixed)]
    yes = any(said and not other for said, other in zip(fixed, turned, strict=True))
    phrase = bool(FIXED_PHRASE.search(" ".join(words))) and not any(no)
    if any(no) or not BROKEN.isdisjoint(words):
        return None if yes else False
    return True if (yes or phrase) and WANTED.isdisjoint(words) else None


def only_thanks(text: str) -> bool:
    """Whether a text says no more than that it was read: ok, asante sana, a thumb."""
    return THANKS.issuperset(_words(text)) and not any(map(str.isdigit, text))


def _is_no(word: str) -> bool:
    return word in NOT or bool(NEGATIVE_VERB.fullmatch(word))


def _words(text: str) -> list[str]:
    return [plain_word(word) for word in _WORD.findall(text)]
