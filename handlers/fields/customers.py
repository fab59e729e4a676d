"""What is asked for an agent's customers: which of them to list, whom to look for, a customer number."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import StrEnum

from bot.talks.chat import Chat
from bot.talks.fields import Field, Invalid, echo
from bot.talks.listing import enumerated
from bot.talks.state import Changed
from bot.text import numbers as phone
from bot.text.grammar import normalise, plain_word
from bot.text.i18n import Text, _
from handlers.fields.devices import MARKS, as_it_stands
from models.customers import search as customers
from models.customers.search import Selection
from models.devices.tables import TAIL, Kind
from models.people.tables import Customer, Village
from models.tokens.sts import is_meter_number


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
MOST_FOUND = 30
FEWEST_LETTERS = 2


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
            zone = chat.site.zone
            midnight = datetime.combine(datetime.now(zone).date(), time(), zone).astimezone(UTC)
        return Selection(chat.agent.mini_grid_id, self.village.id if self.village else None, kind, midnight)


class WhichCustomers(Field[Which]):
    """What stands behind LIST: a village, a filter, a page, in any order but the page last."""

    name = "which"

    def __init__(self, prompt: Text, villages: Sequence[Village]) -> None:
        super().__init__(prompt)
        self._villages = {_folded([village.name]): village for village in villages}

    async def read(self, chat: Chat, answer: str) -> list[str | int]:
        words = normalise(answer).split()
        page = 1
        if words and words[-1].isdecimal() and _folded(words) not in self._villages:
            page = int(words.pop()[:9])
        if not 1 <= page <= MOST_PAGES:
            raise Invalid(_("{answer} is no page: 1 to {most}.", answer=echo(str(page)), most=MOST_PAGES))
        chosen = None if _folded(words) in self._villages else next(filter(None, map(filter_of, words)), None)
        village = _folded([word for word in words if chosen is None or filter_of(word) is not chosen])
        if village and village not in self._villages:
            choices = enumerated([*self._filters(chat.language), *(one.name for one in self._villages.values())])
            raise Invalid(_("{answer} is none of these: {choices}.", answer=echo(answer), choices=choices))
        return [chosen or "", village, page]

    @staticmethod
    def _filters(language: str) -> list[str]:
        return [words.get(language, words["en"]) for words in WORDS.values()]

    async def pieces(self, chat: Chat, pieces: Sequence[str]) -> int:
        return len(pieces)

    async def find(self, chat: Chat, recorded: list[str | int]) -> Which:
        chosen, village, page = recorded
        return Which(Filter(str(chosen)) if chosen else None, self._villages.get(str(village)), int(page))


def filter_of(word: str) -> Filter | None:
    """The filter that a word names, in any language."""
    return next((one for one, words in WORDS.items() if plain_word(word) in words.values()), None)


def _folded(words: Sequence[str]) -> str:
    """A name as it is compared: spaces, full stops, accents and the size of letters do not count."""
    return re.sub(r"[\s.]", "", plain_word("".join(words)))


class Search(Field[list[Customer]]):
    """Customers by the beginning of a name, the end of a phone or a serial. What is recorded are their numbers, one
    more than are shown when there are more."""

    name = "search"

    async def read(self, chat: Chat, answer: str) -> list[int]:
        text, serial = " ".join(normalise(answer).split()), await as_it_stands(answer, chat.agent.mini_grid_id)
        text = serial if is_meter_number(serial) or {*serial} & {*MARKS} else text
        digits = "".join(filter(str.isdecimal, text))
        if sum(map(str.isalpha, text)) < FEWEST_LETTERS and len(digits) < TAIL:
            raise Invalid(_("Write more: 2 letters of a name, or the last 4 of a phone or serial."))
        found = await customers.find(chat.agent.mini_grid_id, text, _spellings(text, digits, chat), MOST_FOUND + 1)
        if not found:
            raise Invalid(_("{answer} not found.", answer=echo(answer, 15)))
        return found

    async def pieces(self, chat: Chat, pieces: Sequence[str]) -> int:
        return len(pieces)

    async def find(self, chat: Chat, recorded: list[int]) -> list[Customer]:
        found = await customers.with_numbers(chat.agent.mini_grid_id, recorded)
        if not found:
            raise Changed
        return found


def _spellings(text: str, digits: str, chat: Chat) -> list[str]:
    """What a phone number may end in: the digits as they are, and the whole number that they spell."""
    if any(map(str.isalpha, text)):
        return []
    with suppress(ValueError):
        return [phone.parse(text, chat.site.country).removeprefix("+"), digits]
    return [digits]


class CustomerNumber(Field[Customer]):
    """One of the customers of the agent's own mini-grid, by the number that lists show."""

    name = "customer"

    async def read(self, chat: Chat, answer: str) -> int:
        digits = normalise(answer).removeprefix("#").strip()
        number = int(digits) if digits.isdecimal() and len(digits) < 10 else 0
        if not await customers.with_numbers(chat.agent.mini_grid_id, [number]):
            raise Invalid(_("No customer of yours has the number {answer}.", answer=echo(answer)))
        return number

    async def find(self, chat: Chat, recorded: int) -> Customer:
        found = await customers.with_numbers(chat.agent.mini_grid_id, [recorded])
        if not found:
            raise Changed
        return found[0]
