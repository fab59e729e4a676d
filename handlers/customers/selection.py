"""Which customers an agent wants listed: a filter, a village, a page, in any order."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum

from bot.talks import Chat, Field, Invalid, Turn, echo
from bot.talks.listing import enumerated
from bot.text import Text, _, normalise, plain_word
from models.customers.search import Selection
from models.devices import Kind
from models.people import Village


class Filter(StrEnum):
    """The filters that people know from the app (reference: mpm 1.8)."""

    METER = "meter"
    SHS = "shs"
    TODAY = "today"


LABELS = {
    Filter.METER: _("With meter"),
    Filter.SHS: _("With solar home system"),
    Filter.TODAY: _("Registered today"),
}
WORDS: Mapping[Filter, Mapping[str, str]] = {
    Filter.METER: {"en": "METER", "sw": "MITA", "fr": "COMPTEUR", "pt": "CONTADOR", "ha": "MITA"},
    Filter.SHS: {"en": "SHS"},
    Filter.TODAY: {"en": "TODAY", "sw": "LEO", "fr": "AUJOURDHUI", "pt": "HOJE", "ha": "YAU"},
}
MOST_PAGES = 20  # further down FIND is quicker


@dataclass(frozen=True)
class Which:
    """A filter, a village and a page, each if it was named."""

    filter: Filter | None = None
    village: Village | None = None
    page: int = 1

    def selection(self, chat: Chat) -> Selection:
        kind = Kind(self.filter) if self.filter in (Filter.METER, Filter.SHS) else None
        midnight = None
        if self.filter is Filter.TODAY:
            zone = chat.company.zone
            midnight = datetime.combine(datetime.now(zone).date(), time(), zone).astimezone(UTC)
        village_id = self.village.id if self.village else None
        return Selection(chat.agent.mini_grid_id, village_id=village_id, kind=kind, since=midnight)


class WhichCustomers(Field[Which]):
    """What stands behind LIST: a village, a filter, a page, in any order but the page last."""

    name = "which"

    def __init__(self, prompt: Text, villages: Sequence[Village]) -> None:
        super().__init__(prompt)
        self._villages = {_folded([village.name]): village for village in villages}

    async def read(self, turn: Turn, answer: str) -> list[str | int]:
        words = normalise(answer).split()
        page = 1
        if words and words[-1].isdecimal() and _folded(words) not in self._villages:
            page = int(words.pop()[:9])
        if not 1 <= page <= MOST_PAGES:
            raise Invalid(_("{answer} is no page: 1 to {most}.", answer=echo(str(page)), most=MOST_PAGES))
        chosen = None if _folded(words) in self._villages else next(filter(None, map(filter_of, words)), None)
        village = _folded([word for word in words if chosen is None or filter_of(word) is not chosen])
        if village and village not in self._villages:
            choices = enumerated([*self._filters(turn.language), *(one.name for one in self._villages.values())])
            raise Invalid(_("{answer}? Send one of: {choices}.", answer=echo(answer), choices=choices))
        return [chosen or "", village, page]

    @staticmethod
    def _filters(language: str) -> list[str]:
        return [words.get(language, words["en"]) for words in WORDS.values()]

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        return len(pieces)

    async def find(self, turn: Turn, recorded: list[str | int]) -> Which:
        chosen, village, page = recorded
        return Which(Filter(str(chosen)) if chosen else None, self._villages.get(str(village)), int(page))


def filter_of(word: str) -> Filter | None:
    """The filter that a word names, in any language."""
    return next((one for one, words in WORDS.items() if plain_word(word) in words.values()), None)


def _folded(words: Sequence[str]) -> str:
    """A name as it is compared: spaces, full stops, accents and the size of letters do not count."""
    return re.sub(r"[\s.]", "", plain_word("".join(words)))
