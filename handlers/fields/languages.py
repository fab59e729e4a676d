"""The names of the languages, as people write them."""

from collections.abc import Sequence
from functools import cache

from babel import Locale

# Each language in its own words, unaccented: whoever looks for it can read it.
NAMES = {"en": "English", "sw": "Kiswahili", "fr": "Francais", "pt": "Portugues", "ha": "Hausa"}


def language_names(languages: Sequence[str]) -> dict[str, set[str]]:
    """What each language is called in each of them: Swahili, Kiswahili and souaheli are the same."""
    return {code: {_name(code, one) for one in languages} for code in languages}


@cache
def _name(code: str, language: str) -> str:
    """What a language is called in one."""
    return str(Locale(language).languages[code])
