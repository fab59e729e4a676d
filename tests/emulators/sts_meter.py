"""A strict STS meter with a keypad: what a customer's meter does with the twenty digits typed (IEC 62055-41).
It shares no code with models/tokens/sts.py, so that one mistake cannot hide in both; only the cipher is the same, which
public vectors hold (tests/tokens/test_misty1.py)."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Literal

from models.tokens import misty1

MEMORY = 50  # identifiers that a meter remembers at least; what is older than all of them is refused


@dataclass(frozen=True)
class Accepted:
    kwh: Fraction


@dataclass(frozen=True)
class Refused:
    reason: Literal["malformed", "wrong", "no credit", "used", "old", "not yet"]


@dataclass
class Meter:
    """As it leaves the factory: `key` is its decoder key, `base_year` that of the date from which it counts."""

    key: bytes
    base_year: int = 2014

    def __post_init__(self) -> None:
        self.credit = Fraction(0)
        self._seen: list[int] = []

    def enter(self, token: str, now: datetime) -> Accepted | Refused:
        """Type the digits, without spaces. The meter itself has no clock: `now` says what nobody can have sold yet."""
        if not re.fullmatch("[0-9]{20}", token) or int(token) >= 2**66:
            return Refused("malformed")
        bits = f"{int(token):066b}"
        # The class stands where bits 28 and 27 were; those stand in front.
        place = len(bits) - 29
        token_class, block = bits[place : place + 2], bits[2:place] + bits[:2] + bits[place + 2 :]
        plain = f"{misty1.decrypt(self.key, int(block, 2)):064b}"
        if crc("000000" + token_class + plain[:48]) != plain[48:]:
            return Refused("wrong")
        if token_class != "00" or plain[:4] != "0000":
            return Refused("no credit")
        identifier = int(plain[8:32], 2)
        if identifier in self._seen:
            return Refused("used")
        if len(self._seen) == MEMORY and identifier < self._seen[0]:
            return Refused("old")
        if datetime(self.base_year, 1, 1, tzinfo=UTC) + timedelta(minutes=identifier) > now:
            return Refused("not yet")
        self._seen = sorted([*self._seen, identifier])[-MEMORY:]
        kwh = Fraction(tenths(int(plain[32:34], 2), int(plain[34:48], 2)), 10)
        self.credit += kwh
        return Accepted(kwh)


def tenths(exponent: int, mantissa: int) -> int:
    """The energy of an amount, as the standard has it: ten to the exponent times the mantissa, and what the smaller
    exponents can say."""
    return 10**exponent * mantissa + sum(2**14 * 10 ** (smaller - 1) for smaller in range(1, exponent + 1))


def crc(bits: str) -> str:
    """CRC-16 of Modbus over these bits, its low byte first."""
    register = 0xFFFF
    for start in range(0, len(bits), 8):
        for bit in reversed(bits[start : start + 8]):
            carry = register & 1 ^ int(bit)
            register = register >> 1 ^ (0xA001 if carry else 0)
    written = f"{register:016b}"
    return written[8:] + written[:8]


def decoder_key(vending_key: bytes, supply_group: str, revision: int, pan: str, base_year: int) -> bytes:
    """The unique key of a meter with tariff index 1, as its factory derives it (DKGA04)."""
    parts = ["04", str(base_year)[2:], "11", "01"]
    named = [supply_group, "2", str(revision), pan]
    fields = [bytes([len(part)]) + part.encode() for part in (*parts, *named)]
    message = b"\x04" + b"".join(fields[:4]) + b"\x00\x04" + b"".join(fields[4:]) + b"\x00\x00\x00\x80"
    return hmac.new(vending_key, message, hashlib.sha256).digest()[:16]
