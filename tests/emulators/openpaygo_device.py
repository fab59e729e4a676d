"""A strict OpenPAYGO device with a keypad: what a customer's solar home system does with the digits typed.
It shares no code and no hash with models/tokens/openpaygo.py, so that one mistake cannot hide in both."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal

from siphash import SipHash_2_4

Kind = Literal["ADD_TIME", "SET_TIME", "DISABLE_PAYG", "COUNTER_SYNC"]

AHEAD = 64  # a token may be this many counts above the last one: 32 lost ADD_TIME tokens
SYNC_AHEAD, SYNC_BEHIND = 100, 64
OLDER = 16  # an unused ADD_TIME may be less than this many counts below the last one
LONGEST_WAIT_MINUTES = 512


@dataclass(frozen=True)
class Accepted:
    days: Fraction
    kind: str


@dataclass(frozen=True)
class Refused:
    reason: Literal["malformed", "locked out", "wrong", "used or too old"]


@dataclass
class Device:
    """As it leaves the factory, expired; `count` is the last count used, `divider` the units per day."""

    key: bytes
    starting_code: int
    count: int = 1
    divider: int = 1
    restricted_digits: bool = False
    paid_until: datetime | None = None
    paid_off: bool = False

    def __post_init__(self) -> None:
        self._nothing_older_than = self.count
        self._used: set[int] = set()
        self._wrong_in_a_row = 0
        self._locked_until: datetime | None = None
        self._chains: dict[int, list[int]] = {}

    def is_on(self, now: datetime) -> bool:
        return self.paid_off or (self.paid_until is not None and now < self.paid_until)

    def enter(self, token: str, now: datetime) -> Accepted | Refused:
        """Type the digits, without spaces, and press enter."""
        if self._locked_until is not None and now < self._locked_until:
            return Refused("locked out")
        if not re.fullmatch("[1-4]{15}" if self.restricted_digits else "[0-9]{9}", token):
            return Refused("malformed")
        code = int(token)
        if self.restricted_digits:
            code = int(token.translate(str.maketrans("1234", "0123")), base=4)
        value = (code - self.starting_code) % 1000
        matching = [(count, kind) for count in self._counts_of(code, value) if (kind := kind_of(count, value))]
        for count, kind in matching:
            if self._acceptable(count, kind):
                return self._accept(count, kind, value, now)
        if matching:
            return Refused("used or too old")
        self._locked_until = now + timedelta(minutes=min(2**self._wrong_in_a_row, LONGEST_WAIT_MINUTES))
        self._wrong_in_a_row += 1
        return Refused("wrong")

    def _counts_of(self, code: int, value: int) -> list[int]:
        """Every count whose token these digits are; two are possible, with one chance in a million each."""
        furthest = self.count + (SYNC_AHEAD if value == 999 else AHEAD)
        first = self.starting_code // 1000 * 1000 + code % 1000
        chain = self._chains.setdefault(code % 1000, [first])
        while len(chain) <= furthest:
            chain.append(self._after(chain[-1]))
        return [count for count in range(furthest + 1) if chain[count] // 1000 == code // 1000]

    def _after(self, code: int) -> int:
        high, low = divmod(SipHash_2_4(self.key, 2 * code.to_bytes(4, "big")).hash(), 1 << 32)
        following: int = (high ^ low) // 4
        return following - 73_741_825 if following >= 10**9 else following

    def _acceptable(self, count: int, kind: Kind) -> bool:
        if kind == "COUNTER_SYNC":
            return self.count - SYNC_BEHIND < count <= self.count + SYNC_AHEAD
        if count > self.count:
            return count <= self.count + AHEAD
        oldest = max(self.count - OLDER, self._nothing_older_than)
        return kind == "ADD_TIME" and count > oldest and count not in self._used

    def _accept(self, count: int, kind: Kind, value: int, now: datetime) -> Accepted:
        self._wrong_in_a_row = 0
        self.count = count if kind == "COUNTER_SYNC" else max(self.count, count)
        if kind == "ADD_TIME":
            self._used.add(count)
        else:
            self._nothing_older_than = count
        if kind == "DISABLE_PAYG":
            self.paid_off = True
        if kind not in ("ADD_TIME", "SET_TIME"):
            return Accepted(Fraction(0), kind)
        time = timedelta(days=1) * value / self.divider
        if kind == "SET_TIME":
            self.paid_off = False
            self.paid_until = now + time
        else:
            self.paid_until = max(now, self.paid_until or now) + time
        return Accepted(Fraction(value, self.divider), kind)


def kind_of(count: int, value: int) -> Kind | None:
    """What a token with this value at this count asks for; None for what a server must never emit."""
    if count % 2 == 0:
        return "ADD_TIME" if value <= 995 else None
    if value == 998:
        return "DISABLE_PAYG"
    if value == 999:
        return "COUNTER_SYNC"
    return "SET_TIME" if value <= 995 else None
