"""How people write a serial: with or without dashes and spaces, whole or its end."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import product, takewhile
from typing import Any

from bot.talks import Field, Invalid, Turn
from bot.text import normalise
from models.devices import LONGEST
from models.devices.tables import known_serial
from models.tokens.sts import is_meter_number

MOST = 20  # characters of a serial that a sentence shows
MARKS = "/_"  # of a serial at which a line is parted too
MOST_PARTS = 4  # between them


def tidy_serial(answer: str) -> str:
    """A serial or number as it is looked for: in capitals, without spaces and #. A meter number loses its dashes as
    well; its check digit tells it from a serial that has some."""
    serial = "".join(normalise(answer).upper().split()).removeprefix("#")
    digits = serial.replace("-", "")
    return digits if is_meter_number(digits) else serial


async def read_serial(answer: str, mini_grid_id: int | None = None) -> str:
    """The serial that is meant: with the / and _ at which its line was parted, if some device has them in its
    serial; without its dashes, if one has it so."""
    tidied = tidy_serial(answer)
    dashed = [tidied, tidied.replace("-", "")] if "-" in tidied else []
    return await known_serial([*_spellings(answer.split()), *dashed], mini_grid_id) or tidied


async def count_pieces(
    field: Field[Any],
    turn: Turn,
    pieces: Sequence[str],
    known: Callable[[Sequence[str]], Awaitable[str | None]] = known_serial,
) -> int:
    """How many pieces of a line are one serial that was parted at its / and _, or at a space. Pieces are not joined
    over a space when the first is an answer by itself: SHS1 2000 is no SHS12000. A meter number is joined anyway, for
    its check digit tells that it is one. `known` says which of some serials there is first."""
    marked, digits = _joined_pieces(pieces, MARKS), digit_groups(pieces)
    read_aloud = {"".join(digits[:count]): count for count in range(len(digits), 1, -1)}
    spaced = read_aloud | _joined_pieces(pieces, ("", *MARKS))
    fewest = sorted(spaced, key=lambda serial: (not is_meter_number(serial), spaced[serial]))
    found = await known([*marked, *fewest])
    if found is None:
        return 1
    if found in marked or is_meter_number(found):
        return spaced[found]
    if await known([tidy_serial(pieces[0])]):
        return 1
    with suppress(Invalid):
        await field.read(turn, pieces[0])
        return 1
    return spaced[found]


def _joined_pieces(pieces: Sequence[str], gaps: Sequence[str]) -> dict[str, int]:
    """The serials that the first pieces may be, the longest first, and how many each takes."""
    several = range(min(len(pieces), MOST_PARTS), 1, -1)
    return {serial: count for count in several for serial in _spellings(pieces[:count], gaps)}


def _spellings(pieces: Sequence[str], gaps: Sequence[str] = (*MARKS, "")) -> list[str]:
    """AB 12 as AB/12, AB_12 and AB12: those marks alone are separators of a line and of serials."""
    if not 1 < len(pieces) <= MOST_PARTS or sum(map(len, pieces)) >= LONGEST:
        return []
    first, *rest = (tidy_serial(piece) for piece in pieces)
    between = product(gaps, repeat=len(rest))
    return [first + "".join(map("".join, zip(marks, rest, strict=True))) for marks in between]


def digit_groups(pieces: Sequence[str]) -> list[str]:
    """The first pieces of a line, as far as they may be groups of one long number."""
    return list(takewhile(str.isdecimal, (piece.replace("-", "") for piece in pieces[:LONGEST])))
