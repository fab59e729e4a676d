"""Where tokens come from. An issuer turns a device, its last count and paid units into the next count and digits.

A local issuer is a pure function and is called inside the sale's transaction. A new kind of device is one more
row in ISSUERS.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from models.tokens import openpaygo, sts

Key = Mapping[str, str | int | bool]


@dataclass(frozen=True)
class Obstacle:
    """Why a device can have no token now."""

    minutes: int | None = None  # until it can have one again; None: never, unless it gets another key


@dataclass(frozen=True)
class Issuer:
    """How one kind of token is made. A count is the last one that the device used."""

    # (key, serial, count, units, now): the new count and the digits. Raises ValueError.
    issue: Callable[[Key, str, int, int, datetime], tuple[int, str]]
    most_units: int  # that one token carries
    group: Callable[[str], str]  # the digits, spaced for people
    # (key, count, now): why there can be no token, told before any money is taken. None: there can be one.
    can_issue: Callable[[Key, int, datetime], Obstacle | None]
    # (units): what a token can say of them, never more than asked.
    carried: Callable[[int], int] = int
    # (key, count): the same for the last payment, whose token runs the device for ever. None: nothing is paid off.
    unlock: Callable[[Key, int], tuple[int, str]] | None = None
    # (key, count, days): the same for a device that runs on of before, for good or for days of somebody else, and is to
    # be paid for again: it runs so many days from then on, perhaps none. One that only adds days would leave it so.
    lock_again: Callable[[Key, int, int], tuple[int, str]] | None = None
    # (key): what one token carries where that depends on the device, at most `most_units`.
    most_of: Callable[[Key], int] | None = None

    def most(self, key: Key) -> int:
        """What one token of the device with this key can carry."""
        return self.most_of(key) if self.most_of else self.most_units


def _openpaygo(key: Key, serial: str, count: int, units: int, now: datetime) -> tuple[int, str]:
    del serial, now
    paygo = _paygo(key)
    days = openpaygo.units_for_days(units, paygo.divider)
    issued = openpaygo.issue(paygo, count, openpaygo.TokenType.ADD_TIME, days)
    return issued.count, issued.token


def _openpaygo_can_issue(_key: Key, count: int, _now: datetime) -> Obstacle | None:
    return None if openpaygo.has_count_left(count) else Obstacle()


def _openpaygo_most(key: Key) -> int:
    return openpaygo.MAX_UNITS // int(key.get("divider", 1))


def _openpaygo_unlock(key: Key, count: int) -> tuple[int, str]:
    issued = openpaygo.issue(_paygo(key), count, openpaygo.TokenType.DISABLE_PAYG, 0)
    return issued.count, issued.token


def _openpaygo_lock_again(key: Key, count: int, days: int) -> tuple[int, str]:
    paygo = _paygo(key)
    units = openpaygo.units_for_days(days, paygo.divider) if days else 0
    issued = openpaygo.issue(paygo, count, openpaygo.TokenType.SET_TIME, units)
    return issued.count, issued.token


def _paygo(key: Key) -> openpaygo.PaygoKey:
    return openpaygo.PaygoKey(
        secret=bytes.fromhex(str(key["secret"])),
        starting_code=int(key["starting_code"]),
        divider=int(key.get("divider", 1)),
        restricted_digits=bool(key.get("restricted_digits", False)),
    )


def _sts(key: Key, serial: str, count: int, units: int, now: datetime) -> tuple[int, str]:
    vending = sts.VendingKey(sgc=str(key["sgc"]), krn=int(key["krn"]), secret=bytes.fromhex(str(key["secret"])))
    meter = sts.derive_key(vending, serial, tariff_index=int(key["ti"]), base_year=int(key["base_year"]))
    tid = sts.next_tid(now, count or None, meter.base_year)
    return tid, sts.encode(meter, tenths=units, tid=tid, rnd=secrets.randbelow(16))


def _sts_can_issue(key: Key, count: int, now: datetime) -> Obstacle | None:
    base_year = int(key["base_year"])
    if not sts.is_in_use(base_year, now, count or None):
        return Obstacle()
    minutes = sts.minutes_to_wait(now, count or None, base_year)
    return Obstacle(minutes) if minutes else None


ISSUERS = {
    "openpaygo": Issuer(
        issue=_openpaygo,
        most_units=openpaygo.MAX_UNITS,
        group=openpaygo.group,
        can_issue=_openpaygo_can_issue,
        unlock=_openpaygo_unlock,
        lock_again=_openpaygo_lock_again,
        most_of=_openpaygo_most,
    ),
    "sts": Issuer(
        issue=_sts,
        most_units=sts.MAX_TENTHS,
        group=sts.group,
        can_issue=_sts_can_issue,
        carried=sts.whole_tenths,
    ),
}
