"""OpenPAYGO Token (specification 2.3): a device's key, its count and the units paid become digits to type.
A sale calls `issue` inside its transaction and stores count and token together, before anything is sent."""

from dataclasses import dataclass, field
from enum import StrEnum
from struct import pack, unpack

from siphash24 import siphash24

MAX_UNITS = 995  # 996 and 997 are reserved, 998 and 999 are commands (specification, Code Values Table)
MAX_COUNT = 65_535  # the reference firmware keeps the count in a uint16


class TokenType(StrEnum):
    ADD_TIME = "add_time"
    SET_TIME = "set_time"
    DISABLE_PAYG = "disable_payg"
    COUNTER_SYNC = "counter_sync"


_COMMAND_VALUES = {TokenType.DISABLE_PAYG: 998, TokenType.COUNTER_SYNC: 999}


@dataclass(frozen=True, slots=True)
class PaygoKey:
    """What the factory burnt into one device; `divider` is its units per day.

    Neither repr nor errors show the secret or the starting code. Raises ValueError for a part out of range.
    """

    secret: bytes = field(repr=False)
    starting_code: int = field(repr=False)
    divider: int = 1
    restricted_digits: bool = False

    def __post_init__(self) -> None:
        # SipHash implementations pad a short key with zeros without a word.
        if not isinstance(self.secret, bytes) or len(self.secret) != 16:
            raise ValueError("The OpenPAYGO key must be 16 bytes.")
        if not _is_integer(self.starting_code, 1, 999_999_999):
            raise ValueError("The starting code must be a whole number from 1 to 999999999.")
        _check_divider(self.divider)


@dataclass(frozen=True, slots=True)
class Issued:
    """The device's new count and the token's digits: 9, or 15 from 1 to 4. The repr shows no token."""

    count: int
    token: str = field(repr=False)


def issue(key: PaygoKey, count: int, kind: TokenType, units: int) -> Issued:
    """Make the token that follows `count`, the last count used for this device.

    `units` are whole device units: 1 to 995 to add, 0 (lock now) to 995 to set, 0 for the two commands.
    Takes time in proportion to the count, about 1 ms for each thousand. Raises ValueError before
    computing anything.
    """
    value = _value(kind, units)
    new_count = _next_count(count, kind)
    # The value rides openly in the last three digits; it also seeds the chain, so it cannot be altered.
    last_three = (key.starting_code + value) % 1000
    code = _end_with(key.starting_code, last_three)
    for _ in range(new_count):
        code = _next_code(key.secret, code)
    code = _end_with(code, last_three)
    return Issued(new_count, _in_digits_1_to_4(code) if key.restricted_digits else f"{code:09d}")


def has_count_left(count: int) -> bool:
    """Whether a token that adds time can follow this count."""
    return count <= MAX_COUNT - 2  # 65,535 is odd: the last count that adds time is 65,534


def units_for_days(days: int, divider: int) -> int:
    """Units of `days` whole days at `divider` units per day; ValueError when one token cannot carry them."""
    _check_divider(divider)
    longest = MAX_UNITS // divider
    if not _is_integer(days, 1, longest):
        raise ValueError(f"One token of this device carries 1 to {longest} whole days.")
    return days * divider


def group(token: str) -> str:
    """Space the digits in threes, as the specification prints them: 123 456 789."""
    return " ".join(token[start : start + 3] for start in range(0, len(token), 3))


def _value(kind: TokenType, units: int) -> int:
    if kind in _COMMAND_VALUES:
        if not _is_integer(units, 0, 0):
            raise ValueError("This kind of token carries no units.")
        return _COMMAND_VALUES[kind]
    # Without a lower bound -2 would be 998, which unlocks the device for good; adding 0 burns a count.
    fewest = 0 if kind is TokenType.SET_TIME else 1
    if not _is_integer(units, fewest, MAX_UNITS):
        raise ValueError(f"The units must be a whole number from {fewest} to {MAX_UNITS}.")
    return units


def _next_count(count: int, kind: TokenType) -> int:
    """The next count above `count` of the kind's parity: even adds time, odd does all else."""
    if not _is_integer(count, 0, MAX_COUNT):
        raise ValueError(f"The count must be a whole number from 0 to {MAX_COUNT}.")
    parity = 0 if kind is TokenType.ADD_TIME else 1
    new_count = count + (2 if count % 2 == parity else 1)
    if new_count > MAX_COUNT:
        raise ValueError(f"This device has no count left: its last is {MAX_COUNT}.")
    return new_count


def _next_code(secret: bytes, code: int) -> int:
    low, high = unpack("<LL", siphash24(pack(">LL", code, code), key=secret).digest())
    # The specification's prose drops the top two bits; the published code and vectors drop the bottom two.
    folded: int = (low ^ high) >> 2
    return folded if folded <= 999_999_999 else folded - 73_741_825


def _end_with(code: int, last_three: int) -> int:
    return code - code % 1000 + last_three


def _in_digits_1_to_4(code: int) -> str:
    """Thirty bits, two to a digit from the top, for keypads of four or five buttons."""
    return "".join(str((code >> shift & 0b11) + 1) for shift in range(28, -1, -2))


def _check_divider(divider: int) -> None:
    if not _is_integer(divider, 1, 255):
        raise ValueError("The divider must be a whole number from 1 to 255.")


def _is_integer(number: int, lowest: int, highest: int) -> bool:
    # `type` and not isinstance: a bool is an int, and a float that slips past mypy would be truncated.
    return type(number) is int and lowest <= number <= highest
