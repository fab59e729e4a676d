"""Questions for a customer: a search, a customer number, or either."""

from collections.abc import Sequence
from contextlib import suppress

from bot.talks import Field, Invalid, PhoneNumber, Turn, echo
from bot.text import Text, _, normalise, numbers, shorten, verbatim
from handlers.fields.serials import MARKS, read_serial
from models.customers import search
from models.devices import TAIL
from models.people import Customer
from models.tokens.sts import is_meter_number

MOST_FOUND = 30
FEWEST_LETTERS = 2


class Search(Field[list[Customer]]):
    """Customers by the beginning of a name, the end of a phone or a serial. It records their numbers; where there are
    more than are shown, one more."""

    name = "search"

    async def read(self, turn: Turn, answer: str) -> list[int]:
        text, serial = " ".join(normalise(answer).split()), await read_serial(answer, turn.agent.mini_grid_id)
        text = serial if is_meter_number(serial) or {*serial} & {*MARKS} else text
        digits = "".join(filter(str.isdecimal, text))
        if sum(map(str.isalpha, text)) < FEWEST_LETTERS and len(digits) < TAIL:
            raise Invalid(_("Write more: 2 letters of a name, or the last 4 of a phone or serial."))
        found = await search.find_customers(
            turn.agent.mini_grid_id, text, _spellings(text, digits, turn), MOST_FOUND + 1
        )
        if not found:
            raise Invalid(_("{answer} not found.", answer=echo(answer, 15)))
        return found

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        return len(pieces)

    async def find(self, turn: Turn, recorded: list[int]) -> list[Customer]:
        found = await search.customers_by_number(turn.agent.mini_grid_id, recorded)
        if not found:
            turn.start_over()
        return found


def _spellings(text: str, digits: str, turn: Turn) -> list[str]:
    """What a phone number may end in: the digits as they are, and the whole number that they spell."""
    if any(map(str.isalpha, text)):
        return []
    with suppress(ValueError):
        return [numbers.parse(text, turn.company.country).removeprefix("+"), digits]
    return [digits]


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


LONGEST_NUMBER = 7  # digits of a customer number; phone numbers are longer
LONGEST_NAME = 20  # septets of a customer's name on a list


class Buyer(Search):
    """Customers of the agent's own mini-grid, by number, phone in any spelling, serial, or part of a name. It records
    their numbers; one line has to fit one customer."""

    name = "customer"

    async def read(self, turn: Turn, answer: str) -> list[int]:
        """Digits are a customer number first, and the end of somebody's phone only if nobody has that number."""
        digits = normalise(answer).strip().removeprefix("#").strip()
        if digits.isdecimal() and len(digits) <= LONGEST_NUMBER and not digits.startswith("0"):
            if await search.customers_by_number(turn.agent.mini_grid_id, [int(digits)]):
                return [int(digits)]
            if len(digits) < TAIL:
                raise Invalid(_("No customer of yours has the number {answer}.", answer=echo(answer)))
        found = await super().read(turn, answer)
        if len(found) > (1 if turn.one_line else MOST_FOUND):
            raise Invalid(_("Several fit {answer}. Send the customer number.", answer=echo(answer)))
        return found

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        return await PhoneNumber(self.prompt).pieces(turn, pieces)


def on_a_list(one: Customer) -> Text:
    return verbatim(f"{shorten(f'{one.name} {one.surname}', LONGEST_NAME)} #{one.id}")
