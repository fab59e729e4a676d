"""Questions for a customer: one of them by whatever names one, a search, a customer number."""

from collections.abc import Sequence
from contextlib import suppress

from bot.talks import Field, Invalid, Turn, echo
from bot.text import Text, _, normalise, numbers
from handlers.fields.naming import MOST_FOUND, Named, found_by_name, named, nobody_found, owner_of
from handlers.fields.serials import MARKS, read_serial
from models.customers import search
from models.devices import TAIL
from models.people import Customer
from models.tokens.sts import is_meter_number

FEWEST_LETTERS = 2


class CustomerNumber(Field[Customer]):
    """One of the customers of the agent's own mini-grid, by the number that lists show."""

    name = "customer"

    async def read(self, turn: Turn, answer: str) -> int:
        digits = normalise(answer).removeprefix("#").strip()
        number = int(digits) if digits.isdecimal() and len(digits) < 10 else 0
        if not await search.customers_by_number(turn.agent.mini_grid_id, [number]):
            raise Invalid(_("No customer of yours has the number {answer}.", answer=echo(answer)))
        return number

    async def find(self, turn: Turn, recorded: int) -> Customer:
        found = await search.customers_by_number(turn.agent.mini_grid_id, [recorded])
        if not found:
            turn.start_over()
        return found[0]


class Buyer(Named[Customer]):
    """One customer."""

    name = "customer"

    async def fitting(self, turn: Turn, found: list[str]) -> list[str]:
        return await _owners(turn, found)

    async def resolve(self, turn: Turn, key: str) -> Customer | None:
        return await owner_of(turn, key)


async def _owners(turn: Turn, found: Sequence[str]) -> list[str]:
    keys = []
    for key in found:
        owner = None if key.startswith("customer ") else await owner_of(turn, key)
        keys.append(f"customer {owner.id}" if owner else key)
    return list(dict.fromkeys(keys))


class Search(Named[list[Customer]]):
    """All customers that fit, also those who have the text in the middle of the name; where there are more than are
    shown, one more."""

    name = "search"

    async def read(self, turn: Turn, answer: str) -> list[str]:
        grid, text = turn.agent.mini_grid_id, await self._text(turn, answer)
        digits = "".join(filter(str.isdecimal, text))
        found = await _owners(turn, await named(turn, answer))
        if not found and sum(map(str.isalpha, text)) < FEWEST_LETTERS and len(digits) < TAIL:
            raise Invalid(_("Write more: 2 letters of a name, or the last 4 of a phone or serial."))
        loosely = await search.by_phone_or_serial(grid, text, _spellings(text, digits, turn), MOST_FOUND + 1)
        loosely = loosely or await found_by_name(turn, text)
        found = list(dict.fromkeys([*found, *(f"customer {one}" for one in loosely)]))[: MOST_FOUND + 1]
        if not found:
            raise Invalid(await nobody_found(turn, answer))
        return found

    @staticmethod
    async def _text(turn: Turn, answer: str) -> str:
        serial = await read_serial(answer, turn.agent.mini_grid_id)
        return serial if is_meter_number(serial) or {*serial} & {*MARKS} else " ".join(normalise(answer).split())

    async def labels(self, turn: Turn, recorded: list[str]) -> list[tuple[str, Text]]:
        return []

    async def find(self, turn: Turn, recorded: list[str] | str) -> list[Customer]:
        numbers_found = [int(key.removeprefix("customer ")) for key in recorded]
        found = await search.customers_by_number(turn.agent.mini_grid_id, numbers_found)
        if not found:
            turn.start_over()
        return found

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        return len(pieces)


def _spellings(text: str, digits: str, turn: Turn) -> list[str]:
    """What a phone number may end in: the digits as they are, and the whole number that they spell."""
    if any(map(str.isalpha, text)):
        return []
    with suppress(ValueError):
        return [numbers.parse(text, turn.company.country).removeprefix("+"), digits]
    return [digits]
